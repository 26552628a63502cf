// SPDX-License-Identifier: MIT
/*
 * spool_disk: the spool's files, one operation each.  For spool*.c alone, which
 * hold the lock.  Each logs its failure: E_IO, or E_CORRUPT where fsync
 * failed; E_FULL, a full disk or bound, is not logged.
 */
#ifndef TALLY_INGEST_SPOOL_DISK_H
#define TALLY_INGEST_SPOOL_DISK_H

#include <pthread.h>

#include "ingest/record.h"
#include "ingest/spool.h"

enum {
	SPOOL_SEGMENT_MAX = 1 << 20, /* bytes */
	SPOOL_BUFFER = SPOOL_SEGMENT_MAX + RECORD_MAX,
	SPOOL_NAME = 32
};

/* What is kept for a person, beside the rows. */
enum spool_aside { ASIDE_REFUSED, ASIDE_QUARANTINE, ASIDE_COUNT };

struct spool_cursor {
	uint64_t segment; /* number of the segment that is read */
	size_t offset;	  /* what left it */
};

struct spool {
	char *path; /* of the folder, for the log */
	int dir, lock_fd;
	pthread_mutex_t lock;
	pthread_cond_t filled;
	size_t max, segment_max;
	bool drop_oldest;
	int64_t age_us;

	uint64_t tail; /* number of the segment that is written; 0: none */
	int tail_fd;
	size_t tail_bytes; /* of it, all synced */
	/* Where each lane is read; the fresh one begins with segment split;
	 * split is 0 where there is but one lane. */
	struct spool_cursor head[SPOOL_LANES];
	uint64_t split;
	bool unsaved;	   /* the state on disk is behind */
	int64_t saved_us;  /* monotonic */
	uint64_t segments; /* bytes of all segments */
	uint64_t
		aside[ASIDE_COUNT]; /* bytes of refused.ndjson and quarantine */
	uint64_t sequence;	    /* of the next record */

	uint64_t read_sequence; /* of the record handed out last; 0: none */
	char *buffer; /* of SPOOL_BUFFER bytes: the batch handed out */
	bool awake;
	struct spool_facts facts;
};

/* Logs errno; E_IO. */
enum err spool_say(const struct spool *s, const char *what, const char *name);
MUST enum err spool_sync(const struct spool *s, int fd, const char *name);
/* Writes behind the first at bytes, and takes a part back on failure. */
MUST enum err spool_append(const struct spool *s, int fd, const char *name,
	struct slice what, size_t at);

MUST enum err spool_save_state(struct spool *s);
/* A damaged one is a warning and a fresh start. */
MUST enum err spool_load_state(struct spool *s);

void spool_segment_name(char name[SPOOL_NAME], uint64_t number);
/* Makes the segment that follows the last the tail. */
MUST enum err spool_new_segment(struct spool *s);
/* Into SPOOL_BUFFER bytes, from an offset; *n is 0 where there is none. */
MUST enum err spool_read_segment(struct spool *s, uint64_t number,
	size_t offset, char *buffer, size_t *n);
MUST enum err spool_remove_segment(struct spool *s, uint64_t number);

/* Appends to one of the files for a person. */
MUST enum err spool_set_aside(
	struct spool *s, enum spool_aside which, struct slice what);

/* Rows for which there is no room, or that are too old: leaves the oldest
 * segment to make room.  E_FULL where there is none but the last.
 * (spool_out.c) */
MUST enum err spool_give_up_oldest(struct spool *s);

/* Mark of the record that is next in line; INT64_MIN: none.  (spool_out.c) */
int64_t spool_oldest(struct spool *s);

/* Opens the folder, takes its lock and measures what was set aside. */
MUST enum err spool_open_folder(struct spool *s);

#endif
