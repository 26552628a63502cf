// SPDX-License-Identifier: MIT
/*
 * feed: a camera's pictures, decoded by a thread of their own and handed to
 * another through a slot that holds one: the newest.  A reader that is too slow
 * finds a newer picture, never a queue; what it missed is counted.
 *
 * A clip is played at its own pace, or with max as fast as it is read, and then
 * no picture is left out.  A camera that fails is connected to anew, with
 * pauses that double; each cause is one line in the log, its end another.
 */
#ifndef TALLY_INGEST_FEED_H
#define TALLY_INGEST_FEED_H

#include "ingest/source.h"
#include "ingest/status.h"

struct feed;

struct feed_settings {
	const char *code;	       /* the camera's, for the log */
	struct source *source;	       /* a clip; NULL: a camera at */
	const struct address *address; /* this one */
	bool max;		       /* of a clip */
	int loops;		       /* passes of it; 0: without end */
	double fps;		       /* to hand out, at most; 0: all */
	int64_t stall_us, retry_most_us;
	struct halt *halt;
};

/* All of them since the start. */
struct feed_facts {
	unsigned long skipped; /* nobody had the time for them */
	unsigned long damaged; /* not decoded, or only in part */
	unsigned long passes;
	unsigned long outages;
	int64_t period_us; /* between two pictures, as the source tells */
	enum status status;
};

/* Keeps the settings by reference.  NULL: out of memory, no thread. */
struct feed *feed_start(const struct feed_settings *s);

enum feed_answer { FEED_PICTURE, FEED_NOTHING, FEED_OVER };

/*
 * The next picture, the reader's until its next call; waits for it, at most
 * us.  *at_us: on the monotonic clock, with max from the clip's start.
 * FEED_OVER: the clip ended, the halt was said, or it failed; see the facts.
 */
enum feed_answer feed_take(
	struct feed *f, int64_t us, struct picture **p, int64_t *at_us);

struct feed_facts feed_about(struct feed *f);

/* Ends the thread.  Say the halt before, where it did not end by itself. */
void feed_stop(struct feed *f);

#endif
