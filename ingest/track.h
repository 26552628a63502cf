// SPDX-License-Identifier: MIT
/*
 * track: which objects of this picture are those of the last one.  Boxes go
 * in, tracks come out; a track is one object for as long as it is in view.
 * Pure: no clock, no I/O, no memory of its own.
 *
 * An object is moved on by its speed (an alpha-beta filter) and takes the box
 * it overlaps best, greedily, best pair first; then, of what is left over, the
 * box that lies nearest.  Boxes that the detector is not sure of come second
 * and only carry on what is an object already: so one who is half hidden stays
 * who he was, and a shadow never becomes somebody.  (The two rounds are those
 * of Zhang et al., ByteTrack: Multi-Object Tracking by Associating Every
 * Detection Box, ECCV 2022.)
 *
 * An object counts from its fifth sighting on (the third at less than four
 * pictures a second), so that a flicker of the detector is no object, and is
 * given up three seconds after it was seen last; one that stood still is
 * remembered for longer, since parked cars come and go with the detector's
 * mood.
 */
#ifndef TALLY_INGEST_TRACK_H
#define TALLY_INGEST_TRACK_H

#include "ingest/detect/detect.h"
#include "ingest/foot.h"

enum { TRACKS_MAX = 384 };

struct track {
	uint64_t id;
	uint16_t slot; /* below TRACKS_MAX, its own for as long as it is */
	enum group group;
	float cx, cy, w, h;	   /* pixels, smoothed, when last seen */
	float vx, vy;		   /* pixels a second */
	float drift;		   /* sides it moved since it began, at most */
	float x0, y0;		   /* where it began */
	int64_t first_us, last_us; /* first and last sighting */
	unsigned hits;		   /* sightings */
	float vote[KIND_COUNT];	   /* scores, summed by kind */
	bool counts;		   /* is an object, no flicker */
	bool seen;		   /* in the picture of the last step: */
	uint16_t box;		   /* as this one of its boxes */
	int64_t counted_in;	   /* interval's: where it was counted last */
	enum kind counted_as;
};

struct tracker {
	size_t n;
	struct track at[TRACKS_MAX];
	/* What the last step gave up. */
	size_t gone_n;
	struct track gone[TRACKS_MAX];
	bool slot_used[TRACKS_MAX];
	float sure; /* score from which a box may begin an object */
	uint64_t next_id;
	int64_t last_us, step_us; /* of the last picture, from the one before */
	unsigned long refused;	  /* boxes for which there was no room */
};

/* Empty, and sure of each box. */
void tracker_init(struct tracker *t);

/* One picture.  at_us rises from call to call, by whatever steps. */
void tracker_step(struct tracker *t, int64_t at_us, const struct detections *d);

/* What its sightings say most often, by score. */
enum kind track_kind(const struct track *t);

/* An object, and in view: seen within the last second, for what is hidden for
 * a moment has not left. */
bool track_in_view(const struct track *t, int64_t at_us);

/* Where it stood when it was seen last. */
struct foot track_foot(const struct track *t);

#endif
