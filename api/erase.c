// SPDX-License-Identifier: MIT
/*
 * DELETE /api/v1/counts: rows of the cameras that are named, in a range that
 * is bounded on both sides.  On a work thread, in chunks of a transaction each,
 * through the row triggers: what is gone is recounted and its outliers are
 * withdrawn.  Cut short, it has deleted whole chunks, and can be sent again.
 */
#include <stdio.h>
#include <unistd.h>

#include "api/api.h"
#include "api/audit.h"
#include "api/resources.h"
#include "api/series.h"
#include "api/work.h"

enum { CHUNK = 2000, TRIES = 5 };

struct erase {
	struct series series;
	int64_t kept_from;
	bool unkept; /* rows before it were asked for: nothing was deleted */
	uint64_t deleted;
};

enum step erase_begin(struct req *r)
{
	static const char *const wanted[] = {"camera", "from", "to"};
	struct erase *e = arena_alloc(&r->arena, sizeof(*e));
	const char *v = query_unknown(&r->query, wanted, ARRAY_LEN(wanted));
	enum step s;

	if (!e)
		return req_fail(r, E_NOMEM);
	r->state = e;
	if (v)
		return req_problem(r, 400, "unknown-parameter",
			"the parameter %.60s is not known", v);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		if (!query_get(&r->query, wanted[i]))
			return req_problem(r, 400, "bad-parameter",
				"%s is missing: what is to be deleted has to "
				"be said in full",
				wanted[i]);
	if ((s = series_params(r, &e->series, NULL, 0, 1, 1)) != STEP_NEXT)
		return s;
	if (e->series.all)
		return req_problem(r, 400, "bad-parameter",
			"camera is *: each camera has to be named");
	return STEP_NEXT;
}

enum step erase_cameras(struct req *r)
{
	struct erase *e = r->state;

	return series_ask(r, &e->series);
}

static enum err find_bound(struct erase *e, struct db *db)
{
	struct db_rows rows = {0};
	struct arena a;
	enum err err;

	arena_init(&a, 4096);
	err = db_run(db, Q_RAW_KEPT_FROM, NULL, &a, &rows);
	if (!err && rows.n)
		e->kept_from = when_from_number(rows.cell[0].i);
	arena_reset(&a);
	return err;
}

/* Who and what, with the first chunk: nothing goes without it. */
static enum err note(struct req *r, struct db *db,
	const struct series_camera *c, int64_t from, int64_t to)
{
	struct audit_by by = audit_who(r);
	char a[WHEN_TEXT], b[WHEN_TEXT], detail[120];

	snprintf(detail, sizeof(detail), "{\"from\":\"%s\",\"to\":\"%s\"}",
		when_format(a, from, 0, true), when_format(b, to, 0, true));
	return audit_add(db, &by, "counts.delete", c->code, detail);
}

static enum err chunk(struct req *r, struct db *db,
	const struct series_camera *c, bool first, uint64_t *n)
{
	struct erase *e = r->state;
	int64_t from, to;
	enum err err;

	series_range(&e->series, c->tz, &from, &to);
	for (int try = 0; try < TRIES; try++) {
		if (!(err = db_begin(db)))
			err = db_run(db, Q_COUNT_DELETE,
				DB_ARGS(DB_I(c->camera_id),
					DB_I(when_number(from)),
					DB_I(when_number(to)), DB_I(CHUNK)),
				NULL, NULL);
		*n = err ? 0 : db_affected(db);
		if (!err && first && *n)
			err = note(r, db, c, from, to);
		if (!err)
			err = db_commit(db);
		else
			db_rollback(db);
		if (err != E_BUSY)
			break;
		usleep((useconds_t)(1000 << try));
	}
	return err;
}

static enum err erase(struct req *r, struct db *db)
{
	struct erase *e = r->state;
	enum err err = find_bound(e, db);
	int64_t from, to;

	for (size_t i = 0; !err && i < e->series.n; i++) {
		series_range(&e->series, e->series.camera[i].tz, &from, &to);
		e->unkept |= from < e->kept_from;
	}
	if (e->unkept)
		return err;
	for (size_t i = 0; !err && i < e->series.n; i++) {
		bool first = true;
		uint64_t n = CHUNK;

		while (!err && n == CHUNK) {
			err = chunk(r, db, &e->series.camera[i], first, &n);
			e->deleted += err ? 0 : n;
			first = false;
		}
	}
	return err;
}

enum step erase_run(struct req *r)
{
	struct erase *e = r->state;
	enum step s = series_take(r, &e->series);
	int64_t from, to;

	for (size_t i = 0; s == STEP_NEXT && i < e->series.n; i++) {
		series_range(&e->series, e->series.camera[i].tz, &from, &to);
		if (from >= to)
			s = req_problem(r, 400, "bad-parameter",
				"from is not before to");
	}
	return s == STEP_NEXT ? work_run(r->api->jobs, r, erase) : s;
}

enum step erase_answer(struct req *r)
{
	const struct erase *e = r->state;
	char from[WHEN_TEXT], why[160];

	if (e->unkept) {
		snprintf(why, sizeof(why),
			"from is before %s: rows that old are not kept, and "
			"what was counted of them stays",
			when_format(from, e->kept_from, 0, true));
		req_problem_open(r, 422, "invalid", why);
		json_str(&r->out, "field", "from");
		return req_problem_end(r, 422);
	}
	json_open(&r->out, NULL, '{');
	json_int(&r->out, "deleted", (int64_t)e->deleted);
	json_close(&r->out, '}');
	return req_json(r, 200);
}
