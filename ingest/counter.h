// SPDX-License-Identifier: MIT
/*
 * counter: what becomes of the boxes of one camera's pictures: tracks, and
 * from these the rows of its picture, lines and zones.  Pure; belongs to one
 * thread.
 */
#ifndef TALLY_INGEST_COUNTER_H
#define TALLY_INGEST_COUNTER_H

#include "ingest/interval.h"

struct counter_slot; /* what an object has done about the shapes */

struct counter {
	struct tracker tracker;
	struct interval interval;
	struct shapes shapes, next; /* next: from the next interval on */
	bool has_next;
	int w, h; /* of the pictures that line and zone are scaled to */
	struct line line[SHAPE_LINES_MAX];
	struct zone zone[SHAPE_ZONES_MAX];
	struct counter_slot *slot; /* TRACKS_MAX, by struct track, slot */
};

/* kinds: 1 << kind for each that is measured; sure: score from which a box may
 * begin an object.  E_NOMEM. */
MUST enum err counter_init(
	struct counter *c, int len_s, unsigned kinds, float sure);
void counter_fini(struct counter *c);

/* With these lines and zones, as shapes_read made them, from the next interval
 * on: a row is never of two drawings. */
void counter_shapes(struct counter *c, const struct shapes *s);

/* As interval_advance and interval_finish: true where c->interval.done has
 * rows; call again likewise. */
bool counter_advance(struct counter *c, int64_t at_us);
bool counter_finish(struct counter *c, int64_t at_us);

/* What was found in the picture at the time advanced to, of w by h pixels. */
void counter_look(struct counter *c, int64_t at_us, int w, int h,
	const struct detections *d);

/* Forgets all objects: the clock went back. */
void counter_forget(struct counter *c);

#endif
