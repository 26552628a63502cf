// SPDX-License-Identifier: MIT
/*
 * GET and POST /api/v1/sites, PATCH /api/v1/sites/{id}.
 */
#include "analytics/site.h"

#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "api/audit.h"
#include "api/body.h"
#include "api/list.h"
#include "api/page.h"
#include "api/resources.h"
#include "api/work.h"

enum { PAGE = 1000 };

/* Columns of Q_SITES, too. */
enum { C_ID };

static const struct list_column columns[] = {
	{NULL, "id", LIST_INT, false},
	{NULL, "name", LIST_TEXT, false},
	{NULL, "tz", LIST_TEXT, false},
	{NULL, "default", LIST_TRUTH, false},
	{NULL, "cameras", LIST_INT, false},
};

/* ---- GET ---- */

struct sites {
	struct list list;
	struct page page;
};

/* The codes that a token is bound to, as JSON; NULL: it sees all. */
static enum step bound(struct req *r, struct db_cell *codes)
{
	const char *at = r->who.cameras;
	struct text t;

	*codes = DB_NULL;
	if (!at)
		return STEP_NEXT;
	text_init(&t, 1 << 20);
	json_open(&t, NULL, '[');
	while (*at) {
		size_t n = strcspn(at, "\n");

		json_strn(&t, NULL, at, n);
		at += n + (at[n] == '\n');
	}
	json_close(&t, ']');
	*codes = DB_SN(t.full ? NULL : arena_copy(&r->arena, t.at, t.n), t.n);
	text_free(&t);
	return codes->s.at ? STEP_NEXT : req_fail(r, E_TOO_BIG);
}

enum step sites_find(struct req *r)
{
	struct sites *s = arena_alloc(&r->arena, sizeof(*s));
	struct db_cell codes;
	enum step step;
	int64_t after;

	if (!s)
		return req_fail(r, E_NOMEM);
	r->state = s;
	if ((step = page_params(r, &s->page, NULL, 0, PAGE, PAGE)) !=
			STEP_NEXT ||
		(step = page_after_id(r, &s->page, &after)) != STEP_NEXT ||
		(step = list_choose(r, &s->list)) != STEP_NEXT ||
		(step = bound(r, &codes)) != STEP_NEXT)
		return step;
	return req_query(r, Q_SITES,
		DB_ARGS(codes, codes, DB_I(after), codes, codes,
			DB_I(s->page.limit + 1)),
		6);
}

enum step sites_list(struct req *r)
{
	struct sites *s = r->state;
	size_t most = (size_t)s->page.limit;
	size_t n = r->rows.n > most ? most : r->rows.n;
	char last[24] = "";

	list_open(r, &s->list, NULL, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < n; i++) {
		const struct db_cell *c = &r->rows.cell[i * r->rows.cols];

		snprintf(last, sizeof(last), "%lld", (long long)c[C_ID].i);
		list_item(r, &s->list, c);
	}
	list_close(r, &s->list, "sites",
		r->rows.n > n ? page_next(r, last) : NULL);
	return list_finish(r, &s->list);
}

/* ---- POST and PATCH ---- */

struct putting {
	struct site_change change;
	int64_t id;
	const char *field;
	enum err outcome;
	char why[CAMERA_WHY];
};

static enum err put(struct req *r, struct db *db)
{
	struct putting *p = r->state;
	struct audit_by by = audit_who(r);

	p->outcome = site_put(db, &p->change, &by, &p->id, &p->field, p->why);
	if (p->field || p->outcome == E_EXISTS || p->outcome == E_NOT_FOUND ||
		p->outcome == E_CONFLICT)
		return E_OK;
	return p->outcome ? p->outcome
			  : db_run(db, Q_SITE_ONE, DB_ARGS(DB_I(p->id)),
				    &r->rows_arena, &r->rows);
}

static enum step read_site(struct req *r, struct putting **p, bool new)
{
	enum { NAME, TZ };
	struct body_member b[] = {
		{"name", BODY_TEXT, new, NULL}, {"tz", BODY_TEXT, false, NULL}};
	enum step s = body_members(r, "a site", b, ARRAY_LEN(b));

	if (s != STEP_NEXT)
		return s;
	if (!(*p = arena_alloc(&r->arena, sizeof(**p))))
		return req_fail(r, E_NOMEM);
	r->state = *p;
	if (b[NAME].value)
		(*p)->change.name = json_string(b[NAME].value);
	if (b[TZ].value)
		(*p)->change.tz = json_string(b[TZ].value);
	if (!b[NAME].value && !b[TZ].value)
		return body_invalid(r, "name", "is missing, and so is tz");
	return STEP_NEXT;
}

static enum step site_unknown(struct req *r)
{
	return req_problem(
		r, 404, "unknown-site", "there is no site with this id");
}

enum step site_make(struct req *r)
{
	struct putting *p;
	enum step s = read_site(r, &p, true);

	return s == STEP_NEXT ? work_run(r->api->work, r, put) : s;
}

enum step site_alter(struct req *r)
{
	struct putting *p;
	enum step s = read_site(r, &p, false);

	if (s != STEP_NEXT)
		return s;
	if (!(p->change.site_id = page_id(r->param[0])))
		return site_unknown(r);
	/* To count its cameras anew in another zone may take its time. */
	return work_run(p->change.tz ? r->api->jobs : r->api->work, r, put);
}

enum step site_done(struct req *r)
{
	const struct putting *p = r->state;
	struct list l = {.column = columns, .n = ARRAY_LEN(columns)};

	if (p->field)
		return body_invalid(r, p->field, camera_rule(p->field));
	if (p->outcome == E_EXISTS)
		return req_problem(r, 409, "exists", "a site has this name");
	if (p->outcome == E_CONFLICT)
		return req_problem(r, 409, "conflict", "%s", p->why);
	if (p->outcome || !r->rows.n)
		return site_unknown(r);
	list_item(r, &l, r->rows.cell);
	return req_json(r, p->change.site_id ? 200 : 201);
}
