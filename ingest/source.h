// SPDX-License-Identifier: MIT
/*
 * source: a video file as a row of pictures.  The only file that includes
 * libav.  What libav says while it works becomes part of our one line on a
 * failure; it never writes to the log itself.  A source belongs to one thread;
 * several may be open at a time.
 *
 * Only files are opened, and only as one of a list of containers: a playlist
 * that names other files or addresses is refused.
 */
#ifndef TALLY_INGEST_SOURCE_H
#define TALLY_INGEST_SOURCE_H

#include "common/base.h"

enum {
	SOURCE_SIDE_MAX = 16384, /* pixels; a larger picture is refused */
	SOURCE_WIDTH = 1280	 /* pixels; a wider picture is scaled down */
};

/* One picture: rows of w blue-green-red byte triples, row_bytes apart. */
struct frame {
	const uint8_t *bgr; /* the source's, until its next call */
	int w, h;
	int row_bytes;
	int64_t pts_us; /* from the clip's first picture, rising */
};

struct source;

/* What the container tells. */
struct source_facts {
	int w, h;		/* pixels of the pictures handed out */
	int64_t period_us;	/* between two pictures */
	int64_t length_us;	/* of one pass, as found by source_open */
	unsigned long pictures; /* in one pass, likewise */
};

/*
 * Opens the file and reads it through once without decoding, so that damage to
 * the container is known before anything is counted.  Logs one line on failure:
 * E_NOT_FOUND (missing or not readable), E_CORRUPT (not a video, or damaged),
 * E_TOO_BIG, E_INVALID (no decoder for it), E_NOMEM; and where the end is
 * missing E_SYNTAX.
 */
MUST enum err source_open(struct source **s, const char *path);
void source_close(struct source *s);
struct source_facts source_about(const struct source *s);

/* The next picture.  E_NOT_FOUND at the end of the clip; E_CORRUPT, logged,
 * where nothing of the pass could be decoded; E_NOMEM. */
MUST enum err source_read(struct source *s, struct frame *f);

/* Back to the first picture. */
MUST enum err source_rewind(struct source *s);

/* Pictures since source_open that could not be decoded, or only in part. */
unsigned long source_damaged(const struct source *s);

/* libav's last words, for a line about the damage; "" without any. */
void source_words(char words[200]);

#endif
