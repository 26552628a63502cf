// SPDX-License-Identifier: MIT
/*
 * interval: what is counted becomes rows of intervals that start at multiples
 * of their length in UTC, each where the last one ended: one row for the whole
 * picture, and one for each direction of a line and each zone.  Pure: time
 * comes in with the pictures.
 *
 * An object is present in the interval in which it is seen as an object
 * (struct track, counts); it is new in the first of them.  A picture stands
 * for the time until the next, at most GAP_US: what lies beyond was not
 * watched, and an interval of which nothing was watched gives no row.
 */
#ifndef TALLY_INGEST_INTERVAL_H
#define TALLY_INGEST_INTERVAL_H

#include "ingest/row.h"
#include "ingest/shapes.h"
#include "ingest/track.h"

enum { INTERVAL_GAP_US = 2000000 };

/* Where an object was counted in a series. */
struct mark {
	int64_t in; /* start of the interval; INT64_MIN: nowhere */
	enum kind as;
};

struct interval {
	/* Those that grow; the first is the picture's. */
	size_t n;
	struct row row[SERIES_MAX];
	int now[SERIES_MAX][GROUP_COUNT]; /* in view, in the zone */
	struct row done[SERIES_MAX];	  /* those that ended last */
	size_t done_n;
	int64_t from_us;    /* up to where watching is accounted for */
	int64_t until_us;   /* up to where the last picture stands */
	int64_t watched_us; /* of the row */
	int len_s;
	unsigned kinds;
	bool running;
};

/* kinds: 1 << kind for each that is measured. */
void interval_init(struct interval *v, int len_s, unsigned kinds);

/* From now on with rows for these lines and zones: call it before the first
 * picture, or when an interval has ended. */
void interval_shapes(struct interval *v, const struct shapes *s);

/*
 * Time moves on to at_us, where a picture is.  True where that ended an
 * interval: done[0..done_n) are its rows; call again with the same time until
 * false.
 */
bool interval_advance(struct interval *v, int64_t at_us);

/* Counts what the tracker sees in the picture at the time advanced to. */
void interval_count(struct interval *v, struct tracker *t);

/* An object is seen in a series; m is what this series knows of it. */
void interval_see(struct interval *v, size_t series, enum group g, enum kind k,
	struct mark *m);

/* How many are in it with this picture. */
void interval_occupy(
	struct interval *v, size_t series, const int now[GROUP_COUNT]);

/* Watching ends at at_us.  True where that gives rows; call again likewise. */
bool interval_finish(struct interval *v, int64_t at_us);

#endif
