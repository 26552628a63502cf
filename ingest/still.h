// SPDX-License-Identifier: MIT
/*
 * still: a picture made small, to draw on, and then a JPEG.  One thread's.
 */
#ifndef TALLY_INGEST_STILL_H
#define TALLY_INGEST_STILL_H

#include "ingest/draw.h"
#include "ingest/picture.h"

enum { STILL_WIDTH = 960 }; /* pixels; a wider picture is scaled down */

struct still;

/* NULL: out of memory. */
struct still *still_new(void);
void still_free(struct still *s);

/* A copy of the picture, to draw on until the next.  E_CORRUPT, E_NOMEM. */
MUST enum err still_take(
	struct still *s, const struct frame *f, struct sheet *sheet);
/* As a JPEG, good until the next.  E_CORRUPT: libav's encoder failed. */
MUST enum err still_jpeg(struct still *s, struct slice *jpeg);

#endif
