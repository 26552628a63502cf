// SPDX-License-Identifier: MIT
/*
 * commit: the committer.  One thread with one connection takes every batch
 * that waits, writes them with one bulk statement and one COMMIT, and hands
 * them back: while one commit runs, the next batch gathers.  An answer comes
 * after COMMIT, so it is durable.
 *
 * A batch is all or nothing unless `partial`.  One that meets a stored key, or
 * breaks the shared statement, is done again in a transaction of its own.
 */
#ifndef TALLY_API_COMMIT_H
#define TALLY_API_COMMIT_H

#include "analytics/audit.h"
#include "analytics/count.h"
#include "common/digest.h"
#include "common/text.h"

struct api;
struct committer;
struct metrics_commit;

enum {
	COMMIT_WAITING_MAX = 2048,
	COMMIT_TURN_ROWS = 20000,
	COMMIT_WAIT_MS = 10000 /* who waited longer is not begun: E_TIMEOUT */
};

/* An Idempotency-Key, stored with its reply in the transaction of the rows. */
struct commit_key {
	int64_t token_id;
	const char *text;
	unsigned char fingerprint[DIGEST_SIZE];
	bool taken; /* outcome: it is stored already, and nothing was written */
};

struct commit_job {
	struct count_batch *batch; /* the committer's until done */
	bool partial, replace;
	bool check;	/* judges the rows by what is stored, and stores none */
	enum fold fold; /* for rows in the camera's local time */
	struct audit_by by; /* who sent it */
	/* On the loop's thread.  E_OK: each row has its verdict, each refusal
	 * its entry in the batch; else nothing is known to be stored. */
	void (*done)(struct commit_job *job, enum err e);
	void *ctx;
	const char *request; /* for lines of the log */
	/* NULL: none.  reply writes the body, each row having its verdict; on
	 * the committer's thread, more than once where the job is repeated. */
	struct commit_key *key;
	void (*reply)(const struct commit_job *job, struct text *to);
	/* the committer's own */
	struct commit_job *next;
	int64_t since_ms;
	enum err outcome;
	size_t early_errors_n; /* of the batch, before it was submitted */
};

struct commit_counters {
	uint64_t turns, rows, alone, failed, late, refused_full;
	unsigned waiting;
};

/* metrics: what each of its transactions is told. */
MUST enum err committer_open(
	struct committer **c, struct api *api, struct metrics_commit *metrics);
/* What waits is given up, and what runs is cut short. */
void committer_interrupt(struct committer *c);
/* Finishes what waits, then ends. */
void committer_close(struct committer *c);

/* E_FULL when COMMIT_WAITING_MAX jobs wait. */
MUST enum err committer_submit(struct committer *c, struct commit_job *job);

struct commit_counters commit_counters(struct committer *c);

#endif
