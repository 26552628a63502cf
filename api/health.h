// SPDX-License-Identifier: MIT
/*
 * health: asks the database how things stand, over a connection of its own, so
 * that GET /healthz never waits behind other reads.  It answers within
 * HEALTH_WAIT_MS whatever the database does.  Loop thread only.
 */
#ifndef TALLY_API_HEALTH_H
#define TALLY_API_HEALTH_H

#include "api/req.h"

struct health;

enum {
	HEALTH_WAIT_MS = 800, /* without an answer: down */
	HEALTH_TIMEOUT_S = 2  /* then the connection is given up */
};

/* Columns of the row that is asked for. */
enum health_column {
	H_SCHEDULER,
	H_EVENT,
	H_EVENT_AGE,
	H_RUN_AGE,
	H_RUNNER,
	H_ERROR,
	H_DIRTY,
	H_LAG,
	H_PARTITIONS,
	H_CALENDAR,
	H_TRIGGERS,
	H_BEYOND,
	H_KEPT_FROM,
	H_RETENTION,
	H_INGESTS,
	H_INGESTS_LATE,
	H_INGESTS_FULL,
	H_WAITING,
	H_OLDEST,
	H_BACKUP_WANTED,
	H_BACKUP_TAKEN,
	H_BACKUP_AGE,
	H_BACKUP_WAIT, /* since the last one, or since they are wanted */
	H_BACKUP_BYTES,
	H_BACKUP_ERROR
};

enum err health_open(struct health **h, struct api *api);
void health_close(struct health *h);

/* In the step behind health_ask: the row, or NULL where the database did not
 * answer. */
const struct db_cell *health_row(const struct req *r);
/* The same connection, for a question of one's own behind that. */
struct pool *health_pool(struct health *h);

#endif
