// SPDX-License-Identifier: MIT
/*
 * shape: a line or a zone as it is drawn for a camera, checked: what the API
 * takes, keeps and hands out, and ingest counts with.  Pure.
 *
 * Points are fractions of the picture, from 0,0 in the upper left to 1,1.
 */
#ifndef TALLY_COMMON_SHAPE_H
#define TALLY_COMMON_SHAPE_H

#include "common/base.h"

enum { SHAPE_NAME_MAX = 32, SHAPE_POINTS_MAX = 16, SHAPE_WHY = 160 };

/* How many a camera may have. */
enum { SHAPE_LINES_MAX = 16, SHAPE_ZONES_MAX = 16 };

enum shape_kind { SHAPE_LINE, SHAPE_ZONE };

struct shape {
	enum shape_kind kind;
	char name[SHAPE_NAME_MAX + 1];
	size_t n; /* 2 of a line */
	double x[SHAPE_POINTS_MAX], y[SHAPE_POINTS_MAX];
	/* A line's. */
	double min_angle; /* degrees between it and a way that crosses it */
	char in[SHAPE_NAME_MAX + 1]; /* names of its directions; "in" is from
					left to right of who looks from the
					first point to the second */
	char out[SHAPE_NAME_MAX + 1];
	char speed_from[SHAPE_NAME_MAX + 1]; /* the line that begins the stretch
						on which speed is measured; ""
						none */
	double distance_m;
};

/* [A-Za-z0-9._-], 1 to SHAPE_NAME_MAX. */
bool shape_name_ok(const char *name);

/* "line" or "zone" */
const char *shape_kind_name(enum shape_kind k);

struct json;
struct text;

/* From a JSON object; name: what it is called where the object need not say, or
 * NULL.  False: *field is the member and why says what is wrong with it, to
 * follow its name. */
bool shape_read(struct shape *s, enum shape_kind kind, const char *name,
	const struct json *v, const char **field, char why[SHAPE_WHY]);

/* The members of that object, each written the same way every time. */
void shape_json(struct text *t, const struct shape *s);

#endif
