// SPDX-License-Identifier: MIT
/*
 * report: what became of the rows of a request, added up over its parts, and
 * as members of a JSON reply.
 */
#ifndef TALLY_API_REPORT_H
#define TALLY_API_REPORT_H

#include "analytics/count.h"
#include "common/text.h"

enum { REPORT_ERRORS_MAX = 5000 }; /* more are only counted */

/* Of parts that are stored; owns its memory.  Zeroed: of none. */
struct report {
	unsigned parts, line; /* how many; the last row's line */
	int64_t rows, n[COUNT_REJECTED + 1];
	size_t errors_n;
	struct text errors; /* a JSON array's elements */
};

void report_init(struct report *r);
void report_free(struct report *r);
void report_add(struct report *r, const struct count_batch *b);

/* The members received … errors, of the parts before and of b; none: nothing of
 * b was stored. */
void report_write(struct text *t, const struct report *before,
	const struct count_batch *b, bool none);

#endif
