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

/* What a column can be: an enum count_figure, or one of these. */
enum {
	COLUMN_CAMERA = COUNT_FIGURES_N,
	COLUMN_START,
	COLUMN_END,
	COLUMN_OBSERVED,
	COLUMN_NAME, /* of the camera; in foreign files alone */
	COLUMN_KINDS
};

/* How a foreign file calls its columns; NULL: this kind is not looked for. */
struct count_columns {
	const char *name[COLUMN_KINDS];
	unsigned wanted; /* a bit for each kind that must be there */
};

/* Columns of the bad rows that were given back (api/upload_rejected.c), which
 * say why: not read again. */
#define COUNT_CSV_REASON "rejected_reason"
#define COUNT_CSV_TEXT	 "rejected_text"

struct count_csv {
	struct csv csv;
	struct count_batch *batch;
	const struct count_times *times;
	const struct count_columns *names; /* NULL: Tally's own */
	const char *camera;	/* of rows without such a column; NULL: none */
	const char *old_camera; /* the same under the header of 2021 */
	bool old;		/* that header is there */
	int64_t now;
	size_t columns_n;
	int column[CSV_COLUMNS_MAX]; /* what each column is; -1: nothing */
	unsigned seen;		     /* a bit for each kind of column */
	char why[COUNT_CSV_WHY];     /* why reading ended */
	bool guarded; /* bad rows that were given back: see csv_unguard */
	bool waits;   /* a row the batch had no room for */
};

/* camera: of rows without such a column, or NULL; then old_camera is that of
 * rows under the header of 2021.  For a foreign file set names right behind it:
 * other columns are left alone then.  All must live as long as c. */
void count_csv_init(struct count_csv *c, struct count_batch *b,
	const struct count_times *t, const char *camera,
	const char *old_camera);

/* As csv_next, up to the end of one row of counts: with CSV_ROW it is the last
 * of the batch, which count_check has not seen yet; or c->waits says that the
 * batch is full: empty it, call again. */
MUST enum csv_step count_csv_next(
	struct count_csv *c, const char *buf, size_t n, bool end, size_t *used);

/* Takes rows from buf[0..n), of which *used are done with then, into the batch,
 * checked; end: nothing follows.  COUNT_UNREADABLE: c->why says why (naming
 * line and column); the rows before stay in the batch. */
MUST enum count_step count_csv_feed(
	struct count_csv *c, const char *buf, size_t n, bool end, size_t *used);

#endif
