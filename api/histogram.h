// SPDX-License-Identifier: MIT
/*
 * histogram: how many values fell below each of a few bounds.  Any thread adds;
 * it may lie in memory that processes share.
 */
#ifndef TALLY_API_HISTOGRAM_H
#define TALLY_API_HISTOGRAM_H

#include <stdatomic.h>

#include "common/text.h"

enum { HISTOGRAM_BOUNDS = 16 };

/* What it counts: whole values, shown divided by `per`. */
struct histogram_kind {
	uint64_t bound[HISTOGRAM_BOUNDS]; /* ascending; a value on it is below
					   */
	double per;
};

extern const struct histogram_kind histogram_us; /* shown in seconds */
extern const struct histogram_kind histogram_rows;

struct histogram {
	_Atomic uint64_t n[HISTOGRAM_BOUNDS + 1]; /* the last: above all */
	_Atomic uint64_t sum;
};

void histogram_add(
	struct histogram *h, const struct histogram_kind *kind, uint64_t v);

/* The samples of Prometheus's text form; labels without braces, perhaps none.
 */
void histogram_write(struct text *t, const struct histogram *h,
	const struct histogram_kind *kind, const char *family,
	const char *labels);

#endif
