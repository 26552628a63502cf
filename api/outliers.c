// SPDX-License-Identifier: MIT
/*
 * Rows out of the ordinary: GET /api/v1/outliers, newest first, GET one by its
 * id, and PATCH, a person's review of it.
 * ?level=alert (|z| at least the alert level, either side) or all; ?status=.
 *
 * Map of the file: an outlier in JSON and CSV; the list; one; its review.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/audit.h"
#include "api/body.h"
#include "api/items.h"
#include "api/list.h"
#include "api/resources.h"
#include "api/series.h"
#include "api/work.h"
#include "common/utf8.h"

/* Columns of Q_OUTLIERS, and of Q_OUTLIER_HIGH and _LOW, which have the camera,
 * too. */
enum { C_SIDE, C_ID, C_START, C_END, C_METRICS, C_K, C_Z, C_ALERT, C_METRIC };
enum {
	METRICS = 3,
	METRIC_COLUMNS = 6,
	C_STATUS = C_METRIC + METRICS * METRIC_COLUMNS,
	C_NOTE,
	C_REVIEWED_BY,
	C_REVIEWED_AT,
	C_CAMERA
};
enum { ID_TEXT = 32, NOTE_MAX = 1000 };

/* Parts of a camera's start, as ?after= tells them. */
enum { PART_HIGH = 1, PART_LOW = 2 };

struct row {
	const char *camera;
	bool low, alert;
	int64_t id, start_at, end_at;
	double k, z;
	char metrics[24], status[12];
	const char *note, *reviewed_by; /* in the arena; NULL: none */
	int64_t reviewed_at;
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
	{NULL, "status", LIST_TEXT, false},
	{NULL, "note", LIST_TEXT, false},
	{NULL, "reviewed_by", LIST_TEXT, false},
	{NULL, "reviewed_at", LIST_TEXT, false},
};

static const char *const metric_name[METRICS] = {"people", "vehicle", "face"};

/* ---- an outlier ---- */

static const char *copy(struct arena *a, const struct db_cell *c)
{
	return c->null ? NULL : arena_copy(a, c->s.at, c->s.n);
}

/* Where memory is short a->full says so to req_reply. */
static void fill(struct row *row, struct arena *a, const char *camera,
	const struct db_cell *c)
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
	snprintf(row->status, sizeof(row->status), "%s", c[C_STATUS].s.at);
	row->note = copy(a, &c[C_NOTE]);
	row->reviewed_by = copy(a, &c[C_REVIEWED_BY]);
	if (!c[C_REVIEWED_AT].null)
		row->reviewed_at = when_from_number(c[C_REVIEWED_AT].i);
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
	json_str(t, "status", row->status);
	json_str(t, "note", row->note);
	json_str(t, "reviewed_by", row->reviewed_by);
	json_str(t, "reviewed_at",
		row->reviewed_by ? when_format(buf, row->reviewed_at, 0, true)
				 : NULL);
	json_close(t, '}');
}

bool outlier_json(struct text *t, struct arena *a, const char *camera,
	const struct db_cell *c)
{
	struct row row;

	fill(&row, a, camera, c);
	json_item(t, &row);
	return row.alert;
}

static void csv_item(struct req *r, const struct list *l, const struct row *row)
{
	struct db_cell cell[ARRAY_LEN(columns)], *c = cell;
	char start[WHEN_TEXT], end[WHEN_TEXT], at[WHEN_TEXT], id[ID_TEXT];

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
	*c++ = DB_S(row->status);
	*c++ = row->note ? DB_S(row->note) : DB_NULL;
	*c++ = row->reviewed_by ? DB_S(row->reviewed_by) : DB_NULL;
	*c = row->reviewed_by ? DB_S(when_format(at, row->reviewed_at, 0, true))
			      : DB_NULL;
	list_item(r, l, cell);
}

static const char status_rule[] = "is none of open, confirmed, dismissed";

static bool is_status(const char *s)
{
	return !strcmp(s, "open") || !strcmp(s, "confirmed") ||
		!strcmp(s, "dismissed");
}

/* ---- the list ---- */

struct outliers {
	struct series series;
	struct list list;
	bool alert_only;
	const char *status; /* "": of any */
	struct series_place after;
	struct row *row;
	size_t n;
};

enum step outliers_begin(struct req *r)
{
	static const char *const more[] = {"level", "status"};
	struct outliers *o = arena_alloc(&r->arena, sizeof(*o));
	const char *level = query_get(&r->query, "level");
	const char *status = query_get(&r->query, "status");
	enum step s;

	if (!o)
		return req_fail(r, E_NOMEM);
	r->state = o;
	if ((s = series_params(r, &o->series, more, ARRAY_LEN(more), 100,
		     1000)) != STEP_NEXT ||
		(s = list_choose(r, &o->list)) != STEP_NEXT)
		return s;
	o->alert_only = !level || !strcmp(level, "alert");
	if (!o->alert_only && strcmp(level, "all") != 0)
		return req_problem(r, 400, "bad-parameter",
			"level is neither alert nor all");
	if (status && !is_status(status))
		return req_problem(
			r, 400, "bad-parameter", "status %s", status_rule);
	o->status = status ? status : "";
	if ((s = series_after(r, &o->series, &o->after)) != STEP_NEXT)
		return s;
	o->row = arena_alloc(
		&r->arena, 2 * (size_t)(o->series.limit + 2) * sizeof(*o->row));
	return o->row ? STEP_NEXT : req_fail(r, E_TOO_BIG);
}

enum step outliers_cameras(struct req *r)
{
	struct outliers *o = r->state;

	return series_ask(r, &o->series);
}

/* Newest first; of one instant, by camera; of one row, the high side first. */
static int by_age(const void *pa, const void *pb)
{
	const struct row *a = pa, *b = pb;
	int by_camera = strcmp(a->camera, b->camera);

	if (a->start_at != b->start_at)
		return a->start_at > b->start_at ? -1 : 1;
	return by_camera ? by_camera : a->low - b->low;
}

/* Was this row's high side the last one of the page before, and not its low
 * one? */
static bool begins_inside(const struct outliers *o, const char *camera)
{
	return o->after.camera && o->after.part == PART_HIGH &&
		!strcmp(camera, o->after.camera);
}

static void take(
	struct req *r, struct outliers *o, const struct series_camera *camera)
{
	size_t most = (size_t)o->series.limit + 1;
	bool inside = begins_inside(o, camera->code);

	for (size_t i = 0; i < r->rows.n; i++) {
		struct row *row = &o->row[o->n];

		fill(row, &r->arena, camera->code,
			&r->rows.cell[i * r->rows.cols]);
		if (!inside || row->low || row->start_at != o->after.start)
			o->n++;
	}
	if (o->n)
		qsort(o->row, o->n, sizeof(*o->row), by_age);
	if (o->n > most)
		o->n = most;
}

static enum step ask(struct req *r, struct outliers *o)
{
	const struct series_camera *c = &o->series.camera[o->series.at];
	bool inside = begins_inside(o, c->code);
	struct db_cell id = DB_I(c->camera_id), status = DB_S(o->status),
		       alert = DB_I(o->alert_only),
		       most = DB_I(o->series.limit + 1 + inside), since, until;
	int64_t from, to;

	series_range(&o->series, c->tz, &from, &to);
	if (o->after.camera) {
		bool later = inside || strcmp(c->code, o->after.camera) > 0;

		if (to > o->after.start + later)
			to = o->after.start + later;
	}
	/* The page is full: older rows are of no use. */
	if ((int64_t)o->n > o->series.limit && from < o->row[o->n - 1].start_at)
		from = o->row[o->n - 1].start_at;
	since = DB_I(when_number(from));
	until = DB_I(when_number(to));
	return req_query(r, Q_OUTLIERS,
		DB_ARGS(id, since, until, status, status, alert, most, id,
			since, until, status, status, alert, most, most),
		15);
}

static enum step answer(struct req *r, struct outliers *o)
{
	struct series_place last = {0};
	size_t n = o->n;

	if (n > (size_t)o->series.limit) {
		n = (size_t)o->series.limit;
		last.start = o->row[n - 1].start_at;
		last.part = o->row[n - 1].low ? PART_LOW : PART_HIGH;
		last.camera = o->row[n - 1].camera;
	}
	list_open(r, &o->list, NULL, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < n; i++)
		if (o->list.csv)
			csv_item(r, &o->list, &o->row[i]);
		else
			json_item(&r->out, &o->row[i]);
	list_close(r, &o->list, "outliers", series_next(r, last));
	return list_finish(r, &o->list);
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

	take(r, o, &o->series.camera[o->series.at]);
	o->series.at++;
	return step_again(ask_on(r, o));
}

/* ---- one ---- */

struct review {
	bool low;
	int64_t id;
	const char *camera; /* the code */
	const char *status; /* NULL: as it was */
	bool has_note;
	const char *note; /* NULL: none */
};

/* "17", "low-17"; 0, which no outlier has, for what is no id. */
static int64_t read_id(struct slice s, bool *low)
{
	static const char prefix[] = "low-";
	size_t n = sizeof(prefix) - 1;
	int64_t id = 0;

	*low = s.n > n && !memcmp(s.at, prefix, n);
	if (*low)
		s = (struct slice){s.at + n, s.n - n};
	if (s.n > 18 || *s.at == '0')
		return 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return 0;
		id = id * 10 + (s.at[i] - '0');
	}
	return id;
}

enum step outlier_find(struct req *r)
{
	struct review *v = arena_alloc(&r->arena, sizeof(*v));
	enum step s;

	if ((s = req_no_params(r)) != STEP_NEXT)
		return s;
	if (!v)
		return req_fail(r, E_NOMEM);
	r->state = v;
	v->id = read_id(r->param[0], &v->low);
	return req_query(r, v->low ? Q_OUTLIER_LOW : Q_OUTLIER_HIGH,
		DB_ARGS(DB_I(v->id)), 1);
}

static enum step not_there(struct req *r)
{
	return req_problem(r, 404, "not-found",
		"there is no outlier with this id; one whose row was corrected "
		"or deleted is withdrawn");
}

/* The outlier that was read last. */
static enum step reply_one(struct req *r)
{
	struct row row;

	if (!r->rows.n)
		return not_there(r);
	fill(&row, &r->arena, r->rows.cell[C_CAMERA].s.at, r->rows.cell);
	text_clear(&r->out);
	json_item(&r->out, &row);
	return req_json(r, 200);
}

enum step outlier_show(struct req *r)
{
	if (r->rows.n &&
		!principal_covers(&r->who, r->rows.cell[C_CAMERA].s.at))
		return not_there(r);
	return reply_one(r);
}

/* ---- its review ---- */

static enum err note(struct req *r, struct db *db)
{
	const struct review *v = r->state;
	struct audit_by by = audit_who(r);
	const struct db_cell *c = r->rows.cell;
	char start[WHEN_TEXT];
	struct text t;
	enum err e = E_NOMEM;

	text_init(&t, 16384);
	json_open(&t, NULL, '{');
	json_str(&t, "side", c[C_SIDE].s.at);
	json_int(&t, "id", c[C_ID].i);
	json_str(&t, "start_at",
		when_format(start, when_from_number(c[C_START].i), 0, true));
	if (v->status)
		json_str(&t, "status", v->status);
	if (v->has_note)
		json_str(&t, "note", v->note);
	json_close(&t, '}');
	if (!t.full)
		e = audit_add(db, &by, "outlier.review", v->camera, t.at);
	text_free(&t);
	return e;
}

/* Reads it again behind the UPDATE, whose lock keeps it as it is: where it was
 * withdrawn in the meantime there is no row. */
static enum err write_review(struct req *r, struct db *db)
{
	const struct review *v = r->state;
	enum err e = db_run(db, v->low ? Q_REVIEW_LOW : Q_REVIEW_HIGH,
		DB_ARGS(v->status ? DB_S(v->status) : DB_NULL,
			DB_I(v->has_note), v->note ? DB_S(v->note) : DB_NULL,
			DB_S(r->who.name), DB_I(v->id)),
		NULL, NULL);

	if (!e)
		e = db_run(db, v->low ? Q_OUTLIER_LOW : Q_OUTLIER_HIGH,
			DB_ARGS(DB_I(v->id)), &r->rows_arena, &r->rows);
	return e || !r->rows.n ? e : note(r, db);
}

static enum err review(struct req *r, struct db *db)
{
	enum err e = db_begin(db);

	if (e)
		return e;
	if (!(e = write_review(r, db)))
		return db_commit(db);
	db_rollback(db);
	return e;
}

static enum step read_review(struct req *r, struct review *v)
{
	enum { STATUS, NOTE };
	struct body_member b[] = {{"status", BODY_TEXT, false, NULL},
		{"note", BODY_TEXT, false, NULL}};
	enum step s = body_members(r, "a review", b, ARRAY_LEN(b));

	if (s != STEP_NEXT)
		return s;
	v->status = b[STATUS].value ? json_string(b[STATUS].value) : NULL;
	v->note = b[NOTE].value ? json_string(b[NOTE].value) : NULL;
	v->has_note = v->note || body_is_null(r, "note");
	if (v->status && !is_status(v->status))
		return body_invalid(r, "status", status_rule);
	if (v->note && !*v->note)
		v->note = NULL;
	if (v->note && !utf8_shown(v->note, 4 * NOTE_MAX, NOTE_MAX))
		return body_invalid(r, "note",
			"is blank, over 1000 characters, or has some that "
			"cannot be shown");
	if (!v->status && !v->has_note)
		return body_invalid(r, "status", "is missing, and so is note");
	return STEP_NEXT;
}

enum step outlier_review(struct req *r)
{
	struct review *v = r->state;
	const struct db_cell *c = r->rows.cell;
	enum step s;

	if (!r->rows.n || !principal_covers(&r->who, c[C_CAMERA].s.at))
		return r->who.cameras
			? req_problem(r, 403, "forbidden",
				  "the token is for no camera with this "
				  "outlier")
			: not_there(r);
	v->camera = arena_copy(&r->arena, c[C_CAMERA].s.at, c[C_CAMERA].s.n);
	if (!v->camera)
		return req_fail(r, E_NOMEM);
	if ((s = read_review(r, v)) != STEP_NEXT)
		return s;
	arena_reset(&r->rows_arena);
	r->rows = (struct db_rows){0};
	return work_run(r->api->work, r, review);
}

enum step outlier_reviewed(struct req *r)
{
	return reply_one(r);
}
