// SPDX-License-Identifier: MIT
/*
 * records: detection records on their way to POST /api/v1/records.  A queue in
 * memory, bounded, and a thread's connection of its own: counts have nothing to
 * do with it.  Who puts one in never waits.  Where the API takes them slower
 * than they come, or not at all, the oldest give way and are counted; a crash
 * loses what waits.
 *
 * What an answer leads to:
 *
 * - 200: they have left; those that the API refused are counted
 * - 401, 403: the token file is read again, then wait
 * - 408, 429, 5xx, or none: wait, doubling with jitter, Retry-After
 * - anything else: the API will never take them; they are counted as refused
 */
#ifndef TALLY_INGEST_RECORDS_H
#define TALLY_INGEST_RECORDS_H

#include "common/base.h"

struct records;

struct records_settings {
	const char *url;	/* origin, http:// or https:// */
	const char *ca;		/* as struct client_settings has it */
	const char *token_file; /* the token, or JSON with ingest_token */
	size_t max;		/* bytes that wait, at most */
	int64_t wait_least_us, wait_most_us; /* between two tries */
	int64_t answer_us;		     /* for one answer */
	int64_t gather_us; /* records of so long a time share a request */
};

/* Keeps the settings by reference.  Logs one line on failure: E_INVALID (the
 * URL, the token file), E_NOMEM. */
MUST enum err records_open(
	struct records **r, const struct records_settings *s);
void records_close(struct records *r);

/* From any thread: a JSON object of n bytes, without line ends. */
void records_put(struct records *r, const char *json, size_t n);

/* Works until records_end's time has come. */
void records_run(struct records *r);

/* From any thread: end when all have left, or after us; with once true also at
 * the first try that fails.  us 0: at once. */
void records_end(struct records *r, int64_t us, bool once);

struct records_facts {
	uint64_t waiting;
	uint64_t bytes, max; /* of these; the bound */
	uint64_t stored;     /* the API has */
	uint64_t refused;    /* it does not want */
	uint64_t dropped;    /* gave way, or were left at the end */
	char error[200];     /* why the last try failed; "" after one that did
				not */
};

/* From any thread. */
struct records_facts records_facts_now(struct records *r);

#endif
