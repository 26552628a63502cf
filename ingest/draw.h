// SPDX-License-Identifier: MIT
/*
 * draw: lines, boxes and plain text on a picture.  Pure.  What lies outside of
 * the picture is left out.
 */
#ifndef TALLY_INGEST_DRAW_H
#define TALLY_INGEST_DRAW_H

#include "common/base.h"

/* As struct frame, to draw on. */
struct sheet {
	uint8_t *bgr;
	int w, h;
	int row_bytes;
};

struct colour {
	uint8_t b, g, r;
};

/* pen: pixels. */
void draw_line(const struct sheet *s, float ax, float ay, float bx, float by,
	int pen, struct colour c);
void draw_box(const struct sheet *s, float x, float y, float w, float h,
	int pen, struct colour c);

/* Letters of ASCII on a dark plate whose upper left is x, y; as near to there
 * as the picture allows.  A pixel of a letter is size pixels. */
void draw_text(const struct sheet *s, float x, float y, int size,
	struct colour c, const char *text);
int draw_text_width(int size, const char *text);
int draw_text_height(int size);

#endif
