// SPDX-License-Identifier: MIT
/*
 * stream: one client of GET /api/v1/stream.  What it is told comes from the
 * feed's ring; while it is behind that, from the log, by a reader of its own.
 * At most one buffer is on its way to it.  Loop thread only.
 */
#ifndef TALLY_API_STREAM_H
#define TALLY_API_STREAM_H

#include "api/feed.h"
#include "api/req.h"

struct stream {
	struct stream *next, *prev; /* the feed's */
	struct api *api;
	struct req *r; /* NULL: it has ended, and waits for its jobs */
	int64_t seq;   /* what it was told up to */
	bool all;      /* every level */
	bool greeted, reset, ending, final;
	struct text body;      /* events, then … */
	struct text wire;      /* … as they are sent */
	size_t sent;	       /* of wire */
	size_t held;	       /* its bytes in server_counters */
	struct reader *reader; /* NULL: the ring is enough */
	int64_t beat_ms;       /* something is to be sent by then */
	/* Does what let it in still hold? */
	int64_t check_ms;
	bool checking;
	enum stmt how;
	unsigned char hash[TOKEN_HASH];
	struct db_cell arg[2];
	struct pool_job job;
	struct arena arena;
	struct db_rows rows;
};

/* There is perhaps more to tell; the stream may end here. */
void stream_more(struct stream *s);
/* The feed leaves something out, and goes on behind seq. */
void stream_reset(struct stream *s, int64_t seq);
/* Frees those whose jobs the pool has forgotten. */
void stream_close(void);

#endif
