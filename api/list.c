// SPDX-License-Identifier: MIT
#include "api/list.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/accept.h"
#include "api/api.h"
#include "api/field.h"
#include "api/gzip.h"
#include "api/work.h"
#include "common/csv.h"
#include "common/decimal.h"
#include "common/token.h"

enum step list_choose(struct req *r, struct list *l)
{
	const char *format = query_get(&r->query, "format");
	int json = accept_type(&r->head, "application/json");
	int csv = accept_type(&r->head, "text/csv");

	*l = (struct list){0};
	if (format) {
		l->csv = !strcmp(format, "csv");
		if (l->csv || !strcmp(format, "json"))
			return STEP_NEXT;
		return req_problem(r, 400, "bad-parameter",
			"format is neither json nor csv");
	}
	l->csv = csv > 0 && csv > json;
	if (l->csv || json > 0 || (json < 0 && csv < 0))
		return STEP_NEXT;
	text_str(&r->headers, "Vary: Accept\r\n");
	return req_problem(r, 406, "not-acceptable",
		"there are application/json and text/csv");
}

/* ---- CSV ---- */

static void csv_cell(
	struct text *t, enum list_kind kind, const struct db_cell *c)
{
	if (c->null)
		return;
	switch (kind) {
	case LIST_TEXT:
	case LIST_TEXTS:
	case LIST_JSON:
		csv_quote(t, c->s.at, true);
		break;
	case LIST_INT:
		text_int(t, c->i);
		break;
	case LIST_REAL:
		text_double(t, c->d);
		break;
	case LIST_TRUTH:
		text_str(t, c->i ? "true" : "false");
		break;
	}
}

static void csv_header(struct text *t, const struct list *l)
{
	const char *between = "";

	for (size_t i = 0; i < l->n; i++) {
		const struct list_column *c = &l->column[i];

		if (l->without & UINT64_C(1) << i)
			continue;
		text_str(t, between);
		if (c->group && !c->sparse) {
			text_str(t, c->group);
			text_add(t, "_", 1);
		}
		text_str(t, c->name);
		between = ",";
	}
	text_add(t, "\r\n", 2);
}

static void csv_item(
	struct text *t, const struct list *l, const struct db_cell *cell)
{
	const char *between = "";

	for (size_t i = 0; i < l->n; i++) {
		if (l->without & UINT64_C(1) << i)
			continue;
		text_str(t, between);
		csv_cell(t, l->column[i].kind, &cell[i]);
		between = ",";
	}
	text_add(t, "\r\n", 2);
}

/* ---- JSON ---- */

static unsigned char json_name(char at[LIST_NAME_MAX + 6], const char *name)
{
	size_t n = strlen(name);

	assert(n <= LIST_NAME_MAX);
	memcpy(at, ",\"", 2);
	memcpy(at + 2, name, n);
	memcpy(at + 2 + n, "\":", 2);
	return (unsigned char)(n + 4);
}

static void json_keys(struct list *l, struct list_key *key)
{
	assert(l->n <= LIST_COLUMNS_MAX);
	l->key = key;
	for (size_t i = 0; i < l->n; i++) {
		const char *group = l->column[i].group;
		struct list_key *k = &key[i];
		size_t end = i;

		k->n = json_name(k->at, l->column[i].name);
		k->numbers = true;
		for (; group && end < l->n && l->column[end].group &&
			!strcmp(l->column[end].group, group);
			end++)
			k->numbers &= l->column[end].kind == LIST_INT ||
				l->column[end].kind == LIST_REAL;
		k->end = (unsigned char)end;
		if (!group)
			continue;
		k->group_n = json_name(k->group, group);
		k->group[k->group_n++] = '{';
	}
}

/* The member's name; the first one has no comma. */
static void json_key(struct text *t, const struct list_key *key)
{
	size_t first = t->n && t->at[t->n - 1] == '{';

	text_add(t, key->at + first, key->n - first);
}

enum { NUMBER_MAX = sizeof(((struct list_key *)0)->at) + DECIMAL_TEXT };

/* A member that is a number or null. */
static char *json_number(char *to, const struct list_key *key,
	enum list_kind kind, const struct db_cell *c)
{
	size_t first = to[-1] == '{';

	/* A copy of one size is a move or two. */
	memcpy(to, key->at + first, sizeof(key->at) - 1);
	to += key->n - first;
	if (!c->null && kind == LIST_INT)
		return text_number(to, c->i);
	if (!c->null && isfinite(c->d))
		return to + decimal(to, c->d);
	memcpy(to, "null", 4);
	return to + 4;
}

static void json_lines(struct text *t, struct slice s)
{
	const char *at = s.at, *end = s.at + s.n;

	json_open(t, NULL, '[');
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((stop ? stop : end) - at);

		json_strn(t, NULL, at, n);
		at += n + 1;
	}
	json_close(t, ']');
}

static void json_cell(
	struct text *t, const struct list *l, size_t i, const struct db_cell *c)
{
	if (c->null && l->column[i].sparse)
		return;
	json_key(t, &l->key[i]);
	if (c->null) {
		text_add(t, "null", 4);
		return;
	}
	switch (l->column[i].kind) {
	case LIST_TEXT:
		json_strn(t, NULL, c->s.at, c->s.n);
		break;
	case LIST_TEXTS:
		json_lines(t, c->s);
		break;
	case LIST_JSON:
		text_add(t, c->s.at, c->s.n);
		break;
	case LIST_INT:
		text_int(t, c->i);
		break;
	case LIST_REAL:
		json_double(t, NULL, c->d);
		break;
	case LIST_TRUTH:
		json_bool(t, NULL, c->i);
		break;
	}
}

/* Of a group all of whose columns are numbers; they are many. */
static void json_numbers(struct text *t, const struct list *l, size_t i,
	const struct db_cell *cell)
{
	const struct list_key *key = &l->key[i];
	size_t end = key->end, first;
	char *to = text_room(t, NUMBER_MAX * (end - i + 1));

	if (!to)
		return;
	first = to[-1] == '{';
	memcpy(to, key->group + first, key->group_n - first);
	to += key->group_n - first;
	for (; i < end; i++)
		if (!cell[i].null || !l->column[i].sparse)
			to = json_number(
				to, &l->key[i], l->column[i].kind, &cell[i]);
	*to++ = '}';
	text_wrote(t, to);
}

/* The columns of one group from i on, to the one returned. */
static size_t json_group(struct text *t, const struct list *l, size_t i,
	const struct db_cell *cell)
{
	const char *group = l->column[i].group;
	size_t end = l->key[i].end;
	bool any = false;

	for (size_t k = i; k < end && !any; k++)
		any = !cell[k].null;
	if (!any) {
		json_null(t, group);
		return end;
	}
	if (l->key[i].numbers) {
		json_numbers(t, l, i, cell);
		return end;
	}
	json_open(t, group, '{');
	for (; i < end; i++)
		json_cell(t, l, i, &cell[i]);
	json_close(t, '}');
	return end;
}

static void json_item(
	struct text *t, const struct list *l, const struct db_cell *cell)
{
	size_t i = 0;

	json_open(t, NULL, '{');
	while (i < l->n)
		if (l->without & UINT64_C(1) << i)
			i++;
		else if (l->column[i].group)
			i = json_group(t, l, i, cell);
		else {
			json_cell(t, l, i, &cell[i]);
			i++;
		}
	json_close(t, '}');
}

void list_json(struct text *t, const struct list *l, const struct db_cell *cell)
{
	struct list one = *l;
	struct list_key key[LIST_COLUMNS_MAX];

	if (!l->key)
		json_keys(&one, key);
	json_item(t, &one, cell);
}

/* ---- both ---- */

void list_open(struct req *r, struct list *l, const char *period,
	const struct list_column *column, size_t n)
{
	struct list_key *key;

	l->column = column;
	l->n = n;
	l->key = NULL;
	text_clear(&r->out);
	if (l->csv) {
		csv_header(&r->out, l);
		return;
	}
	json_open(&r->out, NULL, '{');
	if (period)
		json_str(&r->out, "period", period);
	json_open(&r->out, "items", '[');
	if ((key = arena_alloc(&r->arena, n * sizeof(*key))))
		json_keys(l, key);
}

void list_item(struct req *r, const struct list *l, const struct db_cell *cell)
{
	if (l->csv)
		csv_item(&r->out, l, cell);
	else
		list_json(&r->out, l, cell);
}

void list_close(
	struct req *r, const struct list *l, const char *name, const char *next)
{
	if (l->csv) {
		text_printf(&r->headers,
			"Content-Disposition: attachment; "
			"filename=\"%s.csv\"\r\n",
			name);
		if (next)
			text_printf(&r->headers, "Link: <%s>; rel=\"next\"\r\n",
				next);
		return;
	}
	json_close(&r->out, ']');
	json_str(&r->out, "next", next);
	json_close(&r->out, '}');
}

const char *list_type(const struct list *l)
{
	return l->csv ? "text/csv; charset=utf-8; header=present"
		      : "application/json";
}

/* ---- the reply ---- */

/* Of the body and of the fields that go with it. */
static void tag(struct req *r, struct list *l)
{
	unsigned char hash[TOKEN_HASH];
	char *at = l->etag;
	struct text t;

	token_hash(r->out.at ? r->out.at : "", r->out.n, hash);
	text_init(&t, SIZE_MAX / 2);
	text_printf(&t, "%s %d ", list_type(l), l->packed);
	text_add(&t, (const char *)hash, sizeof(hash));
	text_add(&t, r->headers.at ? r->headers.at : "", r->headers.n);
	token_hash(t.at ? t.at : "", t.n, hash);
	text_free(&t);
	*at++ = '"';
	for (size_t i = 0; i < (LIST_ETAG - 3) / 2; i++) {
		snprintf(at, 3, "%02x", hash[i]);
		at += 2;
	}
	memcpy(at, "\"", 2);
}

/* On a thread it may not look at the request's head. */
static enum err pack(struct req *r, struct db *db)
{
	struct list *l = r->listed;

	(void)db;
	tag(r, l);
	/* Where memory is short it goes as it is. */
	if (l->packed && !gzip(&r->out, GZIP_QUICK))
		text_str(&r->headers, "Content-Encoding: gzip\r\n");
	return E_OK;
}

enum step list_finish(struct req *r, struct list *l)
{
	unsigned i = 0;

	r->listed = l;
	l->packed = r->out.n >= GZIP_LEAST && accept_gzip(&r->head);
	while (i < REQ_STEPS - 1 && r->route->step[i] != list_pack)
		i++;
	return req_back(r, i);
}

enum step list_pack(struct req *r)
{
	if (r->out.full || r->headers.full || r->arena.full)
		return STEP_NEXT;
	if (r->out.n > GZIP_ON_LOOP && work_has_room(r->api->work))
		return work_run(r->api->work, r, pack);
	return pack(r, NULL) ? STEP_DONE : STEP_NEXT;
}

enum step list_send(struct req *r)
{
	const struct list *l = r->listed;

	/* Too large to be sent. */
	if (!*l->etag)
		return req_reply(r, 200, list_type(l));
	text_printf(&r->headers,
		"Vary: Accept, Accept-Encoding\r\n"
		"Cache-Control: private, no-cache\r\nETag: %s\r\n",
		l->etag);
	if (!field_match(&r->head, l->etag))
		return req_changed(r);
	if (!field_none_match(&r->head, l->etag, true))
		return req_reply(r, 200, list_type(l));
	text_clear(&r->out);
	return req_reply(r, 304, NULL);
}
