// SPDX-License-Identifier: MIT
/*
 * health: asks the database how things stand, over a connection of its own, so
 * that GET /healthz never waits behind other reads.  It answers within
 * HEALTH_WAIT_MS whatever the database does.  Loop thread only.
 */
#ifndef TALLY_API_HEALTH_H
#define TALLY_API_HEALTH_H

#include "common/err.h"

struct api;
struct health;

enum {
	HEALTH_WAIT_MS = 800, /* without an answer: down */
	HEALTH_TIMEOUT_S = 2  /* then the connection is given up */
};

enum err health_open(struct health **h, struct api *api);
void health_close(struct health *h);

#endif
