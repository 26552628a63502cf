// SPDX-License-Identifier: MIT
/*
 * Each camera is read in one snapshot, so that rows, marks and buckets agree,
 * and no row is locked; between cameras the snapshot is let go, so that whoever
 * wants to alter a table waits for one camera at most.  Rows, marks and each
 * level's buckets come by pages: memory does not grow with them.
 *
 * Map: raw rows and marks, what is kept, a camera.
 */
#include <string.h>

#include "analytics/ctl/ctl.h"
#include "analytics/ctl/verify.h"
#include "common/when.h"

enum { ROWS_PAGE = 10000, MARKS_PAGE = 10000 };

/* ---- raw rows and marks */

/* The next mark; r->mark is INT64_MAX behind the last. */
static enum err next_mark(struct verify_run *r)
{
	struct verify_marks *m = &r->marks;
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
static enum err feed_marks(struct verify_run *r, int64_t to)
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

static void look_for_overlap(
	struct verify_run *r, const struct recount_row *row)
{
	if (row->start < r->furthest.end && row->start < r->to)
		verify_say_overlap(r, row);
	if (row->end > r->furthest.end)
		r->furthest = *row;
}

static enum err feed_rows(struct verify_run *r)
{
	struct verify *v = r->v;
	int64_t after = when_number(VERIFY_FIRST),
		end = when_number(VERIFY_LAST);
	struct db_rows page;
	enum err e;

	if (r->from != INT64_MIN || r->raw != INT64_MIN)
		after = when_number(verify_later(r->from, r->raw) - 1);
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
		verify_progress(r);
	} while (!e && page.n == ROWS_PAGE);
	return e;
}

/* ---- what is kept */

/* The one place that knows about retention. */
static enum err read_kept(struct verify_run *r, struct arena *arena)
{
	struct db_rows rows;
	enum err e = db_run(r->v->db, Q_VERIFY_KEPT, NULL, arena, &rows);

	r->raw = INT64_MIN;
	for (int i = 0; i < LEVEL_COUNT; i++)
		r->kept[i] = INT64_MIN;
	for (size_t k = 0; k < rows.n && !e; k++) {
		const struct db_cell *c = &rows.cell[k * rows.cols];
		int64_t from = when_from_number(c[1].i);

		if (from <= VERIFY_FIRST) /* all of it */
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
	const struct verify_run *r, enum recount_level level)
{
	struct recount_window w = RECOUNT_ALL;

	w.from = r->v->from;
	w.to = r->v->to;
	if (verify_by_instant(level))
		w.since = r->kept[level];
	else
		w.from = verify_later(w.from, r->kept[level]);
	return w;
}

/* For a recount from rows: what begins while they are kept. */
static void windows_of_rows(struct verify_run *r)
{
	for (int i = 0; i < LEVEL_COUNT; i++) {
		struct recount_window *w = &r->window[i];

		*w = kept_window(r, (enum recount_level)i);
		w->since = verify_later(w->since, r->raw);
		r->due[i] = *w;
	}
}

/* For one from a finer level: what begins before, as far as that is kept. */
static void windows_of_level(struct verify_run *r, enum recount_level source)
{
	for (int i = 0; i < LEVEL_COUNT; i++) {
		struct recount_window *w = &r->window[i];

		*w = kept_window(r, (enum recount_level)i);
		w->until = r->raw;
		r->due[i] = *w;
		if (verify_by_instant(source))
			w->since = verify_later(w->since, r->kept[source]);
		else
			w->from = verify_later(w->from, r->kept[source]);
	}
}

/* ---- a camera */

static int64_t date_start(const struct tz *tz, int64_t date)
{
	struct civil c = when_to_civil(date);

	return tz_day_start(tz, c.year, c.month, c.day);
}

static enum err begin(struct verify_run *r, enum recount_level source)
{
	verify_rewind(r);
	r->marks.page = (struct db_rows){.n = 0};
	r->marks.at = 0;
	r->marks.end = false;
	r->marks.last = when_number(VERIFY_FIRST);
	return recount_new(
		&r->recount, r->tz, source, r->window, verify_bucket, r);
}

static enum err recount_from_rows(struct verify_run *r)
{
	enum err e;

	windows_of_rows(r);
	r->furthest.end = INT64_MIN;
	if (!(e = begin(r, LEVEL_COUNT)) && !(e = next_mark(r)) &&
		!(e = feed_rows(r)) && !(e = feed_marks(r, INT64_MAX)))
		e = recount_end(r->recount);
	for (int i = 0; i < LEVEL_COUNT && !e; i++)
		e = verify_left(r, (enum recount_level)i);
	recount_free(r->recount);
	return e;
}

/* Up to where the buckets reach that begin before raw rows are kept. */
static int64_t reach(const struct verify_run *r, enum recount_level source)
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
static enum err recount_from_level(
	struct verify_run *r, enum recount_level source)
{
	int64_t end = reach(r, source);
	struct verify_stored next;
	struct recount_span span;
	bool there;
	enum err e;

	windows_of_level(r, source);
	if (!(e = begin(r, source)))
		e = next_mark(r);
	while (!e && !(e = verify_next(r, source, &next, &there)) && there) {
		span = recount_span_of(r->tz, source, next.key);
		if (span.start >= end)
			break;
		/* No one can say any more whether these are right. */
		r->v->not_compared += verify_by_instant(source) &&
			recount_in(&r->due[source], &span);
		if (!(e = feed_marks(r, span.start)))
			e = recount_finer(
				r->recount, next.key, next.hour, &next.f);
	}
	if (!e && !(e = feed_marks(r, end)))
		e = recount_end(r->recount);
	for (int i = 0; i < LEVEL_COUNT && !e; i++)
		if (recount_made_of((enum recount_level)i) == source)
			e = verify_left(r, (enum recount_level)i);
	recount_free(r->recount);
	return e;
}

static enum err recount_all(struct verify_run *r)
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

static enum err check_in_zone(struct verify_run *r, const char *zone)
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

enum err verify_camera(struct verify *v, int64_t camera_id)
{
	struct verify_run r = {.v = v, .camera_id = camera_id};
	struct arena arena;
	struct db_rows rows;
	enum err e;

	arena_init(&arena, 65536);
	arena_init(&r.marks.arena, VERIFY_PAGE_BYTES);
	for (int i = 0; i < LEVEL_COUNT; i++)
		arena_init(&r.stored[i].arena, VERIFY_PAGE_BYTES);
	if (!(e = db_begin_read(v->db))) {
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
