// SPDX-License-Identifier: MIT
/*
 * allow: lists of addresses and networks in a setting, with blanks between:
 * "127.0.0.1 10.0.0.0/8 ::1".  Pure.
 */
#ifndef TALLY_API_ALLOW_H
#define TALLY_API_ALLOW_H

#include "common/base.h"

/* Does one of them hold the address?  ::ffff:192.0.2.1 is 192.0.2.1. */
bool allow_has(const char *list, const char *addr);

/* The first that is none, as it stands in the list; n is 0 where all are. */
struct slice allow_fault(const char *list);

#endif
