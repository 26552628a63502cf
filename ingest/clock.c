// SPDX-License-Identifier: MIT
#include "ingest/clock.h"

int64_t stream_clock_at(
	struct stream_clock *s, int64_t pts_us, int64_t arrived_us)
{
	int64_t at = arrived_us;
	bool usable = pts_us > INT64_MIN / 4 && pts_us < INT64_MAX / 4;

	if (usable && s->any) {
		at = s->anchor_us + pts_us;
		/* The stream leapt, or the network held it up. */
		if (at > arrived_us || at < arrived_us - STREAM_LATE_US)
			at = arrived_us;
		else if (arrived_us - at > STREAM_SLEW_US)
			at += STREAM_SLEW_US; /* its clock may be a slow one */
	}
	if (usable)
		s->anchor_us = at - pts_us;
	if (s->any && at <= s->last_us)
		at = s->last_us + 1;
	s->any = true;
	s->last_us = at;
	return at;
}

int64_t wall_clock_follow(
	struct wall_clock *w, int64_t monotonic_us, int64_t wall_us)
{
	int64_t off = wall_us - monotonic_us - w->offset_us;

	if (off >= WALL_STEP_US || off <= -WALL_STEP_US) {
		w->offset_us += off;
		return off;
	}
	w->offset_us += off > WALL_SLEW_US ? WALL_SLEW_US
		: off < -WALL_SLEW_US	   ? -WALL_SLEW_US
					   : off;
	return 0;
}
