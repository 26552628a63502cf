// SPDX-License-Identifier: MIT
/*
 * pool: statements run on an event loop, over a few connections that never
 * block it (the connector's _start and _cont functions).
 *
 * Everything runs on the loop's thread.  A completion always comes from the
 * loop, never from inside pool_submit.  A connection that is lost is opened
 * anew, and the statement that met the loss runs once more: submit only what
 * may run twice.
 */
#ifndef TALLY_COMMON_DB_POOL_H
#define TALLY_COMMON_DB_POOL_H

#include "common/arena.h"
#include "common/db/account.h"
#include "common/db/stmt.h"

struct event_base;
struct pool;

enum {
	POOL_WAITING_MAX = 4096,
	POOL_WAIT_MS = 10000, /* for a connection; longer: E_TIMEOUT */
	POOL_ROWS_MAX = 20000
};

/* One statement; the caller's memory, untouched until done is called. */
struct pool_job {
	enum stmt stmt;
	const struct db_cell *args;
	struct arena *arena; /* gets the rows */
	struct db_rows *rows;
	void (*done)(struct pool_job *job, enum err e);
	void *ctx;
	const char *request; /* for lines of the log, or NULL */
	/* the pool's own */
	struct pool_job *next;
	int64_t since_ms;
	bool again;
};

struct pool_counters {
	/* lost: connections that had worked */
	uint64_t queries, failed, late, refused_full, connects, lost;
	unsigned open, busy, waiting;
};

MUST enum err pool_open(struct pool **p, struct event_base *base,
	const struct db_account *a, unsigned connections);
/* Ends every connection; jobs not done are forgotten, done is not called. */
void pool_close(struct pool *p);

/* E_FULL when POOL_WAITING_MAX jobs wait already. */
MUST enum err pool_submit(struct pool *p, struct pool_job *job);

struct pool_counters pool_counters(const struct pool *p);

#endif
