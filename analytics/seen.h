// SPDX-License-Identifier: MIT
/*
 * seen: which keys a file has brought, with the line and a digest of the values
 * of each.  It remembers at least the last SEEN_LEAST of them, in two tables of
 * that size: when one is full, the older one is forgotten.  Some 48 MiB at
 * most. One thread at a time.
 */
#ifndef TALLY_ANALYTICS_SEEN_H
#define TALLY_ANALYTICS_SEEN_H

#include "common/base.h"

enum { SEEN_LEAST = 1 << 19 };

struct seen_row {
	uint64_t key;	 /* never 0 */
	uint64_t digest; /* of the values */
	unsigned line;
	bool refused; /* by the database, later */
};

struct seen;

/* NULL: out of memory.  seen_free takes NULL. */
struct seen *seen_new(void);
void seen_free(struct seen *s);

/* The row with this key, or NULL; good until the next seen_add. */
struct seen_row *seen_find(struct seen *s, uint64_t key);
/* A row whose key is not there. */
void seen_add(struct seen *s, const struct seen_row *row);

#endif
