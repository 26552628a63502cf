// SPDX-License-Identifier: MIT
/*
 * GET /api/v1/counts: stored rows, newest first, of one camera or of many.
 * Each camera gives its newest rows by its key; what is older than the page's
 * last row so far is not even asked for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/count.h"
#include "api/api.h"
#include "api/items.h"
#include "api/list.h"
#include "api/resources.h"
#include "api/series.h"

enum { DETAIL = 3 + COUNT_FIGURES_N }; /* its column of Q_COUNTS */

struct row {
	const char *camera;
	int64_t start_at, end_at;
	int32_t figure[COUNT_FIGURES_N];
	int32_t observed_s;
	const char *detail;
};

#define CLASS(name) \
	{ \
		"classes", #name, LIST_INT, true \
	}

static const struct list_column columns[] = {
	{NULL, "camera", LIST_TEXT, false},
	{NULL, "start_at", LIST_TEXT, false},
	{NULL, "end_at", LIST_TEXT, false},
	{NULL, "people", LIST_INT, false},
	{NULL, "vehicle", LIST_INT, false},
	{NULL, "face", LIST_INT, false},
	{NULL, "people_new", LIST_INT, false},
	{NULL, "vehicle_new", LIST_INT, false},
	{NULL, "face_new", LIST_INT, false},
	CLASS(car),
	CLASS(bus),
	CLASS(truck),
	CLASS(motorcycle),
	CLASS(bicycle),
	CLASS(scooter),
	{NULL, "observed_s", LIST_INT, false},
	{NULL, "detail", LIST_JSON, true},
};

/* CSV is for what takes CSV, and rows with more than figures are no table. */
static const uint64_t without_detail = UINT64_C(1) << (ARRAY_LEN(columns) - 1);

struct listing {
	struct series series;
	struct list list;
	struct series_place after;
	struct row *row; /* limit + 1 of them, twice */
	size_t n;
};

enum step listing_begin(struct req *r)
{
	struct listing *l = arena_alloc(&r->arena, sizeof(*l));
	enum step s;

	if (!l)
		return req_fail(r, E_NOMEM);
	r->state = l;
	if ((s = series_params(r, &l->series, NULL, 0, 100, 10000)) !=
			STEP_NEXT ||
		(s = list_choose(r, &l->list)) != STEP_NEXT ||
		(s = series_after(r, &l->series, &l->after)) != STEP_NEXT)
		return s;
	l->row = arena_alloc(
		&r->arena, 2 * (size_t)(l->series.limit + 1) * sizeof(*l->row));
	return l->row ? STEP_NEXT : req_fail(r, E_TOO_BIG);
}

enum step listing_cameras(struct req *r)
{
	struct listing *l = r->state;

	return series_ask(r, &l->series);
}

/* Newest first; of one instant, by camera. */
static int by_age(const void *pa, const void *pb)
{
	const struct row *a = pa, *b = pb;

	if (a->start_at != b->start_at)
		return a->start_at > b->start_at ? -1 : 1;
	return strcmp(a->camera, b->camera);
}

/* All but the detail. */
static void fill(struct row *row, const char *camera, const struct db_cell *c)
{
	*row = (struct row){.camera = camera,
		.start_at = when_from_number(c[0].i),
		.end_at = when_from_number(c[1].i),
		.observed_s = (int32_t)c[2 + COUNT_FIGURES_N].i};
	for (int k = 0; k < COUNT_FIGURES_N; k++)
		row->figure[k] =
			c[2 + k].null ? COUNT_NULL : (int32_t)c[2 + k].i;
}

/* Takes the rows of the camera that was asked, keeps the page. */
static void take(struct req *r, struct listing *l, const char *camera)
{
	size_t most = (size_t)l->series.limit + 1;

	for (size_t i = 0; i < r->rows.n; i++) {
		const struct db_cell *c = &r->rows.cell[i * r->rows.cols];
		struct row *row = &l->row[l->n++];

		fill(row, camera, c);
		if (!c[DETAIL].null)
			row->detail = arena_copy(
				&r->arena, c[DETAIL].s.at, c[DETAIL].s.n);
	}
	if (l->n)
		qsort(l->row, l->n, sizeof(*l->row), by_age);
	if (l->n > most)
		l->n = most;
}

static enum step ask(struct req *r, struct listing *l)
{
	const struct series_camera *c = &l->series.camera[l->series.at];
	int64_t from, to, most = l->series.limit + 1;

	series_range(&l->series, c->tz, &from, &to);
	if (l->after.camera) {
		bool later = strcmp(c->code, l->after.camera) > 0;

		if (to > l->after.start + later)
			to = l->after.start + later;
	}
	/* The page is full: older rows are of no use. */
	if ((int64_t)l->n == most && from < l->row[l->n - 1].start_at)
		from = l->row[l->n - 1].start_at;
	return req_query(r, Q_COUNTS,
		DB_ARGS(DB_I(c->camera_id), DB_I(when_number(from)),
			DB_I(when_number(to)), DB_I(most)),
		4);
}

/* The columns, of a row; buf: room for the instants. */
static void cells(
	struct db_cell *c, const struct row *row, char buf[2][WHEN_TEXT])
{
	*c++ = DB_S(row->camera);
	*c++ = DB_S(when_format(buf[0], row->start_at, 0, true));
	*c++ = DB_S(when_format(buf[1], row->end_at, 0, true));
	for (int i = 0; i < COUNT_FIGURES_N; i++)
		*c++ = row->figure[i] == COUNT_NULL ? DB_NULL
						    : DB_I(row->figure[i]);
	*c++ = DB_I(row->observed_s);
	*c = row->detail ? DB_S(row->detail) : DB_NULL;
}

static void item(struct req *r, const struct listing *l, const struct row *row)
{
	struct db_cell cell[ARRAY_LEN(columns)];
	char buf[2][WHEN_TEXT];

	cells(cell, row, buf);
	list_item(r, &l->list, cell);
}

void counts_json(struct text *t, const char *camera, const struct db_cell *c)
{
	static const struct list all = {
		.column = columns, .n = ARRAY_LEN(columns)};
	struct db_cell cell[ARRAY_LEN(columns)];
	char buf[2][WHEN_TEXT];
	struct row row;

	fill(&row, camera, c);
	if (!c[DETAIL].null)
		row.detail = c[DETAIL].s.at;
	cells(cell, &row, buf);
	list_json(t, &all, cell);
}

static enum step answer(struct req *r, struct listing *l)
{
	struct series_place last = {0};
	size_t n = l->n;

	if (n > (size_t)l->series.limit) {
		n = (size_t)l->series.limit;
		last.start = l->row[n - 1].start_at;
		last.camera = l->row[n - 1].camera;
	}
	if (l->list.csv)
		l->list.without = without_detail;
	list_open(r, &l->list, NULL, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < n; i++)
		item(r, l, &l->row[i]);
	list_close(r, &l->list, "counts", series_next(r, last));
	return list_finish(r, &l->list);
}

/* The next camera, or the reply. */
static enum step ask_on(struct req *r, struct listing *l)
{
	return l->series.at < l->series.n ? ask(r, l) : answer(r, l);
}

enum step listing_found(struct req *r)
{
	struct listing *l = r->state;
	enum step s = series_take(r, &l->series);

	return s == STEP_NEXT ? ask_on(r, l) : s;
}

enum step listing_rows(struct req *r)
{
	struct listing *l = r->state;

	take(r, l, l->series.camera[l->series.at].code);
	l->series.at++;
	return step_again(ask_on(r, l));
}
