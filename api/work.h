// SPDX-License-Identifier: MIT
/*
 * work: what may take long and asks the database with a blocking connection:
 * making cameras, roll-ups, checking passwords.  A few threads, each with a
 * connection of its own; a bounded queue.  There are two of these, so that a
 * roll-up of minutes never keeps anybody from logging in.
 */
#ifndef TALLY_API_WORK_H
#define TALLY_API_WORK_H

#include "api/req.h"
#include "common/db/sync.h"

struct work;

enum { WORK_THREADS = 2, WORK_WAITING_MAX = 64 };

/* timeout_s: how long one statement may take. */
MUST enum err work_open(struct work **w, struct api *api, unsigned timeout_s);
/* Cuts short what still runs. */
void work_close(struct work *w);

/*
 * Runs fn on a thread; r and what it points to are the thread's alone until
 * the next step runs on the loop.  What fn returns is the step's outcome: an
 * error becomes the reply, as with a query.  Returns STEP_WAIT, or STEP_DONE
 * with a 503 where the queue is full.
 */
typedef enum err (*work_fn)(struct req *r, struct db *db);
/* Would work_run take it now? */
bool work_has_room(struct work *w);
enum step work_run(struct work *w, struct req *r, work_fn fn);

struct work_counters {
	uint64_t refused_full;
	unsigned waiting;
};

struct work_counters work_counters(struct work *w);

#endif
