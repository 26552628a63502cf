// SPDX-License-Identifier: MIT
/*
 * GET /healthz: 200 while requests can be answered ("ok", or "degraded" with
 * the reason), 503 when the database cannot be reached or does not answer.
 *
 * One question is on its way at a time.  Who comes meanwhile waits for the
 * next one: an answer is never older than its request.  While the database is
 * known to be silent nobody waits, and the question is asked again and again.
 */
#include "api/health.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "api/api.h"
#include "api/metrics.h"
#include "api/resources.h"
#include "common/db/pool.h"
#include "common/when.h"

enum {
	EVENT_PERIOD_S = 60,
	EVENT_LATE_S = 3 * EVENT_PERIOD_S,
	ROLLUP_LATE_S = 300,
	BACKUP_LATE_S = 26 * 3600, /* a day, one that has 25 hours, a while */
	CALENDAR_DAYS = 400,
	PARTITION_DAYS = 10,
	TICK_MS = 100,
	CHECKS_MAX = 65536 /* what jobs failed with, however it is escaped */
};

/* A request; its memory. */
struct waiter {
	struct req *req;
	struct waiter *next;
	int64_t until_ms;
	bool late; /* nothing was heard in time */
};

struct health {
	struct api *api;
	struct pool *pool;
	struct event tick;
	struct waiter *of_this, *of_next; /* who waits for which question */
	bool asking, silent; /* silent: it has not answered for too long */
	int64_t asked_ms;
	struct pool_job job;
	struct arena arena;
	struct db_rows rows;
	enum err err;
};

static void ask(struct health *h);

static void resume(struct waiter *list)
{
	struct waiter *next;

	for (; list; list = next) {
		next = list->next;
		req_resume(list->req, E_OK);
	}
}

static void answered(struct pool_job *job, enum err e)
{
	struct health *h = job->ctx;
	struct waiter *list = h->of_this;

	h->err = e;
	h->of_this = NULL;
	h->silent = e && when_clock_ms() - h->asked_ms >= HEALTH_WAIT_MS;
	resume(list);
	/* Only now: a request behind one of these may have come to wait. */
	h->asking = false;
	if (h->of_next || h->silent)
		ask(h);
}

static void ask(struct health *h)
{
	h->of_this = h->of_next;
	h->of_next = NULL;
	h->asking = true;
	h->asked_ms = when_clock_ms();
	arena_reset(&h->arena);
	h->rows = (struct db_rows){0};
	h->job = (struct pool_job){.stmt = Q_HEALTH,
		.arena = &h->arena,
		.rows = &h->rows,
		.done = answered,
		.ctx = h};
	if (pool_submit(h->pool, &h->job))
		h->asking = false; /* the tick ends the wait */
}

/* Takes those out whose time is over. */
static void expire(struct waiter **from, struct waiter **late, int64_t now)
{
	while (*from) {
		struct waiter *w = *from;

		if (w->until_ms > now) {
			from = &w->next;
			continue;
		}
		*from = w->next;
		w->late = true;
		w->next = *late;
		*late = w;
	}
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct health *h = arg;
	struct waiter *late = NULL;
	int64_t now = when_clock_ms();

	(void)fd;
	(void)what;
	h->silent |= h->asking && now - h->asked_ms >= HEALTH_WAIT_MS;
	expire(&h->of_this, &late, now);
	expire(&h->of_next, &late, now);
	if (!h->of_this && !h->of_next)
		event_del(&h->tick);
	resume(late);
}

enum err health_open(struct health **out, struct api *api)
{
	struct health *h = calloc(1, sizeof(*h));
	struct db_account account = api->account;

	*out = h;
	if (!h)
		return E_NOMEM;
	h->api = api;
	arena_init(&h->arena, 65536);
	account.timeout_s = HEALTH_TIMEOUT_S;
	event_assign(&h->tick, api->base, -1, EV_PERSIST, on_tick, h);
	return pool_open(&h->pool, api->base, &account, 1);
}

void health_close(struct health *h)
{
	if (!h)
		return;
	event_del(&h->tick);
	pool_close(h->pool);
	arena_reset(&h->arena);
	free(h);
}

const struct db_cell *health_row(const struct req *r)
{
	const struct health *h = r->api->health;
	const struct waiter *w = r->state;

	return w->late || h->err || !h->rows.n ? NULL : h->rows.cell;
}

struct pool *health_pool(struct health *h)
{
	return h->pool;
}

enum step health_ask(struct req *r)
{
	struct timeval often = {0, TICK_MS * 1000};
	struct health *h = r->api->health;
	struct waiter *w = arena_alloc(&r->arena, sizeof(*w));

	if (!w)
		return req_fail(r, E_NOMEM);
	r->state = w;
	w->req = r;
	w->until_ms = when_clock_ms() + HEALTH_WAIT_MS;
	w->next = h->of_next;
	h->of_next = w;
	/* Nothing is heard to a question that was asked long ago: that is the
	 * answer to this one, and the next comes with the first word. */
	if (h->silent && h->asking) {
		h->of_next = w->next;
		w->late = true;
		return STEP_NEXT;
	}
	if (!event_pending(&h->tick, EV_TIMEOUT, NULL))
		event_add(&h->tick, &often);
	if (!h->asking)
		ask(h);
	return STEP_WAIT;
}

static enum step down_answer(struct req *r, const char *detail)
{
	struct text *t = &r->out;

	text_str(&r->headers, "Retry-After: 2\r\nCache-Control: no-store\r\n");
	json_open(t, NULL, '{');
	json_str(t, "status", "down");
	json_open(t, "checks", '{');
	json_open(t, "database", '{');
	json_str(t, "status", "down");
	json_str(t, "detail", detail);
	json_close(t, '}');
	json_close(t, '}');
	json_close(t, '}');
	return req_json(r, 503);
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
	if (c[H_SCHEDULER].null || strcmp(c[H_SCHEDULER].s.at, "ON") != 0)
		return "the event scheduler is off";
	if (c[H_EVENT].null || strcmp(c[H_EVENT].s.at, "ENABLED") != 0)
		return "the event tally_minute is missing or disabled";
	if (c[H_EVENT_AGE].null || c[H_EVENT_AGE].i >= EVENT_LATE_S)
		return "no event has run for three minutes";
	if (c[H_EVENT_AGE].i < -EVENT_PERIOD_S)
		return "the server's clock was put back: the event waits for "
		       "the time of its next run";
	return NULL;
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

static const char *partitions_fault(const struct db_cell *c)
{
	if (c[H_PARTITIONS].null || c[H_PARTITIONS].i < PARTITION_DAYS)
		return "partitions are not made ahead";
	if (c[H_BEYOND].i)
		return "rows lie beyond the last month's partition";
	if (!c[H_RETENTION].null)
		return c[H_RETENTION].s.at;
	return NULL;
}

static const char *backup_fault(const struct db_cell *c)
{
	if (c[H_BACKUP_WANTED].null)
		return NULL; /* the worker was not told to make any */
	if (!c[H_BACKUP_ERROR].null)
		return c[H_BACKUP_ERROR].s.at;
	if (c[H_BACKUP_WAIT].i > BACKUP_LATE_S)
		return "no good backup for more than 26 hours";
	return NULL;
}

static void instant(struct text *t, const char *name, const struct db_cell *c)
{
	char at[WHEN_TEXT];

	if (c->null)
		json_null(t, name);
	else
		json_str(t, name,
			when_format(at, when_from_number(c->i), 0, true));
}

static bool backup_check(struct text *t, const struct db_cell *c)
{
	bool bad = check(t, "backup", backup_fault(c));

	instant(t, "wanted_since", &c[H_BACKUP_WANTED]);
	instant(t, "last_good", &c[H_BACKUP_TAKEN]);
	integer(t, "age_s", &c[H_BACKUP_AGE]);
	integer(t, "bytes", &c[H_BACKUP_BYTES]);
	json_str(t, "error",
		c[H_BACKUP_ERROR].null ? NULL : c[H_BACKUP_ERROR].s.at);
	json_close(t, '}');
	return bad;
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
	bad |= check(t, "partitions", partitions_fault(c));
	integer(t, "days_ahead", &c[H_PARTITIONS]);
	integer(t, "rows_beyond", &c[H_BEYOND]);
	instant(t, "kept_from", &c[H_KEPT_FROM]);
	json_close(t, '}');
	bad |= check(t, "outliers",
		c[H_TRIGGERS].i ? "the outlier rule failed on some rows"
				: NULL);
	integer(t, "failures", &c[H_TRIGGERS]);
	json_close(t, '}');
	return bad;
}

static bool ingest_check(struct text *t, const struct db_cell *c)
{
	bool bad = check(t, "ingest",
		c[H_INGESTS_FULL].i ? "the spool of an ingest is full"
			: c[H_INGESTS_LATE].i
			? "an ingest has said nothing for a minute"
			: NULL);

	integer(t, "known", &c[H_INGESTS]);
	integer(t, "late", &c[H_INGESTS_LATE]);
	integer(t, "full", &c[H_INGESTS_FULL]);
	integer(t, "rows_waiting", &c[H_WAITING]);
	integer(t, "oldest_s", &c[H_OLDEST]);
	json_close(t, '}');
	return bad;
}

enum step health_answer(struct req *r)
{
	const struct health *h = r->api->health;
	const struct waiter *w = r->state;
	const struct db_cell *c = h->rows.cell;
	struct text *t = &r->out, checks;
	bool bad;

	if (w->late)
		return down_answer(r, "the database does not answer");
	if (h->err == E_DB_GONE)
		return down_answer(r, "the database is not reachable");
	if (h->err || !h->rows.n)
		return down_answer(r, "the database does not know its state");
	text_init(&checks, CHECKS_MAX);
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
	bad |= ingest_check(&checks, c);
	bad |= backup_check(&checks, c);
	/* So far a bound that was reached is no fault of its own. */
	check(&checks, "server", NULL);
	metrics_health(&checks, r->api);
	json_close(&checks, '}');
	json_close(&checks, '}');
	json_open(t, NULL, '{');
	json_str(t, "status", bad ? "degraded" : "ok");
	text_str(t, ",\"checks\":");
	text_add(t, checks.at ? checks.at : "null", checks.at ? checks.n : 4);
	text_free(&checks);
	json_close(t, '}');
	return req_json(r, 200);
}
