// SPDX-License-Identifier: MIT
/*
 * Map: pages of stored buckets, comparing, what the camera's recount asks for.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "analytics/ctl/verify.h"
#include "common/when.h"

enum { BUCKETS_PAGE = 1000 };

static const double tolerance = 1e-9;

static const enum stmt page_of[LEVEL_COUNT] = {
	[LEVEL_QUARTER] = Q_VERIFY_QUARTER,
	[LEVEL_HOUR] = Q_VERIFY_HOUR,
	[LEVEL_DAY] = Q_VERIFY_DAY,
	[LEVEL_WEEK] = Q_VERIFY_WEEK,
	[LEVEL_MONTH] = Q_VERIFY_MONTH,
	[LEVEL_YEAR] = Q_VERIFY_YEAR,
	[LEVEL_WEEKDAY_MONTH] = Q_VERIFY_WEEKDAY_MONTH,
	[LEVEL_WEEKDAY_YEAR] = Q_VERIFY_WEEKDAY_YEAR,
	[LEVEL_PROFILE_MONTH] = Q_VERIFY_PROFILE_MONTH,
	[LEVEL_QUARTER_PARTIAL] = Q_VERIFY_QUARTER_PARTIAL,
	[LEVEL_HOUR_PARTIAL] = Q_VERIFY_HOUR_PARTIAL,
};

/* The columns of a stored bucket, as the statements above give them. */
enum {
	CELL_KEY,
	CELL_START = 2,
	CELL_END,
	CELL_HOUR,
	CELL_FOLD,
	CELL_WEEKDAY,
	CELL_EXACT,
	CELL_VIRTUAL = CELL_EXACT + COL_COUNT
};

/* ---- pages of stored buckets */

bool verify_by_instant(enum recount_level level)
{
	return level == LEVEL_QUARTER || level == LEVEL_QUARTER_PARTIAL;
}

/* Begins a level anew, with the first bucket that is due. */
static void rewind_level(struct verify_run *r, enum recount_level level)
{
	const struct recount_window *due = &r->due[level];
	struct verify_pages *s = &r->stored[level];
	int64_t from = due->from, since = due->since;

	s->page = (struct db_rows){.n = 0};
	s->at = 0;
	s->end = false;
	s->key[1] = -1;
	if (verify_by_instant(level)) {
		s->key[0] = when_number(verify_later(
			verify_later(r->from, since), VERIFY_FIRST));
		return;
	}
	/* Its date there is this one, or the one before. */
	if (since != INT64_MIN)
		from = verify_later(from, since - DAY_S);
	s->key[0] = when_number(verify_later(from, VERIFY_FIRST)) / 1000000;
}

void verify_rewind(struct verify_run *r)
{
	for (int i = 0; i < LEVEL_COUNT; i++)
		rewind_level(r, (enum recount_level)i);
}

/* The row at hand; *row is NULL behind the last. */
static enum err stored_row(struct verify_run *r, enum recount_level level,
	const struct db_cell **row)
{
	struct verify_pages *s = &r->stored[level];
	enum err e;

	if (s->at == s->page.n && !s->end) {
		arena_reset(&s->arena);
		s->at = 0;
		e = db_run(r->v->db, page_of[level],
			DB_ARGS(DB_I(r->camera_id), DB_I(s->key[0]),
				DB_I(s->key[0]), DB_I(s->key[1]),
				DB_I(BUCKETS_PAGE)),
			&s->arena, &s->page);
		if (e)
			return e;
		s->end = s->page.n < BUCKETS_PAGE;
	}
	*row = s->at < s->page.n ? &s->page.cell[s->at * s->page.cols] : NULL;
	if (*row) {
		s->key[0] = (*row)[CELL_KEY].i;
		s->key[1] = (*row)[CELL_KEY + 1].i;
	}
	return E_OK;
}

/* ---- comparing */

/* The cell of an exact column as text. */
static const char *cell_text(
	char buf[VERIFY_NUMBER], const struct db_cell *c, char letter)
{
	if (c->null)
		return "NULL";
	if (letter == 's')
		return c->s.at;
	snprintf(buf, VERIFY_NUMBER, "%" PRId64, c->i);
	return buf;
}

static bool compare_exact(struct verify_run *r, enum recount_level level,
	const struct recount_bucket *b, const struct db_cell *c, int column)
{
	char letter = stmt_defs[page_of[level]].cols[CELL_EXACT + column];
	bool null = b->f.null & UINT32_C(1) << column;
	char stored[VERIFY_NUMBER], counted[VERIFY_NUMBER];
	const char *s, *n;

	s = cell_text(stored, &c[CELL_EXACT + column], letter);
	n = null ? "NULL" : verify_number(counted, b->f.v[column]);
	if (!strcmp(s, n))
		return true;
	verify_say_different(r, level, b, recount_column_name[column], s, n);
	return false;
}

/* Columns of whole numbers besides the figures: NULL where the level has none
 * of them. */
static void compare_number(struct verify_run *r, enum recount_level level,
	const struct recount_bucket *b, const struct db_cell *c,
	const char *name, int64_t counted)
{
	char s[VERIFY_NUMBER], n[VERIFY_NUMBER];

	if (c->null || c->i == counted)
		return;
	snprintf(s, sizeof(s), "%" PRId64, c->i);
	snprintf(n, sizeof(n), "%" PRId64, counted);
	verify_say_different(r, level, b, name, s, n);
}

static bool close_enough(const struct db_cell *c, bool null, long double v)
{
	if (c->null || null)
		return c->null == null;
	return fabsl((long double)c->d - v) <= tolerance * fabsl(v);
}

static void compare_virtual(struct verify_run *r, enum recount_level level,
	const struct recount_bucket *b, const struct db_cell *c, int metric)
{
	static const char *const name[METRICS][2] = {
		{"people_mean", "people_std"}, {"vehicle_mean", "vehicle_std"},
		{"face_mean", "face_std"}};
	bool null = !b->f.v[COL_METRIC + metric * METRIC_COLS + M_N];
	long double v[2] = {0, 0};
	char s[VERIFY_NUMBER], n[VERIFY_NUMBER];

	if (!null) {
		v[0] = recount_mean(&b->f, metric);
		v[1] = recount_std(&b->f, metric);
	}
	for (int i = 0; i < 2; i++) {
		const struct db_cell *x = &c[CELL_VIRTUAL + 2 * metric + i];

		if (close_enough(x, null, v[i]))
			continue;
		snprintf(s, sizeof(s), "%.17g", x->d);
		snprintf(n, sizeof(n), "%.17Lg", v[i]);
		verify_say_different(r, level, b, name[metric][i],
			x->null ? "NULL" : s, null ? "NULL" : n);
	}
}

static void compare_figures(struct verify_run *r, enum recount_level level,
	const struct recount_bucket *b, const struct db_cell *c)
{
	bool sums[METRICS] = {true, true, true};

	for (int column = 0; column < COL_COUNT; column++) {
		int k = column - COL_METRIC;
		bool same = !recount_has(level, column) ||
			compare_exact(r, level, b, c, column);

		if (column >= COL_METRIC && column < COL_CLASS &&
			k % METRIC_COLS <= M_SQ)
			sums[k / METRIC_COLS] &= same;
	}
	/* Where sums differ, what follows from them says nothing new. */
	for (int m = 0; m < METRICS && recount_has(level, COL_ROW_N); m++)
		if (sums[m])
			compare_virtual(r, level, b, c, m);
}

static void compare(struct verify_run *r, enum recount_level level,
	const struct recount_bucket *b, const struct db_cell *c)
{
	compare_number(
		r, level, b, &c[CELL_START], "start_at", when_number(b->start));
	compare_number(
		r, level, b, &c[CELL_END], "end_at", when_number(b->end));
	compare_number(r, level, b, &c[CELL_HOUR], "local_hour", b->hour);
	compare_number(r, level, b, &c[CELL_FOLD], "fold", b->fold);
	compare_number(r, level, b, &c[CELL_WEEKDAY], "weekday", b->weekday);
	compare_figures(r, level, b, c);
}

/* A stored bucket that no row, or no finer bucket, makes. */
static void judge_alone(struct verify_run *r, enum recount_level level,
	const int64_t key[2], const struct db_cell *c)
{
	struct recount_span span = recount_span_of(r->tz, level, key);

	if (recount_in(&r->window[level], &span))
		verify_say_superfluous(
			r, level, key, when_from_number(c[CELL_START].i));
	else if (recount_in(&r->due[level], &span))
		r->v->not_compared++;
}

/* Passes what is stored before a key; *row is then what is stored at the key or
 * behind it. */
static enum err pass_stored(struct verify_run *r, enum recount_level level,
	const int64_t key[2], const struct db_cell **row)
{
	enum err e;

	while (!(e = stored_row(r, level, row)) && *row) {
		int64_t has[2] = {(*row)[CELL_KEY].i, (*row)[CELL_KEY + 1].i};

		if (recount_compare(has, key) >= 0)
			return E_OK;
		judge_alone(r, level, has, *row);
		r->stored[level].at++;
	}
	return e;
}

enum err verify_left(struct verify_run *r, enum recount_level level)
{
	const struct db_cell *row;
	enum err e;

	while (!(e = stored_row(r, level, &row)) && row) {
		int64_t key[2] = {row[CELL_KEY].i, row[CELL_KEY + 1].i};

		if (recount_span_of(r->tz, level, key).start >=
			r->due[level].until)
			break;
		judge_alone(r, level, key, row);
		r->stored[level].at++;
	}
	return e;
}

enum err verify_bucket(
	void *arg, enum recount_level level, const struct recount_bucket *b)
{
	struct verify_run *r = arg;
	const struct db_cell *row;
	bool stored;
	enum err e;

	if ((e = pass_stored(r, level, b->key, &row)))
		return e;
	stored = row && row[CELL_KEY].i == b->key[0] &&
		row[CELL_KEY + 1].i == b->key[1];
	if (b->pending) {
		r->v->pending += stored || b->f.v[COL_ROW_N];
	} else {
		r->v->compared[level]++;
		if (stored)
			compare(r, level, b, row);
		else
			verify_say_missing(r, level, b);
	}
	r->stored[level].at += stored;
	return E_OK;
}

/* The figures of a stored bucket, to be summed up. */
static struct recount_figures figures_of(
	enum recount_level level, const struct db_cell *c)
{
	const char *letters = stmt_defs[page_of[level]].cols + CELL_EXACT;
	struct recount_figures f = {.null = 0};

	for (int k = 0; k < COL_COUNT; k++) {
		const struct db_cell *x = &c[CELL_EXACT + k];

		if (x->null)
			f.null |= UINT32_C(1) << k;
		else if (letters[k] == 'i')
			f.v[k] = (uint128)x->i;
		else
			for (const char *s = x->s.at; *s >= '0' && *s <= '9';)
				f.v[k] = f.v[k] * 10 + (uint128)(*s++ - '0');
	}
	return f;
}

enum err verify_next(struct verify_run *r, enum recount_level level,
	struct verify_stored *next, bool *there)
{
	const struct db_cell *row;
	enum err e = stored_row(r, level, &row);

	*there = !e && row;
	if (!*there)
		return e;
	next->key[0] = row[CELL_KEY].i;
	next->key[1] = row[CELL_KEY + 1].i;
	next->hour = (int)row[CELL_HOUR].i;
	next->f = figures_of(level, row);
	r->stored[level].at++;
	return E_OK;
}
