// SPDX-License-Identifier: MIT
/*
 * row: the counts of one interval, and the texts that leave the program.
 * Pure.
 */
#ifndef TALLY_INGEST_ROW_H
#define TALLY_INGEST_ROW_H

#include <stdio.h>

#include "common/text.h"
#include "ingest/classes.h"

enum { SERIES_NAME_MAX = 72 };

/* Whose counts: the camera's whole picture, a line crossed in one direction,
 * or a zone. */
enum series_kind { SERIES_FRAME, SERIES_LINE, SERIES_ZONE };

struct row {
	enum series_kind series;
	char name[SERIES_NAME_MAX]; /* "door/in"; "" of the frame */
	int64_t start_at, end_at;   /* seconds since 1970, UTC */
	unsigned kinds;		    /* 1 << kind for each that is measured */
	int present[GROUP_COUNT], fresh[GROUP_COUNT];
	int of_kind[KIND_COUNT]; /* present */
	/* Not of a line. */
	int left[GROUP_COUNT];	      /* went out of view, or of the zone */
	int peak[GROUP_COUNT];	      /* at one time, at most */
	int64_t stay_us[GROUP_COUNT]; /* in view or in the zone, summed up */
	/* Of a line: whose speed was measured, the sum, the most. */
	int speed_n, speed_sum, speed_max; /* cm/s */
	bool speeds;			   /* the line measures them */
	int observed_s;
};

/* Whether any kind of the group is measured. */
bool row_measures(const struct row *r, enum group g);

enum { ROW_CODE_MAX = 200 };

/* Of the series: the camera's, "gate-1/door/in". */
const char *row_code(
	char code[ROW_CODE_MAX], const char *camera, const struct row *r);

/* The object that POST /api/v1/counts takes, without line ends.  What is not
 * measured is left out. */
void row_json(struct text *t, const char *camera, const struct row *r);

/* The header of POST /api/v1/counts' CSV, and a row; what is not measured is
 * an empty field. */
void row_csv_header(FILE *f);
void row_csv(FILE *f, const char *camera, const struct row *r);

/* What one run counted. */
struct totals {
	unsigned kinds;
	unsigned long rows;
	int64_t observed_s;
	int64_t first_at, last_at; /* start of the first row, end of the last */
	int64_t present[GROUP_COUNT], fresh[GROUP_COUNT], of_kind[KIND_COUNT];
	unsigned long pictures; /* looked at */
	unsigned long skipped;	/* left out to keep up with the clip */
	unsigned long damaged;	/* not decoded, or only in part */
	unsigned long passes;	/* of the clip, whole ones */
	unsigned long records;	/* of single pictures, made */
};

/* Rows of lines and zones are left out: what they count is in the picture. */
void totals_add(struct totals *t, const struct row *r);
/* Members of an object that the caller opened. */
void totals_json(struct text *t, const struct totals *s);

#endif
