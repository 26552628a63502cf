// SPDX-License-Identifier: MIT
/*
 * foot: where an object stands: the middle of its box's lower edge, in pixels.
 * Lines and zones are drawn on the ground, and that is where feet and wheels
 * are.
 */
#ifndef TALLY_INGEST_FOOT_H
#define TALLY_INGEST_FOOT_H

#include "common/base.h"

struct foot {
	float x, y;
	float band; /* nearer to a line than this, it is on neither side */
	int64_t at_us;
	bool counts; /* is an object, no flicker */
};

#endif
