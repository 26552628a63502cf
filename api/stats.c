// SPDX-License-Identifier: MIT
/*
 * GET /api/v1/stats/{period}: exact statistics, an item per camera and bucket,
 * camera by camera, oldest first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/count.h"
#include "api/resources.h"
#include "api/series.h"

/* Columns of the statements behind start, end, rows and observed seconds. */
enum { FIRST_METRIC = 4, METRIC_COLUMNS = 7, CLASSES = 25, K = 31 };

static const struct period {
	const char *name;
	enum stmt stmt;
} periods[] = {
	{"hour", Q_STATS_HOUR},
	{"day", Q_STATS_DAY},
};

struct stats {
	struct series series;
	const struct period *period;
	bool asked;
	int64_t after_start;
	const char *after_camera;
	int64_t left; /* items this page still has room for */
	bool more;
	const char *last_camera;
	int64_t last_start;
};

enum step stats_begin(struct req *r)
{
	struct stats *s = arena_alloc(&r->arena, sizeof(*s));
	enum step step;

	if (!s)
		return req_fail(r, E_NOMEM);
	r->state = s;
	for (size_t i = 0; i < ARRAY_LEN(periods); i++)
		if (strlen(periods[i].name) == r->param[0].n &&
			!memcmp(periods[i].name, r->param[0].at, r->param[0].n))
			s->period = &periods[i];
	if (!s->period)
		return req_problem(r, 404, "not-found",
			"there are statistics by hour and day");
	if ((step = series_params(r, &s->series, NULL, 0, 10000, 10000)) !=
			STEP_NEXT ||
		(step = series_after(r, &s->series, &s->after_start,
			 &s->after_camera)) != STEP_NEXT)
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

static enum step ask(struct req *r, struct stats *s)
{
	const struct series_camera *c = &s->series.camera[s->series.at];
	const struct tz *tz;
	struct civil d;
	int64_t from, to;
	char day[2][32];

	if (zones_find(&r->api->zones, c->zone, &tz))
		return req_fail(r, E_IO);
	series_range(&s->series, tz, &from, &to);
	if (s->after_camera && !strcmp(s->after_camera, c->code) &&
		from <= s->after_start)
		from = s->after_start + 1;
	/* Dates bound the key; they may be a day too wide. */
	d = when_to_civil(from < 2 * DAY_S ? from : from - 2 * DAY_S);
	snprintf(day[0], sizeof(day[0]), "%04d-%02d-%02d", d.year, d.month,
		d.day);
	d = when_to_civil(to + 2 * DAY_S);
	snprintf(day[1], sizeof(day[1]), "%04d-%02d-%02d", d.year, d.month,
		d.day);
	return req_query(r, s->period->stmt,
		       DB_ARGS(DB_I(c->camera_id),
			       DB_S(arena_copy(
				       &r->arena, day[0], strlen(day[0]))),
			       DB_S(arena_copy(
				       &r->arena, day[1], strlen(day[1]))),
			       DB_I(when_number(from)), DB_I(when_number(to)),
			       DB_I(s->left + 1)),
		       6) == STEP_WAIT
		? STEP_AGAIN
		: STEP_DONE;
}

static void integer(struct text *t, const char *name, const struct db_cell *c)
{
	if (c->null)
		json_null(t, name);
	else
		json_int(t, name, c->i);
}

static void metric(
	struct text *t, const char *name, const struct db_cell *c, double k)
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
	json_double(t, "reference", c[2].d + k * c[3].d);
	integer(t, "min", &c[4]);
	integer(t, "max", &c[5]);
	integer(t, "new", &c[6]);
	json_close(t, '}');
}

static void item(struct text *t, const struct series_camera *camera,
	const struct tz *tz, const struct db_cell *c)
{
	int64_t start = when_from_number(c[0].i),
		end = when_from_number(c[1].i);
	char buf[WHEN_TEXT];
	bool any = false;

	json_open(t, NULL, '{');
	json_str(t, "camera", camera->code);
	json_str(t, "tz", camera->zone);
	json_str(t, "start",
		when_format(buf, start, tz_offset(tz, start), false));
	json_str(t, "end", when_format(buf, end, tz_offset(tz, end), false));
	integer(t, "n", &c[2]);
	integer(t, "observed_s", &c[3]);
	for (int i = 0; i < 3; i++)
		metric(t, count_name[i], &c[FIRST_METRIC + i * METRIC_COLUMNS],
			c[K].d);
	for (int i = 0; i < COUNT_FIGURES_N - F_car; i++)
		any |= !c[CLASSES + i].null;
	if (!any) {
		json_null(t, "classes");
	} else {
		json_open(t, "classes", '{');
		for (int i = 0; i < COUNT_FIGURES_N - F_car; i++)
			if (!c[CLASSES + i].null)
				json_int(t, count_name[F_car + i],
					c[CLASSES + i].i);
		json_close(t, '}');
	}
	json_close(t, '}');
}

static enum step answer(struct req *r, const struct stats *s)
{
	json_close(&r->out, ']');
	series_next(r, s->last_start, s->more ? s->last_camera : NULL);
	return req_json(r, 200);
}

static enum step take(struct req *r, struct stats *s)
{
	const struct series_camera *c = &s->series.camera[s->series.at];
	const struct tz *tz;

	if (zones_find(&r->api->zones, c->zone, &tz))
		return req_fail(r, E_IO);
	for (size_t i = 0; i < r->rows.n; i++) {
		const struct db_cell *row = &r->rows.cell[i * r->rows.cols];

		if (!s->left) {
			s->more = true;
			break;
		}
		item(&r->out, c, tz, row);
		s->last_camera = c->code;
		s->last_start = when_from_number(row[0].i);
		s->left--;
	}
	return STEP_NEXT;
}

enum step stats_rows(struct req *r)
{
	struct stats *s = r->state;
	enum step step;

	if (s->asked) {
		s->asked = false;
	} else {
		if ((step = take(r, s)) != STEP_NEXT)
			return step;
		s->series.at++;
	}
	/* Cameras of earlier pages. */
	while (s->after_camera && s->series.at < s->series.n &&
		strcmp(s->series.camera[s->series.at].code, s->after_camera) <
			0)
		s->series.at++;
	if (s->series.at < s->series.n && !s->more)
		return ask(r, s);
	return answer(r, s);
}
