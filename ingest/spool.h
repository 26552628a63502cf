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
 * Thread-safe: some threads put, one takes out.  All files together never
 * exceed the bound.
 *
 * Rows leave oldest first.  Where many wait, spool_split draws a line behind
 * them: what is put from then on is a lane of its own, so that it need not
 * wait for the others.  When the old lane is empty there is one lane again.
 */
#ifndef TALLY_INGEST_SPOOL_H
#define TALLY_INGEST_SPOOL_H

#include "common/base.h"

enum {
	SPOOL_BATCH = 1000,	    /* rows taken out at a time, at most */
	SPOOL_BATCH_BYTES = 524288, /* of them, at most */
	SPOOL_LEAST = 65536	    /* bytes; the smallest bound */
};

enum spool_lane { SPOOL_OLD, SPOOL_FRESH, SPOOL_LANES };

struct spool;

struct spool_facts {
	uint64_t waiting;     /* rows not yet dropped, of both lanes */
	uint64_t fresh;	      /* of these in the fresh lane */
	uint64_t lost;	      /* rows given up for want of room, since open */
	uint64_t expired;     /* rows that lay too long, since open */
	int64_t oldest;	      /* mark of the next in line; INT64_MIN: none */
	bool full;	      /* the last spool_put had no room */
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

/* What may be given up, each time with a line in the log; nothing unless set.
 * drop_oldest: a full spool makes room for spool_put.  age_us: segments that
 * were last written to longer ago leave; 0: never. */
void spool_may_drop(struct spool *s, bool drop_oldest, int64_t age_us);

/*
 * A row without line ends, at most RECORD_CONTENT_MAX bytes.  mark: any number
 * of the caller's; the highest is remembered for good.  E_FULL: no room, or
 * none on the disk; E_TOO_BIG; E_IO, logged; E_CORRUPT, logged: fsync failed
 * and nothing on disk can be trusted, so the process must end.
 */
MUST enum err spool_put(
	struct spool *s, const char *row, size_t n, int64_t mark);

/* From now on rows are put into the fresh lane.  Nothing happens where there
 * are two lanes already, or no row waits.  E_IO, E_CORRUPT as above. */
MUST enum err spool_split(struct spool *s);

/* Rows that stand next in line; they belong to the spool until the next
 * spool_take. */
struct spool_batch {
	enum spool_lane lane;
	uint64_t segment;
	size_t n;
	struct slice row[SPOOL_BATCH];
	int64_t mark[SPOOL_BATCH];
	uint64_t after[SPOOL_BATCH]; /* place behind each, for spool_drop */
};

/* At most most of them; b->n is 0 where none waits in that lane.  Sets damaged
 * records aside.  E_IO, E_CORRUPT as above. */
MUST enum err spool_take(struct spool *s, enum spool_lane lane, size_t most,
	struct spool_batch *b);

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
