// SPDX-License-Identifier: MIT
/*
 * zone: who is inside of a polygon.  Pure.
 *
 * An object is inside or outside by its foot; it changes once it is further
 * from the edge than its band, so that jitter on the edge is no coming and
 * going.  Who begins inside has entered.
 */
#ifndef TALLY_INGEST_ZONE_H
#define TALLY_INGEST_ZONE_H

#include "ingest/foot.h"

enum { ZONE_POINTS_MAX = 16 };

/* In pixels; simple or not, what is inside is inside by the even-odd rule. */
struct zone {
	size_t n;
	float x[ZONE_POINTS_MAX], y[ZONE_POINTS_MAX];
};

/* One object's. */
struct zone_side {
	bool known, in;
};

enum zone_event { ZONE_SAME, ZONE_ENTER, ZONE_LEAVE };

/* The next sighting of the object. */
enum zone_event zone_follow(
	const struct zone *z, struct zone_side *s, const struct foot *f);

#endif
