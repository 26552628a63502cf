// SPDX-License-Identifier: MIT
/*
 * tell: what a running ingest says of itself: each second one line of JSON in
 * the file status.json of its spool, which `tally-ingest --status` prints.
 */
#ifndef TALLY_INGEST_TELL_H
#define TALLY_INGEST_TELL_H

#include "ingest/fleet.h"
#include "ingest/post.h"

struct tell;

/* Starts a thread.  NULL: out of memory, no thread. */
struct tell *tell_start(const char *dir, struct fleet *fleet,
	struct spool *spool, struct post *post);
/* Ends it and removes the file. */
void tell_stop(struct tell *t);

/* Prints what the process that holds the spool says.  STATUS_SPOOL, with a line
 * on standard error: none does, or it says nothing. */
enum status tell_print(const char *dir);

#endif
