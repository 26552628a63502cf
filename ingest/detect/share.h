// SPDX-License-Identifier: MIT
/*
 * share: engines that cameras with the same model and settings use by turns.
 * A network's memory is needed once for each picture that is looked at at a
 * time, not once for each camera: there are as many engines as the gate lets
 * pass (ingest/gate.h), or as many as cameras where these are fewer.  So who
 * has passed finds one that is idle, and the gate's order is all there is.
 *
 * Shared are engines that keep nothing of a picture: not motion, and not
 * darknet, whose child may hang with one camera's picture.
 */
#ifndef TALLY_INGEST_DETECT_SHARE_H
#define TALLY_INGEST_DETECT_SHARE_H

#include <pthread.h>

#include "ingest/detect/detect.h"

struct share_group;

struct share {
	unsigned room;
	pthread_mutex_t lock;
	pthread_cond_t idle;
	struct share_group *first;
};

/* room: of the gate. */
void share_init(struct share *s, unsigned room);
/* Each of its engines was freed. */
void share_fini(struct share *s);

/* How many it holds, for tests. */
unsigned share_engines(const struct share *s);

/* As engine_open; the engine is the caller's alone, or stands for shared ones,
 * which find is called of behind the gate.  From one thread, as its free. */
MUST enum err share_open(
	struct share *s, struct engine **e, const struct conf *c);

#endif
