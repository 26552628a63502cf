// SPDX-License-Identifier: MIT
/*
 * GET /api/v1/records: detection records, newest first, of one camera or of
 * many.  Each camera gives the times of its newest records, so that it is known
 * which are on the page; then these alone are read, for a record may be large.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/list.h"
#include "api/record.h"
#include "api/resources.h"
#include "api/series.h"

enum { PAGE = 100, PAGE_MAX = 500, KEY_BYTES = 48, AT_BYTES = 32 };

static const struct list_column columns[] = {
	{NULL, "camera", LIST_TEXT, false},
	{NULL, "at", LIST_TEXT, false},
	{NULL, "frame", LIST_INT, false},
	{NULL, "people", LIST_INT, false},
	{NULL, "vehicle", LIST_INT, false},
	{NULL, "face", LIST_INT, false},
	{NULL, "decode_ms", LIST_REAL, false},
	{NULL, "detect_ms", LIST_REAL, false},
	{NULL, "boxes", LIST_JSON, false},
};

struct key {
	const struct series_camera *camera;
	int64_t at_ms;
};

struct records {
	struct series series;
	struct list list;
	struct series_place after;
	int from_ms, to_ms; /* behind the second of from and to */
	struct key *key;    /* limit + 1 of them, twice */
	size_t n, shown;
};

static int ms_of_param(const struct req *r, const char *name)
{
	const char *v = query_get(&r->query, name);

	return v ? record_ms_of(v) : 0;
}

enum step record_list_begin(struct req *r)
{
	struct records *l = arena_alloc(&r->arena, sizeof(*l));
	enum step s;

	if (!l)
		return req_fail(r, E_NOMEM);
	r->state = l;
	if ((s = series_params(r, &l->series, NULL, 0, PAGE, PAGE_MAX)) !=
			STEP_NEXT ||
		(s = list_choose(r, &l->list)) != STEP_NEXT ||
		(s = series_after(r, &l->series, &l->after)) != STEP_NEXT)
		return s;
	l->from_ms = ms_of_param(r, "from");
	l->to_ms = ms_of_param(r, "to");
	l->series.from.whole = l->series.to.whole = true;
	l->key = arena_alloc(
		&r->arena, 2 * (size_t)(l->series.limit + 1) * sizeof(*l->key));
	return l->key ? STEP_NEXT : req_fail(r, E_TOO_BIG);
}

enum step record_list_cameras(struct req *r)
{
	struct records *l = r->state;

	return series_ask(r, &l->series);
}

/* ---- which */

/* Newest first; of one instant, by camera. */
static int by_age(const void *pa, const void *pb)
{
	const struct key *a = pa, *b = pb;

	if (a->at_ms != b->at_ms)
		return a->at_ms > b->at_ms ? -1 : 1;
	return strcmp(a->camera->code, b->camera->code);
}

static void take_keys(const struct req *r, struct records *l)
{
	size_t most = (size_t)l->series.limit + 1;

	for (size_t i = 0; i < r->rows.n; i++)
		l->key[l->n++] =
			(struct key){.camera = &l->series.camera[l->series.at],
				.at_ms = record_time_from(r->rows.cell[i].i)};
	if (l->n)
		qsort(l->key, l->n, sizeof(*l->key), by_age);
	if (l->n > most)
		l->n = most;
}

static enum step ask_keys(struct req *r, struct records *l)
{
	const struct series_camera *c = &l->series.camera[l->series.at];
	int64_t from, to, most = l->series.limit + 1;
	char *first = arena_alloc(&r->arena, RECORD_TIME);
	char *last = arena_alloc(&r->arena, RECORD_TIME);

	if (!first || !last)
		return req_fail(r, E_TOO_BIG);
	series_range(&l->series, c->tz, &from, &to);
	from = from * 1000 + l->from_ms;
	to = to * 1000 + l->to_ms;
	if (l->after.camera) {
		/* The part of a place is the millisecond, from 1 on. */
		int64_t end = l->after.start * 1000 + l->after.part - 1 +
			(strcmp(c->code, l->after.camera) > 0);

		if (to > end)
			to = end;
	}
	/* The page is full: older ones are of no use. */
	if ((int64_t)l->n == most && from < l->key[l->n - 1].at_ms)
		from = l->key[l->n - 1].at_ms;
	return req_query(r, Q_RECORD_KEYS,
		DB_ARGS(DB_I(c->camera_id), DB_S(record_time(first, from)),
			DB_S(record_time(last, to)), DB_I(most)),
		4);
}

/* ---- what they hold */

static enum step ask_rows(struct req *r, struct records *l)
{
	char at[RECORD_TIME];
	const char *keys;
	struct text t;

	l->shown =
		l->n > (size_t)l->series.limit ? (size_t)l->series.limit : l->n;
	text_init(&t, (PAGE_MAX + 1) * KEY_BYTES);
	json_open(&t, NULL, '[');
	for (size_t i = 0; i < l->shown; i++) {
		json_open(&t, NULL, '[');
		json_int(&t, NULL, l->key[i].camera->camera_id);
		json_str(&t, NULL, record_time(at, l->key[i].at_ms));
		json_close(&t, ']');
	}
	json_close(&t, ']');
	keys = t.full ? NULL : arena_copy(&r->arena, t.at, t.n);
	text_free(&t);
	return keys ? req_query(r, Q_RECORDS, DB_ARGS(DB_S(keys)), 1)
		    : req_fail(r, E_TOO_BIG);
}

/* The next camera's times, or the rows. */
static enum step ask_on(struct req *r, struct records *l)
{
	return l->series.at < l->series.n ? ask_keys(r, l) : ask_rows(r, l);
}

enum step record_list_found(struct req *r)
{
	struct records *l = r->state;
	enum step s = series_take(r, &l->series);

	return s == STEP_NEXT ? ask_on(r, l) : s;
}

static const char *time_text(char buf[AT_BYTES], int64_t at_ms)
{
	char s[WHEN_TEXT];

	/* Not before 2000: no remainder is negative. */
	when_format(s, at_ms / 1000, 0, true);
	snprintf(buf, AT_BYTES, "%.19s.%03dZ", s, (int)(at_ms % 1000));
	return buf;
}

/* The record of a key; one that went meanwhile is left out. */
static void write_items(struct req *r, const struct records *l)
{
	char at[AT_BYTES];

	for (size_t i = 0; i < r->rows.n; i++) {
		const struct db_cell *c = &r->rows.cell[i * r->rows.cols];
		struct db_cell cell[ARRAY_LEN(columns)];
		size_t place = (size_t)c[0].i - 1;

		if (place >= l->shown)
			continue;
		cell[0] = DB_S(l->key[place].camera->code);
		cell[1] = DB_S(time_text(at, l->key[place].at_ms));
		memcpy(&cell[2], &c[1], sizeof(cell) - 2 * sizeof(*cell));
		list_item(r, &l->list, cell);
	}
}

static enum step answer(struct req *r, struct records *l)
{
	struct series_place last = {0};

	if (l->n > l->shown) {
		const struct key *k = &l->key[l->shown - 1];

		last.start = k->at_ms / 1000;
		last.part = (int)(k->at_ms % 1000) + 1;
		last.camera = k->camera->code;
	}
	list_open(r, &l->list, NULL, columns, ARRAY_LEN(columns));
	write_items(r, l);
	list_close(r, &l->list, "records", series_next(r, last));
	return list_finish(r, &l->list);
}

enum step record_list_keys(struct req *r)
{
	struct records *l = r->state;

	if (l->series.at == l->series.n)
		return answer(r, l);
	take_keys(r, l);
	l->series.at++;
	return step_again(ask_on(r, l));
}
