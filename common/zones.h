// SPDX-License-Identifier: MIT
/*
 * zones: time zones that were loaded once and stay.  There are some 600 names
 * in all, so nothing is ever dropped.  One thread at a time.
 */
#ifndef TALLY_COMMON_ZONES_H
#define TALLY_COMMON_ZONES_H

#include "common/tz.h"

enum { ZONES_MAX = 1024 };

/* Zeroed at first. */
struct zones {
	struct {
		char name[TZ_NAME_MAX + 1];
		struct tz *tz;
	} * zone;
	unsigned n;
};

void zones_free(struct zones *z);
/* *tz belongs to z.  Errors of tz_load; E_FULL. */
MUST enum err zones_find(
	struct zones *z, const char *name, const struct tz **tz);

#endif
