// SPDX-License-Identifier: MIT
/*
 * report: tells the API how this ingest fares (POST /api/v1/ingest/status):
 * every ten seconds, at once when something begins or ends to be wrong, and a
 * last time when the program ends.  A thread and a connection of its own, so
 * that it neither waits for rows nor holds them up.
 */
#ifndef TALLY_INGEST_REPORT_H
#define TALLY_INGEST_REPORT_H

#include "ingest/tell.h"

struct report;

/* Keeps url, ca and token_file by reference.  NULL, with a line in the log:
 * there are no reports then, and all else goes on. */
struct report *report_start(const char *url, const char *ca,
	const char *token_file, struct tell *t);

/* Ends the thread, and tell's, and says that this was the end; gives the API
 * two seconds to hear it. */
void report_stop(struct report *r);

#endif
