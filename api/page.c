// SPDX-License-Identifier: MIT
#include "api/page.h"

#include <stdlib.h>
#include <string.h>

enum { NEXT_MAX = 65536 /* a target of 8 KiB, encoded, fits */ };

static bool is_known(const char *name, const char *const *more, size_t n)
{
	static const char *const known[] = {"limit", "after", "format"};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (!strcmp(known[i], name))
			return true;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(more[i], name))
			return true;
	return false;
}

enum step page_params(struct req *r, struct page *p, const char *const *more,
	size_t n, int64_t limit, int64_t most)
{
	const char *v;
	char *end;

	*p = (struct page){.limit = limit};
	for (size_t i = 0; i < r->query.n; i++)
		if (!is_known(r->query.param[i].name, more, n))
			return req_problem(r, 400, "unknown-parameter",
				"the parameter %.60s is not known",
				r->query.param[i].name);
	if ((v = query_repeated(&r->query, NULL, 0)))
		return req_problem(
			r, 400, "bad-parameter", "%.60s is there twice", v);
	p->after = query_get(&r->query, "after");
	if (!(v = query_get(&r->query, "limit")))
		return STEP_NEXT;
	p->limit = strtol(v, &end, 10);
	if (*v < '0' || *v > '9' || *end || p->limit < 1 || p->limit > most)
		return req_problem(r, 400, "bad-parameter",
			"limit is not from 1 to %d", (int)most);
	return STEP_NEXT;
}

const char *page_next(struct req *r, const char *after)
{
	const char *next = NULL;
	struct text t;

	text_init(&t, NEXT_MAX);
	text_add(&t, r->head.path.at, r->head.path.n);
	text_str(&t, "?");
	for (size_t i = 0; i < r->query.n; i++) {
		if (!strcmp(r->query.param[i].name, "after"))
			continue;
		query_encode(&t, r->query.param[i].name);
		text_str(&t, "=");
		query_encode(&t, r->query.param[i].value);
		text_str(&t, "&");
	}
	text_str(&t, "after=");
	query_encode(&t, after);
	/* A reply without the next page would look like the last one. */
	if (t.full)
		r->arena.full = true;
	else
		next = arena_copy(&r->arena, t.at, t.n);
	text_free(&t);
	return next;
}

enum step page_after_id(struct req *r, const struct page *p, int64_t *id)
{
	*id = 0;
	if (!p->after)
		return STEP_NEXT;
	/* Digits that fit. */
	if (*p->after && strlen(p->after) <= 18 &&
		!p->after[strspn(p->after, "0123456789")]) {
		*id = strtoll(p->after, NULL, 10);
		return STEP_NEXT;
	}
	return req_problem(r, 400, "bad-parameter",
		"after is not from the \"next\" of a page");
}

int64_t page_id(struct slice s)
{
	int64_t id = 0;

	if (s.n > 10)
		return 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return 0;
		id = id * 10 + (s.at[i] - '0');
	}
	return id;
}
