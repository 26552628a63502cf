// SPDX-License-Identifier: MIT
#include "api/buckets.h"

enum { HOUR_S = 3600, SHIFT_MOST_S = 2 * HOUR_S };

static int64_t floor_to(int64_t at, int64_t unit)
{
	int64_t rest = at % unit;

	return at - (rest < 0 ? rest + unit : rest);
}

int64_t bucket_date(const struct tz *tz, int64_t at)
{
	return floor_to(at + tz_offset(tz, at), DAY_S);
}

int64_t bucket_date_from(const struct tz *tz, int64_t at)
{
	int64_t date = bucket_date(tz, at);

	return bucket_day(tz, date) < at ? date + DAY_S : date;
}

/* Within a day behind it, or two before: no offset moves a date further. */
static bool changes(const struct tz *tz, int64_t at)
{
	return tz_next_change(tz, at - 2 * DAY_S) <= at + DAY_S;
}

void bucket_dates(const struct tz *tz, int64_t from, int64_t to, int64_t *first,
	int64_t *last)
{
	*first = bucket_date(tz, from) - (changes(tz, from) ? DAY_S : 0);
	*last = bucket_date(tz, to - 1) + (changes(tz, to) ? DAY_S : 0);
}

int64_t bucket_day(const struct tz *tz, int64_t date)
{
	struct civil d = when_to_civil(date);

	return tz_day_start(tz, d.year, d.month, d.day);
}

static int64_t first_of(int year, int month)
{
	struct civil d = {
		year + (month - 1) / 12, (month - 1) % 12 + 1, 1, 0, 0, 0};

	return when_from_civil(&d);
}

int64_t bucket_next(enum bucket_unit unit, int64_t date)
{
	struct civil d = when_to_civil(date);

	switch (unit) {
	case BUCKET_DAY:
		return date + DAY_S;
	case BUCKET_WEEK:
		return date + 7 * DAY_S;
	case BUCKET_MONTH:
		return first_of(d.year, d.month + 1);
	case BUCKET_YEAR:
		return first_of(d.year + 1, d.month);
	}
	return date;
}

/* The moment at which a local time is skipped. */
static int64_t skipped(const struct tz *tz, int64_t local)
{
	int64_t at = local - tz_offset(tz, local) - DAY_S, next;

	/* Two changes within two days: the one that skips it. */
	for (;;) {
		next = tz_next_change(tz, at);
		if (next == TZ_NEVER || next + tz_offset(tz, next) > local)
			return next == TZ_NEVER ? local : next;
		at = next;
	}
}

/* The change that shows this hour again, behind its first pass. */
static bool shown_again(
	const struct tz *tz, int64_t local, int64_t first, int64_t *again)
{
	int64_t c = tz_next_change(tz, first), l;

	if (c == TZ_NEVER || c > first + SHIFT_MOST_S ||
		tz_offset(tz, c) >= tz_offset(tz, c - 1))
		return false;
	l = c + tz_offset(tz, c);
	*again = c;
	return l >= local && l < local + HOUR_S;
}

void bucket_hour(const struct tz *tz, int64_t date, int hour, int fold,
	int64_t *start, int64_t *end)
{
	int64_t local = date + hour * (int64_t)HOUR_S, found[2], change;
	int n = tz_local(tz, local, found);

	*start = n ? found[0] : skipped(tz, local);
	if (fold && n == 2)
		*start = found[1];
	else if (fold && shown_again(tz, local, *start, &change))
		*start = change;
	*end = *start;
	local = *start + tz_offset(tz, *start) - local;
	if (local < 0 || local >= HOUR_S)
		return;
	*end = *start + HOUR_S - local;
	change = tz_next_change(tz, *start);
	if (change < *end)
		*end = change;
}

int64_t bucket_hours(
	const struct tz *tz, int64_t date, int64_t from, int64_t to)
{
	int64_t bits = 0, start, end;

	for (int i = 0; i < 48; i++) {
		bucket_hour(tz, date, i / 2, i % 2, &start, &end);
		if (start >= from && start < to)
			bits |= INT64_C(1) << i;
	}
	return bits;
}

void bucket_months(const struct tz *tz, int64_t from, int64_t to,
	int64_t *first, int64_t *behind)
{
	struct civil d = when_to_civil(bucket_date(tz, from));

	*first = first_of(d.year, d.month);
	if (bucket_day(tz, *first) < from)
		*first = bucket_next(BUCKET_MONTH, *first);
	d = when_to_civil(bucket_date(tz, to));
	*behind = first_of(d.year, d.month);
	if (*behind < *first)
		*behind = *first;
}

int64_t bucket_number(int64_t date)
{
	struct civil d = when_to_civil(date);

	return d.year * 10000 + d.month * 100 + d.day;
}

int64_t bucket_from_number(int64_t number)
{
	return when_from_number(number * 1000000);
}
