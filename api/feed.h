// SPDX-License-Identifier: MIT
/*
 * feed: what is new, in the order of stream_log (sql/procedures/stream_number),
 * as events of /stream that are ready to be sent.  One look at the database
 * each FEED_LOOK_MS serves every stream of the process, while there is one. The
 * newest events stay in a ring of bounded size; who is behind it reads the log
 * by itself (struct reader).  Loop thread only.
 */
#ifndef TALLY_API_FEED_H
#define TALLY_API_FEED_H

#include "common/arena.h"
#include "common/db/pool.h"
#include "common/text.h"

struct api;
struct feed;
struct stream;

enum {
	FEED_LOOK_MS = 400,
	FEED_EVENTS = 8192,
	FEED_BYTES = 8 << 20,
	FEED_ROWS = 500,     /* that a reader asks for at once */
	FEED_NUMBERS = 3,    /* of a row; see stream_log */
	FEED_BEHIND = 50000, /* rows; who is further behind is told to reset */
	FEED_CODE = 121
};

struct feed_event {
	int64_t seq;
	bool alert;	  /* or no outlier at all: for every level */
	const char *code; /* the camera's */
	const char *text; /* "event: …\nid: …\ndata: …\n\n" */
	size_t n;
};

/* ---- reading the log ---- */

enum reader_end {
	READER_MORE, /* a piece was read; reader_go goes on */
	READER_END,  /* there is nothing more in the log */
	READER_FAILED
};

/* A row or a camera's state, as the log names it. */
struct reader_slot {
	int64_t seq; /* the row's first number; the state's */
	int64_t camera_id, start_at;
	const char *state, *code;
	int64_t at;
};

/* Its owner's memory; busy: it must stay until done is called. */
struct reader {
	struct api *api;
	int64_t at;	    /* everything up to it was read */
	int64_t from;	    /* … before this piece */
	int64_t last, lost; /* of the log, at the last look */
	bool busy;
	void (*take)(void *ctx, const struct feed_event *e);
	void (*done)(void *ctx, enum reader_end how);
	void *ctx;
	/* its own */
	struct pool_job job;
	struct db_cell arg[2];
	struct arena log_arena, rows_arena, outliers_arena;
	struct db_rows log, rows, outliers;
	size_t entry;	 /* of log, the next one */
	const char *run; /* of this entry, the next one; NULL: from the start */
	int64_t run_row, entry_row; /* rows of run and entry that were taken */
	struct reader_slot slot[FEED_ROWS];
	size_t slots;
	struct text keys, json, event;
};

void reader_open(struct reader *rd, struct api *api, int64_t at);
/* Only while it is not busy. */
void reader_close(struct reader *rd);
/* Reads the next piece: take is called for each event of it, then done.
 * From the loop, never from inside of this call. */
void reader_go(struct reader *rd);

/* The next piece begins behind that number. */
void reader_skip(struct reader *rd, int64_t to);

/* ---- the process's ---- */

MUST enum err feed_open(struct feed **f, struct api *api);
void feed_close(struct feed *f);

/* A stream joins, which the feed calls when there is more (stream_more), and
 * leaves.  at: what it was told up to. */
void feed_join(struct feed *f, struct stream *s);
void feed_leave(struct feed *f, struct stream *s);

/* Has the feed begun, and how far has it come? */
bool feed_runs(const struct feed *f);
int64_t feed_at(const struct feed *f);
/* The ring has what lies behind this number; feed_next gives the first event
 * behind seq, NULL where there is none. */
int64_t feed_from(const struct feed *f);
const struct feed_event *feed_next(const struct feed *f, int64_t seq);

#endif
