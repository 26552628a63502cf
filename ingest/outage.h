// SPDX-License-Identifier: MIT
/*
 * outage: the time a camera gives no pictures: when to try again, and what the
 * log says of it: each cause once, and its end with how often it was tried.
 */
#ifndef TALLY_INGEST_OUTAGE_H
#define TALLY_INGEST_OUTAGE_H

#include "common/base.h"

enum { OUTAGE_CAUSES = 4, OUTAGE_WHY = 256, OUTAGE_STEADY_US = 10000000 };

struct outage {
	const char *code, *shown; /* the camera, its address for the log */
	int64_t retry_most_us;
	int64_t wait_us; /* of the last pause */
	int64_t since_us;
	unsigned tries;
	size_t causes; /* told */
	char cause[OUTAGE_CAUSES][OUTAGE_WHY];
};

/* A try failed, or pictures ended, at now on the monotonic clock.  Returns how
 * long to wait, µs. */
int64_t outage_try(struct outage *o, const char *why, int64_t now_us);

/* Pictures come.  True where that ended an outage. */
bool outage_end(struct outage *o, int64_t now_us);

/* Pictures have come for a while: the next pause is a short one again. */
void outage_steady(struct outage *o);

#endif
