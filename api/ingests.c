// SPDX-License-Identifier: MIT
/*
 * POST /api/v1/ingest/status: what a tally-ingest says of itself every ten
 * seconds.  Only the last of it is kept, of INGESTS_MAX ingests, each known by
 * its token's name and its own: who has another token cannot speak for it.
 */
#include "api/ingests.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analytics/camera.h"
#include "api/api.h"
#include "api/body.h"
#include "api/resources.h"
#include "api/work.h"
#include "common/when.h"

enum {
	CAMERAS_MAX = 256,
	REPORT_MAX = 262144,
	WHOLE_DIGITS_MAX = 15, /* that a double keeps */
	ERROR_MAX = 400
};

enum kind { NAME, CODE, WORDS, WHOLE, REAL, TRUTH, TIME, OBJECT, ARRAY };

struct member {
	const char *name;
	enum kind kind;
	bool may_be_null;
	size_t most; /* bytes of a text */
};

enum { I_NAME, I_VERSION, I_UP_S, I_STOPPED, I_SPOOL, I_POST, I_CAMERAS, I_N };
static const struct member report_members[I_N] = {
	[I_NAME] = {"ingest", NAME, false, 64},
	[I_VERSION] = {"version", NAME, false, 32},
	[I_UP_S] = {"up_s", WHOLE, false, 0},
	[I_STOPPED] = {"stopped", TRUTH, false, 0},
	[I_SPOOL] = {"spool", OBJECT, false, 0},
	[I_POST] = {"post", OBJECT, false, 0},
	[I_CAMERAS] = {"cameras", ARRAY, false, 0},
};

/* In the order of Q_INGEST_PUT. */
static const struct member spool_members[] = {
	{"waiting", WHOLE, false, 0},
	{"fresh", WHOLE, false, 0},
	{"oldest", TIME, true, 0},
	{"bytes", WHOLE, false, 0},
	{"bytes_max", WHOLE, false, 0},
	{"full", TRUTH, false, 0},
	{"refused", WHOLE, false, 0},
	{"quarantined", WHOLE, false, 0},
	{"lost", WHOLE, false, 0},
	{"expired", WHOLE, false, 0},
};

static const struct member post_members[] = {
	{"stored", WHOLE, false, 0},
	{"error", WORDS, true, ERROR_MAX},
};

/* Q_INGEST_CAMERAS_PUT reads them from the body itself. */
static const struct member camera_members[] = {
	{"camera", CODE, false, 0},
	{"engine", NAME, false, 16},
	{"pictures", WHOLE, false, 0},
	{"dropped", WHOLE, false, 0},
	{"fps", REAL, false, 0},
	{"detect_ms", REAL, false, 0},
	{"last_picture_s", WHOLE, true, 0},
};

enum {
	SPOOL_N = ARRAY_LEN(spool_members),
	POST_N = ARRAY_LEN(post_members),
	MEMBERS_MAX = SPOOL_N,
	PUT_N = 5 + SPOOL_N + POST_N
};

struct saying {
	const char *name;
	struct db_cell put[PUT_N]; /* of Q_INGEST_PUT */
	bool many;
};

/* ---- reading it ---- */

static bool is_name(const char *s, size_t most)
{
	size_t n = strspn(s,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789._-");

	return n && !s[n] && n <= most;
}

static bool is_number(const struct json *v, bool whole)
{
	double n = json_number(v);

	return json_type(v) == JSON_NUMBER && n >= 0 && n < 1e15 &&
		(!whole || n == floor(n));
}

static bool is_time(const char *s, struct db_cell *cell)
{
	struct when w;

	if (when_parse(s, strlen(s), &w) || !w.has_offset || !w.whole ||
		w.date_only)
		return false;
	*cell = DB_I(when_number(w.at));
	return true;
}

/* What is wrong with the value, or NULL, and then *cell is it. */
static const char *take(
	const struct member *m, const struct json *v, struct db_cell *cell)
{
	const char *s = json_string(v);

	*cell = DB_NULL;
	if (json_type(v) == JSON_NULL)
		return m->may_be_null ? NULL : "is null";
	switch (m->kind) {
	case NAME:
		*cell = DB_S(s);
		return is_name(s, m->most)
			? NULL
			: "is no name of letters, digits, ., _ and -";
	case CODE:
		return camera_code_ok(s, strlen(s)) ? NULL
						    : "is no camera's code";
	case WORDS:
		*cell = DB_S(s);
		return json_type(v) == JSON_STRING && strlen(s) <= m->most
			? NULL
			: "is no text, or too long";
	case WHOLE:
		*cell = DB_I(
			(int64_t)(is_number(v, true) ? json_number(v) : 0));
		return is_number(v, true) ? NULL
					  : "is no whole number from 0 on";
	case REAL:
		return is_number(v, false) ? NULL : "is no number from 0 on";
	case TRUTH:
		*cell = DB_I(json_true(v));
		return json_type(v) == JSON_BOOL ? NULL
						 : "is neither true nor false";
	case TIME:
		return is_time(s, cell) ? NULL
					: "is no RFC 3339 time with an offset, "
					  "in whole seconds";
	case OBJECT:
		return json_type(v) == JSON_OBJECT ? NULL : "is no object";
	case ARRAY:
		return json_type(v) == JSON_ARRAY ? NULL : "is no array";
	}
	return NULL;
}

static enum step invalid(
	struct req *r, const char *of, const char *member, const char *why)
{
	char field[128];

	snprintf(field, sizeof(field), "%s%.60s", of, member);
	return body_invalid(r, field, why);
}

/* of: "spool.", for the name of a member.  Each of them is there, once. */
static enum step take_all(struct req *r, const struct json *object,
	const char *of, const struct member *m, size_t n, struct db_cell *cell)
{
	unsigned seen = 0;
	const char *why;

	for (const struct json *v = json_first(object); v; v = json_next(v)) {
		size_t i = 0;

		while (i < n && strcmp(m[i].name, json_name(v)) != 0)
			i++;
		if (i == n)
			return invalid(r, of, json_name(v), "is not known");
		if (seen & 1u << i)
			return invalid(r, of, m[i].name, "is there twice");
		seen |= 1u << i;
		if ((why = take(&m[i], v, &cell[i])))
			return invalid(r, of, m[i].name, why);
	}
	for (size_t i = 0; i < n; i++)
		if (!(seen & 1u << i))
			return invalid(r, of, m[i].name, "is missing");
	return STEP_NEXT;
}

static enum step take_cameras(struct req *r, const struct json *array)
{
	struct db_cell cell[ARRAY_LEN(camera_members)];
	const char *code;
	unsigned i = 0;
	enum step s;
	char of[32];

	for (const struct json *v = json_first(array); v; v = json_next(v)) {
		snprintf(of, sizeof(of), "cameras.%u.", i);
		if (i++ == CAMERAS_MAX)
			return body_invalid(r, "cameras", "are more than 256");
		if (json_type(v) != JSON_OBJECT)
			return body_invalid(r, "cameras", "are no objects");
		if ((s = take_all(r, v, of, camera_members,
			     ARRAY_LEN(camera_members), cell)) != STEP_NEXT)
			return s;
		code = json_string(json_member(v, "camera"));
		if (!principal_covers(&r->who, code))
			return req_problem(r, 403, "forbidden",
				"the token is not for camera \"%.60s\"", code);
	}
	return STEP_NEXT;
}

static enum step take_report(struct req *r, struct saying *s)
{
	struct db_cell own[I_N], *put = s->put;
	enum step step;

	if ((step = take_all(r, r->json, "", report_members, I_N, own)) !=
		STEP_NEXT)
		return step;
	s->name = own[I_NAME].s.at;
	*put++ = DB_S(r->who.name);
	*put++ = own[I_NAME];
	*put++ = own[I_STOPPED];
	*put++ = own[I_VERSION];
	*put++ = own[I_UP_S];
	if ((step = take_all(r, json_member(r->json, "spool"), "spool.",
		     spool_members, SPOOL_N, put)) != STEP_NEXT ||
		(step = take_all(r, json_member(r->json, "post"), "post.",
			 post_members, POST_N, put + SPOOL_N)) != STEP_NEXT)
		return step;
	return take_cameras(r, json_member(r->json, "cameras"));
}

/* ---- keeping it ---- */

/* *id: 0, there is none of this name; *n: how many there are. */
static enum err find(
	struct req *r, struct db *db, const char *name, int64_t *id, int64_t *n)
{
	struct db_rows rows = {0};
	enum err e = db_run(db, Q_INGEST_FIND,
		DB_ARGS(DB_S(r->who.name), DB_S(name)), &r->rows_arena, &rows);

	*id = !e && rows.n && !rows.cell[0].null ? rows.cell[0].i : 0;
	*n = !e && rows.n ? rows.cell[1].i : 0;
	return e;
}

/* A new one: those that are silent for a month make room. */
static enum err make_room(
	struct req *r, struct db *db, struct saying *s, int64_t *n)
{
	int64_t id;
	enum err e = db_run(db, Q_INGEST_PRUNE, NULL, NULL, NULL);

	if (!e)
		e = find(r, db, s->name, &id, n);
	s->many = !e && *n >= INGESTS_MAX;
	return e;
}

static enum err keep(struct req *r, struct db *db)
{
	struct saying *s = r->state;
	int64_t id, n;
	enum err e = find(r, db, s->name, &id, &n);
	bool is_new = !e && !id;

	if (is_new && (e = make_room(r, db, s, &n)))
		return e;
	if (e || s->many)
		return e;
	e = db_run(db, Q_INGEST_PUT, s->put, NULL, NULL);
	if (!e && is_new)
		e = find(r, db, s->name, &id, &n);
	return e ? e
		 : db_run(db, Q_INGEST_CAMERAS_PUT,
			   DB_ARGS(DB_I(id), DB_SN(r->body.at, r->body.n)),
			   NULL, NULL);
}

/* ---- the route ---- */

enum step ingest_status_begin(struct req *r)
{
	enum step s = body_begin(r);

	text_free(&r->body);
	body_open(r, REPORT_MAX);
	return s;
}

enum step ingest_status_take(struct req *r)
{
	struct saying *s = arena_alloc(&r->arena, sizeof(*s));
	enum step step;

	if (!s)
		return req_fail(r, E_NOMEM);
	r->state = s;
	if ((step = body_object(r, "a report")) != STEP_NEXT ||
		(step = take_report(r, s)) != STEP_NEXT)
		return step;
	return work_run(r->api->work, r, keep);
}

enum step ingest_status_kept(struct req *r)
{
	const struct saying *s = r->state;

	if (s->many)
		return req_problem(r, 409, "conflict",
			"there are %d ingests already", INGESTS_MAX);
	return req_reply(r, 204, NULL);
}
