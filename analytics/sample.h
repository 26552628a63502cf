// SPDX-License-Identifier: MIT
/*
 * sample: plausible counts of a few made-up cameras, to look at Tally with
 * before there are real ones.  A row follows from its camera and its start
 * alone: whoever asks, however often and from which day on, gets the same.
 * Pure, and without the maths library, whose last digits differ.
 */
#ifndef TALLY_ANALYTICS_SAMPLE_H
#define TALLY_ANALYTICS_SAMPLE_H

#include "common/base.h"
#include "common/tz.h"

#define SAMPLE_SITE   "Sample (generated)"
#define SAMPLE_PREFIX "sample-" /* of every code */

enum {
	SAMPLE_CAMERAS = 5,
	SAMPLE_CLASSES = 6,
	SAMPLE_NULL = -1 /* not measured */
};

extern const char *const sample_class[SAMPLE_CLASSES];

struct sample_camera {
	const char *code, *name, *tz;
	int interval_s;
	int silent_s; /* its rows end that long ago */
	const struct sample_life *life;
};

extern const struct sample_camera sample_camera[SAMPLE_CAMERAS];

struct sample_count {
	int present, began; /* in the interval */
};

struct sample_row {
	struct sample_count people, vehicle, face;
	int class[SAMPLE_CLASSES]; /* add up to the vehicles */
	int observed_s;
};

/* The row from start_at on, a multiple of interval_s; tz: the camera's zone.
 * false: the camera was down for all of it. */
bool sample_row(const struct sample_camera *c, const struct tz *tz,
	int64_t start_at, struct sample_row *row);

#endif
