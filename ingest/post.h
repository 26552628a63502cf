// SPDX-License-Identifier: MIT
/*
 * post: rows from the spool to POST /api/v1/counts.  One thread, one connection
 * that is kept open; a row leaves the spool when the API answered that it is
 * stored, and only then.  What an answer leads to:
 *
 * - 200, every row accounted for: stored, the rows leave the spool
 * - 409, 422 for several rows: sent again in halves, until the bad one is alone
 * - 409, 422 for one row: refused for good, kept in refused.ndjson; but an
 *   unknown camera is waited for: its row goes to the end of the line
 * - 401, 403: the token file is read again, then wait
 * - anything else, or none: wait, doubling with jitter, Retry-After
 *
 * Each cause is logged once until it changes.
 *
 * Rows leave oldest first.  Once one request was answered and many more rows
 * wait than fit into the next, what is counted from then on gets every other
 * request, so that it is not held up by what was (spool_split).
 */
#ifndef TALLY_INGEST_POST_H
#define TALLY_INGEST_POST_H

#include "ingest/halt.h"
#include "ingest/spool.h"

struct post;

struct post_settings {
	const char *url;	/* origin, http:// or https:// */
	const char *ca;		/* as struct client_settings has it */
	const char *token_file; /* the token, or JSON with ingest_token */
	/* Whether a camera's refused rows are waited for; from any thread. */
	bool (*ours)(void *arg, const char *camera);
	void *arg;
	int64_t wait_least_us, wait_most_us; /* between two tries */
	int64_t answer_us;		     /* for one answer */
};

/* Keeps the settings by reference.  Logs one line on failure: E_INVALID (the
 * URL, the token file), E_NOMEM. */
MUST enum err post_open(
	struct post **p, const struct post_settings *s, struct spool *spool);
void post_close(struct post *p);

/*
 * Works until post_end's time has come.  E_OK; E_IO, E_CORRUPT from the spool:
 * the process must end.
 */
enum err post_run(struct post *p);

/* From any thread: end when the spool is empty, or after us; with once true
 * also at the first try that fails.  us 0: at once. */
void post_end(struct post *p, int64_t us, bool once);

struct post_facts {
	uint64_t stored; /* rows the API answered to have */
	char error[200]; /* why the last try failed; "" after one that did not
			  */
};

/* From any thread. */
struct post_facts post_facts_now(struct post *p);

#endif
