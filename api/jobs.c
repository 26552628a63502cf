// SPDX-License-Identifier: MIT
/*
 * POST /api/v1/jobs/roll_up: until every row stored before the call is in
 * every level.  Runs on a work thread: it may take long.
 */
#include <stdio.h>

#include "api/api.h"
#include "api/audit.h"
#include "api/resources.h"
#include "api/work.h"

enum { ROLL_UP_WAIT_S = 300 };

struct roll_up {
	int64_t rows, buckets, ms;
	char failure[256];
};

/* The procedure has committed: this is a transaction of its own. */
static enum err note(struct req *r, struct db *db, const struct roll_up *u)
{
	struct audit_by by = audit_who(r);
	char detail[120];

	snprintf(detail, sizeof(detail),
		"{\"rows\":%lld,\"buckets\":%lld,\"ms\":%lld}",
		(long long)u->rows, (long long)u->buckets, (long long)u->ms);
	return audit_add(db, &by, "roll_up", NULL, detail);
}

static enum err run(struct req *r, struct db *db)
{
	struct roll_up *u = r->state;
	struct db_rows rows = {0};
	struct arena a;
	enum err e;

	arena_init(&a, 65536);
	e = db_run(db, Q_ROLL_UP_NOW, DB_ARGS(DB_I(ROLL_UP_WAIT_S)), &a, &rows);
	if (!e && rows.n) {
		u->rows = rows.cell[0].i;
		u->buckets = rows.cell[1].i;
		u->ms = rows.cell[2].i;
	}
	if (!e)
		e = note(r, db, u);
	arena_reset(&a);
	/* 45000: its own words are meant for whoever asked. */
	if (e == E_DB && db_error_no(db) == 1644) {
		snprintf(u->failure, sizeof(u->failure), "%s",
			db_error_text(db));
		return E_OK;
	}
	return e;
}

enum step roll_up_run(struct req *r)
{
	enum step s = req_no_params(r);

	if (s != STEP_NEXT)
		return s;
	if (!(r->state = arena_alloc(&r->arena, sizeof(struct roll_up))))
		return req_fail(r, E_NOMEM);
	return work_run(r->api->jobs, r, run);
}

enum step roll_up_answer(struct req *r)
{
	const struct roll_up *u = r->state;

	if (u->failure[0]) {
		text_str(&r->headers, "Retry-After: 10\r\n");
		return req_problem(r, 503, "busy", "%s", u->failure);
	}
	json_open(&r->out, NULL, '{');
	json_int(&r->out, "rows", u->rows);
	json_int(&r->out, "buckets", u->buckets);
	json_int(&r->out, "ms", u->ms);
	json_close(&r->out, '}');
	return req_json(r, 200);
}
