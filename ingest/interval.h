// SPDX-License-Identifier: MIT
/*
 * interval: tracks become counts in intervals that start at multiples of
 * their length in UTC, each where the last one ended.  Pure: time comes in
 * with the pictures.
 *
 * An object is present in the interval in which it is seen as an object
 * (struct track, counts); it is new in the first of them.  A picture stands
 * for the time until the next, at most GAP_US: what lies beyond was not
 * watched, and an interval of which nothing was watched gives no row.
 */
#ifndef TALLY_INGEST_INTERVAL_H
#define TALLY_INGEST_INTERVAL_H

#include "ingest/row.h"
#include "ingest/track.h"

enum { INTERVAL_GAP_US = 2000000 };

struct interval {
	struct row row;	    /* the one that grows */
	int64_t from_us;    /* up to where watching is accounted for */
	int64_t until_us;   /* up to where the last picture stands */
	int64_t watched_us; /* of the row */
	int len_s;
	bool running;
};

/* kinds: 1 << kind for each that is measured. */
void interval_init(struct interval *v, int len_s, unsigned kinds);

/*
 * Time moves on to at_us, where a picture is.  True where that ended an
 * interval: *done is its row; call again with the same time until false.
 */
bool interval_advance(struct interval *v, int64_t at_us, struct row *done);

/* Counts what the tracker sees in the picture at the time advanced to. */
void interval_count(struct interval *v, struct tracker *t);

/* Watching ends at at_us.  True where that gives a row; call again likewise. */
bool interval_finish(struct interval *v, int64_t at_us, struct row *done);

#endif
