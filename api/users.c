// SPDX-License-Identifier: MIT
/*
 * GET and POST /api/v1/users, PATCH and DELETE /api/v1/users/{name}.
 */
#include "analytics/user.h"

#include <string.h>

#include "api/api.h"
#include "api/audit.h"
#include "api/auth.h"
#include "api/body.h"
#include "api/list.h"
#include "api/page.h"
#include "api/resources.h"
#include "api/work.h"
#include "common/when.h"

enum { PAGE = 1000 };

/* Of Q_USERS and Q_USER_ONE too, but that a time is a number there. */
enum { C_NAME, C_ROLE, C_CAMERAS, C_CREATED, C_SEEN, C_STATE, C_N };

static const struct list_column columns[C_N] = {
	[C_NAME] = {NULL, "user", LIST_TEXT, false},
	[C_ROLE] = {NULL, "role", LIST_TEXT, false},
	[C_CAMERAS] = {NULL, "cameras", LIST_TEXTS, false},
	[C_CREATED] = {NULL, "created_at", LIST_TEXT, false},
	[C_SEEN] = {NULL, "last_login_at", LIST_TEXT, false},
	[C_STATE] = {NULL, "state", LIST_TEXT, false},
};

static void item(struct req *r, const struct list *l, const struct db_cell *row)
{
	struct db_cell cell[C_N];
	char at[C_N][WHEN_TEXT];

	for (int i = 0; i < C_N; i++) {
		cell[i] = row[i];
		if ((i == C_CREATED || i == C_SEEN) && !cell[i].null)
			cell[i] = DB_S(when_format(
				at[i], when_from_number(cell[i].i), 0, true));
	}
	list_item(r, l, cell);
}

/* ---- GET ---- */

struct users {
	struct list list;
	struct page page;
};

enum step users_find(struct req *r)
{
	struct users *s = arena_alloc(&r->arena, sizeof(*s));
	enum step step;

	if (!s)
		return req_fail(r, E_NOMEM);
	r->state = s;
	if ((step = page_params(r, &s->page, NULL, 0, PAGE, PAGE)) !=
			STEP_NEXT ||
		(step = list_choose(r, &s->list)) != STEP_NEXT)
		return step;
	return req_query(r, Q_USERS,
		DB_ARGS(DB_S(s->page.after ? s->page.after : ""),
			DB_I(s->page.limit + 1)),
		2);
}

enum step users_list(struct req *r)
{
	struct users *s = r->state;
	size_t most = (size_t)s->page.limit;
	size_t n = r->rows.n > most ? most : r->rows.n;
	const char *last = NULL;

	list_open(r, &s->list, NULL, columns, C_N);
	for (size_t i = 0; i < n; i++) {
		const struct db_cell *c = &r->rows.cell[i * r->rows.cols];

		last = c[C_NAME].s.at;
		item(r, &s->list, c);
	}
	list_close(r, &s->list, "users",
		r->rows.n > n ? page_next(r, last) : NULL);
	return list_finish(r, &s->list);
}

/* ---- what changes one ---- */

struct change {
	struct user_change to; /* of one that is new, too */
	unsigned char keep[TOKEN_HASH];
	struct user_fault fault;
	enum err outcome;
};

static enum step open_change(struct req *r, struct change **c)
{
	if (!(*c = arena_alloc(&r->arena, sizeof(**c))))
		return req_fail(r, E_NOMEM);
	r->state = *c;
	return STEP_NEXT;
}

/* What is the client's to know is told by the next step. */
static enum err settle(struct change *c, enum err e)
{
	c->outcome = e;
	if ((e == E_INVALID && c->fault.member) || e == E_EXISTS ||
		e == E_NOT_FOUND)
		return E_OK;
	return e;
}

static enum step nobody(struct req *r)
{
	return req_problem(
		r, 404, "not-found", "there is no log-in of this name");
}

static enum step refuse(struct req *r, const struct change *c)
{
	switch (c->outcome) {
	case E_INVALID:
		return body_invalid(r, c->fault.member, c->fault.why);
	case E_EXISTS:
		return req_problem(r, 409, "exists", "a log-in has this name");
	default:
		return nobody(r);
	}
}

static enum err reread(struct req *r, struct db *db)
{
	const struct change *c = r->state;

	return db_run(db, Q_USER_ONE, DB_ARGS(DB_S(c->to.name)), &r->rows_arena,
		&r->rows);
}

static enum step read_role(struct req *r, const struct json *v, enum role *role)
{
	if (!v)
		return STEP_NEXT;
	*role = role_named(json_string(v));
	return *role
		? STEP_NEXT
		: body_invalid(r, "role", "is none of viewer, reviewer, admin");
}

static enum step read_cameras(
	struct req *r, const struct json *list, struct user_change *to)
{
	const char **camera;

	if (!list)
		return STEP_NEXT;
	if (!json_first(list))
		return body_invalid(
			r, "cameras", "is empty; for all cameras it is null");
	camera = arena_alloc(&r->arena, USER_CAMERAS_MAX * sizeof(*camera));
	if (!camera)
		return req_fail(r, E_NOMEM);
	to->has_cameras = true;
	to->camera = camera;
	for (const struct json *v = json_first(list); v; v = json_next(v)) {
		if (to->cameras_n == USER_CAMERAS_MAX)
			return body_invalid(r, "cameras", "names too many");
		camera[to->cameras_n++] = json_string(v);
	}
	return STEP_NEXT;
}

/* ---- POST ---- */

static enum err create(struct req *r, struct db *db)
{
	struct change *c = r->state;
	struct audit_by by = audit_who(r);
	struct user_new u = {.name = c->to.name,
		.password = c->to.password,
		.role = c->to.role,
		.camera = c->to.camera,
		.cameras_n = c->to.cameras_n};
	enum err e = settle(c, user_create(db, &u, &by, &c->fault));

	return e || c->outcome ? e : reread(r, db);
}

enum step user_make(struct req *r)
{
	enum { USER, PASSWORD, ROLE, CAMERAS };
	struct body_member b[] = {{"user", BODY_TEXT, true, NULL},
		{"password", BODY_TEXT, true, NULL},
		{"role", BODY_TEXT, false, NULL},
		{"cameras", BODY_TEXTS, false, NULL}};
	struct change *c;
	enum step s;

	if ((s = open_change(r, &c)) != STEP_NEXT ||
		(s = body_members(r, "a log-in", b, ARRAY_LEN(b))) != STEP_NEXT)
		return s;
	c->to.name = json_string(b[USER].value);
	c->to.password = json_string(b[PASSWORD].value);
	c->to.role = ROLE_VIEWER;
	if ((s = read_role(r, b[ROLE].value, &c->to.role)) != STEP_NEXT ||
		(s = read_cameras(r, b[CAMERAS].value, &c->to)) != STEP_NEXT)
		return s;
	return work_run(r->api->work, r, create);
}

static enum step show(struct req *r, int status)
{
	struct change *c = r->state;
	struct list l = {.column = columns, .n = C_N};

	if (c->outcome)
		return refuse(r, c);
	if (!r->rows.n)
		return nobody(r);
	item(r, &l, r->rows.cell);
	return req_json(r, status);
}

enum step user_made(struct req *r)
{
	return show(r, 201);
}

/* ---- PATCH, DELETE ---- */

static enum step open_named(struct req *r, struct change **c)
{
	enum step s = open_change(r, c);
	enum err e;

	if (s != STEP_NEXT)
		return s;
	e = query_decode(&(*c)->to.name, &r->arena, r->param[0], false);
	if (e == E_SYNTAX)
		return req_problem(r, 400, "bad-parameter",
			"the name in the path is not encoded as it should be");
	return e ? req_fail(r, e) : STEP_NEXT;
}

static bool is_self(const struct req *r, const struct change *c)
{
	return r->who.by_cookie && !strcmp(r->who.name, c->to.name);
}

/* So that there is always somebody left who can. */
static enum step not_oneself(struct req *r)
{
	return req_problem(r, 409, "conflict",
		"nobody takes rights away from the log-in that is in use");
}

static enum err alter(struct req *r, struct db *db)
{
	struct change *c = r->state;
	struct audit_by by = audit_who(r);
	enum err e = settle(c, user_alter(db, &c->to, &by, &c->fault));

	return e || c->outcome ? e : reread(r, db);
}

enum step user_patch(struct req *r)
{
	enum { PASSWORD, ROLE, CAMERAS, DISABLED };
	struct body_member b[] = {{"password", BODY_TEXT, false, NULL},
		{"role", BODY_TEXT, false, NULL},
		{"cameras", BODY_TEXTS, false, NULL},
		{"disabled", BODY_TRUTH, false, NULL}};
	struct change *c;
	enum step s;

	if ((s = open_named(r, &c)) != STEP_NEXT ||
		(s = body_members(r, "a change", b, ARRAY_LEN(b))) !=
			STEP_NEXT ||
		(s = read_role(r, b[ROLE].value, &c->to.role)) != STEP_NEXT ||
		(s = read_cameras(r, b[CAMERAS].value, &c->to)) != STEP_NEXT)
		return s;
	c->to.has_cameras |= body_is_null(r, "cameras");
	if (b[PASSWORD].value)
		c->to.password = json_string(b[PASSWORD].value);
	c->to.has_disabled = b[DISABLED].value != NULL;
	c->to.disabled = b[DISABLED].value && json_true(b[DISABLED].value);
	if (is_self(r, c)) {
		if (c->to.disabled || c->to.cameras_n ||
			(c->to.role && c->to.role != ROLE_ADMIN))
			return not_oneself(r);
		if (auth_cookie(r, c->keep))
			c->to.keep = c->keep;
	}
	return work_run(r->api->work, r, alter);
}

enum step user_patched(struct req *r)
{
	return show(r, 200);
}

static enum err take_away(struct req *r, struct db *db)
{
	struct change *c = r->state;
	struct audit_by by = audit_who(r);

	return settle(c, user_remove(db, c->to.name, &by));
}

enum step user_end(struct req *r)
{
	struct change *c;
	enum step s;

	if ((s = req_no_params(r)) != STEP_NEXT ||
		(s = open_named(r, &c)) != STEP_NEXT)
		return s;
	if (is_self(r, c))
		return not_oneself(r);
	return work_run(r->api->work, r, take_away);
}

enum step user_ended(struct req *r)
{
	struct change *c = r->state;

	return c->outcome ? refuse(r, c) : req_reply(r, 204, NULL);
}
