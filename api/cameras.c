// SPDX-License-Identifier: MIT
/*
 * GET and POST /api/v1/cameras.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/camera.h"
#include "api/api.h"
#include "api/list.h"
#include "api/resources.h"
#include "api/work.h"
#include "common/json.h"
#include "common/when.h"

enum {
	PAGE = 1000,
	SILENT_INTERVALS = 3, /* of the newest row's length without a row … */
	SILENT_LEAST_S = 60   /* … and at least this long: silent */
};

/* Columns of Q_CAMERAS. */
enum { C_ID, C_CODE, C_NAME, C_SITE, C_ZONE, C_START, C_END, C_RETIRED };

static const struct list_column columns[] = {
	{NULL, "camera", LIST_TEXT, false},
	{NULL, "name", LIST_TEXT, false},
	{NULL, "site", LIST_TEXT, false},
	{NULL, "tz", LIST_TEXT, false},
	{NULL, "last_seen", LIST_TEXT, false},
	{NULL, "state", LIST_TEXT, false},
};

struct cameras {
	struct list list;
	int64_t most; /* on a page */
};

enum step cameras_find(struct req *r)
{
	static const char *const known[] = {"limit", "after", "format"};
	const char *v = query_unknown(&r->query, known, ARRAY_LEN(known));
	const char *limit = query_get(&r->query, "limit");
	const char *after = query_get(&r->query, "after");
	struct cameras *s = arena_alloc(&r->arena, sizeof(*s));
	char *end = NULL;
	enum step step;

	if (!s)
		return req_fail(r, E_NOMEM);
	r->state = s;
	if (v)
		return req_problem(r, 400, "unknown-parameter",
			"the parameter %.60s is not known", v);
	if ((v = query_repeated(&r->query, NULL, 0)))
		return req_problem(
			r, 400, "bad-parameter", "%s is there twice", v);
	s->most = limit ? strtol(limit, &end, 10) : PAGE;
	if (limit &&
		(*limit < '0' || *limit > '9' || *end || s->most < 1 ||
			s->most > PAGE))
		return req_problem(r, 400, "bad-parameter",
			"limit is not from 1 to %d", PAGE);
	if ((step = list_choose(r, &s->list)) != STEP_NEXT)
		return step;
	return req_query(r, Q_CAMERAS,
		DB_ARGS(DB_S(after ? after : ""), DB_I(s->most + 1)), 2);
}

static const char *state(const struct db_cell *c, int64_t end, int64_t now)
{
	int64_t quiet;

	if (c[C_RETIRED].i)
		return "retired";
	if (c[C_END].null)
		return "new";
	quiet = SILENT_INTERVALS * (end - when_from_number(c[C_START].i));
	if (quiet < SILENT_LEAST_S)
		quiet = SILENT_LEAST_S;
	return now - end > quiet ? "silent" : "live";
}

static void item(struct req *r, const struct list *l, const struct db_cell *c,
	int64_t now)
{
	int64_t end = c[C_END].null ? 0 : when_from_number(c[C_END].i);
	char seen[WHEN_TEXT];
	struct db_cell cell[ARRAY_LEN(columns)] = {c[C_CODE], c[C_NAME],
		c[C_SITE], c[C_ZONE], DB_NULL, DB_S(state(c, end, now))};

	if (!c[C_END].null)
		cell[4] = DB_S(when_format(seen, end, 0, true));
	list_item(r, l, cell);
}

/* Codes that SQL made may hold anything. */
static const char *next_page(
	struct req *r, const struct cameras *s, const char *last)
{
	const char *format = query_get(&r->query, "format"), *next = NULL;
	struct text t;

	text_init(&t, 4096);
	text_printf(&t, "/api/v1/cameras?limit=%d&", (int)s->most);
	if (format)
		text_printf(&t, "format=%s&", format);
	text_str(&t, "after=");
	query_encode(&t, last);
	if (!t.full)
		next = arena_copy(&r->arena, t.at, t.n);
	r->arena.full |= t.full;
	text_free(&t);
	return next;
}

enum step cameras_list(struct req *r)
{
	struct cameras *s = r->state;
	size_t most = (size_t)s->most;
	size_t n = r->rows.n > most ? most : r->rows.n;
	const char *last = NULL;
	int64_t now = when_now();

	list_open(r, &s->list, NULL, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < n; i++) {
		const struct db_cell *c = &r->rows.cell[i * r->rows.cols];

		last = c[C_CODE].s.at;
		if (principal_covers(&r->who, last))
			item(r, &s->list, c, now);
	}
	list_close(r, &s->list, "cameras",
		r->rows.n > n ? next_page(r, s, last) : NULL);
	return list_reply(r, &s->list);
}

/* ---- POST ---- */

enum { BODY_MAX = 65536 };

struct making {
	struct text body;
	struct camera_new camera;
	const char *field;
	bool exists;
};

static void release(struct req *r)
{
	struct making *m = r->state;

	if (m)
		text_free(&m->body);
}

enum step camera_begin(struct req *r)
{
	struct making *m = arena_alloc(&r->arena, sizeof(*m));
	enum step s = req_no_params(r);

	if (s != STEP_NEXT)
		return s;
	if (!m)
		return req_fail(r, E_NOMEM);
	text_init(&m->body, BODY_MAX);
	r->state = m;
	r->release = release;
	return STEP_NEXT;
}

enum step camera_body(struct req *r, const char *at, size_t n)
{
	struct making *m = r->state;

	text_add(&m->body, at, n);
	return m->body.full
		? req_problem(r, 413, "too-large",
			  "a camera takes at most %d bytes", BODY_MAX)
		: STEP_NEXT;
}

static enum err make(struct req *r, struct db *db)
{
	struct making *m = r->state;
	enum err e = camera_create(db, &m->camera, NULL, &m->field);

	m->exists = e == E_EXISTS;
	if (m->exists || e == E_INVALID)
		return E_OK;
	/* What was left out has been chosen now. */
	return e ? e
		 : db_run(db, Q_CAMERA_ONE, DB_ARGS(DB_S(m->camera.code)),
			   &r->rows_arena, &r->rows);
}

/* 422, naming the member. */
static enum step invalid(struct req *r, const char *field, const char *why)
{
	char detail[160];

	snprintf(detail, sizeof(detail), "%.80s %s", field, why);
	req_problem_open(r, 422, "invalid", detail);
	json_str(&r->out, "field", field);
	return req_problem_end(r, 422);
}

/* The members that may be there, each a text. */
static enum step read_members(
	struct req *r, struct making *m, const struct json *root)
{
	static const char *const name[] = {"camera", "name", "site", "tz"};
	const char **to[] = {&m->camera.code, &m->camera.name, &m->camera.site,
		&m->camera.tz};
	unsigned seen = 0;

	for (const struct json *v = json_first(root); v; v = json_next(v)) {
		const char *s = json_string(v);
		size_t i = 0;

		while (i < ARRAY_LEN(name) && strcmp(name[i], json_name(v)))
			i++;
		if (i == ARRAY_LEN(name))
			return invalid(r, json_name(v), "is not known");
		if (seen & 1u << i)
			return invalid(r, name[i], "is there twice");
		seen |= 1u << i;
		if (json_type(v) == JSON_NULL && i)
			continue;
		if (json_type(v) != JSON_STRING)
			return invalid(r, name[i], "is no text");
		if (!(*to[i] = arena_copy(&r->arena, s, strlen(s))))
			return req_fail(r, E_NOMEM);
	}
	return m->camera.code ? STEP_NEXT : invalid(r, "camera", "is missing");
}

enum step camera_make(struct req *r)
{
	struct making *m = r->state;
	struct json *root;
	enum json_fault f;
	enum step s;
	size_t at;

	f = json_parse(m->body.at ? m->body.at : "", m->body.n, &root, &at);
	if (f == JSON_MEMORY)
		return req_fail(r, E_NOMEM);
	if (f == JSON_DIGITS || f == JSON_NUL)
		return req_problem(r, 422, "invalid",
			"no camera has such a number or text (byte %zu)", at);
	if (f)
		return req_problem(r, 400, "not-json",
			"the body is not JSON (byte %zu)", at);
	s = json_type(root) == JSON_OBJECT
		? read_members(r, m, root)
		: req_problem(r, 422, "invalid", "a camera is an object");
	json_free(root);
	return s == STEP_NEXT ? work_run(r->api->work, r, make) : s;
}

enum step camera_made(struct req *r)
{
	const struct making *m = r->state;

	if (!m->exists && !m->field && !r->rows.n)
		return req_fail(r, E_DB);
	if (m->exists)
		return req_problem(r, 409, "exists",
			"camera \"%s\" is registered already", m->camera.code);
	if (m->field)
		return invalid(r, m->field, camera_rule(m->field));
	json_open(&r->out, NULL, '{');
	json_str(&r->out, "camera", m->camera.code);
	json_str(&r->out, "name", r->rows.cell[0].s.at);
	json_str(&r->out, "site", r->rows.cell[1].s.at);
	json_str(&r->out, "tz", r->rows.cell[2].s.at);
	json_close(&r->out, '}');
	return req_json(r, 201);
}
