// SPDX-License-Identifier: MIT
/*
 * ?site=: a site's cameras pooled.  Each camera counts by its own local dates
 * and hours; lines and zones are inside their camera and do not count again.
 * When a bucket begins and ends is told by the site's clock.
 *
 * Dates are asked for in pieces that about fill the page, because to pool is to
 * read all of the piece.
 */
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "api/stats.h"

enum { PIECE_GROWTH = 4, ID_ROOM = 16 };

enum step site_ask(struct req *r, struct stats *s)
{
	return req_query(r, Q_SITE_SERIES, DB_ARGS(DB_S(s->site)), 1);
}

/* Does the token cover every camera of it?  One without any is covered by
 * those that are bound to none. */
static bool covered(const struct req *r)
{
	for (size_t i = 0; i < r->rows.n; i++) {
		const struct db_cell *c = &r->rows.cell[i * r->rows.cols];

		if (c[2].null ? r->who.cameras != NULL
			      : !principal_covers(&r->who, c[2].s.at))
			return false;
	}
	return r->rows.n > 0;
}

static const char *ids_of(struct req *r)
{
	char *text = arena_alloc(&r->arena, r->rows.n * ID_ROOM + 3);
	char *at = text;

	if (!text)
		return NULL;
	*at++ = '[';
	for (size_t i = 0; i < r->rows.n; i++) {
		const struct db_cell *c = &r->rows.cell[i * r->rows.cols];

		if (!c[1].null)
			at += snprintf(at, ID_ROOM, "%s%lld", i ? "," : "",
				(long long)c[1].i);
	}
	memcpy(at, "]", 2);
	return text;
}

/* The dates of what is stored of the range, and how many to begin with. */
static void set_dates(struct stats *s)
{
	int64_t from, to;

	series_range(&s->series, s->tz, &s->from, &s->to);
	stats_bounds(&from, &to);
	from = s->from > from ? s->from : from;
	to = s->to < to ? s->to : to;
	if (s->period->part == PART_START || s->period->part == PART_CELL) {
		s->first = bucket_date(s->tz, from);
		s->behind = bucket_date(s->tz, to) + DAY_S;
	} else {
		s->first = bucket_date_from(s->tz, from);
		s->behind = bucket_date_from(s->tz, to);
	}
	if (s->after.camera && s->period->part != PART_CELL &&
		s->first < s->after.start)
		s->first = s->after.start;
	if (s->period->least_s)
		s->days = (s->left / s->period->each + 1) * s->period->least_s /
				DAY_S +
			1;
}

static enum step ask_profile(struct req *r, struct stats *s)
{
	int64_t a, b, last = s->behind - DAY_S;

	bucket_months(s->tz, s->from, s->to, &a, &b);
	a = bucket_number(a);
	b = bucket_number(b);
	return req_query(r, Q_SITE_PROFILE,
		DB_ARGS(DB_S(s->ids), DB_S(s->ids), DB_S(s->ids), DB_I(a),
			DB_I(b), DB_S(s->ids), DB_I(bucket_number(s->first)),
			DB_I(bucket_number(last)), DB_I(a), DB_I(b),
			DB_I(bucket_number(s->first)),
			DB_I(bucket_hours(s->tz, s->first, s->from, s->to)),
			DB_I(bucket_number(last)),
			DB_I(bucket_hours(s->tz, last, s->from, s->to)),
			DB_I(s->after.camera ? s->after.part : -1),
			DB_I(s->left + 1)),
		16);
}

/* The last date of this piece. */
static int64_t piece_end(const struct stats *s)
{
	int64_t end = s->first + s->days * DAY_S;

	return (end < s->behind ? end : s->behind) - DAY_S;
}

static enum step ask(struct req *r, struct stats *s)
{
	bool goes_on = s->after.camera && s->after.start == s->first;
	int64_t first = bucket_number(s->first);
	int64_t last = bucket_number(piece_end(s));
	/* Nothing is before the first date, so that all of it is behind. */
	int64_t after = goes_on ? first : bucket_number(s->first - DAY_S);
	int64_t number = goes_on ? s->after.part : -1;

	if (s->period->part == PART_CELL)
		return ask_profile(r, s);
	if (s->period->part != PART_START)
		return req_query(r, s->period->of_site,
			DB_ARGS(DB_S(s->ids), DB_I(first), DB_I(last),
				DB_I(after), DB_I(number), DB_I(s->left + 1)),
			6);
	return req_query(r, Q_SITE_HOUR,
		DB_ARGS(DB_I(s->zone_id), DB_S(s->ids), DB_I(first), DB_I(last),
			DB_I(first),
			DB_I(bucket_hours(s->tz, s->first, s->from, s->to)),
			DB_I(last),
			DB_I(bucket_hours(s->tz, piece_end(s), s->from, s->to)),
			DB_I(after), DB_I(number), DB_I(s->left + 1)),
		11);
}

enum step site_found(struct req *r, struct stats *s)
{
	const struct db_cell *c = r->rows.cell;

	/* Not there, or not for this token: the same answer. */
	if (!covered(r))
		return req_problem(r, 404, "unknown-site",
			"site \"%.60s\" is not there", s->site);
	s->zone_id = c[0].i;
	s->zone = arena_copy(&r->arena, c[3].s.at, c[3].s.n);
	s->ids = ids_of(r);
	if (!s->zone || !s->ids)
		return req_fail(r, E_TOO_BIG);
	if (zones_find(&r->api->zones, s->zone, &s->tz))
		return req_fail(r, E_IO);
	set_dates(s);
	return s->first < s->behind ? ask(r, s) : STEP_NEXT;
}

static void edges(const struct stats *s, const struct db_cell *c,
	int64_t *start, int64_t *end)
{
	int64_t date = bucket_from_number(c[C_START].i);

	switch (s->period->part) {
	case PART_START:
		bucket_hour(s->tz, date, (int)c[C_HOUR].i, (int)c[C_FOLD].i,
			start, end);
		return;
	case PART_NONE:
	case PART_WEEKDAY:
		*start = bucket_day(s->tz, date);
		*end = bucket_day(s->tz, bucket_next(s->period->unit, date));
		return;
	case PART_CELL:
		*start = s->series.has_from ? s->from : bucket_day(s->tz, date);
		*end = s->series.has_to
			? s->to
			: bucket_day(s->tz,
				  bucket_next(BUCKET_MONTH,
					  bucket_from_number(c[C_END].i)));
	}
}

/* As the statements number what shares a date. */
static int number_of(const struct db_cell *c)
{
	int weekday = c[C_WEEKDAY].null ? 0 : (int)c[C_WEEKDAY].i;
	int hour = c[C_HOUR].null ? 0 : (int)c[C_HOUR].i;

	return weekday * 48 + hour * 2 + (int)c[C_FOLD].i;
}

void site_take(struct req *r, struct stats *s)
{
	int64_t start, end;

	for (size_t i = 0; i < r->rows.n; i++) {
		const struct db_cell *c = &r->rows.cell[i * r->rows.cols];

		if (!s->left) {
			s->more = true;
			return;
		}
		edges(s, c, &start, &end);
		stats_item(r, s, NULL, start, end, c);
		s->last = (struct series_place){.start = s->period->least_s
				? bucket_from_number(c[C_START].i)
				: 0,
			.part = number_of(c),
			.camera = s->site};
		s->left--;
	}
}

enum step site_ask_on(struct req *r, struct stats *s)
{
	s->first = piece_end(s) + DAY_S;
	if (s->more || s->period->part == PART_CELL || s->first >= s->behind)
		return STEP_NEXT;
	s->days *= PIECE_GROWTH;
	return ask(r, s);
}
