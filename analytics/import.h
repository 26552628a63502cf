// SPDX-License-Identifier: MIT
/*
 * import: the rows of a CSV file, plain or gzip, into the database.
 *
 * The file is read once, from its beginning, and written in parts of at most
 * COUNT_ROWS_MAX rows, each in a transaction of its own.  Whoever is stopped
 * begins again from the file's first row: what is stored turns out as
 * duplicate. Memory is constant but for some 100 bytes a camera.
 *
 * Within the file, a row may not overlap the one before it of its camera, nor
 * contradict a row of the same camera and time (seen.h says how far back that
 * is known).  Overlaps with rows stored before are for `tally verify`.
 */
#ifndef TALLY_ANALYTICS_IMPORT_H
#define TALLY_ANALYTICS_IMPORT_H

#include "analytics/audit.h"
#include "analytics/batch.h"
#include "analytics/count_csv.h"

enum { IMPORT_WHY = 300 };

struct import_counts {
	uint64_t read, inserted, duplicate, replaced, kept, refused;
	uint64_t repeated; /* stood at an hour that the clock shows twice */
	uint64_t cameras;  /* that were added */
};

struct import_refusal {
	size_t line;
	const char *column; /* as the file calls it; "" for the whole row */
	const char *reason;
	const char *row; /* its cells as CSV; "" unless keep_rows */
};

struct import {
	struct db *db;
	const char *path;
	const char *camera; /* of rows in a file without such a column */
	const struct count_columns *columns; /* NULL: they are Tally's own */
	struct count_times times;
	int64_t interval_s; /* of every row; 0: a column has the end */
	enum batch_conflict conflict;
	bool store;	  /* else only looks */
	bool add_cameras; /* that are not there, to this site, in this zone */
	const char *site, *camera_tz; /* NULL: the default one, the site's */
	const struct audit_by *by;    /* whose cameras they are then */
	bool keep_rows;

	/* Called in the order of lines; and, behind each part that was
	 * written, to be told whether to go on. */
	void (*refused)(void *ctx, const struct import_refusal *r);
	bool (*go_on)(void *ctx, const struct import_counts *n, double done);
	void *ctx;
};

/*
 * *n says what became of the rows also where it ends early: E_BUSY, go_on said
 * so; E_SYNTAX, the file cannot be read on, or has not the columns that were
 * asked for; E_IO, E_CORRUPT, E_NOT_FOUND (a site, a zone); db_run's errors.
 * why: "" or what to say, without the file's name.
 */
MUST enum err import_run(
	struct import *im, struct import_counts *n, char why[IMPORT_WHY]);

#endif
