// SPDX-License-Identifier: MIT
/*
 * count_csv: rows of counts out of CSV, as the bytes arrive.  The header names
 * the columns; the one of 2021 (start_date, end_date, people, vehicle) works
 * too.  Errors carry the line of the file.
 */
#ifndef TALLY_ANALYTICS_COUNT_CSV_H
#define TALLY_ANALYTICS_COUNT_CSV_H

#include "analytics/count.h"
#include "common/csv.h"

enum { COUNT_CSV_WHY = 240 };

struct count_csv {
	struct csv csv;
	struct count_batch *batch;
	const struct count_times *times;
	const char *camera;	/* of rows without such a column; NULL: none */
	const char *old_camera; /* the same under the header of 2021 */
	bool old;		/* that header is there */
	int64_t now;
	size_t columns_n;
	int column[CSV_COLUMNS_MAX]; /* what each column is */
	unsigned seen;		     /* a bit for each kind of column */
	char why[COUNT_CSV_WHY];     /* why reading ended */
	bool many;		     /* it ended at COUNT_ROWS_MAX */
};

/* camera: of rows without such a column, or NULL; then old_camera is that of
 * rows under the header of 2021.  All must live as long as c. */
void count_csv_init(struct count_csv *c, struct count_batch *b,
	const struct count_times *t, const char *camera,
	const char *old_camera);

/* false: the file is refused as a whole, c->why says why (naming line and
 * column). */
MUST bool count_csv_feed(
	struct count_csv *c, const char *buf, size_t n, bool end);

#endif
