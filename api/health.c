// SPDX-License-Identifier: MIT
/*
 * GET /healthz: 200 while requests can be answered ("ok", or "degraded" with
 * the reason), 503 when the database cannot be reached.
 */
#include "api/api.h"
#include "api/commit.h"
#include "api/resources.h"
#include "api/server.h"
#include "common/db/pool.h"

enum {
	EVENT_LATE_S = 180, /* three periods of the minute event */
	ROLLUP_LATE_S = 300,
	CALENDAR_DAYS = 400,
	PARTITION_DAYS = 10
};

/* Columns of Q_HEALTH. */
enum {
	H_SCHEDULER,
	H_EVENT,
	H_EVENT_AGE,
	H_RUN_AGE,
	H_RUNNER,
	H_ERROR,
	H_DIRTY,
	H_LAG,
	H_PARTITIONS,
	H_CALENDAR,
	H_TRIGGERS
};

static void down_answer(struct req *r)
{
	json_open(&r->out, NULL, '{');
	json_str(&r->out, "status", "down");
	json_open(&r->out, "checks", '{');
	json_open(&r->out, "database", '{');
	json_str(&r->out, "status", "down");
	json_str(&r->out, "detail", "the database is not reachable");
	json_close(&r->out, '}');
	json_close(&r->out, '}');
	json_close(&r->out, '}');
	req_json(r, 503);
}

static void health_done(struct pool_job *job, enum err e)
{
	struct req *r = job->ctx;

	if (e)
		down_answer(r);
	req_resume(r, E_OK);
}

enum step health_ask(struct req *r)
{
	enum step s = req_query(r, Q_HEALTH, NULL, 0);

	/* A failure here is an answer of its own. */
	r->job.done = health_done;
	return s;
}

static void integer(struct text *t, const char *name, const struct db_cell *c)
{
	if (c->null)
		json_null(t, name);
	else
		json_int(t, name, c->i);
}

/* One check; detail NULL is ok.  Left open for more members. */
static bool check(struct text *t, const char *name, const char *detail)
{
	json_open(t, name, '{');
	json_str(t, "status", detail ? "degraded" : "ok");
	if (detail)
		json_str(t, "detail", detail);
	return detail != NULL;
}

static const char *events_fault(const struct db_cell *c)
{
	if (!c[H_EVENT_AGE].null && c[H_EVENT_AGE].i < EVENT_LATE_S)
		return NULL;
	if (c[H_SCHEDULER].null || strcmp(c[H_SCHEDULER].s.at, "ON") != 0)
		return "the event scheduler is off";
	if (c[H_EVENT].null || strcmp(c[H_EVENT].s.at, "ENABLED") != 0)
		return "the event tally_minute is missing or disabled";
	return "no event has run for three minutes";
}

static const char *rollup_fault(const struct db_cell *c)
{
	if (!c[H_ERROR].null)
		return c[H_ERROR].s.at;
	if (c[H_LAG].i > ROLLUP_LATE_S)
		return "marked rows wait for longer than five minutes";
	if (c[H_RUN_AGE].null || c[H_RUN_AGE].i >= EVENT_LATE_S)
		return "nobody rolls up";
	return NULL;
}

static bool storage_checks(struct text *t, const struct db_cell *c)
{
	bool bad;

	bad = check(t, "calendar",
		!c[H_CALENDAR].null && c[H_CALENDAR].i < CALENDAR_DAYS
			? "the calendar ends soon"
			: NULL);
	integer(t, "days_ahead", &c[H_CALENDAR]);
	json_close(t, '}');
	bad |= check(t, "partitions",
		c[H_PARTITIONS].null || c[H_PARTITIONS].i < PARTITION_DAYS
			? "partitions are not made ahead"
			: NULL);
	integer(t, "days_ahead", &c[H_PARTITIONS]);
	json_close(t, '}');
	bad |= check(t, "outliers",
		c[H_TRIGGERS].i ? "the outlier rule failed on some rows"
				: NULL);
	integer(t, "failures", &c[H_TRIGGERS]);
	json_close(t, '}');
	return bad;
}

enum step health_answer(struct req *r)
{
	const struct db_cell *c = r->rows.cell;
	struct text *t = &r->out, checks;
	bool bad;

	if (!r->rows.n)
		return req_fail(r, E_DB);
	text_init(&checks, 8192);
	json_open(&checks, NULL, '{');
	bad = check(&checks, "database", NULL);
	json_close(&checks, '}');
	bad |= check(&checks, "events", events_fault(c));
	json_str(&checks, "scheduler",
		c[H_SCHEDULER].null ? NULL : c[H_SCHEDULER].s.at);
	integer(&checks, "last_run_s", &c[H_EVENT_AGE]);
	json_close(&checks, '}');
	bad |= check(&checks, "rollup", rollup_fault(c));
	integer(&checks, "lag_s", &c[H_LAG]);
	integer(&checks, "dirty", &c[H_DIRTY]);
	json_str(&checks, "runner", c[H_RUNNER].null ? NULL : c[H_RUNNER].s.at);
	integer(&checks, "last_run_s", &c[H_RUN_AGE]);
	json_close(&checks, '}');
	bad |= storage_checks(&checks, c);
	json_close(&checks, '}');
	json_open(t, NULL, '{');
	json_str(t, "status", bad ? "degraded" : "ok");
	text_str(t, ",\"checks\":");
	text_add(t, checks.at ? checks.at : "null", checks.at ? checks.n : 4);
	text_free(&checks);
	json_close(t, '}');
	return req_json(r, 200);
}
