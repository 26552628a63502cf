// SPDX-License-Identifier: MIT
/*
 * GET and POST /api/v1/cameras.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/camera.h"
#include "api/api.h"
#include "api/audit.h"
#include "api/body.h"
#include "api/list.h"
#include "api/page.h"
#include "api/resources.h"
#include "api/work.h"
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
	struct page page;
	int64_t n;     /* on this page so far */
	int64_t asked; /* rows of the last query, at most */
	char last[CAMERA_CODE_MAX + 1];
};

/* A token that is bound may be for few of many: they are looked through page
 * by page, and "next" names none that it does not see. */
static enum step ask(struct req *r, struct cameras *s, const char *after)
{
	s->asked = (r->who.cameras ? PAGE : s->page.limit) + 1;
	return req_query(r, Q_CAMERAS, DB_ARGS(DB_S(after), DB_I(s->asked)), 2);
}

enum step cameras_find(struct req *r)
{
	struct cameras *s = arena_alloc(&r->arena, sizeof(*s));
	enum step step;

	if (!s)
		return req_fail(r, E_NOMEM);
	r->state = s;
	if ((step = page_params(r, &s->page, NULL, 0, PAGE, PAGE)) != STEP_NEXT)
		return step;
	if ((step = list_choose(r, &s->list)) != STEP_NEXT)
		return step;
	list_open(r, &s->list, NULL, columns, ARRAY_LEN(columns));
	return ask(r, s, s->page.after ? s->page.after : "");
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

static enum step answer(struct req *r, const struct cameras *s, bool more)
{
	list_close(r, &s->list, "cameras", more ? page_next(r, s->last) : NULL);
	return list_reply(r, &s->list);
}

enum step cameras_list(struct req *r)
{
	struct cameras *s = r->state;
	int64_t now = when_now();
	const char *code = "";

	for (size_t i = 0; i < r->rows.n; i++) {
		const struct db_cell *c = &r->rows.cell[i * r->rows.cols];

		code = c[C_CODE].s.at;
		if (!principal_covers(&r->who, code))
			continue;
		if (s->n == s->page.limit)
			return answer(r, s, true);
		item(r, &s->list, c, now);
		s->n++;
		snprintf(s->last, sizeof(s->last), "%s", code);
	}
	if ((int64_t)r->rows.n < s->asked)
		return answer(r, s, false);
	code = arena_copy(&r->arena, code, strlen(code));
	return code ? step_again(ask(r, s, code)) : req_fail(r, E_TOO_BIG);
}

/* ---- POST ---- */

struct making {
	struct camera_new camera;
	const char *field;
	bool exists;
};

static enum err make(struct req *r, struct db *db)
{
	struct making *m = r->state;
	struct audit_by by = audit_who(r);
	enum err e = camera_create(db, &m->camera, &by, NULL, &m->field);

	m->exists = e == E_EXISTS;
	if (m->exists || e == E_INVALID)
		return E_OK;
	/* What was left out has been chosen now. */
	return e ? e
		 : db_run(db, Q_CAMERA_ONE, DB_ARGS(DB_S(m->camera.code)),
			   &r->rows_arena, &r->rows);
}

static const char *text_or_null(const struct json *v)
{
	return v ? json_string(v) : NULL;
}

enum step camera_make(struct req *r)
{
	enum { CAMERA, NAME, SITE, TZ };
	struct body_member b[] = {{"camera", BODY_TEXT, true, NULL},
		{"name", BODY_TEXT, false, NULL},
		{"site", BODY_TEXT, false, NULL},
		{"tz", BODY_TEXT, false, NULL}};
	struct making *m = arena_alloc(&r->arena, sizeof(*m));
	enum step s = body_members(r, "a camera", b, ARRAY_LEN(b));

	if (s != STEP_NEXT)
		return s;
	if (!m)
		return req_fail(r, E_NOMEM);
	r->state = m;
	m->camera = (struct camera_new){.code = json_string(b[CAMERA].value),
		.name = text_or_null(b[NAME].value),
		.site = text_or_null(b[SITE].value),
		.tz = text_or_null(b[TZ].value)};
	if (!principal_covers(&r->who, m->camera.code))
		return req_problem(r, 403, "forbidden",
			"the token is not for this camera");
	return work_run(r->api->work, r, make);
}

enum step camera_made(struct req *r)
{
	const struct making *m = r->state;

	if (m->exists)
		return req_problem(r, 409, "exists",
			"camera \"%s\" is registered already", m->camera.code);
	if (m->field)
		return body_invalid(r, m->field, camera_rule(m->field));
	if (!r->rows.n)
		return req_fail(r, E_DB);
	json_open(&r->out, NULL, '{');
	json_str(&r->out, "camera", m->camera.code);
	json_str(&r->out, "name", r->rows.cell[0].s.at);
	json_str(&r->out, "site", r->rows.cell[1].s.at);
	json_str(&r->out, "tz", r->rows.cell[2].s.at);
	json_close(&r->out, '}');
	return req_json(r, 201);
}
