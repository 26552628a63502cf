// SPDX-License-Identifier: MIT
/*
 * GET and POST /api/v1/tokens, DELETE /api/v1/tokens/{id} and
 * POST /api/v1/tokens/{id}/rotate.
 */
#include "analytics/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/audit.h"
#include "api/auth.h"
#include "api/body.h"
#include "api/list.h"
#include "api/page.h"
#include "api/resources.h"
#include "api/work.h"

enum { PAGE = 1000 };

/* Columns of Q_TOKENS and Q_TOKEN_ONE … */
enum {
	C_ID,
	C_NAME,
	C_SCOPES,
	C_CAMERAS,
	C_CREATED,
	C_EXPIRES,
	C_REVOKED,
	C_USED,
	C_STATE,
	/* … and what only the reply to a new one has. */
	C_TOKEN,
	C_REPLACES,
	C_N
};

static const struct list_column columns[C_N] = {
	[C_ID] = {NULL, "id", LIST_INT, false},
	[C_NAME] = {NULL, "name", LIST_TEXT, false},
	[C_SCOPES] = {NULL, "scopes", LIST_TEXTS, false},
	[C_CAMERAS] = {NULL, "cameras", LIST_TEXTS, false},
	[C_CREATED] = {NULL, "created_at", LIST_TEXT, false},
	[C_EXPIRES] = {NULL, "expires_at", LIST_TEXT, false},
	[C_REVOKED] = {NULL, "revoked_at", LIST_TEXT, false},
	[C_USED] = {NULL, "last_used_at", LIST_TEXT, false},
	[C_STATE] = {NULL, "state", LIST_TEXT, false},
	[C_TOKEN] = {NULL, "token", LIST_TEXT, false},
	[C_REPLACES] = {NULL, "replaces", LIST_INT, false},
};

static void item(struct req *r, const struct list *l, const struct db_cell *row,
	const struct db_cell *more)
{
	struct db_cell cell[C_N];
	char at[C_N][WHEN_TEXT];

	for (int i = 0; i < C_N; i++) {
		cell[i] = i < C_TOKEN ? row[i] : more[i - C_TOKEN];
		if (i >= C_CREATED && i <= C_USED && !cell[i].null)
			cell[i] = DB_S(when_format(
				at[i], when_from_number(cell[i].i), 0, true));
	}
	list_item(r, l, cell);
}

/* ---- GET ---- */

struct tokens {
	struct list list;
	struct page page;
};

enum step tokens_find(struct req *r)
{
	struct tokens *s = arena_alloc(&r->arena, sizeof(*s));
	enum step step;
	int64_t after;

	if (!s)
		return req_fail(r, E_NOMEM);
	r->state = s;
	if ((step = page_params(r, &s->page, NULL, 0, PAGE, PAGE)) !=
			STEP_NEXT ||
		(step = page_after_id(r, &s->page, &after)) != STEP_NEXT ||
		(step = list_choose(r, &s->list)) != STEP_NEXT)
		return step;
	return req_query(
		r, Q_TOKENS, DB_ARGS(DB_I(after), DB_I(s->page.limit + 1)), 2);
}

enum step tokens_list(struct req *r)
{
	static const struct db_cell none[] = {{.null = true}, {.null = true}};
	struct tokens *s = r->state;
	size_t most = (size_t)s->page.limit;
	size_t n = r->rows.n > most ? most : r->rows.n;
	char last[24] = "";

	s->list.without = 1u << C_TOKEN | 1u << C_REPLACES;
	list_open(r, &s->list, NULL, columns, C_N);
	for (size_t i = 0; i < n; i++) {
		const struct db_cell *c = &r->rows.cell[i * r->rows.cols];

		snprintf(last, sizeof(last), "%lld", (long long)c[C_ID].i);
		item(r, &s->list, c, none);
	}
	list_close(r, &s->list, "tokens",
		r->rows.n > n ? page_next(r, last) : NULL);
	return list_finish(r, &s->list);
}

/* ---- what changes one ---- */

struct change {
	struct token_new new;
	int64_t id, overlap_s; /* of the one that is rotated or revoked */
	struct token_made made;
	struct token_old old;
	struct token_fault fault;
	enum err outcome;
};

static void release(struct req *r)
{
	struct change *c = r->state;

	token_wipe(c->made.text, sizeof(c->made.text));
}

static enum step open_change(struct req *r, struct change **c)
{
	if (!(*c = arena_alloc(&r->arena, sizeof(**c))))
		return req_fail(r, E_NOMEM);
	r->state = *c;
	r->release = release;
	return STEP_NEXT;
}

/* What is the client's to know is told by the next step. */
static enum err settle(struct change *c, enum err e)
{
	c->outcome = e;
	if ((e == E_INVALID && c->fault.member) || e == E_EXISTS ||
		e == E_NOT_FOUND || e == E_CONFLICT)
		return E_OK;
	return e;
}

static enum step refuse(struct req *r, const struct change *c)
{
	switch (c->outcome) {
	case E_INVALID:
		return body_invalid(r, c->fault.member, c->fault.why);
	case E_EXISTS:
		return req_problem(
			r, 409, "exists", "a valid token has this name");
	case E_CONFLICT:
		return req_problem(r, 409, "conflict", "token %lld %s",
			(long long)c->id, c->fault.why);
	default:
		return req_problem(
			r, 404, "not-found", "there is no token with this id");
	}
}

/* ---- POST ---- */

static enum err reread(struct req *r, struct db *db)
{
	const struct change *c = r->state;

	return db_run(db, Q_TOKEN_ONE, DB_ARGS(DB_I(c->made.token_id)),
		&r->rows_arena, &r->rows);
}

static enum err create(struct req *r, struct db *db)
{
	struct change *c = r->state;
	struct audit_by by = audit_who(r);
	enum err e =
		settle(c, token_create(db, &c->new, &by, &c->made, &c->fault));

	return e || c->outcome ? e : reread(r, db);
}

static enum step read_scopes(
	struct req *r, const struct json *list, unsigned *scopes)
{
	for (const struct json *v = json_first(list); v; v = json_next(v)) {
		unsigned one =
			scope_named(json_string(v), strlen(json_string(v)));

		if (!one)
			return body_invalid(r, "scopes",
				"names what is none of ingest, read, review, "
				"admin");
		if (*scopes & one)
			return body_invalid(r, "scopes", "names one twice");
		*scopes |= one;
	}
	return STEP_NEXT;
}

static enum step read_cameras(
	struct req *r, const struct json *list, struct token_new *t)
{
	if (list && !json_first(list))
		return body_invalid(
			r, "cameras", "is empty; for all cameras leave it out");
	for (const struct json *v = list ? json_first(list) : NULL; v;
		v = json_next(v)) {
		if (t->cameras_n == TOKEN_CAMERAS_MAX)
			return body_invalid(r, "cameras", "names too many");
		t->camera[t->cameras_n++] = json_string(v);
	}
	return STEP_NEXT;
}

static enum step read_expiry(
	struct req *r, const struct json *v, struct token_new *t)
{
	struct when w;

	if (!v)
		return STEP_NEXT;
	if (when_parse(json_string(v), strlen(json_string(v)), &w) ||
		!w.has_offset || !w.at)
		return body_invalid(r, "expires_at",
			"is no time like 2027-01-01T00:00:00+09:00");
	t->expires_at = w.at;
	return STEP_NEXT;
}

enum step token_make_new(struct req *r)
{
	enum { NAME, SCOPES_OF, CAMERAS, EXPIRES };
	struct body_member b[] = {{"name", BODY_TEXT, true, NULL},
		{"scopes", BODY_TEXTS, true, NULL},
		{"cameras", BODY_TEXTS, false, NULL},
		{"expires_at", BODY_TEXT, false, NULL}};
	struct change *c;
	enum step s;

	if ((s = open_change(r, &c)) != STEP_NEXT ||
		(s = body_members(r, "a token", b, ARRAY_LEN(b))) != STEP_NEXT)
		return s;
	c->new.name = json_string(b[NAME].value);
	if ((s = read_scopes(r, b[SCOPES_OF].value, &c->new.scopes)) !=
			STEP_NEXT ||
		(s = read_cameras(r, b[CAMERAS].value, &c->new)) != STEP_NEXT ||
		(s = read_expiry(r, b[EXPIRES].value, &c->new)) != STEP_NEXT)
		return s;
	return work_run(r->api->work, r, create);
}

/* The reply to POST and to rotate. */
enum step token_made(struct req *r)
{
	struct change *c = r->state;
	struct list l = {.column = columns, .n = C_N};

	if (c->outcome)
		return refuse(r, c);
	if (!r->rows.n)
		return req_fail(r, E_DB);
	if (!c->id)
		l.without = 1u << C_REPLACES;
	else if (!c->overlap_s)
		auth_forget(r->api->auth, c->old.hash);
	item(r, &l, r->rows.cell, DB_ARGS(DB_S(c->made.text), DB_I(c->id)));
	return req_json(r, 201);
}

static enum err rotate(struct req *r, struct db *db)
{
	struct change *c = r->state;
	struct audit_by by = audit_who(r);
	enum err e = settle(c,
		token_rotate(db, c->id, c->overlap_s, &by, &c->made, &c->old,
			&c->fault));

	return e || c->outcome ? e : reread(r, db);
}

enum step token_rotate_it(struct req *r)
{
	struct body_member b[] = {{"overlap_s", BODY_WHOLE, false, NULL}};
	struct change *c;
	enum step s;

	if ((s = open_change(r, &c)) != STEP_NEXT)
		return s;
	/* All of it may be left out. */
	if (r->body.n && (s = body_members(r, "a rotation", b, 1)) != STEP_NEXT)
		return s;
	c->overlap_s = b[0].value ? (int64_t)json_number(b[0].value) : 0;
	if (!(c->id = page_id(r->param[0]))) {
		c->outcome = E_NOT_FOUND;
		return refuse(r, c);
	}
	return work_run(r->api->work, r, rotate);
}

/* ---- DELETE ---- */

static enum err revoke(struct req *r, struct db *db)
{
	struct change *c = r->state;
	struct audit_by by = audit_who(r);

	return settle(c, token_revoke(db, c->id, &by, &c->old));
}

enum step token_end(struct req *r)
{
	struct change *c;
	enum step s;

	if ((s = req_no_params(r)) != STEP_NEXT ||
		(s = open_change(r, &c)) != STEP_NEXT)
		return s;
	c->id = page_id(r->param[0]);
	return work_run(r->api->work, r, revoke);
}

enum step token_ended(struct req *r)
{
	struct change *c = r->state;

	if (c->outcome)
		return refuse(r, c);
	auth_forget(r->api->auth, c->old.hash);
	return req_reply(r, 204, NULL);
}
