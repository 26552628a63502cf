// SPDX-License-Identifier: MIT
/*
 * buckets: where days, hours and what is made of them lie in a time zone.  A
 * local date is the instant that UTC calls its midnight, whatever the zone.
 * Pure.
 */
#ifndef TALLY_API_BUCKETS_H
#define TALLY_API_BUCKETS_H

#include "common/tz.h"
#include "common/when.h"

enum bucket_unit { BUCKET_DAY, BUCKET_WEEK, BUCKET_MONTH, BUCKET_YEAR };

/* The local date of an instant. */
int64_t bucket_date(const struct tz *tz, int64_t at);
/* The first date that begins at or after an instant. */
int64_t bucket_date_from(const struct tz *tz, int64_t at);
/* Dates that hold all that begins in [from, to), a day more where the clock is
 * changed nearby: it may show a date again, or leave one out. */
void bucket_dates(const struct tz *tz, int64_t from, int64_t to, int64_t *first,
	int64_t *last);
/* Where a date begins; one that the zone left out begins with the next. */
int64_t bucket_day(const struct tz *tz, int64_t date);
/* The date at which the next week, month … begins; date is such a one. */
int64_t bucket_next(enum bucket_unit unit, int64_t date);

/*
 * An hour of a date, at its first pass or (fold 1) at its second, as it is
 * counted: it begins or ends where the clock is changed.  Where there is no
 * second pass it is the first; one that the clock skips begins and ends at the
 * moment it is skipped.
 */
void bucket_hour(const struct tz *tz, int64_t date, int hour, int fold,
	int64_t *start, int64_t *end);
/* The hours of a date that begin in [from, to): bit 2 * hour + fold. */
int64_t bucket_hours(
	const struct tz *tz, int64_t date, int64_t from, int64_t to);

/* The months that lie in the range whole: first date of the first, and of the
 * one behind the last; the same where there is none. */
void bucket_months(const struct tz *tz, int64_t from, int64_t to,
	int64_t *first, int64_t *behind);

/* A date as MariaDB takes and gives it: 20261121. */
int64_t bucket_number(int64_t date);
int64_t bucket_from_number(int64_t number);

#endif
