// SPDX-License-Identifier: MIT
/*
 * clock: when a picture was taken.  A stream's own times keep the distance
 * between pictures, the monotonic clock holds them to ours, and the wall clock
 * is followed from there.  Pure: every time comes in.  µs throughout.
 */
#ifndef TALLY_INGEST_CLOCK_H
#define TALLY_INGEST_CLOCK_H

#include "common/base.h"

/* Times of a stream on the monotonic clock. */
struct stream_clock {
	int64_t anchor_us; /* monotonic time of the stream's zero */
	int64_t last_us;
	bool any;
};

/*
 * The monotonic time of a picture that has come at arrived_us: what the stream
 * says (INT64_MIN: nothing), but never after its arrival, never more than
 * STREAM_LATE_US before it, and always after the picture before.
 */
enum { STREAM_LATE_US = 2000000, STREAM_SLEW_US = 500 };
int64_t stream_clock_at(
	struct stream_clock *s, int64_t pts_us, int64_t arrived_us);

/* The wall clock, as an offset from the monotonic one. */
struct wall_clock {
	int64_t offset_us;
};

/* Small differences are followed by a millisecond a call; one of a second or
 * more is a clock that was set: it is returned, else 0. */
enum { WALL_STEP_US = 1000000, WALL_SLEW_US = 1000 };
int64_t wall_clock_follow(
	struct wall_clock *w, int64_t monotonic_us, int64_t wall_us);

#endif
