// SPDX-License-Identifier: MIT
/*
 * count_ndjson: rows of counts out of newline-delimited JSON, an object a line,
 * as the bytes arrive.  Each line is JSON as strictly as a body of its own; one
 * that is not is a bad row, and reading goes on with the next line.
 */
#ifndef TALLY_ANALYTICS_COUNT_NDJSON_H
#define TALLY_ANALYTICS_COUNT_NDJSON_H

#include "analytics/count.h"
#include "common/lines.h"

struct count_ndjson {
	struct lines lines;
	struct count_batch *batch;
	const struct count_times *times;
	bool waits;  /* a line for which the batch had no room */
	bool memory; /* there was none left */
	unsigned char first[2];
	size_t first_n;
	const char *encoding; /* what the text is instead of UTF-8, or NULL */
	char why[80];	      /* why reading ended */
};

/* All must live as long as c. */
void count_ndjson_init(struct count_ndjson *c, struct count_batch *b,
	const struct count_times *t);

/* As count_csv_feed. */
MUST enum count_step count_ndjson_feed(struct count_ndjson *c, const char *buf,
	size_t n, bool end, size_t *used);

#endif
