// SPDX-License-Identifier: MIT
/*
 * gather: hours of single cameras, asked for by several requests in one
 * statement.  To open tables, plan and answer takes the database longer than to
 * read a day; so whoever asks while others do, or while the statement of others
 * runs, shares the next one, as rows that come share a commit.
 *
 * A statement sees one state, and it tells the version of it.  It begins after
 * each of its requests arrived.  The loop's thread only.
 */
#ifndef TALLY_API_GATHER_H
#define TALLY_API_GATHER_H

#include "api/req.h"

struct gather;

/* Of one camera, from and to as times; the request's, until its next step. */
struct gather_ask {
	int64_t camera_id;
	double k;	     /* of references */
	int64_t first, last; /* dates of the key, as times */
	int64_t from, to;
	/* the gatherer's own */
	struct req *req;
	struct gather_ask *next;
};

MUST enum err gather_open(struct gather **g, struct api *api);
/* Whoever still waits is forgotten. */
void gather_close(struct gather *g);

/* Few enough dates?  For more the statement of one camera is better. */
bool gather_fits(int64_t first, int64_t last);
/* STEP_WAIT.  The rows are in r->rows as of Q_STATS_ONE_HOUR, with the version
 * behind the last column, and there for the next step alone. */
enum step gather_hours(struct req *r, struct gather_ask *ask);
unsigned gather_waiting(const struct gather *g);

#endif
