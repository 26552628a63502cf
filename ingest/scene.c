// SPDX-License-Identifier: MIT
#include "ingest/scene.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/when.h"

enum {
	PEN = 2,
	ARROW = 26, /* pixels */
	HEAD = 8,
	SMALL = 480, /* a sheet that is narrower has letters half as large */
	LABEL = 160
};

static const struct colour box_colour[GROUP_COUNT] = {
	[GROUP_PEOPLE] = {0, 255, 0},
	[GROUP_VEHICLE] = {64, 64, 255},
	[GROUP_FACE] = {255, 160, 64},
};
static const struct colour line_colour = {0, 215, 255};
static const struct colour zone_colour = {255, 220, 0};
static const struct colour text_colour = {255, 255, 255};

void scene_take(struct scene *s, int w, int h, int64_t at_us,
	const struct detections *found, const struct counter *c)
{
	const struct interval *v = &c->interval;

	s->w = w;
	s->h = h;
	s->at_us = at_us;
	s->found.n = found->n;
	memcpy(s->found.at, found->at, found->n * sizeof(found->at[0]));
	s->shapes = c->shapes;
	s->n = v->n;
	memcpy(s->row, v->row, v->n * sizeof(v->row[0]));
	memcpy(s->now, v->now, v->n * sizeof(v->now[0]));
}

static int letters(const struct sheet *to)
{
	return to->w < SMALL ? 1 : 2;
}

/* So that a label does not hide what it names. */
static float above(const struct sheet *to)
{
	return (float)(draw_text_height(letters(to)) + PEN);
}

void scene_draw_boxes(
	const struct sheet *to, const struct detections *found, int w, int h)
{
	float sx = (float)to->w / (float)w, sy = (float)to->h / (float)h;
	float label = (float)draw_text_height(1);

	for (size_t i = 0; i < found->n; i++) {
		const struct detection *d = &found->at[i];
		enum group g = kind_group(d->kind);
		const char *class = kind_class(d->kind);
		char text[LABEL];

		draw_box(to, d->x * sx, d->y * sy, d->w * sx, d->h * sy, PEN,
			box_colour[g]);
		snprintf(text, sizeof(text), "%s %.2f",
			class ? class : group_name(g), (double)d->score);
		draw_text(to, d->x * sx, d->y * sy - label, 1, box_colour[g],
			text);
	}
}

/* What a row of a line or a zone counts: not faces. */
static int both(const int of[GROUP_COUNT])
{
	return of[GROUP_PEOPLE] + of[GROUP_VEHICLE];
}

/* The arrow shows the way in. */
static void draw_crossing(const struct sheet *to, const struct scene *s,
	size_t i, const struct line *l)
{
	const struct shape *shape = &s->shapes.line[i];
	float dx = l->bx - l->ax, dy = l->by - l->ay;
	float length = fmaxf(hypotf(dx, dy), 1);
	float x = (l->ax + l->bx) / 2, y = (l->ay + l->by) / 2;
	float nx = -dy / length, ny = dx / length; /* to the right of a-b */
	float tx = x + nx * ARROW, ty = y + ny * ARROW;
	char text[LABEL];

	draw_line(to, l->ax, l->ay, l->bx, l->by, PEN, line_colour);
	draw_line(to, x, y, tx, ty, PEN, line_colour);
	for (int side = -1; side <= 1; side += 2)
		draw_line(to, tx, ty,
			tx - HEAD * (nx + (float)side * dx / length),
			ty - HEAD * (ny + (float)side * dy / length), PEN,
			line_colour);
	snprintf(text, sizeof(text), "%s: %s %d, %s %d", shape->name, shape->in,
		both(s->row[1 + 2 * i].fresh), shape->out,
		both(s->row[2 + 2 * i].fresh));
	draw_text(to, l->ax, l->ay - above(to), letters(to), line_colour, text);
}

static void draw_zone(const struct sheet *to, const struct scene *s, size_t i,
	const struct zone *z)
{
	size_t series = 1 + 2 * s->shapes.lines_n + i, top = 0;
	char text[LABEL];

	for (size_t k = 0; k < z->n; k++) {
		size_t next = (k + 1) % z->n;

		draw_line(to, z->x[k], z->y[k], z->x[next], z->y[next], PEN,
			zone_colour);
		if (z->y[k] < z->y[top])
			top = k;
	}
	snprintf(text, sizeof(text), "%s: %d now, %d entered",
		s->shapes.zone[i].name, both(s->now[series]),
		both(s->row[series].fresh));
	draw_text(to, z->x[top], z->y[top] - above(to), letters(to),
		zone_colour, text);
}

static void draw_counts(
	const struct sheet *to, const struct scene *s, const char *camera)
{
	const struct row *r = &s->row[0];
	int size = letters(to), n = 0;
	char at[WHEN_TEXT], text[2 * LABEL];

	snprintf(text, sizeof(text), "%s  %s", camera,
		when_format(at, s->at_us / 1000000, 0, true));
	draw_text(to, 0, 0, size, text_colour, text);
	*text = '\0';
	for (int g = 0; g < GROUP_COUNT; g++)
		if (row_measures(r, (enum group)g))
			n += snprintf(text + n, sizeof(text) - (size_t)n,
				"%s%s %d (%d new)", n ? "  " : "",
				group_name((enum group)g), r->present[g],
				r->fresh[g]);
	draw_text(
		to, 0, (float)draw_text_height(size), size, text_colour, text);
}

void scene_draw(
	const struct sheet *to, const struct scene *s, const char *camera)
{
	for (size_t i = 0; i < s->shapes.zones_n; i++) {
		struct zone z = shapes_zone(&s->shapes, i, to->w, to->h);

		draw_zone(to, s, i, &z);
	}
	for (size_t i = 0; i < s->shapes.lines_n; i++) {
		struct line l = shapes_line(&s->shapes, i, to->w, to->h);

		draw_crossing(to, s, i, &l);
	}
	scene_draw_boxes(to, &s->found, s->w, s->h);
	draw_counts(to, s, camera);
}
