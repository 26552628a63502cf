// SPDX-License-Identifier: MIT
/*
 * GET /api/v1/outliers: rows out of the ordinary, newest first.
 * ?level=alert (|z| at least the alert level, either side) or all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/list.h"
#include "api/resources.h"
#include "api/series.h"

/* Columns of Q_OUTLIERS. */
enum { C_SIDE, C_ID, C_START, C_END, C_METRICS, C_K, C_Z, C_ALERT, C_METRIC };
enum { METRICS = 3, METRIC_COLUMNS = 6, C_STATE = C_METRIC + 18 };
enum { ID_TEXT = 32 };

struct row {
	const char *camera;
	bool low, alert;
	int64_t id, start_at, end_at;
	double k, z;
	char metrics[24], state[12];
	struct {
		bool measured, judged, has_z;
		int64_t value;
		double reference, mean, std, z;
		char basis[16];
	} metric[METRICS];
};

#define METRIC(m) \
	{m, "reference", LIST_REAL, false}, {m, "mean", LIST_REAL, false}, \
		{m, "std", LIST_REAL, false}, {m, "z", LIST_REAL, false}, \
	{ \
		m, "basis", LIST_TEXT, false \
	}

/* Of CSV alone: JSON nests deeper. */
static const struct list_column columns[] = {
	{NULL, "id", LIST_TEXT, false},
	{NULL, "camera", LIST_TEXT, false},
	{NULL, "start_at", LIST_TEXT, false},
	{NULL, "end_at", LIST_TEXT, false},
	{NULL, "people", LIST_INT, false},
	{NULL, "vehicle", LIST_INT, false},
	{NULL, "face", LIST_INT, false},
	{NULL, "side", LIST_TEXT, false},
	{NULL, "exceeded", LIST_TEXT, false},
	{NULL, "k", LIST_REAL, false},
	METRIC("people"),
	METRIC("vehicle"),
	METRIC("face"),
	{NULL, "level", LIST_TEXT, false},
	{NULL, "state", LIST_TEXT, false},
};

struct outliers {
	struct series series;
	struct list list;
	bool alert_only;
	struct series_place after;
	struct row *row;
	size_t n;
};

static const char *const metric_name[METRICS] = {"people", "vehicle", "face"};

enum step outliers_begin(struct req *r)
{
	static const char *const more[] = {"level"};
	struct outliers *o = arena_alloc(&r->arena, sizeof(*o));
	const char *level = query_get(&r->query, "level");
	enum step s;

	if (!o)
		return req_fail(r, E_NOMEM);
	r->state = o;
	if ((s = series_params(r, &o->series, more, 1, 100, 1000)) != STEP_NEXT)
		return s;
	if ((s = list_choose(r, &o->list)) != STEP_NEXT)
		return s;
	o->alert_only = !level || !strcmp(level, "alert");
	if (!o->alert_only && strcmp(level, "all") != 0)
		return req_problem(r, 400, "bad-parameter",
			"level is neither alert nor all");
	if ((s = series_after(r, &o->series, &o->after)) != STEP_NEXT)
		return s;
	o->row = arena_alloc(
		&r->arena, 2 * (size_t)(o->series.limit + 1) * sizeof(*o->row));
	return o->row ? STEP_NEXT : req_fail(r, E_TOO_BIG);
}

enum step outliers_cameras(struct req *r)
{
	struct outliers *o = r->state;

	return series_ask(r, &o->series);
}

static void fill(struct row *row, const char *camera, const struct db_cell *c)
{
	*row = (struct row){.camera = camera,
		.low = !strcmp(c[C_SIDE].s.at, "low"),
		.alert = c[C_ALERT].i,
		.id = c[C_ID].i,
		.start_at = when_from_number(c[C_START].i),
		.end_at = when_from_number(c[C_END].i),
		.k = c[C_K].d,
		.z = c[C_Z].d};
	snprintf(row->metrics, sizeof(row->metrics), "%s", c[C_METRICS].s.at);
	snprintf(row->state, sizeof(row->state), "%s", c[C_STATE].s.at);
	for (int i = 0; i < METRICS; i++) {
		const struct db_cell *m = &c[C_METRIC + i * METRIC_COLUMNS];

		row->metric[i].measured = !m[0].null;
		row->metric[i].judged = !m[1].null;
		row->metric[i].has_z = !m[5].null;
		row->metric[i].value = m[0].i;
		row->metric[i].reference = m[1].d;
		if (!m[2].null)
			snprintf(row->metric[i].basis,
				sizeof(row->metric[i].basis), "%s", m[2].s.at);
		row->metric[i].mean = m[3].d;
		row->metric[i].std = m[4].d;
		row->metric[i].z = m[5].d;
	}
}

static int by_age(const void *pa, const void *pb)
{
	const struct row *a = pa, *b = pb;

	if (a->start_at != b->start_at)
		return a->start_at > b->start_at ? -1 : 1;
	return strcmp(a->camera, b->camera);
}

static void take(struct req *r, struct outliers *o, const char *camera)
{
	size_t most = (size_t)o->series.limit + 1;

	for (size_t i = 0; i < r->rows.n; i++)
		fill(&o->row[o->n++], camera, &r->rows.cell[i * r->rows.cols]);
	if (o->n)
		qsort(o->row, o->n, sizeof(*o->row), by_age);
	if (o->n > most)
		o->n = most;
}

static enum step ask(struct req *r, struct outliers *o)
{
	const struct series_camera *c = &o->series.camera[o->series.at];
	struct db_cell id = DB_I(c->camera_id), alert = DB_I(o->alert_only),
		       most = DB_I(o->series.limit + 1), since, until;
	int64_t from, to;

	series_range(&o->series, c->tz, &from, &to);
	if (o->after.camera) {
		bool later = strcmp(c->code, o->after.camera) > 0;

		if (to > o->after.start + later)
			to = o->after.start + later;
	}
	since = DB_I(when_number(from));
	until = DB_I(when_number(to));
	return req_query(r, Q_OUTLIERS,
		DB_ARGS(id, since, until, alert, most, id, since, until, alert,
			most, most),
		11);
}

static void write_metric(struct text *t, const struct row *row, int i)
{
	if (!row->metric[i].judged)
		return;
	json_open(t, metric_name[i], '{');
	if (row->metric[i].measured)
		json_int(t, "value", row->metric[i].value);
	else
		json_null(t, "value");
	json_double(t, "reference", row->metric[i].reference);
	json_double(t, "mean", row->metric[i].mean);
	json_double(t, "std", row->metric[i].std);
	if (row->metric[i].has_z)
		json_double(t, "z", row->metric[i].z);
	else
		json_null(t, "z");
	json_str(t, "basis", row->metric[i].basis);
	json_close(t, '}');
}

/* Unlike numbers on the two sides may be the same. */
static char *write_id(char id[ID_TEXT], const struct row *row)
{
	snprintf(id, ID_TEXT, "%s%lld", row->low ? "low-" : "",
		(long long)row->id);
	return id;
}

static void json_item(struct text *t, const struct row *row)
{
	char buf[WHEN_TEXT], id[ID_TEXT];

	json_open(t, NULL, '{');
	json_str(t, "id", write_id(id, row));
	json_str(t, "camera", row->camera);
	json_str(t, "start_at", when_format(buf, row->start_at, 0, true));
	json_str(t, "end_at", when_format(buf, row->end_at, 0, true));
	for (int i = 0; i < METRICS; i++)
		if (row->metric[i].measured)
			json_int(t, metric_name[i], row->metric[i].value);
		else
			json_null(t, metric_name[i]);
	json_str(t, "side", row->low ? "low" : "high");
	json_open(t, "exceeded", '[');
	for (int i = 0; i < METRICS; i++)
		if (strstr(row->metrics, metric_name[i]))
			json_str(t, NULL, metric_name[i]);
	json_close(t, ']');
	json_double(t, "k", row->k);
	json_open(t, "metrics", '{');
	for (int i = 0; i < METRICS; i++)
		write_metric(t, row, i);
	json_close(t, '}');
	json_str(t, "level", row->alert ? "alert" : "outlier");
	json_str(t, "state", row->state);
	json_close(t, '}');
}

static void csv_item(struct req *r, const struct list *l, const struct row *row)
{
	struct db_cell cell[ARRAY_LEN(columns)], *c = cell;
	char start[WHEN_TEXT], end[WHEN_TEXT], id[ID_TEXT];

	*c++ = DB_S(write_id(id, row));
	*c++ = DB_S(row->camera);
	*c++ = DB_S(when_format(start, row->start_at, 0, true));
	*c++ = DB_S(when_format(end, row->end_at, 0, true));
	for (int i = 0; i < METRICS; i++)
		*c++ = row->metric[i].measured ? DB_I(row->metric[i].value)
					       : DB_NULL;
	*c++ = DB_S(row->low ? "low" : "high");
	*c++ = DB_S(row->metrics);
	*c++ = DB_D(row->k);
	for (int i = 0; i < METRICS; i++) {
		bool judged = row->metric[i].judged;

		*c++ = judged ? DB_D(row->metric[i].reference) : DB_NULL;
		*c++ = judged ? DB_D(row->metric[i].mean) : DB_NULL;
		*c++ = judged ? DB_D(row->metric[i].std) : DB_NULL;
		*c++ = row->metric[i].has_z ? DB_D(row->metric[i].z) : DB_NULL;
		*c++ = judged ? DB_S(row->metric[i].basis) : DB_NULL;
	}
	*c++ = DB_S(row->alert ? "alert" : "outlier");
	*c = DB_S(row->state);
	list_item(r, l, cell);
}

static enum step answer(struct req *r, struct outliers *o)
{
	struct series_place last = {0};
	size_t n = o->n;

	if (n > (size_t)o->series.limit) {
		n = (size_t)o->series.limit;
		last.start = o->row[n - 1].start_at;
		last.camera = o->row[n - 1].camera;
	}
	list_open(r, &o->list, NULL, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < n; i++)
		if (o->list.csv)
			csv_item(r, &o->list, &o->row[i]);
		else
			json_item(&r->out, &o->row[i]);
	list_close(r, &o->list, "outliers", series_next(r, last));
	return list_reply(r, &o->list);
}

/* The next camera, or the reply. */
static enum step ask_on(struct req *r, struct outliers *o)
{
	return o->series.at < o->series.n ? ask(r, o) : answer(r, o);
}

enum step outliers_found(struct req *r)
{
	struct outliers *o = r->state;
	enum step s = series_take(r, &o->series);

	return s == STEP_NEXT ? ask_on(r, o) : s;
}

enum step outliers_rows(struct req *r)
{
	struct outliers *o = r->state;

	take(r, o, o->series.camera[o->series.at].code);
	o->series.at++;
	return step_again(ask_on(r, o));
}
