// SPDX-License-Identifier: MIT
/*
 * GET /api/v1/stats/{period}: exact statistics, an item per camera and bucket,
 * camera by camera, oldest first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/count.h"
#include "api/api.h"
#include "api/resources.h"
#include "api/series.h"

/* Columns of the statements. */
enum {
	C_AT,
	C_START,
	C_END,
	C_WEEKDAY,
	C_HOUR,
	C_N,
	C_OBSERVED,
	C_METRIC,
	METRIC_COLUMNS = 8,
	C_CLASS = C_METRIC + 3 * METRIC_COLUMNS
};

enum { CELLS = 168, BATCH_MAX = 1000, BATCH_GROWTH = 4 };

/* What tells two buckets of one date apart. */
enum part { PART_NONE, PART_START, PART_WEEKDAY, PART_CELL };

static const struct period {
	const char *name;
	enum stmt stmt;
	enum part part;
	int64_t least_s; /* the shortest; a profile has no such thing */
	int64_t each;	 /* buckets of that time */
} periods[] = {
	{"hour", Q_STATS_HOUR, PART_START, 3600, 1},
	{"day", Q_STATS_DAY, PART_NONE, DAY_S, 1},
	{"week", Q_STATS_WEEK, PART_NONE, 7 * DAY_S, 1},
	{"month", Q_STATS_MONTH, PART_NONE, 28 * DAY_S, 1},
	{"year", Q_STATS_YEAR, PART_NONE, 365 * DAY_S, 1},
	{"weekday/month", Q_STATS_WEEKDAY_MONTH, PART_WEEKDAY, 28 * DAY_S, 7},
	{"weekday/year", Q_STATS_WEEKDAY_YEAR, PART_WEEKDAY, 365 * DAY_S, 7},
	{"profile", Q_STATS_PROFILE, PART_CELL, 0, CELLS},
};

struct stats {
	struct series series;
	const struct period *period;
	struct series_place after, last;
	int64_t left; /* items this page still has room for */
	bool more;
	size_t batch;	 /* cameras asked for at once, from series.at on */
	int64_t buckets; /* of a camera of the last batch; -1 at first */
};

/* What stands behind "/api/v1/stats/". */
static const struct period *period_of(const struct req *r)
{
	static const char stem[] = "/api/v1/stats/";
	const char *at = r->head.path.at + sizeof(stem) - 1;
	size_t n = r->head.path.n - (sizeof(stem) - 1);

	for (size_t i = 0; i < ARRAY_LEN(periods); i++)
		if (strlen(periods[i].name) == n &&
			!memcmp(periods[i].name, at, n))
			return &periods[i];
	return NULL;
}

enum step stats_begin(struct req *r)
{
	struct stats *s = arena_alloc(&r->arena, sizeof(*s));
	enum step step;

	if (!s)
		return req_fail(r, E_NOMEM);
	r->state = s;
	if (!(s->period = period_of(r)))
		return req_problem(r, 404, "not-found",
			"there are statistics by hour, day, week, month, year, "
			"weekday/month, weekday/year, and a profile");
	if ((step = series_params(r, &s->series, NULL, 0, 10000, 10000)) !=
			STEP_NEXT ||
		(step = series_after(r, &s->series, &s->after)) != STEP_NEXT)
		return step;
	s->left = s->series.limit;
	s->buckets = -1;
	json_open(&r->out, NULL, '{');
	json_str(&r->out, "period", s->period->name);
	json_open(&r->out, "items", '[');
	return STEP_NEXT;
}

enum step stats_cameras(struct req *r)
{
	struct stats *s = r->state;

	return series_ask(r, &s->series);
}

/* A local date as MariaDB takes it: 20261121. */
static int64_t date_number(int64_t local)
{
	struct civil d = when_to_civil(local < 0 ? 0 : local);

	return d.year * 10000 + d.month * 100 + d.day;
}

/* Midnight of the first of the month that comes n months after that of local;
 * n is 0 or 1. */
static int64_t month_start(int64_t local, int n)
{
	struct civil d = when_to_civil(local);

	d = (struct civil){d.year + (d.month + n) / 13,
		(d.month + n - 1) % 12 + 1, 1, 0, 0, 0};
	return when_from_civil(&d);
}

/* The local months that lie in the range whole: from midnight of *a to that of
 * *b, both local; the same where there is none. */
static void whole_months(
	const struct tz *tz, int64_t from, int64_t to, int64_t *a, int64_t *b)
{
	int64_t start = month_start(from + tz_offset(tz, from), 0);
	struct civil d = when_to_civil(start);

	if (tz_day_start(tz, d.year, d.month, d.day) < from)
		start = month_start(start, 1);
	*a = start;
	*b = month_start(to + tz_offset(tz, to), 0);
	if (*b < *a)
		*b = *a;
}

/* How many buckets a camera can have at most in what is stored of the range. */
static int64_t most_buckets(const struct stats *s, const struct tz *tz)
{
	static const struct civil first = {2000, 1, 1, 0, 0, 0};
	int64_t from, to, begin = when_from_civil(&first) - DAY_S;
	int64_t end = when_now() + DAY_S;

	if (!s->period->least_s)
		return s->period->each;
	series_range(&s->series, tz, &from, &to);
	from = from < begin ? begin : from;
	to = to > end ? end : to;
	return to < from
		? 1
		: ((to - from) / s->period->least_s + 2) * s->period->each;
}

/* About as many cameras as fill the page, so that a statement neither sorts
 * what the next pages show nor is one of a thousand small ones. */
static size_t batch_of(const struct stats *s)
{
	size_t rest = s->series.n - s->series.at, n, most = BATCH_MAX;
	int64_t each = most_buckets(s, s->series.camera[s->series.at].tz);

	n = (size_t)(s->left / each + 1);
	if (s->buckets >= 0 && s->buckets < each) {
		n = (size_t)(s->left / (s->buckets + 1) + 1);
		most = BATCH_GROWTH * s->batch;
	}
	n = n < most ? n : most;
	n = n < BATCH_MAX ? n : BATCH_MAX;
	return n < rest ? n : rest;
}

/* The cameras of the batch as the statements take them; nothing of the first
 * one before this date. */
static const char *batch_text(
	struct req *r, const struct stats *s, int64_t date)
{
	enum { ROOM = 128 };
	char *text = arena_alloc(&r->arena, s->batch * ROOM + 3), *at = text;

	for (size_t i = 0; text && i < s->batch; i++) {
		const struct series_camera *c =
			&s->series.camera[s->series.at + i];
		int64_t from, to, first, a = 0, b = 0;

		series_range(&s->series, c->tz, &from, &to);
		first = date_number(from - DAY_S);
		if (!i && first < date)
			first = date;
		if (s->period->part == PART_CELL)
			whole_months(c->tz, from, to, &a, &b);
		at += snprintf(at, ROOM,
			"%c[%lld,%lld,%lld,%lld,%lld,%lld,%lld]", i ? ',' : '[',
			(long long)c->camera_id, (long long)first,
			(long long)date_number(to + DAY_S),
			(long long)when_number(from),
			(long long)when_number(to), (long long)date_number(a),
			(long long)date_number(b));
	}
	if (text)
		memcpy(at, "]", 2);
	return text;
}

/* The bucket behind which the page begins: its date, and what tells it apart
 * there; for a profile the cell alone. */
static void behind(const struct stats *s, int64_t *date, int64_t *part)
{
	const struct series_camera *c = &s->series.camera[s->series.at];
	int64_t start = s->after.start;

	*date = date_number(0);
	*part = -1;
	if (!s->after.camera || strcmp(s->after.camera, c->code) != 0)
		return;
	if (s->period->part != PART_CELL)
		*date = date_number(start + tz_offset(c->tz, start));
	switch (s->period->part) {
	case PART_NONE:
		*part = 0;
		break;
	case PART_START:
		*part = when_number(start);
		break;
	case PART_WEEKDAY:
		*part = s->after.part;
		break;
	case PART_CELL:
		*part = start;
		break;
	}
}

static enum step ask(struct req *r, struct stats *s)
{
	const char *cameras;
	int64_t date, part;

	s->batch = batch_of(s);
	behind(s, &date, &part);
	if (!(cameras = batch_text(r, s, date)))
		return req_fail(r, E_TOO_BIG);
	if (s->period->part == PART_CELL)
		return req_query(r, s->period->stmt,
			DB_ARGS(DB_S(cameras), DB_S(cameras), DB_I(part),
				DB_I(s->left + 1)),
			4);
	return req_query(r, s->period->stmt,
		DB_ARGS(DB_S(cameras), DB_I(date), DB_I(part),
			DB_I(s->left + 1)),
		4);
}

static void integer(struct text *t, const char *name, const struct db_cell *c)
{
	if (c->null)
		json_null(t, name);
	else
		json_int(t, name, c->i);
}

static void metric(struct text *t, const char *name, const struct db_cell *c)
{
	if (!c[0].i) {
		json_null(t, name);
		return;
	}
	json_open(t, name, '{');
	json_int(t, "n", c[0].i);
	json_int(t, "sum", c[1].i);
	json_double(t, "mean", c[2].d);
	json_double(t, "std", c[3].d);
	json_double(t, "reference", c[4].d);
	integer(t, "min", &c[5]);
	integer(t, "max", &c[6]);
	integer(t, "new", &c[7]);
	json_close(t, '}');
}

static void classes(struct text *t, const struct db_cell *c)
{
	bool any = false;

	for (int i = 0; i < COUNT_FIGURES_N - F_car; i++)
		any |= !c[i].null;
	if (!any) {
		json_null(t, "classes");
		return;
	}
	json_open(t, "classes", '{');
	for (int i = 0; i < COUNT_FIGURES_N - F_car; i++)
		if (!c[i].null)
			json_int(t, count_name[F_car + i], c[i].i);
	json_close(t, '}');
}

static void moment(
	struct text *t, const char *name, int64_t at, const struct tz *tz)
{
	char buf[WHEN_TEXT];

	json_str(t, name, when_format(buf, at, tz_offset(tz, at), false));
}

static void item(struct req *r, struct stats *s,
	const struct series_camera *camera, const struct db_cell *c)
{
	int64_t start = when_from_number(c[C_START].i),
		end = when_from_number(c[C_END].i), from, to;
	struct text *t = &r->out;

	/* A profile is of the range that was asked for. */
	series_range(&s->series, camera->tz, &from, &to);
	if (s->period->part == PART_CELL && s->series.has_from)
		start = from;
	if (s->period->part == PART_CELL && s->series.has_to)
		end = to;
	json_open(t, NULL, '{');
	json_str(t, "camera", camera->code);
	json_str(t, "tz", camera->zone);
	moment(t, "start", start, camera->tz);
	moment(t, "end", end, camera->tz);
	if (!c[C_WEEKDAY].null)
		json_int(t, "weekday", c[C_WEEKDAY].i);
	if (!c[C_HOUR].null)
		json_int(t, "hour", c[C_HOUR].i);
	integer(t, "n", &c[C_N]);
	integer(t, "observed_s", &c[C_OBSERVED]);
	for (int i = 0; i < 3; i++)
		metric(t, count_name[i], &c[C_METRIC + i * METRIC_COLUMNS]);
	classes(t, &c[C_CLASS]);
	json_close(t, '}');
}

/* Where a page that ends with this bucket goes on. */
static struct series_place place_of(
	const struct stats *s, const char *camera, const struct db_cell *c)
{
	struct series_place p = {
		.start = when_from_number(c[C_START].i), .camera = camera};

	if (s->period->part == PART_WEEKDAY)
		p.part = (int)c[C_WEEKDAY].i;
	if (s->period->part == PART_CELL)
		p.start = (c[C_WEEKDAY].i - 1) * 24 + c[C_HOUR].i;
	return p;
}

static void take(struct req *r, struct stats *s)
{
	for (size_t i = 0; i < r->rows.n; i++) {
		const struct db_cell *row = &r->rows.cell[i * r->rows.cols];
		const struct series_camera *c = &s->series.camera[s->series.at +
			(size_t)row[C_AT].i - 1];

		if (!s->left) {
			s->more = true;
			break;
		}
		item(r, s, c, row);
		s->last = place_of(s, c->code, row);
		s->left--;
	}
	s->buckets = (int64_t)(r->rows.n / s->batch);
	s->series.at += s->batch;
}

/* The next batch of cameras, or the reply. */
static enum step ask_on(struct req *r, struct stats *s)
{
	if (s->series.at < s->series.n && !s->more)
		return ask(r, s);
	json_close(&r->out, ']');
	series_next(r, s->more ? s->last : (struct series_place){0});
	return req_json(r, 200);
}

enum step stats_found(struct req *r)
{
	struct stats *s = r->state;
	enum step step = series_take(r, &s->series);

	if (step != STEP_NEXT)
		return step;
	/* Cameras of earlier pages. */
	while (s->after.camera && s->series.at < s->series.n &&
		strcmp(s->series.camera[s->series.at].code, s->after.camera) <
			0)
		s->series.at++;
	return ask_on(r, s);
}

enum step stats_rows(struct req *r)
{
	struct stats *s = r->state;

	take(r, s);
	return step_again(ask_on(r, s));
}
