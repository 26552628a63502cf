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
#include "api/resources.h"
#include "api/series.h"

struct row {
	const char *camera;
	int64_t start_at, end_at;
	int32_t figure[COUNT_FIGURES_N];
	int32_t observed_s;
};

struct listing {
	struct series series;
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

/* Takes the rows of the camera that was asked, keeps the page. */
static void take(struct req *r, struct listing *l, const char *camera)
{
	size_t most = (size_t)l->series.limit + 1;

	for (size_t i = 0; i < r->rows.n; i++) {
		const struct db_cell *c = &r->rows.cell[i * r->rows.cols];
		struct row *row = &l->row[l->n++];

		row->camera = camera;
		row->start_at = when_from_number(c[0].i);
		row->end_at = when_from_number(c[1].i);
		for (int k = 0; k < COUNT_FIGURES_N; k++)
			row->figure[k] = c[2 + k].null ? COUNT_NULL
						       : (int32_t)c[2 + k].i;
		row->observed_s = (int32_t)c[2 + COUNT_FIGURES_N].i;
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

static void figure(struct text *t, const char *name, int32_t v)
{
	if (v == COUNT_NULL)
		json_null(t, name);
	else
		json_int(t, name, v);
}

static void item(struct text *t, const struct row *row)
{
	char buf[WHEN_TEXT];
	bool any = false;

	json_open(t, NULL, '{');
	json_str(t, "camera", row->camera);
	json_str(t, "start_at", when_format(buf, row->start_at, 0, true));
	json_str(t, "end_at", when_format(buf, row->end_at, 0, true));
	for (unsigned i = 0; i < F_car; i++)
		figure(t, count_name[i], row->figure[i]);
	for (unsigned i = F_car; i < COUNT_FIGURES_N; i++)
		any |= row->figure[i] != COUNT_NULL;
	if (!any) {
		json_null(t, "classes");
	} else {
		json_open(t, "classes", '{');
		for (unsigned i = F_car; i < COUNT_FIGURES_N; i++)
			if (row->figure[i] != COUNT_NULL)
				json_int(t, count_name[i], row->figure[i]);
		json_close(t, '}');
	}
	json_int(t, "observed_s", row->observed_s);
	json_close(t, '}');
}

static enum step answer(struct req *r, const struct listing *l)
{
	struct series_place next = {0};
	size_t n = l->n;

	json_open(&r->out, NULL, '{');
	json_open(&r->out, "items", '[');
	if (n > (size_t)l->series.limit)
		n = (size_t)l->series.limit;
	for (size_t i = 0; i < n; i++)
		item(&r->out, &l->row[i]);
	json_close(&r->out, ']');
	if (l->n > n)
		next = (struct series_place){
			l->row[n - 1].start_at, 0, l->row[n - 1].camera};
	series_next(r, next);
	return req_json(r, 200);
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
