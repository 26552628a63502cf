// SPDX-License-Identifier: MIT
/*
 * calendar: the tables calendar_day and calendar_offset, so that SQL can turn
 * instants into local days without a zone database of its own.
 *
 * They hold whole years: from the week in which 1999 begins, because an
 * instant of 2000-01-01 UTC is still 1999 in the west, to the end of the third
 * year from now.  A day is [start_utc, end_utc); one the zone left out has no
 * row.  calendar_offset holds a row per UTC day: the offset it begins with,
 * and the change in it where there is one.
 */
#ifndef TALLY_ANALYTICS_CALENDAR_H
#define TALLY_ANALYTICS_CALENDAR_H

#include "common/db/sync.h"

/*
 * Makes the zone known and its calendar complete; *time_zone_id may be NULL.
 * Some 0.3 s for a zone that is new, one query for one that is there.  Begins
 * and commits a transaction: not to be called inside one.
 * E_NOT_FOUND: no such zone; E_INVALID: its clock is not one the tables can
 * hold (an offset that is no multiple of 15 minutes); db_run's errors.
 */
MUST enum err calendar_ensure(
	struct db *db, const char *zone, int64_t *time_zone_id);

/*
 * For all zones in the table: completes the calendar, and writes what lies
 * ahead anew, so that a change of the law reaches it with the system's zone
 * files.  A zone whose file is gone is logged and skipped.  *zones: how many.
 */
MUST enum err calendar_extend(struct db *db, size_t *zones);

#endif
