// SPDX-License-Identifier: MIT
#include "analytics/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analytics/backup_due.h"
#include "analytics/calendar.h"
#include "analytics/watch.h"
#include "common/db/sync.h"
#include "common/log.h"
#include "common/when.h"

enum {
	ROUNDS = 4,	 /* a period */
	RETRY_MS = 1000, /* for a database that is away: doubles ... */
	RETRY_MAX_MS = 16000,
	RUN_TIMEOUT_S = 180 /* run_minute stops itself long before */
};

struct worker {
	struct db *db;
	struct arena arena;
	struct watch watch;
	struct backup_duty *backup;
	char fault[256];      /* how the last run failed; empty: it worked */
	int64_t retry_ms;     /* 0: the database answers */
	int64_t calendar_day; /* days since 1970 of the last extension */
};

enum err worker_open(struct worker **w, const struct conf *c)
{
	struct db_account a =
		db_account_of(c, c->worker_db_user, c->worker_db_password_file);
	enum err e;

	if (!(*w = calloc(1, sizeof(**w))))
		return E_NOMEM;
	a.timeout_s = RUN_TIMEOUT_S;
	if ((e = db_open(&(*w)->db, &a)) ||
		(e = backup_duty_open(&(*w)->backup, c, &a))) {
		db_close((*w)->db);
		free(*w);
		return e;
	}
	arena_init(&(*w)->arena, 64 << 10);
	watch_init(&(*w)->watch, (int64_t)c->worker_period_s * 1000,
		when_clock_ms());
	return E_OK;
}

void worker_close(struct worker *w)
{
	backup_duty_close(w->backup);
	db_close(w->db);
	arena_reset(&w->arena);
	free(w);
}

bool worker_busy(const struct worker *w)
{
	return backup_duty_runs(w->backup);
}

static bool is(const struct db_cell *c, const char *word)
{
	return !c->null && !strcmp(c->s.at, word);
}

static void tell(enum watch_change change, const struct watch_seen *seen,
	const struct db_cell *c)
{
	switch (change) {
	case WATCH_SAME:
		return;
	case WATCH_GIVEN_BACK:
		log_info("events: they run again; leaving the minute's work "
			 "to them");
		return;
	case WATCH_TAKEN_OVER:
		break;
	}
	if (!seen->scheduler_on)
		log_warn("events: the scheduler is %s; doing the minute's work "
			 "from here",
			c[0].null ? "missing" : c[0].s.at);
	else if (!seen->event_enabled)
		log_warn("events: tally_minute is %s; doing the minute's work "
			 "from here",
			c[1].null ? "missing" : c[1].s.at);
	else if (!seen->ran)
		log_warn("events: tally_minute has never run; doing the "
			 "minute's work from here");
	else if (seen->fails)
		log_warn("events: tally_minute fails; doing the minute's work "
			 "from here");
	else
		log_warn("events: tally_minute ran %lld s ago; doing the "
			 "minute's work from here",
			(long long)seen->age_s);
}

/* Whoever ran, the event or this worker: once a cause. */
static void tell_fault(struct worker *w, const struct db_cell *error)
{
	char fault[sizeof(w->fault)] = "";

	if (!error->null)
		snprintf(fault, sizeof(fault), "%s", error->s.at);
	if (!strcmp(fault, w->fault))
		return;
	if (*fault)
		log_error("events: the minute's work failed: %s", fault);
	else
		log_info("events: the minute's work is done again");
	memcpy(w->fault, fault, sizeof(fault));
}

static enum err watch_events(struct worker *w)
{
	struct watch_seen seen;
	struct db_rows rows;
	const struct db_cell *c;
	enum err e;

	if ((e = db_run(w->db, Q_WATCH, NULL, &w->arena, &rows)))
		return e;
	if (!rows.n)
		return E_NOT_FOUND;
	c = rows.cell;
	seen = (struct watch_seen){.scheduler_on = is(&c[0], "ON"),
		.event_enabled = is(&c[1], "ENABLED"),
		.ran = !c[2].null,
		.age_s = c[2].i,
		.fails = !c[3].null,
		.worked = !c[4].null,
		.worked_s = c[4].i};
	tell_fault(w, &c[3]);
	tell(watch_look(&w->watch, &seen, when_clock_ms()), &seen, c);
	if (!watch_due(&w->watch, when_clock_ms()))
		return E_OK;
	watch_ran(&w->watch, when_clock_ms());
	return db_run(w->db, Q_RUN_MINUTE, NULL, NULL, NULL);
}

static enum err keep_calendar(struct worker *w)
{
	int64_t today = when_now() / DAY_S;
	size_t zones;
	enum err e;

	if (today == w->calendar_day)
		return E_OK;
	e = calendar_extend(w->db, &zones);
	/* A damaged zone file has been told of; it is not told again today. */
	if (e != E_DB_GONE && e != E_BUSY)
		w->calendar_day = today;
	return e;
}

/* The database is away: wait longer each time. */
static void back_off(struct worker *w)
{
	w->retry_ms = w->retry_ms ? w->retry_ms * 2 : RETRY_MS;
	if (w->retry_ms > RETRY_MAX_MS)
		w->retry_ms = RETRY_MAX_MS;
}

enum err worker_round(struct worker *w, int64_t *wait_ms)
{
	bool was_away = w->retry_ms;
	enum err e = db_connect(w->db);

	if (!e && was_away)
		watch_back(&w->watch, when_clock_ms());
	if (!e)
		e = watch_events(w);
	if (!e)
		e = keep_calendar(w);
	if (!e)
		e = backup_duty_look(w->backup, w->db, &w->arena);
	arena_reset(&w->arena);
	if (e == E_REFUSED)
		return e;
	if (e == E_DB_GONE)
		back_off(w);
	else
		w->retry_ms = 0;
	*wait_ms = w->retry_ms ? w->retry_ms : w->watch.period_ms / ROUNDS;
	return E_OK;
}
