// SPDX-License-Identifier: MIT
/*
 * tell: what a running ingest says of itself: each second one line of JSON in
 * the file status.json of its spool, which `tally-ingest --status` prints, and
 * nearly the same for the API.
 */
#ifndef TALLY_INGEST_TELL_H
#define TALLY_INGEST_TELL_H

#include "ingest/fleet.h"
#include "ingest/post.h"
#include "ingest/records.h"

enum { TELL_SIGN = 96, TELL_MAX = 256 * 1024 };

struct tell;

struct tell_settings {
	const char *dir;  /* of the spool */
	const char *name; /* of this ingest; "": the machine's */
	struct fleet *fleet;
	struct spool *spool;
	struct post *post;
	struct records *records;
};

/* Keeps the settings by reference.  Starts a thread.  NULL: out of memory, no
 * thread. */
struct tell *tell_start(const struct tell_settings *s);

/* From any thread: what the API is told, of a second ago; false: nothing yet.
 * sign: another one when something begins or ends to be wrong. */
bool tell_copy(struct tell *t, struct text *to, char sign[TELL_SIGN]);

/* Ends the thread; the same for the last time, with the word that it is. */
void tell_last(struct tell *t, struct text *to);

/* Ends the thread, where it runs, and removes the file. */
void tell_stop(struct tell *t);

/* Prints what the process that holds the spool says.  STATUS_SPOOL, with a line
 * on standard error: none does, or it says nothing. */
enum status tell_print(const char *dir);

#endif
