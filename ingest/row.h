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

struct row {
	int64_t start_at, end_at; /* seconds since 1970, UTC */
	unsigned kinds;		  /* 1 << kind for each that is measured */
	int present[GROUP_COUNT], fresh[GROUP_COUNT];
	int of_kind[KIND_COUNT]; /* present */
	int observed_s;
};

/* Whether any kind of the group is measured. */
bool row_measures(const struct row *r, enum group g);

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
};

void totals_add(struct totals *t, const struct row *r);
/* Members of an object that the caller opened. */
void totals_json(struct text *t, const struct totals *s);

#endif
