// SPDX-License-Identifier: MIT
/*
 * scene: what one picture of a camera has in it: the boxes that the engine
 * found, lines, zones, and the counts of the running interval.  Pure.
 */
#ifndef TALLY_INGEST_SCENE_H
#define TALLY_INGEST_SCENE_H

#include "ingest/counter.h"
#include "ingest/draw.h"

struct scene {
	int w, h;      /* of the picture that the boxes are in */
	int64_t at_us; /* UTC */
	struct detections found;
	struct shapes shapes;
	size_t n; /* of rows, as struct interval has them */
	struct row row[SERIES_MAX];
	int now[SERIES_MAX][GROUP_COUNT];
};

/* After counter_look. */
void scene_take(struct scene *s, int w, int h, int64_t at_us,
	const struct detections *found, const struct counter *c);

/* Boxes with what they hold and its score: green people, red vehicles, blue
 * faces. */
void scene_draw_boxes(
	const struct sheet *to, const struct detections *found, int w, int h);

/* All of it, on a sheet of the picture in any size. */
void scene_draw(
	const struct sheet *to, const struct scene *s, const char *camera);

#endif
