// SPDX-License-Identifier: MIT
/*
 * GET /api/v1/audit: who changed what, newest first.
 */
#include "api/audit.h"

#include <stdio.h>

#include "api/list.h"
#include "api/page.h"
#include "api/resources.h"
#include "api/server.h"
#include "common/when.h"

enum { PAGE = 100, PAGE_MAX = 1000 };

/* Of Q_AUDIT too, but that a time is a number there. */
enum { C_ID, C_AT };

static const struct list_column columns[] = {
	{NULL, "id", LIST_INT, false},
	{NULL, "at", LIST_TEXT, false},
	{NULL, "actor_kind", LIST_TEXT, false},
	{NULL, "actor_id", LIST_INT, false},
	{NULL, "actor", LIST_TEXT, false},
	{NULL, "address", LIST_TEXT, false},
	{NULL, "action", LIST_TEXT, false},
	{NULL, "subject", LIST_TEXT, false},
	{NULL, "detail", LIST_JSON, false},
};

struct audits {
	struct list list;
	struct page page;
};

struct audit_by audit_who(const struct req *r)
{
	return (struct audit_by){
		.kind = r->who.by_cookie ? AUDIT_USER : AUDIT_TOKEN,
		.id = r->who.id,
		.name = r->who.name,
		.address = r->conn->addr};
}

enum step audit_find(struct req *r)
{
	static const char *const more[] = {"action", "actor"};
	struct audits *s = arena_alloc(&r->arena, sizeof(*s));
	const char *action = query_get(&r->query, "action");
	const char *actor = query_get(&r->query, "actor");
	struct db_cell by_action, by_actor;
	enum step step;
	int64_t before;

	if (!s)
		return req_fail(r, E_NOMEM);
	r->state = s;
	if ((step = page_params(r, &s->page, more, ARRAY_LEN(more), PAGE,
		     PAGE_MAX)) != STEP_NEXT ||
		(step = page_after_id(r, &s->page, &before)) != STEP_NEXT ||
		(step = list_choose(r, &s->list)) != STEP_NEXT)
		return step;
	if (action && action[strspn(action, "abcdefghijklmnopqrstuvwxyz_.")])
		return req_problem(r, 400, "bad-parameter",
			"action is no name like token.create");
	by_action = DB_S(action ? action : "");
	by_actor = DB_S(actor ? actor : "");
	return req_query(r, Q_AUDIT,
		DB_ARGS(DB_I(before ? before : INT64_MAX), by_action, by_action,
			by_actor, by_actor, DB_I(s->page.limit + 1)),
		6);
}

enum step audit_list(struct req *r)
{
	struct audits *s = r->state;
	size_t most = (size_t)s->page.limit;
	size_t n = r->rows.n > most ? most : r->rows.n;
	char at[WHEN_TEXT], last[24] = "";

	list_open(r, &s->list, NULL, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < n; i++) {
		struct db_cell *c = &r->rows.cell[i * r->rows.cols];

		snprintf(last, sizeof(last), "%lld", (long long)c[C_ID].i);
		c[C_AT] = DB_S(
			when_format(at, when_from_number(c[C_AT].i), 0, true));
		list_item(r, &s->list, c);
	}
	list_close(r, &s->list, "audit",
		r->rows.n > n ? page_next(r, last) : NULL);
	return list_finish(r, &s->list);
}
