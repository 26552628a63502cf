// SPDX-License-Identifier: MIT
/*
 * drawings: the lines and zones of all cameras, and which of them somebody
 * watches, as GET /api/v1/ingest/config has them.  A thread of its own asks; a
 * change is there within a second or two.  While the API is away, what was
 * known last holds, also for a program that starts then: it is kept on disk.
 */
#ifndef TALLY_INGEST_DRAWINGS_H
#define TALLY_INGEST_DRAWINGS_H

#include "ingest/halt.h"
#include "ingest/shapes.h"

struct drawings;

struct drawings_settings {
	const char *url;	/* origin */
	const char *ca;		/* this, too, and */
	const char *token_file; /* as struct post_settings has it */
	const char *dir; /* where the last answer is kept; NULL: nowhere */
	struct halt *halt;
};

/* Keeps the settings by reference and asks once, for a few seconds at most;
 * that nothing came is logged, and no failure.  Others are: E_INVALID, E_NOMEM.
 */
MUST enum err drawings_open(
	struct drawings **d, const struct drawings_settings *s);
void drawings_close(struct drawings *d);

/* Asks on until the halt.  Each cause of a failure is logged once. */
void drawings_run(struct drawings *d);

/* From any thread.  True where there is news since *seen, 0 at first: *s is
 * what this camera has. */
bool drawings_take(struct drawings *d, const char *camera, uint64_t *seen,
	struct shapes *s);
/* Likewise: whether somebody watches it. */
bool drawings_watched(
	struct drawings *d, const char *camera, uint64_t *seen, bool *watched);

#endif
