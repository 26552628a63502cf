// SPDX-License-Identifier: MIT
#include "ingest/shapes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"

static bool read_each(struct shape *to, size_t *n, size_t most,
	enum shape_kind kind, const struct json *list,
	char why[SHAPE_WHY + 100])
{
	char what[SHAPE_WHY];
	const char *field;

	for (const struct json *v = list ? json_first(list) : NULL; v;
		v = json_next(v)) {
		if (*n == most) {
			snprintf(why, SHAPE_WHY + 100, "more than %zu %ss",
				most, shape_kind_name(kind));
			return false;
		}
		if (!shape_read(&to[*n], kind, NULL, v, &field, what)) {
			snprintf(why, SHAPE_WHY + 100, "%s %zu: %.40s %s",
				shape_kind_name(kind), *n + 1, field, what);
			return false;
		}
		(*n)++;
	}
	return true;
}

static int place(const struct shapes *s, const char *name)
{
	for (size_t i = 0; *name && i < s->lines_n; i++)
		if (!strcmp(s->line[i].name, name))
			return (int)i;
	return -1;
}

bool shapes_read(
	struct shapes *s, const struct json *camera, char why[SHAPE_WHY + 100])
{
	memset(s, 0, sizeof(*s));
	if (!read_each(s->line, &s->lines_n, SHAPE_LINES_MAX, SHAPE_LINE,
		    json_member(camera, "lines"), why) ||
		!read_each(s->zone, &s->zones_n, SHAPE_ZONES_MAX, SHAPE_ZONE,
			json_member(camera, "zones"), why)) {
		memset(s, 0, sizeof(*s));
		return false;
	}
	for (size_t i = 0; i < s->lines_n; i++)
		s->speed_from[i] = place(s, s->line[i].speed_from);
	return true;
}

struct line shapes_line(const struct shapes *s, size_t i, int w, int h)
{
	const struct shape *l = &s->line[i];

	return (struct line){.ax = (float)l->x[0] * (float)w,
		.ay = (float)l->y[0] * (float)h,
		.bx = (float)l->x[1] * (float)w,
		.by = (float)l->y[1] * (float)h,
		.sine_least = sinf((float)l->min_angle * (float)M_PI / 180)};
}

struct zone shapes_zone(const struct shapes *s, size_t i, int w, int h)
{
	const struct shape *from = &s->zone[i];
	struct zone z = {.n = from->n};

	for (size_t k = 0; k < from->n; k++) {
		z.x[k] = (float)from->x[k] * (float)w;
		z.y[k] = (float)from->y[k] * (float)h;
	}
	return z;
}
