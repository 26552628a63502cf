// SPDX-License-Identifier: MIT
/*
 * watch: who does the minute's work, the server's event or this worker?
 * Decides from what was seen; pure.  Times are milliseconds of a clock that
 * never jumps.
 */
#ifndef TALLY_ANALYTICS_WATCH_H
#define TALLY_ANALYTICS_WATCH_H

#include "common/base.h"

enum { WATCH_PERIODS = 3 }; /* without a run of the event: take over */

struct watch {
	int64_t period_ms;
	int64_t since_ms; /* the server has been answering since */
	int64_t ran_ms;	  /* our last run */
	bool in_charge;	  /* we do the work */
};

/* What the server says of its event. */
struct watch_seen {
	bool scheduler_on, event_enabled;
	bool ran;	  /* the event has run at all */
	int64_t age_s;	  /* so long ago; below 0 when the clock went back */
	bool fails;	  /* its last run did */
	bool worked;	  /* some run has */
	int64_t worked_s; /* so long ago */
};

enum watch_change { WATCH_SAME, WATCH_TAKEN_OVER, WATCH_GIVEN_BACK };

void watch_init(struct watch *w, int64_t period_ms, int64_t now_ms);
/* The server answers again after it did not: its event gets its time anew. */
void watch_back(struct watch *w, int64_t now_ms);

/*
 * Looks at the event.  We are in charge while the scheduler is off, the event
 * is not enabled, or it has not run, or worked, for WATCH_PERIODS; and no
 * longer once it has.
 */
enum watch_change watch_look(
	struct watch *w, const struct watch_seen *seen, int64_t now_ms);

/* Is it time for a run of ours?  watch_ran tells that there was one. */
bool watch_due(const struct watch *w, int64_t now_ms);
void watch_ran(struct watch *w, int64_t now_ms);

#endif
