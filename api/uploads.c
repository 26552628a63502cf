// SPDX-License-Identifier: MIT
/*
 * GET /api/v1/uploads, /api/v1/uploads/{id} and its rejected.csv: what was
 * uploaded, newest first.  A token that is bound to cameras sees its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/auth.h"
#include "api/body.h"
#include "api/list.h"
#include "api/page.h"
#include "api/resources.h"
#include "api/upload.h"
#include "common/when.h"

enum { PAGE = 100, PAGE_MAX = 1000 };

/* Of Q_UPLOADS and Q_UPLOAD_ONE too, but that a time is a number there, and the
 * last one is made here. */
enum { C_ID, C_AT, C_REJECTED = 11, C_KEPT, C_ERRORS = 15, C_URL, C_N };

static const struct list_column columns[C_N] = {
	{NULL, "id", LIST_INT, false},
	{NULL, "at", LIST_TEXT, false},
	{NULL, "by_kind", LIST_TEXT, false},
	{NULL, "by", LIST_TEXT, false},
	{NULL, "file", LIST_TEXT, false},
	{NULL, "format", LIST_TEXT, false},
	{NULL, "bytes", LIST_INT, false},
	{NULL, "received", LIST_INT, false},
	{NULL, "inserted", LIST_INT, false},
	{NULL, "duplicate", LIST_INT, false},
	{NULL, "replaced", LIST_INT, false},
	{NULL, "rejected", LIST_INT, false},
	{NULL, "rejected_kept", LIST_INT, false},
	{NULL, "unread_line", LIST_INT, false},
	{NULL, "unread_detail", LIST_TEXT, false},
	{NULL, "errors", LIST_JSON, false},
	{NULL, "rejected_url", LIST_TEXT, false},
};

struct uploads {
	struct list list;
	struct page page;
	int64_t id;
	void *lookup; /* auth_token's */
};

static void item(struct req *r, const struct list *l, const struct db_cell *row)
{
	struct db_cell cell[C_N];
	char at[WHEN_TEXT], url[80];

	memcpy(cell, row, C_URL * sizeof(*cell));
	cell[C_AT] =
		DB_S(when_format(at, when_from_number(row[C_AT].i), 0, true));
	snprintf(url, sizeof(url), "/api/v1/uploads/%lld/rejected.csv",
		(long long)row[C_ID].i);
	cell[C_URL] = row[C_KEPT].i ? DB_S(url) : DB_NULL;
	list_item(r, l, cell);
}

/* Whoever is bound to cameras sees its own: a 1 and its id; else two 0. */
static struct db_cell bound(const struct req *r)
{
	return DB_I(r->who.cameras != NULL);
}

/* ---- all ---- */

enum step uploads_find(struct req *r)
{
	struct uploads *s = arena_alloc(&r->arena, sizeof(*s));
	enum step step;
	int64_t before;

	if (!s)
		return req_fail(r, E_NOMEM);
	r->state = s;
	if ((step = page_params(r, &s->page, NULL, 0, PAGE, PAGE_MAX)) !=
			STEP_NEXT ||
		(step = page_after_id(r, &s->page, &before)) != STEP_NEXT ||
		(step = list_choose(r, &s->list)) != STEP_NEXT)
		return step;
	return req_query(r, Q_UPLOADS,
		DB_ARGS(DB_I(before ? before : INT64_MAX), bound(r),
			DB_I(r->who.id), DB_I(s->page.limit + 1)),
		4);
}

enum step uploads_list(struct req *r)
{
	struct uploads *s = r->state;
	size_t most = (size_t)s->page.limit;
	size_t n = r->rows.n > most ? most : r->rows.n;
	char last[24] = "";

	s->list.without = UINT64_C(1) << C_ERRORS;
	list_open(r, &s->list, NULL, columns, C_N);
	for (size_t i = 0; i < n; i++) {
		const struct db_cell *c = &r->rows.cell[i * r->rows.cols];

		snprintf(last, sizeof(last), "%lld", (long long)c[C_ID].i);
		item(r, &s->list, c);
	}
	list_close(r, &s->list, "uploads",
		r->rows.n > n ? page_next(r, last) : NULL);
	return list_finish(r, &s->list);
}

/* ---- one ---- */

/* The segment of the path; 0, which none has, for what is no id. */
static int64_t id_of(const struct req *r)
{
	const struct slice *s = &r->param[0];
	int64_t id = 0;

	if (s->n > 18)
		return 0;
	for (size_t i = 0; i < s->n; i++) {
		if (s->at[i] < '0' || s->at[i] > '9')
			return 0;
		id = id * 10 + (s->at[i] - '0');
	}
	return id;
}

static enum step nothing(struct req *r)
{
	return req_problem(
		r, 404, "not-found", "there is no upload with this id");
}

static enum step ask_for(struct req *r, enum stmt q)
{
	enum step s = req_no_params(r);

	if (s != STEP_NEXT)
		return s;
	return req_query(
		r, q, DB_ARGS(DB_I(id_of(r)), bound(r), DB_I(r->who.id)), 3);
}

enum step upload_find(struct req *r)
{
	return ask_for(r, Q_UPLOAD_ONE);
}

enum step upload_show(struct req *r)
{
	struct list l = {.column = columns, .n = C_N};

	if (!r->rows.n)
		return nothing(r);
	item(r, &l, r->rows.cell);
	return req_json(r, 200);
}

/* ---- its bad rows ---- */

enum step rejected_find(struct req *r)
{
	return ask_for(r, Q_UPLOAD_REJECTED);
}

enum step rejected_show(struct req *r)
{
	if (!r->rows.n)
		return nothing(r);
	for (size_t i = 0; i < r->rows.n; i++)
		text_add(&r->out, r->rows.cell[i].s.at, r->rows.cell[i].s.n);
	text_printf(&r->headers,
		"Content-Disposition: attachment; "
		"filename=\"rejected-%.*s.csv\"\r\n"
		"Cache-Control: no-store\r\n",
		(int)r->param[0].n, r->param[0].at);
	return req_reply(r, 200, "text/csv; charset=utf-8; header=present");
}

/* The same by the form of a page, with a token: who uploaded it may, too. */
enum step rejected_begin(struct req *r)
{
	enum step s = auth_same_origin(r);

	if (s != STEP_NEXT)
		return s;
	body_open(r, BODY_MAX);
	r->state = arena_alloc(&r->arena, sizeof(struct uploads));
	return r->state ? STEP_NEXT : req_fail(r, E_NOMEM);
}

enum step rejected_ask(struct req *r)
{
	struct uploads *u = r->state;
	struct slice form = {r->body.at ? r->body.at : "", r->body.n};
	struct query q;
	char why[QUERY_WHY];
	const char *token;
	enum step s;

	if (query_parse(&q, &r->arena, form, why))
		return req_problem(r, 400, "bad-form", "%s", why);
	if (!(token = query_get(&q, "token")))
		return req_problem(r, 401, "unauthorized", "give a token");
	s = auth_token(r, (struct slice){token, strlen(token)}, &u->lookup);
	if (s != STEP_NEXT)
		return step_again(s);
	return req_query(r, Q_UPLOAD_REJECTED,
		DB_ARGS(DB_I(id_of(r)),
			DB_I(r->who.cameras || !(r->who.scopes & SCOPE_READ)),
			DB_I(r->who.id)),
		3);
}
