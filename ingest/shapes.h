// SPDX-License-Identifier: MIT
/*
 * shapes: the lines and zones of one camera, and what each object has done
 * about them.
 */
#ifndef TALLY_INGEST_SHAPES_H
#define TALLY_INGEST_SHAPES_H

#include "common/shape.h"
#include "ingest/line.h"
#include "ingest/zone.h"

/* Of rows: the picture's, two of a line, one of a zone. */
enum { SERIES_MAX = 1 + 2 * SHAPE_LINES_MAX + SHAPE_ZONES_MAX };

struct shapes {
	size_t lines_n, zones_n;
	struct shape line[SHAPE_LINES_MAX], zone[SHAPE_ZONES_MAX];
	int speed_from[SHAPE_LINES_MAX]; /* place of that line; -1: none */
};

/* From a camera's object in the reply of GET /ingest/config.  False: why says
 * what is wrong; *s is empty. */
bool shapes_read(
	struct shapes *s, const struct json *camera, char why[SHAPE_WHY + 100]);

/* In pixels of a picture of w by h. */
struct line shapes_line(const struct shapes *s, size_t i, int w, int h);
struct zone shapes_zone(const struct shapes *s, size_t i, int w, int h);

#endif
