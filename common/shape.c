// SPDX-License-Identifier: MIT
#include "common/shape.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/text.h"

enum { DISTANCE_MAX_M = 10000 };

static const double angle_default = 10;
static const double length_least = 0.01; /* of a line, in pictures */
static const double area_least = 0.0001; /* of a zone */

const char *shape_kind_name(enum shape_kind k)
{
	return k == SHAPE_LINE ? "line" : "zone";
}

bool shape_name_ok(const char *name)
{
	size_t n = strspn(name,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789._-");

	return n > 0 && n <= SHAPE_NAME_MAX && !name[n];
}

static bool wrong(char why[SHAPE_WHY], const char *words)
{
	snprintf(why, SHAPE_WHY, "%s", words);
	return false;
}

static bool read_name(const struct json *v, const char *otherwise,
	char name[SHAPE_NAME_MAX + 1], char why[SHAPE_WHY])
{
	const char *text = v ? json_string(v) : otherwise;

	if (!text || !shape_name_ok(text))
		return wrong(why, "is not 1 to 32 of A-Z a-z 0-9 . _ -");
	snprintf(name, SHAPE_NAME_MAX + 1, "%s", text);
	return true;
}

static bool read_number(const struct json *v, double least, double most,
	double *x, char why[SHAPE_WHY])
{
	if (v && json_type(v) == JSON_NUMBER && json_number(v) >= least &&
		json_number(v) <= most) {
		*x = json_number(v);
		return true;
	}
	snprintf(why, SHAPE_WHY, "is not a number from %g to %g", least, most);
	return false;
}

static bool read_point(
	const struct json *v, double *x, double *y, char why[SHAPE_WHY])
{
	const struct json *first = NULL, *second = NULL;

	if (json_type(v) == JSON_ARRAY && (first = json_first(v)))
		second = json_next(first);
	if (!second || json_next(second))
		return wrong(why, "has a point that is not [x, y]");
	if (read_number(first, 0, 1, x, why) &&
		read_number(second, 0, 1, y, why))
		return true;
	return wrong(why,
		"has a point outside of the picture: x and y are from 0 to 1");
}

static double area(const struct shape *s)
{
	double twice = 0;

	for (size_t i = 0, k = s->n - 1; i < s->n; k = i++)
		twice += s->x[k] * s->y[i] - s->x[i] * s->y[k];
	return fabs(twice) / 2;
}

static bool read_points(
	struct shape *s, const struct json *v, char why[SHAPE_WHY])
{
	bool line = s->kind == SHAPE_LINE;
	size_t most = line ? 2 : SHAPE_POINTS_MAX;
	const struct json *p;

	if (!v || json_type(v) != JSON_ARRAY)
		return wrong(why, "is not an array of points [x, y]");
	for (p = json_first(v); p && s->n < most; p = json_next(p)) {
		if (!read_point(p, &s->x[s->n], &s->y[s->n], why))
			return false;
		s->n++;
	}
	if (p || s->n < (line ? 2 : 3))
		return wrong(why,
			line ? "does not have two points"
			     : "does not have 3 to 16 points");
	if (line && hypot(s->x[1] - s->x[0], s->y[1] - s->y[0]) < length_least)
		return wrong(why, "makes a line without length");
	if (!line && area(s) < area_least)
		return wrong(why, "makes a zone without area");
	return true;
}

static bool read_speed(struct shape *s, const struct json *v,
	const char **field, char why[SHAPE_WHY])
{
	*field = "speed_from";
	if (!json_member(v, "speed_from")) {
		*field = "distance_m";
		return !json_member(v, "distance_m") ||
			wrong(why, "needs speed_from");
	}
	if (!read_name(json_member(v, "speed_from"), NULL, s->speed_from, why))
		return false;
	if (!strcmp(s->speed_from, s->name))
		return wrong(why, "is the line itself");
	*field = "distance_m";
	return read_number(json_member(v, "distance_m"), 0.1, DISTANCE_MAX_M,
		&s->distance_m, why);
}

static bool read_line(struct shape *s, const struct json *v, const char **field,
	char why[SHAPE_WHY])
{
	const struct json *angle = json_member(v, "min_angle");

	s->min_angle = angle_default;
	*field = "min_angle";
	if (angle && !read_number(angle, 0, 90, &s->min_angle, why))
		return false;
	*field = "in";
	if (!read_name(json_member(v, "in"), "in", s->in, why))
		return false;
	*field = "out";
	if (!read_name(json_member(v, "out"), "out", s->out, why))
		return false;
	if (!strcmp(s->in, s->out))
		return wrong(why, "is the name of the other direction");
	return read_speed(s, v, field, why);
}

static bool is_known(enum shape_kind kind, const char *name)
{
	static const char *const of_line[] = {
		"min_angle", "in", "out", "speed_from", "distance_m"};

	if (!strcmp(name, shape_kind_name(kind)) || !strcmp(name, "points"))
		return true;
	for (size_t i = 0; kind == SHAPE_LINE && i < ARRAY_LEN(of_line); i++)
		if (!strcmp(name, of_line[i]))
			return true;
	return false;
}

bool shape_read(struct shape *s, enum shape_kind kind, const char *name,
	const struct json *v, const char **field, char why[SHAPE_WHY])
{
	const struct json *named;

	/* Whole, so that equal shapes have equal bytes. */
	memset(s, 0, sizeof(*s));
	s->kind = kind;
	*field = shape_kind_name(kind);
	if (json_type(v) != JSON_OBJECT)
		return wrong(why, "is not an object");
	for (const struct json *m = json_first(v); m; m = json_next(m)) {
		*field = json_name(m);
		if (!is_known(kind, *field))
			return wrong(why, "is not known");
		if (json_member(v, *field) != m)
			return wrong(why, "is there twice");
	}
	*field = shape_kind_name(kind);
	named = json_member(v, *field);
	if (!read_name(named, name, s->name, why))
		return false;
	if (name && strcmp(s->name, name) != 0)
		return wrong(why, "is another one than the address names");
	*field = "points";
	if (!read_points(s, json_member(v, *field), why))
		return false;
	return kind == SHAPE_ZONE || read_line(s, v, field, why);
}

void shape_json(struct text *t, const struct shape *s)
{
	json_open(t, NULL, '{');
	json_str(t, shape_kind_name(s->kind), s->name);
	json_open(t, "points", '[');
	for (size_t i = 0; i < s->n; i++) {
		json_open(t, NULL, '[');
		json_double(t, NULL, s->x[i]);
		json_double(t, NULL, s->y[i]);
		json_close(t, ']');
	}
	json_close(t, ']');
	if (s->kind == SHAPE_LINE) {
		json_double(t, "min_angle", s->min_angle);
		json_str(t, "in", s->in);
		json_str(t, "out", s->out);
		if (*s->speed_from) {
			json_str(t, "speed_from", s->speed_from);
			json_double(t, "distance_m", s->distance_m);
		}
	}
	json_close(t, '}');
}
