// SPDX-License-Identifier: MIT
/*
 * tz: IANA time zones, read from the system's TZif files (RFC 9636: 64-bit
 * data, and the rule in the footer for what lies beyond it).  Never touches
 * the process's own zone.  Instants are seconds since 1970 in UTC and must
 * lie in the years 1 to 9999.  A loaded zone is read-only: any thread.
 */
#ifndef TALLY_COMMON_TZ_H
#define TALLY_COMMON_TZ_H

#include "common/base.h"

#define TZ_DIR "/usr/share/zoneinfo"

enum { TZ_NAME_MAX = 64 };

/* tz_next_change: there is none. */
#define TZ_NEVER INT64_MAX

struct tz;

/* Could this be the name of a zone?  Letters, digits, "_", "+", "-" and "/";
 * "posix/" and "right/" are not zones. */
bool tz_name_ok(const char *name);

/* E_NOT_FOUND: no zone of this name; E_CORRUPT: its file is damaged; E_IO,
 * E_NOMEM.  Says nothing itself.  tz_free takes NULL. */
MUST enum err tz_load(const char *name, struct tz **tz);
void tz_free(struct tz *tz);

/* As it was loaded. */
const char *tz_name(const struct tz *tz);

/* Local time minus UTC in seconds. */
int tz_offset(const struct tz *tz, int64_t at);

/* The first instant after `at` from which another offset holds. */
int64_t tz_next_change(const struct tz *tz, int64_t at);

/*
 * The instants that show a local time (given as if it were UTC): 0 where the
 * clock is put forward past it, 2 where it is put back over it, else 1; the
 * earliest first.
 */
int tz_local(const struct tz *tz, int64_t local, int64_t out[2]);

/* The first instant whose local date is this day, or a later one where the
 * zone left the day out. */
int64_t tz_day_start(const struct tz *tz, int year, int month, int day);

#endif
