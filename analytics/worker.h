// SPDX-License-Identifier: MIT
/*
 * worker: the rounds of tally-worker.  A round is short; each duty says in it
 * whether its time has come:
 *
 *	the event   four times a period: does it run?  if not, do its work
 *	calendar    once a day (UTC): years ahead for every zone
 *	backup      once a day, where a folder is set; on a thread of its own
 *
 * One thread; a database that is away is waited for.
 */
#ifndef TALLY_ANALYTICS_WORKER_H
#define TALLY_ANALYTICS_WORKER_H

#include "common/conf.h"

struct worker;

/* c lives longer. */
MUST enum err worker_open(struct worker **w, const struct conf *c);
void worker_close(struct worker *w);
/* Is a backup on its way, for which worker_close would wait? */
bool worker_busy(const struct worker *w);

/* Does what is due.  *wait_ms: until the next round.  E_REFUSED: the server is
 * not one to work with (logged); all else is coped with. */
MUST enum err worker_round(struct worker *w, int64_t *wait_ms);

#endif
