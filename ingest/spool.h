// SPDX-License-Identifier: MIT
/*
 * spool: rows on disk between counting and the API's answer that they are
 * stored.  A folder:
 *
 *	rows-N          records (ingest/record.h), appended; N rises
 *	state           how far the rows have left, replaced as a whole
 *	refused.ndjson  rows that the API refused for good, for a person
 *	quarantine      bytes that were no record any more, likewise
 *	lock            held while a process uses the folder
 *
 * What spool_put took is on disk before it returns, and is handed out again
 * until it was dropped: after a crash a row may be sent twice, never lost.
 * Thread-safe: one thread puts, another takes out.  All files together never
 * exceed the bound.
 */
#ifndef TALLY_INGEST_SPOOL_H
#define TALLY_INGEST_SPOOL_H

#include "common/base.h"

enum {
	SPOOL_BATCH = 100,	   /* rows taken out at a time, at most */
	SPOOL_BATCH_BYTES = 65536, /* of them, at most */
	SPOOL_LEAST = 65536	   /* bytes; the smallest bound */
};

struct spool;

struct spool_facts {
	uint64_t waiting;     /* rows not yet dropped */
	uint64_t bytes, max;  /* of all files; the bound */
	uint64_t refused;     /* rows in refused.ndjson since open */
	uint64_t quarantined; /* records that were damaged, since open */
	int64_t mark;	      /* the highest put ever; INT64_MIN: none */
};

/*
 * Makes the folder where it is missing.  Cuts a record off that a crash left
 * half written, and logs it.  Logs one line on failure: E_BUSY (another process
 * has it), E_IO, E_CORRUPT (fsync failed), E_NOMEM.
 */
MUST enum err spool_open(struct spool **s, const char *dir, size_t max);
void spool_close(struct spool *s);

/*
 * A row without line ends, at most RECORD_CONTENT_MAX bytes.  mark: any number
 * of the caller's; the highest is remembered for good.  E_FULL: no room, or
 * none on the disk; E_TOO_BIG; E_IO, logged; E_CORRUPT, logged: fsync failed
 * and nothing on disk can be trusted, so the process must end.
 */
MUST enum err spool_put(
	struct spool *s, const char *row, size_t n, int64_t mark);

/* Rows that stand next in line; they belong to the spool until the next
 * spool_take. */
struct spool_batch {
	size_t n;
	struct slice row[SPOOL_BATCH];
	uint64_t after[SPOOL_BATCH]; /* place behind each, for spool_drop */
};

/* At most most of them; b->n is 0 where none waits.  Sets damaged records
 * aside.  E_IO, E_CORRUPT as above. */
MUST enum err spool_take(struct spool *s, size_t most, struct spool_batch *b);

/* The first n of the batch have left.  E_IO, E_CORRUPT as above. */
MUST enum err spool_drop(
	struct spool *s, const struct spool_batch *b, size_t n);

/* Keeps a line about a row that the API refused for good; drop it after.
 * E_FULL: no room; E_IO, E_CORRUPT as above. */
MUST enum err spool_refuse(struct spool *s, const char *line, size_t n);

/* Waits until a row is there, at most us.  spool_wake ends it early. */
void spool_wait(struct spool *s, int64_t us);
void spool_wake(struct spool *s);

struct spool_facts spool_facts_now(struct spool *s);

#endif
