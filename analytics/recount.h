// SPDX-License-Identifier: MIT
/*
 * recount: one camera's rows in, its buckets of every level out, counted from
 * the rows and the system's time-zone files alone: what `tally verify` holds
 * against the statistics that SQL has kept.
 *
 * Pure but for the memory that recount_init takes, which does not grow: rows
 * and marks come in order of time, and a bucket leaves, in the order of its
 * table's key, once nothing can fall into it any more.  One thread at a time.
 */
#ifndef TALLY_ANALYTICS_RECOUNT_H
#define TALLY_ANALYTICS_RECOUNT_H

#include "common/base.h"
#include "common/tz.h"

/* One table each: stats_quarter … stats_hour_partial. */
enum recount_level {
	LEVEL_QUARTER,
	LEVEL_HOUR,
	LEVEL_DAY,
	LEVEL_WEEK,
	LEVEL_MONTH,
	LEVEL_YEAR,
	LEVEL_WEEKDAY_MONTH,
	LEVEL_WEEKDAY_YEAR,
	LEVEL_PROFILE_MONTH,
	LEVEL_QUARTER_PARTIAL,
	LEVEL_HOUR_PARTIAL,
	LEVEL_COUNT
};

/* "quarter" … "hour_partial": the table's name behind "stats_". */
extern const char *const recount_level_name[LEVEL_COUNT];

/* The exact columns of a bucket, in the tables' order.  A metric has six. */
enum { METRICS = 3, CLASSES = 6 };
enum recount_metric { M_N, M_SUM, M_SQ, M_MIN, M_MAX, M_NEW, METRIC_COLS };
enum recount_column {
	COL_ROW_N,
	COL_OBSERVED_S,
	COL_METRIC,
	COL_CLASS = COL_METRIC + METRICS * METRIC_COLS,
	COL_COUNT = COL_CLASS + CLASSES
};

extern const char *const recount_column_name[COL_COUNT];

/* Does the level's table have the column?  The partial ones have few. */
bool recount_has(enum recount_level level, int column);

struct recount_figures {
	uint128 v[COL_COUNT];
	uint32_t null; /* a bit per column: nothing was measured */
};

/* From n, sum and sum of squares: mean and population standard deviation. */
long double recount_mean(const struct recount_figures *f, int metric);
long double recount_std(const struct recount_figures *f, int metric);

enum { COUNTS = 2 * METRICS + CLASSES };

struct recount_row {
	int64_t start, end, observed_s;
	/* people, vehicle, face, the same "new", classes; -1: not measured */
	int64_t count[COUNTS];
};

/*
 * A bucket's place.  Its key is written as SQL orders it: quarters have their
 * start (yyyymmddhhmmss), hours date (yyyymmdd) and start, all others the date
 * of their first day, and weekday, or weekday * 24 + hour, where they have one.
 */
struct recount_bucket {
	int64_t key[2];
	int64_t start, end;	 /* edges, UTC; a quarter's end is its part's */
	int hour, fold, weekday; /* of the levels that have them */
	bool pending;		 /* holds a mark: the next roll-up's work */
	struct recount_figures f;
};

/* Where a bucket lies: its first day and the day after its last, as seconds of
 * their midnight in UTC, and its first instant. */
struct recount_span {
	int64_t first, next, start;
};

struct recount_span recount_span_of(
	const struct tz *tz, enum recount_level level, const int64_t key[2]);

/* Days in [from, to), beginning in [since, until): for each level, which
 * buckets are wanted. */
struct recount_window {
	int64_t from, to, since, until;
};

#define RECOUNT_ALL \
	((struct recount_window){INT64_MIN, INT64_MAX, INT64_MIN, INT64_MAX})

bool recount_in(const struct recount_window *w, const struct recount_span *s);

/* As tables are ordered: below, at or above 0. */
int recount_compare(const int64_t a[2], const int64_t b[2]);

/* The next finer level, whose buckets make up this one; LEVEL_COUNT: rows. */
enum recount_level recount_made_of(enum recount_level level);

/* Takes a bucket that is complete; an error ends the recount with it. */
typedef enum err recount_emit(void *arg, enum recount_level level,
	const struct recount_bucket *bucket);

struct recount;

/*
 * source LEVEL_COUNT counts every level from rows; a level counts those made of
 * it from its buckets.  windows: one per level.  Zone and windows must outlive
 * it.  E_NOMEM.
 */
MUST enum err recount_new(struct recount **r, const struct tz *tz,
	enum recount_level source, const struct recount_window *windows,
	recount_emit *emit, void *arg);
void recount_free(struct recount *r);

/* Each not before the one before it, marks and what they mark together; a mark
 * before the rows of its quarter hour, or before a bucket that begins later. */
MUST enum err recount_row(struct recount *r, const struct recount_row *row);
MUST enum err recount_mark(struct recount *r, int64_t at);
/* A bucket of the source: its key, its hour where it is an hour. */
MUST enum err recount_finer(struct recount *r, const int64_t key[2], int hour,
	const struct recount_figures *f);
/* Nothing follows: all that is left comes out. */
MUST enum err recount_end(struct recount *r);

#endif
