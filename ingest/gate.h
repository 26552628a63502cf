// SPDX-License-Identifier: MIT
/*
 * gate: lets a few threads at a time pass, in the order in which they came.
 * A camera that waits has one picture in hand, so each gets its turn before
 * another gets a second.  Thread-safe.
 */
#ifndef TALLY_INGEST_GATE_H
#define TALLY_INGEST_GATE_H

#include <pthread.h>

#include "common/base.h"

struct gate {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	uint64_t next, serving; /* tickets */
	unsigned room;
};

void gate_init(struct gate *g, unsigned room);
void gate_fini(struct gate *g);
void gate_enter(struct gate *g);
void gate_leave(struct gate *g);

#endif
