// SPDX-License-Identifier: MIT
/*
 * verify: `tally verify`: recounts the raw rows and holds every stored bucket
 * against what they say.  A bucket that begins before raw rows are kept is held
 * against the sum of the next finer level's, as far as that is kept.
 *
 * Each camera is read in one snapshot, so that rows, marks and buckets agree,
 * and locks nothing; between cameras the snapshot is let go, so that whoever
 * wants to alter a table waits for one camera at most.  Rows, marks and each
 * level's buckets come by pages: memory does not grow with them.
 *
 * Map: saying it, stored buckets, comparing, raw rows and marks, what is kept,
 * a camera, cameras that are not there, the command.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analytics/ctl/ctl.h"
#include "analytics/recount.h"
#include "common/when.h"

enum {
	CAMERAS_PAGE = 1000,
	ROWS_PAGE = 10000,
	MARKS_PAGE = 10000,
	BUCKETS_PAGE = 1000,
	PAGE_BYTES = 64 << 20,
	SAID_MAX = 100, /* lines of a kind, without --all */
	SHOW_MS = 250
};

/* The range of DATETIME; a year before 1000 as a number is another one. */
static const int64_t first_number = 10000101000000,
		     last_number = 99991231235959;

/* --from and --to, as seconds since 1970. */
static const int64_t date_min = -30610224000, date_max = 221845392000;

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

struct found {
	uint64_t n, said;
};

struct verify {
	struct db *db;
	struct arena arena; /* the pages of rows, marks and cameras */
	bool all;
	int64_t from, to; /* local dates; INT64_MIN and _MAX: open */
	uint64_t cameras, rows, compared[LEVEL_COUNT], pending, not_compared;
	struct found differences, overlaps;
	int64_t shown_ms; /* when progress was; 0: none to be seen */
};

/* The stored buckets of one level, a page at a time. */
struct stored {
	struct arena arena;
	struct db_rows page;
	size_t at;
	int64_t key[2]; /* of the last row read */
	bool end;
};

struct marks {
	struct arena arena;
	struct db_rows page;
	size_t at;
	int64_t last, next; /* as a number; as an instant */
	bool end;
};

/* One camera. */
struct run {
	struct verify *v;
	int64_t camera_id;
	const char *code;
	struct tz *tz;
	int64_t from, to; /* v's, as instants */
	/* From when on rows and levels are kept: instants; dates where the key
	 * begins with one. */
	int64_t raw, kept[LEVEL_COUNT];
	/* What is recounted now; what should be there, recounted or not. */
	struct recount_window window[LEVEL_COUNT], due[LEVEL_COUNT];
	struct recount *recount;
	struct marks marks;
	struct stored stored[LEVEL_COUNT];
	struct recount_row furthest; /* of the rows so far, the one that ends
					last */
};

/* ---- saying it */

static void hide_progress(struct verify *v)
{
	if (v->shown_ms)
		fputs("\r\033[K", stderr);
	v->shown_ms = 0;
}

static void show_progress(struct run *r)
{
	struct verify *v = r->v;
	int64_t now = when_clock_ms();

	if (now - v->shown_ms < SHOW_MS || !isatty(STDERR_FILENO))
		return;
	hide_progress(v);
	v->shown_ms = now;
	fprintf(stderr,
		"camera %s (%" PRIu64 " before it), %" PRIu64 " rows, %" PRIu64
		" differences",
		r->code, v->cameras, v->rows, v->differences.n);
	fflush(stderr);
}

/* Counts one more; is it to be printed? */
static bool found_one(struct verify *v, struct found *f)
{
	f->n++;
	if (!v->all && f->said == SAID_MAX)
		return false;
	f->said++;
	hide_progress(v);
	return true;
}

static const char *utc(char buf[WHEN_TEXT], int64_t at)
{
	return when_format(buf, at, 0, true);
}

enum { LABEL = 256 };

/* A bucket as people name it, and its start in UTC. */
static const char *label(char buf[LABEL], const struct run *r,
	enum recount_level level, const int64_t key[2], int64_t start)
{
	static const char *const day[] = {
		"?", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	bool hours = level == LEVEL_PROFILE_MONTH;
	int64_t weekday = hours ? key[1] / 24 : key[1];
	int y = (int)(key[0] / 10000), m = (int)(key[0] / 100 % 100);
	char local[WHEN_TEXT], at[WHEN_TEXT], what[48];

	snprintf(what, sizeof(what), "%04d-%02d", y, m);
	switch (level) {
	case LEVEL_QUARTER:
	case LEVEL_QUARTER_PARTIAL:
	case LEVEL_HOUR:
	case LEVEL_HOUR_PARTIAL:
		snprintf(what, sizeof(what), "%s",
			when_format(
				local, start, tz_offset(r->tz, start), false));
		break;
	case LEVEL_DAY:
	case LEVEL_WEEK:
		snprintf(what, sizeof(what), "%04d-%02d-%02d", y, m,
			(int)(key[0] % 100));
		break;
	case LEVEL_MONTH:
		break;
	case LEVEL_YEAR:
		snprintf(what, sizeof(what), "%04d", y);
		break;
	case LEVEL_WEEKDAY_YEAR:
		snprintf(what, sizeof(what), "%04d %s", y,
			day[weekday < 8 ? weekday : 0]);
		break;
	case LEVEL_WEEKDAY_MONTH:
	case LEVEL_PROFILE_MONTH:
		snprintf(what, sizeof(what), "%04d-%02d %s", y, m,
			day[weekday < 8 ? weekday : 0]);
		break;
	case LEVEL_COUNT:
		break;
	}
	if (hours)
		snprintf(what + strlen(what), sizeof(what) - strlen(what),
			" %02dh", (int)(key[1] % 24));
	snprintf(buf, LABEL, "%s %s %s (%s)", recount_level_name[level],
		r->code, what, utc(at, start));
	return buf;
}

enum { NUMBER = 48 };

static const char *number(char buf[NUMBER], uint128 v)
{
	int i = NUMBER - 1;

	buf[i] = '\0';
	do
		buf[--i] = (char)('0' + (int)(v % 10));
	while (v /= 10);
	return &buf[i];
}

static void say_different(struct run *r, enum recount_level level,
	const struct recount_bucket *b, const char *column, const char *stored,
	const char *counted)
{
	char what[LABEL];

	if (found_one(r->v, &r->v->differences))
		printf("different %s %s: stored %s, recounted %s\n",
			label(what, r, level, b->key, b->start), column, stored,
			counted);
}

static void say_missing(
	struct run *r, enum recount_level level, const struct recount_bucket *b)
{
	char what[LABEL], rows[NUMBER];

	if (found_one(r->v, &r->v->differences))
		printf("missing %s: not stored, recounted from %s rows\n",
			label(what, r, level, b->key, b->start),
			number(rows, b->f.v[COL_ROW_N]));
}

static void say_superfluous(
	struct run *r, enum recount_level level, const struct db_cell *c)
{
	int64_t key[2] = {c[CELL_KEY].i, c[CELL_KEY + 1].i};
	char what[LABEL];

	if (found_one(r->v, &r->v->differences))
		printf("superfluous %s: stored, recounted from no row\n",
			label(what, r, level, key,
				when_from_number(c[CELL_START].i)));
}

static void say_overlap(struct run *r, const struct recount_row *row)
{
	const struct recount_row *before = &r->furthest;
	char t[4][WHEN_TEXT];

	if (found_one(r->v, &r->v->overlaps))
		printf("overlap %s: the row %s to %s reaches into the row "
		       "%s to %s\n",
			r->code, utc(t[0], before->start),
			utc(t[1], before->end), utc(t[2], row->start),
			utc(t[3], row->end));
}

/* ---- stored buckets */

static bool is_quarter(enum recount_level level)
{
	return level == LEVEL_QUARTER || level == LEVEL_QUARTER_PARTIAL;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Begins anew, with the first bucket that is due. */
static void rewind_stored(struct run *r, enum recount_level level)
{
	const struct recount_window *due = &r->due[level];
	struct stored *s = &r->stored[level];
	int64_t from =
		is_quarter(level) ? later(r->from, due->since) : due->from;

	s->page = (struct db_rows){.n = 0};
	s->at = 0;
	s->end = false;
	s->key[0] = from == INT64_MIN ? first_number : when_number(from);
	s->key[0] /= is_quarter(level) ? 1 : 1000000;
	s->key[1] = -1;
}

/* The row at hand; *row is NULL behind the last. */
static enum err stored_row(
	struct run *r, enum recount_level level, const struct db_cell **row)
{
	struct stored *s = &r->stored[level];
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
	char buf[NUMBER], const struct db_cell *c, char letter)
{
	if (c->null)
		return "NULL";
	if (letter == 's')
		return c->s.at;
	snprintf(buf, NUMBER, "%" PRId64, c->i);
	return buf;
}

static bool compare_exact(struct run *r, enum recount_level level,
	const struct recount_bucket *b, const struct db_cell *c, int column)
{
	char letter = stmt_defs[page_of[level]].cols[CELL_EXACT + column];
	bool null = b->f.null & UINT32_C(1) << column;
	char stored[NUMBER], counted[NUMBER];
	const char *s, *n;

	s = cell_text(stored, &c[CELL_EXACT + column], letter);
	n = null ? "NULL" : number(counted, b->f.v[column]);
	if (!strcmp(s, n))
		return true;
	say_different(r, level, b, recount_column_name[column], s, n);
	return false;
}

/* Columns of whole numbers besides the figures: NULL where the level has none
 * of them. */
static void compare_number(struct run *r, enum recount_level level,
	const struct recount_bucket *b, const struct db_cell *c,
	const char *name, int64_t counted)
{
	char s[NUMBER], n[NUMBER];

	if (c->null || c->i == counted)
		return;
	snprintf(s, sizeof(s), "%" PRId64, c->i);
	snprintf(n, sizeof(n), "%" PRId64, counted);
	say_different(r, level, b, name, s, n);
}

static bool close_enough(const struct db_cell *c, bool null, long double v)
{
	if (c->null || null)
		return c->null == null;
	return fabsl((long double)c->d - v) <= tolerance * fabsl(v);
}

static void compare_virtual(struct run *r, enum recount_level level,
	const struct recount_bucket *b, const struct db_cell *c, int metric)
{
	static const char *const name[METRICS][2] = {
		{"people_mean", "people_std"}, {"vehicle_mean", "vehicle_std"},
		{"face_mean", "face_std"}};
	bool null = !b->f.v[COL_METRIC + metric * METRIC_COLS + M_N];
	long double v[2] = {0, 0};
	char s[NUMBER], n[NUMBER];

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
		say_different(r, level, b, name[metric][i],
			x->null ? "NULL" : s, null ? "NULL" : n);
	}
}

static void compare_figures(struct run *r, enum recount_level level,
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

static void compare(struct run *r, enum recount_level level,
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
static void judge_alone(struct run *r, enum recount_level level,
	const struct recount_span *span, const struct db_cell *c)
{
	if (recount_in(&r->window[level], span))
		say_superfluous(r, level, c);
	else if (recount_in(&r->due[level], span))
		r->v->not_compared++;
}

/* Passes what is stored before a key (NULL: all that may matter); *row is then
 * what is stored at the key or behind it. */
static enum err pass_stored(struct run *r, enum recount_level level,
	const int64_t key[2], const struct db_cell **row)
{
	enum err e;

	while (!(e = stored_row(r, level, row)) && *row) {
		int64_t has[2] = {(*row)[CELL_KEY].i, (*row)[CELL_KEY + 1].i};
		struct recount_span span = recount_span_of(r->tz, level, has);

		if (key ? recount_compare(has, key) >= 0
			: span.start >= r->due[level].until)
			return E_OK;
		judge_alone(r, level, &span, *row);
		r->stored[level].at++;
	}
	return e;
}

static enum err check_bucket(
	void *arg, enum recount_level level, const struct recount_bucket *b)
{
	struct run *r = arg;
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
			say_missing(r, level, b);
	}
	r->stored[level].at += stored;
	return E_OK;
}

/* ---- raw rows and marks */

/* The next mark; r->mark is INT64_MAX behind the last. */
static enum err next_mark(struct run *r)
{
	struct marks *m = &r->marks;
	enum err e;

	if (m->at == m->page.n && !m->end) {
		arena_reset(&m->arena);
		m->at = 0;
		e = db_run(r->v->db, Q_VERIFY_MARKS,
			DB_ARGS(DB_I(r->camera_id), DB_I(m->last),
				DB_I(MARKS_PAGE), DB_I(r->camera_id),
				DB_I(m->last), DB_I(MARKS_PAGE),
				DB_I(MARKS_PAGE)),
			&m->arena, &m->page);
		if (e)
			return e;
		m->end = m->page.n < MARKS_PAGE;
		if (m->page.n)
			m->last = m->page.cell[m->page.n - 1].i;
	}
	m->next = INT64_MAX;
	if (m->at < m->page.n)
		m->next = when_from_number(m->page.cell[m->at++].i);
	return E_OK;
}

/* Hands on the marks up to an instant. */
static enum err feed_marks(struct run *r, int64_t to)
{
	enum err e = E_OK;

	while (!e && r->marks.next <= to && r->marks.next != INT64_MAX)
		if (!(e = recount_mark(r->recount, r->marks.next)))
			e = next_mark(r);
	return e;
}

static struct recount_row row_of(const struct db_cell *c)
{
	struct recount_row row = {.start = when_from_number(c[0].i),
		.end = when_from_number(c[1].i),
		.observed_s = c[2].i};

	for (int k = 0; k < COUNTS; k++)
		row.count[k] = c[3 + k].null ? -1 : c[3 + k].i;
	return row;
}

static void look_for_overlap(struct run *r, const struct recount_row *row)
{
	if (row->start < r->furthest.end && row->start < r->to)
		say_overlap(r, row);
	if (row->end > r->furthest.end)
		r->furthest = *row;
}

static enum err feed_rows(struct run *r)
{
	struct verify *v = r->v;
	int64_t after = first_number, end = last_number;
	struct db_rows page;
	enum err e;

	if (r->from != INT64_MIN || r->raw != INT64_MIN)
		after = when_number(later(r->from, r->raw) - 1);
	/* Where a clock went back, rows of a day come behind its end. */
	if (r->to != INT64_MAX)
		end = when_number(r->to + 2 * DAY_S);
	do {
		arena_reset(&v->arena);
		e = db_run(v->db, Q_VERIFY_ROWS,
			DB_ARGS(DB_I(r->camera_id), DB_I(after), DB_I(end),
				DB_I(ROWS_PAGE)),
			&v->arena, &page);
		for (size_t i = 0; !e && i < page.n; i++) {
			const struct db_cell *c = &page.cell[i * page.cols];
			struct recount_row row = row_of(c);

			look_for_overlap(r, &row);
			if (!(e = feed_marks(r, row.start)))
				e = recount_row(r->recount, &row);
			after = c->i;
		}
		v->rows += e ? 0 : page.n;
		show_progress(r);
	} while (!e && page.n == ROWS_PAGE);
	return e;
}

/* ---- what is kept */

/* The one place that knows about retention. */
static enum err read_kept(struct run *r, struct arena *arena)
{
	struct db_rows rows;
	enum err e = db_run(r->v->db, Q_VERIFY_KEPT, NULL, arena, &rows);

	r->raw = INT64_MIN;
	for (int i = 0; i < LEVEL_COUNT; i++)
		r->kept[i] = INT64_MIN;
	for (size_t k = 0; k < rows.n && !e; k++) {
		const struct db_cell *c = &rows.cell[k * rows.cols];
		int64_t from = when_from_number(c[1].i);

		if (from <= date_min) /* all of it */
			continue;
		if (!strcmp(c[0].s.at, "raw"))
			r->raw = from;
		for (int i = 0; i < LEVEL_COUNT; i++)
			if (!strcmp(c[0].s.at, recount_level_name[i]))
				r->kept[i] = from;
	}
	r->kept[LEVEL_QUARTER_PARTIAL] = r->kept[LEVEL_QUARTER];
	r->kept[LEVEL_HOUR_PARTIAL] = r->kept[LEVEL_HOUR];
	return e;
}

/* Buckets of a level that are kept, and those --from and --to ask for. */
static struct recount_window kept_window(
	const struct run *r, enum recount_level level)
{
	struct recount_window w = RECOUNT_ALL;

	w.from = r->v->from;
	w.to = r->v->to;
	if (is_quarter(level))
		w.since = r->kept[level];
	else
		w.from = later(w.from, r->kept[level]);
	return w;
}

/* For a recount from rows: what begins while they are kept. */
static void windows_of_rows(struct run *r)
{
	for (int i = 0; i < LEVEL_COUNT; i++) {
		struct recount_window *w = &r->window[i];

		*w = kept_window(r, (enum recount_level)i);
		w->since = later(w->since, r->raw);
		r->due[i] = *w;
	}
}

/* For one from a finer level: what begins before, as far as that is kept. */
static void windows_of_level(struct run *r, enum recount_level source)
{
	for (int i = 0; i < LEVEL_COUNT; i++) {
		struct recount_window *w = &r->window[i];

		*w = kept_window(r, (enum recount_level)i);
		w->until = r->raw;
		r->due[i] = *w;
		if (is_quarter(source))
			w->since = later(w->since, r->kept[source]);
		else
			w->from = later(w->from, r->kept[source]);
	}
}

/* ---- a camera */

static int64_t date_start(const struct tz *tz, int64_t date)
{
	struct civil c = when_to_civil(date);

	return tz_day_start(tz, c.year, c.month, c.day);
}

static enum err begin(struct run *r, enum recount_level source)
{
	for (int i = 0; i < LEVEL_COUNT; i++)
		rewind_stored(r, (enum recount_level)i);
	r->marks.page = (struct db_rows){.n = 0};
	r->marks.at = 0;
	r->marks.end = false;
	r->marks.last = first_number;
	return recount_new(
		&r->recount, r->tz, source, r->window, check_bucket, r);
}

static enum err recount_from_rows(struct run *r)
{
	const struct db_cell *row;
	enum err e;

	windows_of_rows(r);
	r->furthest.end = INT64_MIN;
	if (!(e = begin(r, LEVEL_COUNT)) && !(e = next_mark(r)) &&
		!(e = feed_rows(r)) && !(e = feed_marks(r, INT64_MAX)))
		e = recount_end(r->recount);
	for (int i = 0; i < LEVEL_COUNT && !e; i++)
		e = pass_stored(r, (enum recount_level)i, NULL, &row);
	recount_free(r->recount);
	return e;
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

/* Up to where the buckets reach that begin before raw rows are kept. */
static int64_t reach(const struct run *r, enum recount_level source)
{
	static const int days[LEVEL_COUNT] = {[LEVEL_QUARTER] = 3,
		[LEVEL_QUARTER_PARTIAL] = 3,
		[LEVEL_HOUR] = 35,
		[LEVEL_DAY] = 35,
		[LEVEL_MONTH] = 370,
		[LEVEL_WEEKDAY_MONTH] = 370};

	int64_t end = r->raw + days[source] * DAY_S;

	return r->to < end - 2 * DAY_S ? r->to + 2 * DAY_S : end;
}

/* Recounts what is made of a level and begins before raw rows are kept. */
static enum err recount_from_level(struct run *r, enum recount_level source)
{
	int64_t end = reach(r, source);
	const struct db_cell *row;
	enum err e;

	windows_of_level(r, source);
	if (!(e = begin(r, source)))
		e = next_mark(r);
	while (!e && !(e = stored_row(r, source, &row)) && row) {
		int64_t key[2] = {row[CELL_KEY].i, row[CELL_KEY + 1].i};
		struct recount_span span = recount_span_of(r->tz, source, key);
		struct recount_figures f = figures_of(source, row);

		if (span.start >= end)
			break;
		/* No one can say any more whether these are right. */
		r->v->not_compared += is_quarter(source) &&
			recount_in(&r->due[source], &span);
		if (!(e = feed_marks(r, span.start)))
			e = recount_finer(
				r->recount, key, (int)row[CELL_HOUR].i, &f);
		r->stored[source].at++;
	}
	if (!e && !(e = feed_marks(r, end)))
		e = recount_end(r->recount);
	for (int i = 0; i < LEVEL_COUNT && !e; i++)
		if (recount_made_of((enum recount_level)i) == source)
			e = pass_stored(r, (enum recount_level)i, NULL, &row);
	recount_free(r->recount);
	return e;
}

static enum err recount_all(struct run *r)
{
	static const enum recount_level sources[] = {LEVEL_QUARTER,
		LEVEL_QUARTER_PARTIAL, LEVEL_HOUR, LEVEL_DAY, LEVEL_MONTH,
		LEVEL_WEEKDAY_MONTH};
	enum err e = recount_from_rows(r);

	for (size_t i = 0; i < ARRAY_LEN(sources) && !e; i++)
		if (r->raw != INT64_MIN)
			e = recount_from_level(r, sources[i]);
	r->v->cameras += !e;
	return e;
}

static enum err check_in_zone(struct run *r, const char *zone)
{
	struct verify *v = r->v;
	enum err e;

	if ((e = tz_load(zone, &r->tz))) {
		ctl_say("camera %s: zone %s: %s in " TZ_DIR, r->code, zone,
			err_text(e));
		return E_INVALID;
	}
	r->from = v->from == INT64_MIN ? v->from : date_start(r->tz, v->from);
	r->to = v->to == INT64_MAX ? v->to : date_start(r->tz, v->to);
	e = recount_all(r);
	tz_free(r->tz);
	return e;
}

static enum err check_camera(struct verify *v, int64_t camera_id)
{
	struct run r = {.v = v, .camera_id = camera_id};
	struct arena arena;
	struct db_rows rows;
	enum err e;

	arena_init(&arena, 65536);
	arena_init(&r.marks.arena, PAGE_BYTES);
	for (int i = 0; i < LEVEL_COUNT; i++)
		arena_init(&r.stored[i].arena, PAGE_BYTES);
	if (!(e = db_begin_snapshot(v->db))) {
		e = db_run(v->db, Q_VERIFY_CAMERA, DB_ARGS(DB_I(camera_id)),
			&arena, &rows);
		/* Without a row it went a moment ago. */
		if (!e && rows.n && !(e = read_kept(&r, &arena))) {
			r.code = rows.cell[0].s.at;
			e = check_in_zone(&r, rows.cell[1].s.at);
		}
		db_rollback(v->db);
	}
	for (int i = 0; i < LEVEL_COUNT; i++)
		arena_reset(&r.stored[i].arena);
	arena_reset(&r.marks.arena);
	arena_reset(&arena);
	return e;
}

static enum err check_all(struct verify *v)
{
	int64_t id[CAMERAS_PAGE], last = 0;
	struct db_rows rows;
	size_t n;
	enum err e;

	do {
		arena_reset(&v->arena);
		e = db_run(v->db, Q_VERIFY_CAMERAS,
			DB_ARGS(DB_I(last), DB_I(CAMERAS_PAGE)), &v->arena,
			&rows);
		n = e ? 0 : rows.n;
		for (size_t i = 0; i < n; i++)
			last = id[i] = rows.cell[i].i;
		for (size_t i = 0; i < n && !e; i++)
			e = check_camera(v, id[i]);
	} while (!e && n == CAMERAS_PAGE);
	return e;
}

/* ---- cameras that are not there */

/* Tables in the order of Q_VERIFY_STRAYS: count_record, then the levels. */
static void say_stray(struct verify *v, int table, int64_t camera_id)
{
	if (found_one(v, &v->differences))
		printf("superfluous %s%s: rows of camera_id %" PRId64
		       ", which is no camera\n",
			table ? "stats_" : "",
			table ? recount_level_name[table - 1] : "count_record",
			camera_id);
}

/* Goes from one camera_id that a table holds to the next. */
static enum err check_strays(struct verify *v)
{
	enum { TABLES = 1 + LEVEL_COUNT };
	struct db_cell args[TABLES];
	struct db_rows rows, camera;
	int64_t id = 0;
	enum err e;

	if ((e = db_begin_snapshot(v->db)))
		return e;
	while (!e && id <= UINT32_MAX) {
		int64_t next = UINT32_MAX + INT64_C(1);

		for (int i = 0; i < TABLES; i++)
			args[i] = DB_I(id);
		arena_reset(&v->arena);
		e = db_run(v->db, Q_VERIFY_STRAYS, args, &v->arena, &rows);
		for (int i = 0; i < TABLES && !e; i++)
			if (!rows.cell[i].null && rows.cell[i].i < next)
				next = rows.cell[i].i;
		if (!e)
			e = db_run(v->db, Q_VERIFY_CAMERA, DB_ARGS(DB_I(next)),
				&v->arena, &camera);
		for (int i = 0; i < TABLES && !e; i++)
			if (!camera.n && !rows.cell[i].null &&
				rows.cell[i].i == next)
				say_stray(v, i, next);
		id = next + 1;
	}
	db_rollback(v->db);
	return e;
}

/* ---- the command */

static bool read_date(const struct ctl_option *o, int64_t *date)
{
	struct when w;

	if (!o->n)
		return true;
	if (when_parse(o->value[0], strlen(o->value[0]), &w) || !w.date_only ||
		w.at < date_min || w.at > date_max) {
		ctl_say("%s: \"%s\" is no date like 2026-11-21", o->name,
			o->value[0]);
		return false;
	}
	*date = w.at;
	return true;
}

static enum err check_named(struct verify *v, const struct ctl_option *cameras)
{
	int64_t id[CTL_VALUES_MAX];
	struct db_rows rows;
	enum err e = E_OK;

	/* All names are looked at before the work begins. */
	for (unsigned i = 0; i < cameras->n; i++) {
		e = db_run(v->db, Q_CAMERA_ID, DB_ARGS(DB_S(cameras->value[i])),
			&v->arena, &rows);
		if (e)
			return e;
		if (!rows.n) {
			ctl_say("--camera: no camera \"%s\"",
				cameras->value[i]);
			return E_SYNTAX;
		}
		id[i] = rows.cell[0].i;
	}
	for (unsigned i = 0; i < cameras->n && !e; i++)
		e = check_camera(v, id[i]);
	return e;
}

static void summary(const struct verify *v)
{
	for (int i = 0; i < 2; i++) {
		const struct found *f = i ? &v->overlaps : &v->differences;

		if (f->n > f->said)
			printf("%" PRIu64 " more %s; --all prints them\n",
				f->n - f->said, i ? "overlaps" : "differences");
	}
	printf("%" PRIu64 " rows of %" PRIu64 " cameras; compared:", v->rows,
		v->cameras);
	for (int i = 0; i < LEVEL_COUNT; i++)
		printf("%s %" PRIu64 " %s", i ? "," : "", v->compared[i],
			recount_level_name[i]);
	printf("; %" PRIu64 " buckets wait for the next roll-up; %" PRIu64
	       " differences; %" PRIu64 " overlaps; %" PRIu64 " not compared\n",
		v->pending, v->differences.n, v->overlaps.n, v->not_compared);
}

/* A connection of its own, whose session is fit for snapshots. */
static enum err open_database(struct verify *v, const struct conf *conf)
{
	struct db_account a = db_account_of(
		conf, conf->database_user, conf->database_password_file);

	a.session = stmt_defs[Q_SESSION_REPEATABLE].text;
	return db_open(&v->db, &a);
}

int ctl_verify(struct ctl *ctl, int argc, char **argv)
{
	enum { FROM, TO, CAMERA, ALL };
	struct ctl_option o[] = {{.name = "--from"}, {.name = "--to"},
		{.name = "--camera", .many = true},
		{.name = "--all", .flag = true}};
	struct verify v = {.from = INT64_MIN, .to = INT64_MAX};
	enum err e;

	if (!ctl_args(&argc, argv, o, ARRAY_LEN(o), (int[2]){0, 0}) ||
		!read_date(&o[FROM], &v.from) || !read_date(&o[TO], &v.to))
		return CTL_USAGE;
	if (v.from >= v.to) {
		ctl_say("--to is the day after the last one: it must lie "
			"behind --from");
		return CTL_USAGE;
	}
	v.all = o[ALL].n;
	arena_init(&v.arena, PAGE_BYTES);
	if (!(e = open_database(&v, &ctl->conf))) {
		e = o[CAMERA].n ? check_named(&v, &o[CAMERA]) : check_all(&v);
		if (!e && !o[CAMERA].n)
			e = check_strays(&v);
	}
	hide_progress(&v);
	db_close(v.db);
	arena_reset(&v.arena);
	if (e == E_SYNTAX)
		return CTL_USAGE;
	if (e)
		return ctl_status(e, "verify");
	summary(&v);
	return v.differences.n || v.overlaps.n ? CTL_FAILED : CTL_OK;
}
