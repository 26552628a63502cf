// SPDX-License-Identifier: MIT
/*
 * picture: what a source decoded, and how it becomes bytes that engines read.
 * Decoding and converting are two steps so that a picture nobody looks at is
 * never converted.  A picture and a canvas belong to one thread at a time.
 */
#ifndef TALLY_INGEST_PICTURE_H
#define TALLY_INGEST_PICTURE_H

#include "common/base.h"

enum {
	SOURCE_SIDE_MAX = 16384, /* pixels; a larger picture is refused */
	SOURCE_WIDTH = 1280	 /* pixels; a wider picture is scaled down */
};

/* Rows of w blue-green-red byte triples, row_bytes apart. */
struct frame {
	const uint8_t *bgr; /* the canvas's, until it is drawn on again */
	int w, h;
	int row_bytes;
	int64_t pts_us; /* the picture's */
};

struct picture;

/* NULL: out of memory. */
struct picture *picture_new(void);
void picture_free(struct picture *p);
/* As its source tells it; INT64_MIN: the source did not. */
int64_t picture_pts_us(const struct picture *p);
/* How long the decoder worked on it. */
int64_t picture_decode_us(const struct picture *p);
/* As whoever reads the source counts. */
uint64_t picture_number(const struct picture *p);
void picture_set_number(struct picture *p, uint64_t number);

struct canvas;

/* NULL: out of memory. */
struct canvas *canvas_new(void);
void canvas_free(struct canvas *c);

/* Converts the picture.  The first one decides the size: later ones of
 * another are scaled to it.  E_CORRUPT, E_NOMEM. */
MUST enum err canvas_draw(
	struct canvas *c, const struct picture *p, struct frame *f);

/* The size of a canvas for pictures of w x h. */
void canvas_size(int w, int h, int *canvas_w, int *canvas_h);

#endif
