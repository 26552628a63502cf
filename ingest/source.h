// SPDX-License-Identifier: MIT
/*
 * source: a video file, a folder of images or a camera as a row of pictures.
 * What libav says while it works becomes part of our one line on a failure; it
 * never writes to the log itself, and no name or password of an address is in
 * it.  A source belongs to one thread; several may be open at a time.
 *
 * Which containers and protocols are opened is a list in source.c: a playlist
 * that names other files or addresses is refused.
 */
#ifndef TALLY_INGEST_SOURCE_H
#define TALLY_INGEST_SOURCE_H

#include "ingest/address.h"
#include "ingest/halt.h"
#include "ingest/picture.h"

struct source;

/* What the container tells. */
struct source_facts {
	int w, h;		/* pixels of the pictures handed out */
	int own_w, own_h;	/* as they come */
	int64_t period_us;	/* between two pictures */
	int64_t length_us;	/* of one pass, as found by source_open */
	unsigned long pictures; /* in one pass, likewise */
	int64_t recorded_us;	/* UTC of the first one; INT64_MIN: not told */
	bool timed;		/* its pictures carry times */
	char codec[32], container[32];
};

enum { SOURCE_WHY = 256 };

/*
 * Opens the file and reads it through once without decoding, so that damage to
 * the container is known before anything is counted; or the folder, whose
 * images are pictures in the order of their names, fps of them a second.  Logs
 * one line on failure: E_NOT_FOUND (missing or not readable), E_CORRUPT (not a
 * video, or damaged), E_TOO_BIG, E_INVALID (no decoder for it), E_NOMEM; and
 * where the end is missing E_SYNTAX.
 */
MUST enum err source_open(struct source **s, const char *path);
MUST enum err source_open_folder(
	struct source **s, const char *path, double fps);

/*
 * Connects to a camera, at most for stall_us; the same bound holds for each
 * picture.  Gives up when halt is said.  Logs nothing: why says what is wrong.
 */
MUST enum err source_connect(struct source **s, const struct address *a,
	struct halt *halt, int64_t stall_us, char why[SOURCE_WHY]);

void source_close(struct source *s);
struct source_facts source_about(const struct source *s);

/*
 * The next picture; of a file its time counts from the clip's first picture
 * and rises, of a camera it is as the stream tells it.  E_NOT_FOUND at the end;
 * E_CORRUPT where nothing of the pass could be decoded, E_IO where a camera
 * fell silent: of a file logged, of a camera see source_why; E_NOMEM.
 */
MUST enum err source_next(struct source *s, struct picture *p);

/* source_next, converted on a canvas of the source's own. */
MUST enum err source_read(struct source *s, struct frame *f);

/* Back to the first picture.  Not for cameras. */
MUST enum err source_rewind(struct source *s);

/* Pictures since it was opened that could not be decoded, or only in part. */
unsigned long source_damaged(const struct source *s);

/* Why a camera gave no picture. */
const char *source_why(const struct source *s);

/* libav's last words to this thread, for a line about damage; "" without any.
 */
void source_words(char words[200]);

#endif
