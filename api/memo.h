// SPDX-License-Identifier: MIT
/*
 * memo: replies that are remembered until what they say changes.
 *
 * stats_version is a number that moves in the transaction of everything that a
 * reader of statistics can see.  Each request reads it after it arrived (those
 * that come together share one reading).  A reply that was built from that
 * version is sent again as it is; else one request builds it and others that
 * want the same wait for it.  It is remembered only where the version did not
 * move while it was built; where it did, it is built anew.  So no answer is
 * older than its request, and none mixes two versions.
 *
 * A route's begin calls memo_begin, and its steps are
 *
 *	memo_ask, memo_find, its own ..., memo_pack, memo_ask, memo_keep
 *
 * Its own leave the body in r->out and begin afresh whenever they run.  The
 * loop's thread only.
 */
#ifndef TALLY_API_MEMO_H
#define TALLY_API_MEMO_H

#include "api/req.h"

struct memo;

struct memo_counters {
	uint64_t hits, misses, refused; /* refused: no room to remember it */
	size_t entries, bytes;
};

/* What a request read: the version, and of which database; zero is no one's. */
struct memo_mark {
	int64_t version;
	uint64_t era;
};

MUST enum err memo_open(struct memo **m, struct api *api);
void memo_close(struct memo *m);

/* type: the reply's Content-Type, which must live on. */
enum step memo_begin(struct req *r, const char *type);
enum step memo_ask(struct req *r);
enum step memo_find(struct req *r);
enum step memo_pack(struct req *r);
enum step memo_keep(struct req *r);
/* Of a request between memo_find and memo_keep. */
struct memo_mark memo_mark(const struct req *r);
/* All that the reply says was read together with this version: the next
 * memo_ask has it already. */
void memo_read(struct req *r, int64_t version);
/* The request ends, whatever became of it. */
void memo_end(struct req *r);

/* Forgets what was used least, as many bytes or all. */
void memo_shed(struct memo *m, size_t bytes);
struct memo_counters memo_counters(const struct memo *m);

#endif
