// SPDX-License-Identifier: MIT
/*
 * halt: "stop now", said once, heard by every thread that works or waits.
 */
#ifndef TALLY_INGEST_HALT_H
#define TALLY_INGEST_HALT_H

#include <pthread.h>

#include "common/base.h"

struct halt {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool said;
};

void halt_init(struct halt *h);
void halt_fini(struct halt *h);
void halt_say(struct halt *h);
bool halt_said(struct halt *h);
/* Waits; true, at once, when it is said. */
bool halt_wait(struct halt *h, int64_t us);

/* Monotonic clock, µs. */
int64_t halt_clock_us(void);

#endif
