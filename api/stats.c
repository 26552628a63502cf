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

/* What tells two buckets of one date apart. */
enum part { PART_NONE, PART_START, PART_WEEKDAY, PART_CELL };

static const struct period {
	const char *name;
	enum stmt stmt;
	enum part part;
} periods[] = {
	{"hour", Q_STATS_HOUR, PART_START},
	{"day", Q_STATS_DAY, PART_NONE},
	{"week", Q_STATS_WEEK, PART_NONE},
	{"month", Q_STATS_MONTH, PART_NONE},
	{"year", Q_STATS_YEAR, PART_NONE},
	{"weekday/month", Q_STATS_WEEKDAY_MONTH, PART_WEEKDAY},
	{"weekday/year", Q_STATS_WEEKDAY_YEAR, PART_WEEKDAY},
	{"profile", Q_STATS_PROFILE, PART_CELL},
};

struct stats {
	struct series series;
	const struct period *period;
	bool asked;
	struct series_place after, last;
	int64_t left; /* items this page still has room for */
	bool more;
	const struct tz *tz; /* of the camera that was asked for */
	int64_t from, to;    /* its range */
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
	json_open(&r->out, NULL, '{');
	json_str(&r->out, "period", s->period->name);
	json_open(&r->out, "items", '[');
	return STEP_NEXT;
}

enum step stats_cameras(struct req *r)
{
	struct stats *s = r->state;

	if (!s->asked) {
		s->asked = true;
		return series_ask(r, &s->series) == STEP_WAIT ? STEP_AGAIN
							      : STEP_DONE;
	}
	return series_take(r, &s->series);
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
static void whole_months(const struct stats *s, int64_t *a, int64_t *b)
{
	int64_t from = s->from + tz_offset(s->tz, s->from);
	int64_t to = s->to + tz_offset(s->tz, s->to);
	struct civil d;

	*a = month_start(from, 0);
	d = when_to_civil(*a);
	if (tz_day_start(s->tz, d.year, d.month, d.day) < s->from)
		*a = month_start(from, 1);
	*b = month_start(to, 0);
	if (*b < *a)
		*b = *a;
}

static enum step ask_profile(struct req *r, struct stats *s, bool behind)
{
	int64_t camera = s->series.camera[s->series.at].camera_id;
	int64_t a, b;

	whole_months(s, &a, &b);
	a = date_number(a);
	b = date_number(b);
	return req_query(r, s->period->stmt,
		DB_ARGS(DB_I(camera), DB_I(camera), DB_I(camera), DB_I(a),
			DB_I(b), DB_I(camera),
			DB_I(date_number(s->from - DAY_S)),
			DB_I(date_number(s->to + DAY_S)), DB_I(a), DB_I(b),
			DB_I(when_number(s->from)), DB_I(when_number(s->to)),
			DB_I(behind ? s->after.start : -1), DB_I(s->left + 1)),
		14);
}

static enum step ask_buckets(struct req *r, struct stats *s, bool behind)
{
	int64_t first = s->from - DAY_S, after = first - DAY_S, part = 0;

	if (behind) {
		after = s->after.start + tz_offset(s->tz, s->after.start);
		part = s->after.part;
		if (s->period->part == PART_START)
			part = when_number(s->after.start);
		if (first < after)
			first = after;
	}
	return req_query(r, s->period->stmt,
		DB_ARGS(DB_I(s->series.camera[s->series.at].camera_id),
			DB_I(date_number(first)),
			DB_I(date_number(s->to + DAY_S)),
			DB_I(when_number(s->from)), DB_I(when_number(s->to)),
			DB_I(date_number(after)), DB_I(part),
			DB_I(s->left + 1)),
		8);
}

static enum step ask(struct req *r, struct stats *s)
{
	const struct series_camera *c = &s->series.camera[s->series.at];
	bool behind = s->after.camera && !strcmp(s->after.camera, c->code);
	enum step step;

	if (zones_find(&r->api->zones, c->zone, &s->tz))
		return req_fail(r, E_IO);
	series_range(&s->series, s->tz, &s->from, &s->to);
	step = s->period->part == PART_CELL ? ask_profile(r, s, behind)
					    : ask_buckets(r, s, behind);
	return step == STEP_WAIT ? STEP_AGAIN : STEP_DONE;
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

static void item(struct req *r, struct stats *s, const struct db_cell *c)
{
	const struct series_camera *camera = &s->series.camera[s->series.at];
	int64_t start = when_from_number(c[C_START].i),
		end = when_from_number(c[C_END].i);
	struct text *t = &r->out;

	/* A profile is of the range that was asked for. */
	if (s->period->part == PART_CELL && s->series.has_from)
		start = s->from;
	if (s->period->part == PART_CELL && s->series.has_to)
		end = s->to;
	json_open(t, NULL, '{');
	json_str(t, "camera", camera->code);
	json_str(t, "tz", camera->zone);
	moment(t, "start", start, s->tz);
	moment(t, "end", end, s->tz);
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
	const struct stats *s, const struct db_cell *c)
{
	struct series_place p = {.start = when_from_number(c[C_START].i),
		.camera = s->series.camera[s->series.at].code};

	if (s->period->part == PART_WEEKDAY)
		p.part = (int)c[C_WEEKDAY].i;
	if (s->period->part == PART_CELL)
		p.start = (c[C_WEEKDAY].i - 1) * 24 + c[C_HOUR].i;
	return p;
}

static enum step answer(struct req *r, const struct stats *s)
{
	json_close(&r->out, ']');
	series_next(r, s->more ? s->last : (struct series_place){0});
	return req_json(r, 200);
}

static void take(struct req *r, struct stats *s)
{
	for (size_t i = 0; i < r->rows.n; i++) {
		const struct db_cell *row = &r->rows.cell[i * r->rows.cols];

		if (!s->left) {
			s->more = true;
			break;
		}
		item(r, s, row);
		s->last = place_of(s, row);
		s->left--;
	}
}

enum step stats_rows(struct req *r)
{
	struct stats *s = r->state;

	if (s->asked) {
		s->asked = false;
	} else {
		take(r, s);
		s->series.at++;
	}
	/* Cameras of earlier pages. */
	while (s->after.camera && s->series.at < s->series.n &&
		strcmp(s->series.camera[s->series.at].code, s->after.camera) <
			0)
		s->series.at++;
	if (s->series.at < s->series.n && !s->more)
		return ask(r, s);
	return answer(r, s);
}
