// SPDX-License-Identifier: MIT
/*
 * GET /api/v1/stats/{period}: exact statistics, an item per camera and bucket,
 * camera by camera, oldest first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/memo.h"
#include "api/resources.h"
#include "api/stats.h"
#include "api/work.h"

enum { CELLS = 168, BATCH_MAX = 1000, BATCH_GROWTH = 4, ROWS_ON_LOOP = 400 };

static const struct period periods[] = {
	{"hour", Q_STATS_HOUR, Q_STATS_ONE_HOUR, Q_SITE_HOUR, PART_START,
		BUCKET_DAY, 3600, 1},
	{"day", Q_STATS_DAY, Q_STATS_ONE_DAY, Q_SITE_DAY, PART_NONE, BUCKET_DAY,
		DAY_S, 1},
	{"week", Q_STATS_WEEK, Q_STATS_ONE_WEEK, Q_SITE_WEEK, PART_NONE,
		BUCKET_WEEK, 7 * DAY_S, 1},
	{"month", Q_STATS_MONTH, Q_STATS_ONE_MONTH, Q_SITE_MONTH, PART_NONE,
		BUCKET_MONTH, 28 * DAY_S, 1},
	{"year", Q_STATS_YEAR, Q_STATS_ONE_YEAR, Q_SITE_YEAR, PART_NONE,
		BUCKET_YEAR, 365 * DAY_S, 1},
	{"weekday/month", Q_STATS_WEEKDAY_MONTH, Q_STATS_ONE_WEEKDAY_MONTH,
		Q_SITE_WEEKDAY_MONTH, PART_WEEKDAY, BUCKET_MONTH, 28 * DAY_S,
		7},
	{"weekday/year", Q_STATS_WEEKDAY_YEAR, Q_STATS_ONE_WEEKDAY_YEAR,
		Q_SITE_WEEKDAY_YEAR, PART_WEEKDAY, BUCKET_YEAR, 365 * DAY_S, 7},
	{"profile", Q_STATS_PROFILE, Q_STATS_PROFILE, Q_SITE_PROFILE, PART_CELL,
		BUCKET_MONTH, 0, CELLS},
};

#define METRIC(m) \
	{m, "n", LIST_INT, false}, {m, "sum", LIST_INT, false}, \
		{m, "mean", LIST_REAL, false}, {m, "std", LIST_REAL, false}, \
		{m, "reference", LIST_REAL, false}, \
		{m, "min", LIST_INT, false}, {m, "max", LIST_INT, false}, \
	{ \
		m, "new", LIST_INT, false \
	}
#define CLASS(name) \
	{ \
		"classes", name, LIST_INT, true \
	}

static const struct list_column columns[] = {
	{NULL, "camera", LIST_TEXT, false},
	{NULL, "site", LIST_TEXT, false},
	{NULL, "tz", LIST_TEXT, false},
	{NULL, "start", LIST_TEXT, false},
	{NULL, "end", LIST_TEXT, false},
	{NULL, "weekday", LIST_INT, false},
	{NULL, "hour", LIST_INT, false},
	{NULL, "n", LIST_INT, false},
	{NULL, "observed_s", LIST_INT, false},
	METRIC("people"),
	METRIC("vehicle"),
	METRIC("face"),
	CLASS("car"),
	CLASS("bus"),
	CLASS("truck"),
	CLASS("motorcycle"),
	CLASS("bicycle"),
	CLASS("scooter"),
};

/* Places in it. */
enum {
	L_CAMERA,
	L_SITE,
	L_ZONE,
	L_START,
	L_END,
	L_WEEKDAY,
	L_HOUR,
	L_N,
	L_METRIC = L_N + 2,
	METRIC_CELLS = 8,
	L_CLASSES = L_METRIC + 3 * METRIC_CELLS
};

static const char *const metrics[] = {"people", "vehicle", "face"};

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

static enum step read_site(struct req *r, struct stats *s)
{
	s->site = query_get(&r->query, "site");
	if (s->site && s->series.wanted_n)
		return req_problem(r, 400, "bad-parameter",
			"site and camera exclude each other");
	return STEP_NEXT;
}

/* metric: one of three, all of them where it is not said. */
static enum step read_metric(struct req *r, struct stats *s)
{
	const char *name = query_get(&r->query, "metric");

	s->metric = METRIC_ALL;
	if (!name)
		return STEP_NEXT;
	for (s->metric = 0; s->metric < ARRAY_LEN(metrics); s->metric++)
		if (!strcmp(metrics[s->metric], name))
			return STEP_NEXT;
	return req_problem(r, 400, "bad-parameter",
		"metric is none of people, vehicle and face");
}

/* Those of the other metrics; classes are of vehicles. */
static uint64_t without_metrics(const struct stats *s)
{
	enum { EACH = (1 << METRIC_CELLS) - 1, VEHICLE = 1 };
	uint64_t bits = 0;

	if (s->metric == METRIC_ALL)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
		if (s->metric != i)
			bits |= (uint64_t)EACH << (L_METRIC + i * METRIC_CELLS);
	if (s->metric != VEHICLE)
		bits |= UINT64_MAX << L_CLASSES;
	return bits;
}

/* The columns that this period, or what was asked for, does not have. */
static uint64_t without(const struct stats *s)
{
	uint64_t bits = UINT64_C(1) << (s->site ? L_CAMERA : L_SITE);

	if (s->period->part != PART_WEEKDAY && s->period->part != PART_CELL)
		bits |= UINT64_C(1) << L_WEEKDAY;
	if (s->period->part != PART_CELL)
		bits |= UINT64_C(1) << L_HOUR;
	return bits | without_metrics(s);
}

enum step stats_begin(struct req *r)
{
	static const char *const more[] = {"site", "metric"};
	struct stats *s = arena_alloc(&r->arena, sizeof(*s));
	enum step step;

	if (!s)
		return req_fail(r, E_NOMEM);
	r->state = s;
	if (!(s->period = period_of(r)))
		return req_problem(r, 404, "not-found",
			"there are statistics by hour, day, week, month, year, "
			"weekday/month, weekday/year, and a profile");
	if ((step = series_params(r, &s->series, more, 2, 10000, 10000)) !=
			STEP_NEXT ||
		(step = list_choose(r, &s->list)) != STEP_NEXT ||
		(step = read_site(r, s)) != STEP_NEXT ||
		(step = read_metric(r, s)) != STEP_NEXT)
		return step;
	s->list.without = without(s);
	step = series_after(r, &s->series, &s->after);
	return step == STEP_NEXT ? memo_begin(r, list_type(&s->list)) : step;
}

enum step stats_cameras(struct req *r)
{
	struct stats *s = r->state;

	s->left = s->series.limit;
	s->buckets = -1;
	s->more = s->done = s->gathered = false;
	list_open(r, &s->list, s->period->name, columns, ARRAY_LEN(columns));
	return s->site ? site_ask(r, s) : series_know(r, &s->series);
}

void stats_bounds(int64_t *from, int64_t *to)
{
	static const struct civil first = {2000, 1, 1, 0, 0, 0};

	*from = when_from_civil(&first) - DAY_S;
	*to = when_now() + DAY_S;
}

/* How many buckets a camera can have at most in what is stored of the range. */
static int64_t most_buckets(const struct stats *s, const struct tz *tz)
{
	int64_t from, to, begin, end;

	if (!s->period->least_s)
		return s->period->each;
	series_range(&s->series, tz, &from, &to);
	stats_bounds(&begin, &end);
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
		int64_t from, to, first, last, a = 0, b = 0;

		series_range(&s->series, c->tz, &from, &to);
		bucket_dates(c->tz, from, to, &first, &last);
		first = bucket_number(first);
		if (!i && first < date)
			first = date;
		if (s->period->part == PART_CELL)
			bucket_months(c->tz, from, to, &a, &b);
		at += snprintf(at, ROOM,
			"%c[%lld,%lld,%lld,%lld,%lld,%lld,%lld]", i ? ',' : '[',
			(long long)c->camera_id, (long long)first,
			(long long)bucket_number(last),
			(long long)when_number(from),
			(long long)when_number(to), (long long)bucket_number(a),
			(long long)bucket_number(b));
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

	*date = bucket_number(0);
	*part = -1;
	if (!s->after.camera || strcmp(s->after.camera, c->code) != 0)
		return;
	if (s->period->part != PART_CELL)
		*date = bucket_number(bucket_date(c->tz, start));
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

/* The first page of the one camera that was named. */
static bool is_one(const struct stats *s)
{
	return s->series.one && !s->after.camera &&
		s->period->part != PART_CELL;
}

static enum step ask_one(struct req *r, struct stats *s)
{
	const struct series_camera *c = s->series.camera;
	const struct db_cell k = DB_D(s->series.k);
	int64_t from, to, first, last;

	s->batch = 1;
	series_range(&s->series, c->tz, &from, &to);
	bucket_dates(c->tz, from, to, &first, &last);
	if (s->period->of_one == Q_STATS_ONE_HOUR && gather_fits(first, last)) {
		s->gathered = true;
		s->hours = (struct gather_ask){.camera_id = c->camera_id,
			.k = s->series.k,
			.first = first,
			.last = last,
			.from = from,
			.to = to};
		return gather_hours(r, &s->hours);
	}
	return req_query(r, s->period->of_one,
		DB_ARGS(k, k, k, DB_I(c->camera_id), DB_I(bucket_number(first)),
			DB_I(bucket_number(last)), DB_I(when_number(from)),
			DB_I(when_number(to)), DB_I(s->left + 1)),
		9);
}

static enum step ask(struct req *r, struct stats *s)
{
	const char *cameras;
	int64_t date, part;

	if (is_one(s))
		return ask_one(r, s);
	s->batch = batch_of(s);
	behind(s, &date, &part);
	if (!(cameras = batch_text(r, s, date)))
		return req_fail(r, E_TOO_BIG);
	if (s->period->part == PART_CELL)
		return req_query(r, s->period->of_cameras,
			DB_ARGS(DB_S(cameras), DB_S(cameras), DB_I(part),
				DB_I(s->left + 1)),
			4);
	return req_query(r, s->period->of_cameras,
		DB_ARGS(DB_S(cameras), DB_I(date), DB_I(part),
			DB_I(s->left + 1)),
		4);
}

/* What no row measured is not there. */
static void hide_unmeasured(struct db_cell *metric)
{
	if (!metric->i)
		for (int i = 0; i < METRIC_CELLS; i++)
			metric[i].null = true;
}

void stats_item(struct req *r, struct stats *s,
	const struct series_camera *camera, int64_t start, int64_t end,
	const struct db_cell *row)
{
	const struct tz *tz = camera ? camera->tz : s->tz;
	struct db_cell cell[ARRAY_LEN(columns)];
	char begins[WHEN_TEXT], ends[WHEN_TEXT];

	cell[L_CAMERA] = camera ? DB_S(camera->code) : DB_NULL;
	cell[L_SITE] = camera ? DB_NULL : DB_S(s->site);
	cell[L_ZONE] = DB_S(camera ? camera->zone : s->zone);
	cell[L_START] =
		DB_S(when_format(begins, start, tz_offset(tz, start), false));
	cell[L_END] = DB_S(when_format(ends, end, tz_offset(tz, end), false));
	cell[L_WEEKDAY] = row[C_WEEKDAY];
	cell[L_HOUR] = row[C_HOUR];
	memcpy(&cell[L_N], &row[C_N],
		(ARRAY_LEN(columns) - L_N) * sizeof(*cell));
	for (int i = 0; i < 3; i++)
		hide_unmeasured(&cell[L_METRIC + i * METRIC_CELLS]);
	list_item(r, &s->list, cell);
}

static void camera_item(struct req *r, struct stats *s,
	const struct series_camera *camera, const struct db_cell *c)
{
	int64_t start = when_from_number(c[C_START].i),
		end = when_from_number(c[C_END].i), from, to;

	/* A profile is of the range that was asked for. */
	if (s->period->part == PART_CELL) {
		series_range(&s->series, camera->tz, &from, &to);
		start = s->series.has_from ? from : start;
		end = s->series.has_to ? to : end;
	}
	stats_item(r, s, camera, start, end, c);
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
		camera_item(r, s, c, row);
		s->last = place_of(s, c->code, row);
		s->left--;
	}
	s->buckets = (int64_t)(r->rows.n / s->batch);
	s->series.at += s->batch;
}

static enum step answer(struct req *r, struct stats *s)
{
	char name[32] = "stats-";
	const char *from = s->period->name;
	char *to = name + strlen(name);

	do
		*to++ = *from == '/' ? '-' : *from;
	while (*from++);
	list_close(r, &s->list, name,
		series_next(r, s->more ? s->last : (struct series_place){0}));
	s->done = true;
	return STEP_NEXT;
}

/* The next batch of cameras, or the end. */
static enum step ask_on(struct req *r, struct stats *s)
{
	if (s->series.at < s->series.n && !s->more)
		return ask(r, s);
	return answer(r, s);
}

enum step stats_found(struct req *r)
{
	struct stats *s = r->state;
	enum step step =
		s->site ? site_found(r, s) : series_known(r, &s->series);

	if (step != STEP_NEXT)
		return step;
	/* Cameras of earlier pages. */
	while (s->after.camera && s->series.at < s->series.n &&
		strcmp(s->series.camera[s->series.at].code, s->after.camera) <
			0)
		s->series.at++;
	return ask_on(r, s);
}

static enum err render(struct req *r, struct db *db)
{
	struct stats *s = r->state;

	(void)db;
	if (s->site)
		site_take(r, s);
	else
		take(r, s);
	return E_OK;
}

enum step stats_rows(struct req *r)
{
	struct stats *s = r->state;
	enum step step;

	if (s->done)
		return STEP_NEXT;
	if (s->gathered && r->rows.n)
		memo_read(r, r->rows.cell[r->rows.cols - 1].i);
	/* To write thousands of items takes long; others need not wait.  What
	 * was gathered is few, and there for this step alone. */
	if (!s->rendered && !s->gathered && r->rows.n > ROWS_ON_LOOP &&
		work_has_room(r->api->work)) {
		s->rendered = true;
		return step_again(work_run(r->api->work, r, render));
	}
	if (!s->rendered && render(r, NULL))
		return STEP_DONE;
	s->rendered = false;
	step = s->site ? site_ask_on(r, s) : ask_on(r, s);
	return step == STEP_NEXT && !s->done ? answer(r, s) : step_again(step);
}
