// SPDX-License-Identifier: MIT
/*
 * verify: what the files of `tally verify` share.
 *
 * verify.c is the command, verify_camera.c recounts a camera, verify_stored.c
 * reads stored buckets and compares, verify_say.c prints.
 */
#ifndef TALLY_ANALYTICS_CTL_VERIFY_H
#define TALLY_ANALYTICS_CTL_VERIFY_H

#include "analytics/recount.h"
#include "common/arena.h"
#include "common/db/sync.h"

enum { VERIFY_PAGE_BYTES = 64 << 20 };

/* Years 1000 to 9999.  As a number, an earlier one is taken for another. */
#define VERIFY_FIRST INT64_C(-30610224000)
#define VERIFY_LAST  INT64_C(253402300799)

/* Of one kind of findings: how many, how many were printed. */
struct verify_found {
	uint64_t n, said;
};

/* One run of the command. */
struct verify {
	struct db *db;
	struct arena arena; /* the pages of rows, marks and cameras */
	bool all;
	int64_t from, to; /* local dates; INT64_MIN and _MAX: open */
	uint64_t cameras, rows, compared[LEVEL_COUNT], pending, not_compared;
	struct verify_found differences, overlaps;
	int64_t shown_ms; /* when progress was; 0: none to be seen */
};

/* The stored buckets of one level, a page at a time. */
struct verify_pages {
	struct arena arena;
	struct db_rows page;
	size_t at;
	int64_t key[2]; /* of the last row read */
	bool end;
};

/* Quarter hours that wait, a page at a time. */
struct verify_marks {
	struct arena arena;
	struct db_rows page;
	size_t at;
	int64_t last, next; /* as a number; as an instant */
	bool end;
};

/* One camera. */
struct verify_run {
	struct verify *v;
	int64_t camera_id;
	const char *code;
	struct tz *tz;
	int64_t from, to; /* v's, as instants */
	/* From when on rows and levels are kept: instants; dates where the key
	 * begins with one. */
	int64_t raw, kept[LEVEL_COUNT];
	/* What is recounted now; what should be there, recounted or not. */
	struct recount_window window[LEVEL_COUNT], due[LEVEL_COUNT];
	struct recount *recount;
	struct verify_marks marks;
	struct verify_pages stored[LEVEL_COUNT];
	struct recount_row furthest; /* of the rows so far, the one that ends
					last */
};

/* ---- verify_say.c */

void verify_progress(struct verify_run *r);
void verify_hide_progress(struct verify *v);
void verify_say_different(struct verify_run *r, enum recount_level level,
	const struct recount_bucket *b, const char *column, const char *stored,
	const char *counted);
void verify_say_missing(struct verify_run *r, enum recount_level level,
	const struct recount_bucket *b);
void verify_say_superfluous(struct verify_run *r, enum recount_level level,
	const int64_t key[2], int64_t start);
/* The row reaches into r->furthest. */
void verify_say_overlap(struct verify_run *r, const struct recount_row *row);
/* A table ("stats_" and "day") has rows of a camera that is not there. */
void verify_say_stray(
	struct verify *v, const char *prefix, const char *table, int64_t id);
void verify_say_summary(const struct verify *v);

enum { VERIFY_NUMBER = 48 };

/* In decimal, into buf. */
const char *verify_number(char buf[VERIFY_NUMBER], uint128 v);

static inline int64_t verify_later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* ---- verify_stored.c */

/* Are a level's buckets told apart by an instant, not by a date? */
bool verify_by_instant(enum recount_level level);
/* Begins each level anew, with the first bucket that is due. */
void verify_rewind(struct verify_run *r);
/* A recount's taker: holds a bucket against the stored one.  arg: the run. */
recount_emit verify_bucket;
/* All that is stored of a level behind the last bucket that was counted. */
MUST enum err verify_left(struct verify_run *r, enum recount_level level);

/* A stored bucket, to be summed up. */
struct verify_stored {
	int64_t key[2];
	int hour;
	struct recount_figures f;
};

/* The next one of a level; *there is false behind the last. */
MUST enum err verify_next(struct verify_run *r, enum recount_level level,
	struct verify_stored *next, bool *there);

/* ---- verify_camera.c */

/* Recounts one camera, in a transaction of its own. */
MUST enum err verify_camera(struct verify *v, int64_t camera_id);

#endif
