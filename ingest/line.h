// SPDX-License-Identifier: MIT
/*
 * line: who crosses a line, and in which direction.  Pure.
 *
 * An object has a side of the line once its foot is further from it than its
 * band.  It crosses when it comes to have the other side, and the straight way
 * from where it last had the old one cuts the line, at no less than the least
 * angle.  So jitter on the line is no crossing; nor is a touch, nor a way along
 * it, nor a way around its end.  Who begins on the line has no side to come
 * from: the first one it gets counts nothing.  Each further crossing counts, in
 * and out by turns, so that in minus out is who is inside.
 */
#ifndef TALLY_INGEST_LINE_H
#define TALLY_INGEST_LINE_H

#include "ingest/foot.h"

/* In pixels.  The end b is not part of it, so that of two lines which meet
 * there one is crossed. */
struct line {
	float ax, ay, bx, by;
	float sine_least; /* of the angle between way and line */
};

/* One object's. */
struct line_side {
	signed char side; /* 1: to the right of one who looks from a to b; 0:
			     none yet */
	float x, y;	  /* where it last had that side */
	int64_t at_us;	  /* and when */
};

/* IN: from the left to the right of one who looks from a to b. */
enum crossing { CROSS_NONE, CROSS_IN, CROSS_OUT };

/* The next sighting of the object.  *when_us: when it was on the line. */
enum crossing line_follow(const struct line *l, struct line_side *s,
	const struct foot *f, int64_t *when_us);

#endif
