// SPDX-License-Identifier: MIT
#include "analytics/calendar.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/tz.h"
#include "common/when.h"

enum { CHUNK = 2000, DAY_ARGS = 8, OFFSET_ARGS = 5, YEARS_AHEAD = 3 };

/* Monday, 1998-12-28, as seconds. */
#define FIRST_DAY 914803200LL

/* A list of argument sets on its way into a table. */
struct batch {
	struct db *db;
	enum stmt id;
	struct db_cell *cell;
	size_t args, n;
	enum err e;
};

static void flush(struct batch *b)
{
	if (!b->e && b->n)
		b->e = db_run_bulk(b->db, b->id, b->cell, b->n);
	b->n = 0;
}

static void put(struct batch *b, const struct db_cell *args)
{
	if (b->n == CHUNK)
		flush(b);
	memcpy(b->cell + b->n++ * b->args, args, b->args * sizeof(*args));
}

static int64_t day_number(int64_t date)
{
	return when_number(date) / 1000000;
}

static int64_t day_start(const struct tz *tz, int64_t date)
{
	struct civil c = when_to_civil(date);

	return tz_day_start(tz, c.year, c.month, c.day);
}

/* Dates are seconds of their midnight in UTC, in [from, to). */
static void put_days(struct batch *b, const struct tz *tz, int64_t zone_id,
	int64_t from, int64_t to)
{
	int64_t start = day_start(tz, from), end;

	for (int64_t date = from; date < to; date += DAY_S, start = end) {
		struct civil c = when_to_civil(date);
		int weekday = when_weekday(date);

		end = day_start(tz, date + DAY_S);
		if (end == start)
			continue; /* the zone left this day out */
		put(b,
			DB_ARGS(DB_I(zone_id), DB_I(day_number(date)),
				DB_I(when_number(start)),
				DB_I(when_number(end)),
				DB_I(day_number(date - (weekday - 1) * DAY_S)),
				DB_I(c.year * 10000 + c.month * 100 + 1),
				DB_I(c.year * 10000 + 101), DB_I(weekday)));
	}
}

static void put_offsets(struct batch *b, const struct tz *tz, int64_t zone_id,
	int64_t from, int64_t to)
{
	for (int64_t day = from; day < to && !b->e; day += DAY_S) {
		int64_t change = tz_next_change(tz, day);
		int off = tz_offset(tz, day), off2 = off;
		bool changes = change < day + DAY_S;

		if (changes) {
			off2 = tz_offset(tz, change);
			if (tz_next_change(tz, change) < day + DAY_S)
				b->e = E_INVALID;
		}
		if (off % 900 || off2 % 900)
			b->e = E_INVALID;
		put(b,
			DB_ARGS(DB_I(zone_id), DB_I(day_number(day)), DB_I(off),
				changes ? DB_I(when_number(change)) : DB_NULL,
				changes ? DB_I(off2) : DB_NULL));
	}
}

/* Writes the days and offsets of [from, to), in the caller's transaction. */
static enum err fill(struct db *db, const struct tz *tz, int64_t zone_id,
	int64_t from, int64_t to)
{
	struct db_cell *cell = calloc(CHUNK * DAY_ARGS, sizeof(*cell));
	struct batch b = {.db = db,
		.id = Q_CALENDAR_DAY_PUT,
		.cell = cell,
		.args = DAY_ARGS};

	if (!cell)
		return E_NOMEM;
	put_days(&b, tz, zone_id, from, to);
	flush(&b);
	b.id = Q_CALENDAR_OFFSET_PUT;
	b.args = OFFSET_ARGS;
	put_offsets(&b, tz, zone_id, from - DAY_S, to + DAY_S);
	flush(&b);
	free(cell);
	return b.e;
}

/* The end of the years that the calendar must hold. */
static int64_t last_day_end(void)
{
	struct civil c = when_to_civil(when_now());

	c = (struct civil){c.year + YEARS_AHEAD + 1, 1, 1, 0, 0, 0};
	return when_from_civil(&c);
}

static enum err zone_id(struct db *db, const char *zone, int64_t *id)
{
	struct db_rows rows;
	struct arena a;
	enum err e;

	arena_init(&a, 4096);
	e = db_run(db, Q_ZONE_ID, DB_ARGS(DB_S(zone)), &a, &rows);
	*id = !e && rows.n ? rows.cell[0].i : 0;
	arena_reset(&a);
	return e;
}

/* Where the calendar of a zone ends: FIRST_DAY when it has none. */
static enum err calendar_end(struct db *db, int64_t id, int64_t *end)
{
	struct db_rows rows;
	struct arena a;
	enum err e;

	*end = FIRST_DAY;
	arena_init(&a, 4096);
	e = db_run(db, Q_CALENDAR_END, DB_ARGS(DB_I(id)), &a, &rows);
	if (!e && rows.n && !rows.cell[0].null && !rows.cell[1].null)
		*end = when_from_number(rows.cell[0].i * 1000000) + DAY_S;
	arena_reset(&a);
	return e;
}

/* One transaction: the zone's row, then its calendar from a day on. */
static enum err write_zone(struct db *db, const struct tz *tz, const char *zone,
	int64_t *id, int64_t from)
{
	enum err e;

	if ((e = db_begin(db)))
		return e;
	if (!*id) {
		e = db_run(db, Q_ZONE_ADD, DB_ARGS(DB_S(zone)), NULL, NULL);
		if (!e || e == E_EXISTS) /* somebody else was quicker */
			e = zone_id(db, zone, id);
	}
	if (!e)
		e = fill(db, tz, *id, from, last_day_end());
	if (!e)
		return db_commit(db);
	db_rollback(db);
	return e;
}

enum err calendar_ensure(struct db *db, const char *zone, int64_t *time_zone_id)
{
	int64_t id, from = FIRST_DAY;
	struct tz *tz;
	enum err e;

	/* Two programs may meet here; the later one finds the work done. */
	for (int tries = 0;; tries++) {
		if ((e = zone_id(db, zone, &id)))
			return e;
		if (id && (e = calendar_end(db, id, &from)))
			return e;
		if (time_zone_id)
			*time_zone_id = id;
		if (id && from >= last_day_end())
			return E_OK;
		if ((e = tz_load(zone, &tz)))
			return e;
		e = write_zone(db, tz, zone, &id, from);
		tz_free(tz);
		if (time_zone_id)
			*time_zone_id = id;
		if (e != E_BUSY || tries == 4)
			return e;
	}
}

static enum err extend(struct db *db, int64_t id, const char *zone)
{
	int64_t today = when_now() / DAY_S * DAY_S, from;
	struct tz *tz;
	enum err e;

	if ((e = calendar_end(db, id, &from)))
		return e;
	if ((e = tz_load(zone, &tz))) {
		log_error(
			"calendar: zone %s: %s in " TZ_DIR, zone, err_text(e));
		return from > today + 2 * 366 * DAY_S ? E_OK : e;
	}
	if (from > today + 2 * DAY_S)
		from = today + 2 * DAY_S;
	e = write_zone(db, tz, zone, &id, from);
	tz_free(tz);
	return e;
}

enum err calendar_extend(struct db *db, size_t *zones)
{
	struct db_rows rows;
	struct arena a;
	enum err e, worst = E_OK;

	*zones = 0;
	arena_init(&a, 1 << 20);
	if (!(e = db_run(db, Q_ZONES, NULL, &a, &rows)))
		*zones = rows.n;
	for (size_t i = 0; !e && i < *zones; i++) {
		const struct db_cell *row = &rows.cell[i * rows.cols];

		e = extend(db, row[0].i, row[1].s.at);
		/* One zone's file is no reason to leave the others. */
		if (e == E_NOT_FOUND || e == E_CORRUPT || e == E_IO ||
			e == E_INVALID) {
			worst = e;
			e = E_OK;
		}
	}
	arena_reset(&a);
	return e ? e : worst;
}
