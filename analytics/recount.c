// SPDX-License-Identifier: MIT
/*
 * Map: the levels, figures, where an instant belongs, open buckets, quarters.
 *
 * A row is added to a part: as much of its quarter hour in UTC as has one
 * offset.  A part belongs wholly to one bucket of each level, so its sums, once
 * complete, are added to each; sums of integers may be added in any order.
 */
#include "analytics/recount.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/when.h"

enum { QUARTER_S = 900, HOUR_S = 3600, DAY_HOURS = 24 };

/* A clock moved back may show an earlier date again: what is over stays open
 * for as long as no zone has ever gone back. */
enum { LATE_S = 2 * DAY_S };

/* More changes of a clock than that within a quarter hour are taken as one. */
enum { PARTS_MAX = 4 };

/* ---- the levels */

enum span { QUARTER, HOUR, DAY, WEEK, MONTH, YEAR };

static const struct spec {
	enum span span;
	bool weekday, hour; /* told apart within the span */
	bool partial;	    /* of rows watched for less than half */
	size_t open_max;    /* buckets whose span and LATE_S are not over */
} specs[LEVEL_COUNT] = {
	[LEVEL_QUARTER] = {QUARTER, .open_max = PARTS_MAX},
	[LEVEL_HOUR] = {HOUR, .open_max = 128},
	[LEVEL_DAY] = {DAY, .open_max = 8},
	[LEVEL_WEEK] = {WEEK, .open_max = 4},
	[LEVEL_MONTH] = {MONTH, .open_max = 4},
	[LEVEL_YEAR] = {YEAR, .open_max = 4},
	[LEVEL_WEEKDAY_MONTH] = {MONTH, .weekday = true, .open_max = 4 * 7},
	[LEVEL_WEEKDAY_YEAR] = {YEAR, .weekday = true, .open_max = 4 * 7},
	[LEVEL_PROFILE_MONTH] = {MONTH, .weekday = true, .hour = true,
		.open_max = 4 * 7 * DAY_HOURS},
	[LEVEL_QUARTER_PARTIAL] = {QUARTER, .partial = true,
		.open_max = PARTS_MAX},
	[LEVEL_HOUR_PARTIAL] = {HOUR, .partial = true, .open_max = 128},
};

const char *const recount_level_name[LEVEL_COUNT] = {
	[LEVEL_QUARTER] = "quarter",
	[LEVEL_HOUR] = "hour",
	[LEVEL_DAY] = "day",
	[LEVEL_WEEK] = "week",
	[LEVEL_MONTH] = "month",
	[LEVEL_YEAR] = "year",
	[LEVEL_WEEKDAY_MONTH] = "weekday_month",
	[LEVEL_WEEKDAY_YEAR] = "weekday_year",
	[LEVEL_PROFILE_MONTH] = "profile_month",
	[LEVEL_QUARTER_PARTIAL] = "quarter_partial",
	[LEVEL_HOUR_PARTIAL] = "hour_partial",
};

static const enum recount_level made_of[LEVEL_COUNT] = {
	[LEVEL_QUARTER] = LEVEL_COUNT,
	[LEVEL_HOUR] = LEVEL_QUARTER,
	[LEVEL_DAY] = LEVEL_HOUR,
	[LEVEL_WEEK] = LEVEL_DAY,
	[LEVEL_MONTH] = LEVEL_DAY,
	[LEVEL_YEAR] = LEVEL_MONTH,
	[LEVEL_WEEKDAY_MONTH] = LEVEL_DAY,
	[LEVEL_WEEKDAY_YEAR] = LEVEL_WEEKDAY_MONTH,
	[LEVEL_PROFILE_MONTH] = LEVEL_HOUR,
	[LEVEL_QUARTER_PARTIAL] = LEVEL_COUNT,
	[LEVEL_HOUR_PARTIAL] = LEVEL_QUARTER_PARTIAL,
};

enum recount_level recount_made_of(enum recount_level level)
{
	return made_of[level];
}

/* ---- figures */

#define METRIC_NAMES(m) m "_n", m "_sum", m "_sq", m "_min", m "_max", m "_new"
const char *const recount_column_name[COL_COUNT] = {"row_n", "observed_s",
	METRIC_NAMES("people"), METRIC_NAMES("vehicle"), METRIC_NAMES("face"),
	"car", "bus", "truck", "motorcycle", "bicycle", "scooter"};
#undef METRIC_NAMES

/* Which of a metric's columns a column is; METRIC_COLS: none. */
static enum recount_metric kind(int column)
{
	if (column < COL_METRIC || column >= COL_CLASS)
		return METRIC_COLS;
	return (enum recount_metric)((column - COL_METRIC) % METRIC_COLS);
}

bool recount_has(enum recount_level level, int column)
{
	return !specs[level].partial || kind(column) <= M_SQ;
}

static int metric_column(int metric, enum recount_metric k)
{
	return COL_METRIC + metric * METRIC_COLS + (int)k;
}

/* Nothing yet: 0 where a count of rows or a sum over them always is, else
 * NULL. */
static void figures_init(struct recount_figures *f)
{
	memset(f, 0, sizeof(*f));
	for (int c = COL_METRIC; c < COL_COUNT; c++)
		if (kind(c) > M_SQ)
			f->null |= UINT32_C(1) << c;
}

static void figure_add(struct recount_figures *f, int column, uint128 v)
{
	uint32_t bit = UINT32_C(1) << column;

	if (f->null & bit)
		f->v[column] = v;
	else if (kind(column) == M_MIN)
		f->v[column] = v < f->v[column] ? v : f->v[column];
	else if (kind(column) == M_MAX)
		f->v[column] = v > f->v[column] ? v : f->v[column];
	else
		f->v[column] += v;
	f->null &= ~bit;
}

static void figures_add(
	struct recount_figures *f, const struct recount_figures *more)
{
	for (int c = 0; c < COL_COUNT; c++)
		if (!(more->null & UINT32_C(1) << c))
			figure_add(f, c, more->v[c]);
}

static void count_metric(struct recount_figures *f, int metric, int64_t v)
{
	uint128 *to = &f->v[metric_column(metric, M_N)];
	uint128 x = (uint128)v;

	if (!to[M_N] || x < to[M_MIN])
		to[M_MIN] = x;
	if (!to[M_N] || x > to[M_MAX])
		to[M_MAX] = x;
	to[M_N]++;
	to[M_SUM] += x;
	to[M_SQ] += x * x;
	f->null &= ~(UINT32_C(3) << metric_column(metric, M_MIN));
}

static void count_row(struct recount_figures *f, const struct recount_row *row)
{
	const int64_t *v = row->count;

	f->v[COL_ROW_N]++;
	f->v[COL_OBSERVED_S] += (uint128)row->observed_s;
	for (int m = 0; m < METRICS; m++) {
		if (v[m] >= 0)
			count_metric(f, m, v[m]);
		if (v[METRICS + m] >= 0)
			figure_add(f, metric_column(m, M_NEW),
				(uint128)v[METRICS + m]);
	}
	for (int c = 0; c < CLASSES; c++)
		if (v[2 * METRICS + c] >= 0)
			figure_add(
				f, COL_CLASS + c, (uint128)v[2 * METRICS + c]);
}

long double recount_mean(const struct recount_figures *f, int metric)
{
	const uint128 *v = &f->v[metric_column(metric, M_N)];

	return (long double)v[M_SUM] / (long double)v[M_N];
}

long double recount_std(const struct recount_figures *f, int metric)
{
	const uint128 *v = &f->v[metric_column(metric, M_N)];

	/* Exact up to the root: the difference would lose its digits. */
	return sqrtl((long double)(v[M_N] * v[M_SQ] - v[M_SUM] * v[M_SUM])) /
		(long double)v[M_N];
}

/* ---- where an instant belongs */

/* A stretch of time with one offset, around what was last asked for: its start
 * may be cut, a day back at least. */
struct stretch {
	int64_t start, end;
	int offset;
};

/* What a row, a part or a finer bucket says of the buckets it belongs to. */
struct place {
	int64_t at, end; /* the end of a part */
	int64_t date;	 /* as seconds of its midnight in UTC */
	int hour, weekday;
};

static int64_t floor_to(int64_t v, int64_t step)
{
	return v - (v % step + step) % step;
}

static void find_stretch(const struct tz *tz, struct stretch *s, int64_t at)
{
	if (s->end && at >= s->start && at < s->end)
		return;
	s->start = at - DAY_S;
	while ((s->end = tz_next_change(tz, s->start)) <= at)
		s->start = s->end;
	s->offset = tz_offset(tz, at);
}

static struct place place_of(const struct stretch *s, int64_t at)
{
	int64_t local = at + s->offset, date = floor_to(local, DAY_S);

	return (struct place){.at = at,
		.date = date,
		.hour = (int)((local - date) / HOUR_S),
		.weekday = when_weekday(date)};
}

/* The first day of the span that holds a date. */
static int64_t first_day(enum span span, int64_t date)
{
	struct civil c = when_to_civil(date);

	switch (span) {
	case QUARTER:
	case HOUR:
	case DAY:
		break;
	case WEEK:
		return date - (int64_t)(when_weekday(date) - 1) * DAY_S;
	case MONTH:
		return date - (int64_t)(c.day - 1) * DAY_S;
	case YEAR:
		c.month = c.day = 1;
		return when_from_civil(&c);
	}
	return date;
}

/* The first day of the next one. */
static int64_t next_first_day(enum span span, int64_t first)
{
	switch (span) {
	case QUARTER:
	case HOUR:
	case DAY:
		break;
	case WEEK:
		return first + 7 * DAY_S;
	case MONTH:
		return first_day(MONTH, first + 31 * DAY_S);
	case YEAR:
		return first_day(YEAR, first + 366 * DAY_S);
	}
	return first + DAY_S;
}

static int64_t day_start(const struct tz *tz, int64_t date)
{
	struct civil c = when_to_civil(date);

	return tz_day_start(tz, c.year, c.month, c.day);
}

static int64_t date_number(int64_t date)
{
	return when_number(date) / 1000000;
}

static int64_t date_of(int64_t number)
{
	return when_from_number(number * 1000000);
}

struct recount_span recount_span_of(
	const struct tz *tz, enum recount_level level, const int64_t key[2])
{
	enum span span = specs[level].span;
	struct stretch stretch = {0, 0, 0};
	struct recount_span s;

	if (span == QUARTER) {
		s.start = when_from_number(key[0]);
		find_stretch(tz, &stretch, s.start);
		s.first = place_of(&stretch, s.start).date;
	} else {
		s.first = date_of(key[0]);
		s.start = span == HOUR ? when_from_number(key[1])
				       : day_start(tz, s.first);
	}
	s.next = next_first_day(span, s.first);
	return s;
}

bool recount_in(const struct recount_window *w, const struct recount_span *s)
{
	return s->first >= w->from && s->next <= w->to &&
		s->start >= w->since && s->start < w->until;
}

/* ---- open buckets */

struct open {
	struct recount_bucket b;
	int64_t closes;
};

/* Those of one level, in the order of their keys. */
struct shelf {
	struct open **at; /* all of them; the first n are open */
	struct open *room;
	size_t n;
};

struct part {
	int64_t start, end;
	struct recount_figures f, partial;
};

struct recount {
	const struct tz *tz;
	enum recount_level source;
	const struct recount_window *windows;
	recount_emit *emit;
	void *arg;
	struct stretch stretch;
	struct shelf shelf[LEVEL_COUNT];
	/* The quarter hour at hand. */
	int64_t quarter;
	bool in_quarter, marked;
	int parts;
	struct part part[PARTS_MAX];
};

static void find_edges(const struct recount *r, enum span span,
	const struct place *p, struct recount_bucket *b)
{
	const struct stretch *s = &r->stretch;
	int64_t full = floor_to(p->at + s->offset, HOUR_S) - s->offset;
	int64_t first = first_day(span, p->date);

	if (span == QUARTER) {
		b->start = p->at;
		b->end = p->end;
	} else if (span == HOUR) {
		b->start = full > s->start ? full : s->start;
		b->end = full + HOUR_S < s->end ? full + HOUR_S : s->end;
	} else {
		b->start = day_start(r->tz, first);
		b->end = day_start(r->tz, next_first_day(span, first));
	}
}

static void make_key(enum recount_level level, const struct place *p,
	struct recount_bucket *b)
{
	const struct spec *spec = &specs[level];

	b->hour = p->hour;
	b->weekday = p->weekday;
	if (spec->span == QUARTER) {
		b->key[0] = when_number(b->start);
		return;
	}
	b->key[0] = date_number(first_day(spec->span, p->date));
	if (spec->span == HOUR)
		b->key[1] = when_number(b->start);
	else if (spec->hour)
		b->key[1] = b->weekday * DAY_HOURS + b->hour;
	else if (spec->weekday)
		b->key[1] = b->weekday;
}

/* Is it the second time that the clock shows the hour's start? */
static int fold_of(const struct recount *r, int64_t start)
{
	int64_t both[2];

	return tz_local(r->tz, start + r->stretch.offset, both) == 2 &&
		both[1] == start;
}

int recount_compare(const int64_t a[2], const int64_t b[2])
{
	if (a[0] != b[0])
		return a[0] < b[0] ? -1 : 1;
	return (a[1] > b[1]) - (a[1] < b[1]);
}

/* The bucket of a key, opened where it is new. */
static struct open *take(struct recount *r, enum recount_level level,
	const struct recount_bucket *b)
{
	struct shelf *s = &r->shelf[level];
	struct open *o;
	size_t i = s->n;
	int order = 1;

	while (i && (order = recount_compare(s->at[i - 1]->b.key, b->key)) > 0)
		i--;
	if (i && !order)
		return s->at[i - 1];
	assert(s->n < specs[level].open_max);
	o = s->at[s->n];
	memmove(&s->at[i + 1], &s->at[i], (s->n - i) * sizeof(*s->at));
	s->at[i] = o;
	s->n++;
	o->b = *b;
	figures_init(&o->b.f);
	if (specs[level].span == HOUR)
		o->b.fold = fold_of(r, b->start);
	o->closes = b->end + (specs[level].span == QUARTER ? 0 : LATE_S);
	return o;
}

static void put(struct recount *r, enum recount_level level,
	const struct place *p, const struct recount_figures *f, bool pending)
{
	enum span span = specs[level].span;
	struct recount_bucket b = {.pending = false};
	struct recount_span s = {.first = first_day(span, p->date)};
	struct open *o;

	find_edges(r, span, p, &b);
	s.next = next_first_day(span, s.first);
	s.start = b.start;
	if (!recount_in(&r->windows[level], &s))
		return;
	make_key(level, p, &b);
	o = take(r, level, &b);
	o->b.pending |= pending;
	figures_add(&o->b.f, f);
}

/* Lets go of what is complete before an instant. */
static enum err let_go(struct recount *r, int64_t at)
{
	for (int level = 0; level < LEVEL_COUNT; level++) {
		struct shelf *s = &r->shelf[level];
		size_t n = 0;
		enum err e = E_OK;

		for (; n < s->n && s->at[n]->closes <= at && !e; n++)
			e = r->emit(r->arg, (enum recount_level)level,
				&s->at[n]->b);
		if (e)
			return e;
		for (size_t i = 0; n && i + n < s->n; i++) {
			struct open *o = s->at[i];

			s->at[i] = s->at[i + n];
			s->at[i + n] = o;
		}
		s->n -= n;
	}
	return E_OK;
}

/* ---- quarters */

/* Is the level counted from what is at hand? */
static bool counts(const struct recount *r, enum recount_level level)
{
	return r->source == LEVEL_COUNT || made_of[level] == r->source;
}

static void close_part(struct recount *r, const struct part *part)
{
	struct place p;

	find_stretch(r->tz, &r->stretch, part->start);
	p = place_of(&r->stretch, part->start);
	p.end = part->end;
	for (int i = 0; i < LEVEL_COUNT; i++) {
		enum recount_level level = (enum recount_level)i;
		const struct recount_figures *f =
			specs[i].partial ? &part->partial : &part->f;

		if (counts(r, level) && (r->marked || f->v[COL_ROW_N]))
			put(r, level, &p, f, r->marked);
	}
}

static void close_quarter(struct recount *r)
{
	for (int i = 0; i < r->parts && r->in_quarter; i++)
		close_part(r, &r->part[i]);
	r->in_quarter = false;
}

static void open_quarter(struct recount *r, int64_t start)
{
	int64_t end = start + QUARTER_S;

	r->quarter = start;
	r->in_quarter = true;
	r->marked = false;
	r->parts = 0;
	while (start < end) {
		struct part *p = &r->part[r->parts++];

		find_stretch(r->tz, &r->stretch, start);
		p->start = start;
		p->end = r->stretch.end < end && r->parts < PARTS_MAX
			? r->stretch.end
			: end;
		figures_init(&p->f);
		figures_init(&p->partial);
		start = p->end;
	}
}

static enum err go_to(struct recount *r, int64_t at)
{
	int64_t quarter = floor_to(at, QUARTER_S);
	enum err e;

	if (r->in_quarter && r->quarter == quarter)
		return E_OK;
	assert(!r->in_quarter || r->quarter < quarter);
	close_quarter(r);
	if ((e = let_go(r, quarter)))
		return e;
	open_quarter(r, quarter);
	return E_OK;
}

/* ---- what is asked */

enum err recount_new(struct recount **r, const struct tz *tz,
	enum recount_level source, const struct recount_window *windows,
	recount_emit *emit, void *arg)
{
	if (!(*r = calloc(1, sizeof(**r))))
		return E_NOMEM;
	**r = (struct recount){.tz = tz,
		.source = source,
		.windows = windows,
		.emit = emit,
		.arg = arg};
	for (int level = 0; level < LEVEL_COUNT; level++) {
		struct shelf *s = &(*r)->shelf[level];
		size_t n = specs[level].open_max;

		s->at = calloc(n, sizeof(struct open *));
		s->room = calloc(n, sizeof(*s->room));
		if (!s->at || !s->room) {
			recount_free(*r);
			*r = NULL;
			return E_NOMEM;
		}
		for (size_t i = 0; i < n; i++)
			s->at[i] = &s->room[i];
	}
	return E_OK;
}

void recount_free(struct recount *r)
{
	if (!r)
		return;
	for (int level = 0; level < LEVEL_COUNT; level++) {
		free(r->shelf[level].at);
		free(r->shelf[level].room);
	}
	free(r);
}

enum err recount_row(struct recount *r, const struct recount_row *row)
{
	enum err e = go_to(r, row->start);
	int i = 0;

	if (e)
		return e;
	while (row->start >= r->part[i].end)
		i++;
	count_row(&r->part[i].f, row);
	if (row->observed_s * 2 < row->end - row->start)
		count_row(&r->part[i].partial, row);
	return E_OK;
}

enum err recount_mark(struct recount *r, int64_t at)
{
	enum err e = go_to(r, at);

	r->marked |= !e;
	return e;
}

enum err recount_end(struct recount *r)
{
	close_quarter(r);
	return let_go(r, INT64_MAX);
}

enum err recount_finer(struct recount *r, const int64_t key[2], int hour,
	const struct recount_figures *f)
{
	enum span span = specs[r->source].span;
	struct place p;
	enum err e;

	close_quarter(r);
	if (span == QUARTER) {
		p.at = when_from_number(key[0]);
		find_stretch(r->tz, &r->stretch, p.at);
		p = place_of(&r->stretch, p.at);
	} else {
		p.date = date_of(key[0]);
		p.at = span == HOUR ? when_from_number(key[1])
				    : day_start(r->tz, p.date);
		p.end = p.at;
		p.hour = hour;
		p.weekday = specs[r->source].weekday ? (int)key[1]
						     : when_weekday(p.date);
	}
	if ((e = let_go(r, p.at)))
		return e;
	for (int i = 0; i < LEVEL_COUNT; i++)
		if (made_of[i] == r->source)
			put(r, (enum recount_level)i, &p, f, false);
	return E_OK;
}
