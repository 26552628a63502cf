// SPDX-License-Identifier: MIT
/*
 * speed: how fast an object went from one line to another, which lie a known
 * distance apart on the ground.  Pure.
 */
#ifndef TALLY_INGEST_SPEED_H
#define TALLY_INGEST_SPEED_H

#include "common/base.h"

enum {
	SPEED_MAX_CM_S = 10000, /* 360 km/h: more is two objects, no speed */
	SPEED_LONGEST_US = 60000000
};

/* Whole cm/s; 0 where it cannot have been one way of one object. */
int speed_cm_s(float distance_m, int64_t first_us, int64_t second_us);

#endif
