// SPDX-License-Identifier: MIT
/* From the top: refusing, figures, times, boxes, the record. */
#include "api/record.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/when.h"

enum {
	NAME_SHOWN = 60,   /* bytes of a member nobody knows */
	FINE = 10000,	   /* places of a picture are kept to a 10 000th */
	SCORE_FINE = 1000, /* scores, and ms, to a 1000th */
	BOX_BYTES = 120
};

static const double number_max = 999999999999999; /* 15 digits */

static const char *const figure_name[RECORD_FIGURES] = {
	"people", "vehicle", "face"};

/* The classes of boxes, and the figure that each counts in. */
static const struct {
	const char *name;
	int figure;
} classes[] = {{"people", 0}, {"vehicle", 1}, {"car", 1}, {"bus", 1},
	{"truck", 1}, {"motorcycle", 1}, {"bicycle", 1}, {"scooter", 1},
	{"face", 2}};

void record_refuse(struct record_batch *b, struct record *r, const char *field,
	const char *type, const char *fmt, ...)
{
	struct record_error *e;
	char detail[300];
	va_list ap;

	/* The first fault of a row is the one that is told. */
	if (r->rejected)
		return;
	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	r->rejected = true;
	e = &b->error[b->errors_n++];
	*e = (struct record_error){.line = r->line,
		.field = field,
		.type = type,
		.detail = arena_copy(b->arena, detail, strlen(detail))};
}

/* What a row that is being read may need. */
struct reading {
	struct record_batch *b;
	struct record *r;
	int64_t now;
};

/* ---- figures */

/* What is wrong with a number from 0 to most, or NULL.  Type and words. */
static const char *number_fault(
	const struct json *v, double most, bool whole, const char **why)
{
	double d = json_number(v);

	if (json_type(v) != JSON_NUMBER) {
		*why = "is no number";
		return "not_a_number";
	}
	if (isinf(d) || d < 0 || d > most) {
		*why = "is out of range";
		return "out_of_range";
	}
	if (whole && d != floor(d)) {
		*why = "is not a whole number";
		return "not_an_integer";
	}
	return NULL;
}

static double set_number(struct reading *g, const struct json *v,
	const char *field, double most, bool whole)
{
	const char *why, *type = number_fault(v, most, whole, &why);

	if (!type)
		return json_number(v);
	if (!strcmp(type, "out_of_range"))
		record_refuse(g->b, g->r, field, type,
			"%s is not from 0 to %.0f", field, most);
	else
		record_refuse(g->b, g->r, field, type, "%s %s", field, why);
	return -1;
}

static void set_frame(struct reading *g, const struct json *v)
{
	g->r->frame = (int64_t)set_number(g, v, "frame", number_max, true);
}

static double set_ms(struct reading *g, const struct json *v, const char *field)
{
	double ms = set_number(g, v, field, RECORD_MS_MAX, false);

	return ms < 0 ? ms : round(ms * SCORE_FINE) / SCORE_FINE;
}

static void set_camera(struct reading *g, const struct json *v)
{
	const char *s = json_string(v);

	if (json_type(v) != JSON_STRING || !*s)
		record_refuse(g->b, g->r, "camera", "not_text",
			"camera is no text, or empty");
	else
		g->r->camera = arena_copy(g->b->arena, s, strlen(s));
}

/* ---- times */

int record_ms_of(const char *time)
{
	const char *at = strchr(time, '.');
	int ms = 0;

	for (int i = 0, worth = 100; at && i < 3; i++, worth /= 10) {
		at++;
		if (*at < '0' || *at > '9')
			break;
		ms += (*at - '0') * worth;
	}
	return ms;
}

static int64_t second_of(int64_t at_ms)
{
	return (at_ms - (at_ms % 1000 + 1000) % 1000) / 1000;
}

char *record_time(char buf[RECORD_TIME], int64_t at_ms)
{
	int64_t s = second_of(at_ms);

	snprintf(buf, RECORD_TIME, "%014" PRId64 ".%03u", when_number(s),
		(unsigned)(at_ms - s * 1000) % 1000);
	return buf;
}

int64_t record_time_from(int64_t number)
{
	return when_from_number(number / 1000) * 1000 + number % 1000;
}

static void set_at(struct reading *g, const struct json *v)
{
	static const struct civil first = {2000, 1, 1, 0, 0, 0};
	const char *s = json_string(v);
	struct record *r = g->r;
	struct when w;

	if (json_type(v) != JSON_STRING)
		record_refuse(g->b, r, "at", "not_text", "at is no text");
	else if (when_parse(s, strlen(s), &w))
		record_refuse(g->b, r, "at", "bad_time",
			"at is no time like 2026-11-21T09:00:00.123+09:00");
	else if (!w.has_offset)
		record_refuse(g->b, r, "at", "no_offset",
			"at has no offset, like Z or +09:00");
	else if (w.at < when_from_civil(&first))
		record_refuse(g->b, r, "at", "out_of_range",
			"at is before 2000-01-01");
	else if (w.at > g->now + RECORD_AHEAD_S)
		record_refuse(g->b, r, "at", "out_of_range",
			"at is more than %d s ahead", RECORD_AHEAD_S);
	else
		r->at_ms = w.at * 1000 + record_ms_of(s);
}

/* ---- boxes */

enum { B_CLASS, B_SCORE, B_X, B_Y, B_W, B_H, B_TRACK, B_MEMBERS };

static const char *const box_member[B_MEMBERS] = {
	"class", "score", "x", "y", "w", "h", "track"};

struct box {
	int class;
	double value[B_MEMBERS]; /* but the class */
	unsigned seen;
};

static int class_of(const struct json *v)
{
	for (int i = 0; i < (int)ARRAY_LEN(classes); i++)
		if (!strcmp(classes[i].name, json_string(v)))
			return i;
	return -1;
}

static void box_fault(struct reading *g, int place, const char *member,
	const char *type, const char *why)
{
	record_refuse(g->b, g->r, "boxes", type, "boxes[%d]%s%.60s %s", place,
		*member ? "." : "", member, why);
}

static bool set_member(
	struct reading *g, int place, struct box *x, const struct json *m)
{
	const char *name = json_name(m), *type, *why;
	int i = 0;

	while (i < B_MEMBERS && strcmp(box_member[i], name) != 0)
		i++;
	if (i == B_MEMBERS) {
		box_fault(g, place, name, "unknown_field", "is not known");
		return false;
	}
	if (x->seen & 1U << i) {
		box_fault(g, place, name, "duplicate_field", "is there twice");
		return false;
	}
	x->seen |= 1U << i;
	if (i == B_CLASS) {
		x->class = class_of(m);
		if (x->class < 0)
			box_fault(g, place, name, "unknown_class",
				"is not people, face, vehicle or the class of "
				"a vehicle");
		return x->class >= 0;
	}
	if (i == B_TRACK && json_type(m) == JSON_NULL) {
		x->seen &= ~(1U << i);
		return true;
	}
	type = number_fault(
		m, i == B_TRACK ? number_max : 1, i == B_TRACK, &why);
	x->value[i] = type ? 0 : json_number(m);
	if (type)
		box_fault(g, place, name, type,
			i == B_TRACK || strcmp(type, "out_of_range") != 0
				? why
				: "is not from 0 to 1");
	return !type;
}

/* To a 10 000th; from and size together never leave the picture. */
static void write_side(struct text *t, const struct box *x, int from, int size)
{
	double at = round(x->value[from] * FINE);
	double n = fmin(round(x->value[size] * FINE), FINE - at);

	json_double(t, box_member[from], at / FINE);
	json_double(t, box_member[size], n / FINE);
}

static void write_box(struct text *t, const struct box *x)
{
	json_open(t, NULL, '{');
	json_str(t, "class", classes[x->class].name);
	json_double(
		t, "score", round(x->value[B_SCORE] * SCORE_FINE) / SCORE_FINE);
	write_side(t, x, B_X, B_W);
	write_side(t, x, B_Y, B_H);
	if (x->seen & 1U << B_TRACK)
		json_int(t, "track", (int64_t)x->value[B_TRACK]);
	json_close(t, '}');
}

static bool set_box(struct reading *g, int place, const struct json *v,
	struct text *t, int32_t found[RECORD_FIGURES])
{
	struct box x = {0};
	double over = 1 + 1e-6; /* sums of what others have rounded */

	if (json_type(v) != JSON_OBJECT) {
		box_fault(g, place, "", "not_an_object", "is no object");
		return false;
	}
	for (const struct json *m = json_first(v); m; m = json_next(m))
		if (!set_member(g, place, &x, m))
			return false;
	for (int i = 0; i < B_TRACK; i++)
		if (!(x.seen & 1U << i)) {
			box_fault(g, place, box_member[i], "missing",
				"is missing");
			return false;
		}
	if (x.value[B_X] + x.value[B_W] > over ||
		x.value[B_Y] + x.value[B_H] > over) {
		box_fault(g, place, "", "out_of_range",
			"reaches out of the picture");
		return false;
	}
	found[classes[x.class].figure]++;
	write_box(t, &x);
	return true;
}

/* With boxes the figures say how many there are of each kind. */
static void compare(struct reading *g, const int32_t found[RECORD_FIGURES])
{
	for (int i = 0; i < RECORD_FIGURES; i++) {
		int32_t told = g->r->figure[i];

		if (told < 0 && found[i])
			record_refuse(g->b, g->r, figure_name[i],
				"boxes_differ",
				"%s is not measured, and boxes has %d",
				figure_name[i], found[i]);
		if (told >= 0 && told != found[i])
			record_refuse(g->b, g->r, figure_name[i],
				"boxes_differ", "%s is %d, and boxes has %d",
				figure_name[i], told, found[i]);
	}
}

static void set_boxes(struct reading *g, const struct json *v)
{
	int32_t found[RECORD_FIGURES] = {0};
	struct text t;
	int place = 0;
	bool good = true;

	if (json_type(v) != JSON_ARRAY) {
		record_refuse(g->b, g->r, "boxes", "not_an_array",
			"boxes is no array");
		return;
	}
	text_init(&t, RECORD_BOXES_MAX * BOX_BYTES);
	json_open(&t, NULL, '[');
	for (const struct json *m = json_first(v); m && good; m = json_next(m))
		if (place == RECORD_BOXES_MAX) {
			record_refuse(g->b, g->r, "boxes", "out_of_range",
				"boxes has more than %d", RECORD_BOXES_MAX);
			good = false;
		} else {
			good = set_box(g, place++, m, &t, found);
		}
	json_close(&t, ']');
	if (good && !t.full)
		g->r->boxes = arena_copy(g->b->arena, t.at, t.n);
	/* Without memory nothing is stored. */
	if (t.full)
		g->b->arena->full = true;
	text_free(&t);
	if (good)
		compare(g, found);
}

/* ---- the record */

static struct record *add(struct record_batch *b, unsigned line)
{
	struct record *r = &b->row[b->n++];

	*r = (struct record){.line = line,
		.figure = {-1, -1, -1},
		.decode_ms = -1,
		.detect_ms = -1};
	return r;
}

void record_unreadable(
	struct record_batch *b, unsigned line, const char *detail)
{
	record_refuse(b, add(b, line), "", "bad_row", "%.200s", detail);
}

enum {
	M_CAMERA,
	M_AT,
	M_FRAME,
	M_PEOPLE,
	M_VEHICLE,
	M_FACE,
	M_DECODE,
	M_DETECT,
	M_BOXES,
	MEMBERS
};

static const char *const member_name[MEMBERS] = {"camera", "at", "frame",
	"people", "vehicle", "face", "decode_ms", "detect_ms", "boxes"};

static void set(struct reading *g, int i, const struct json *v)
{
	switch (i) {
	case M_CAMERA:
		set_camera(g, v);
		break;
	case M_AT:
		set_at(g, v);
		break;
	case M_FRAME:
		set_frame(g, v);
		break;
	case M_DECODE:
		g->r->decode_ms = set_ms(g, v, "decode_ms");
		break;
	case M_DETECT:
		g->r->detect_ms = set_ms(g, v, "detect_ms");
		break;
	case M_BOXES:
		break; /* when the figures are there */
	default:
		g->r->figure[i - M_PEOPLE] = (int32_t)set_number(
			g, v, member_name[i], RECORD_COUNT_MAX, true);
	}
}

static void read_members(
	struct reading *g, const struct json *v, const struct json **boxes)
{
	unsigned seen = 0;

	for (const struct json *m = json_first(v); m && !g->r->rejected;
		m = json_next(m)) {
		int i = 0;

		while (i < MEMBERS && strcmp(member_name[i], json_name(m)) != 0)
			i++;
		if (i == MEMBERS) {
			const char *name = arena_copy(g->b->arena, json_name(m),
				strnlen(json_name(m), NAME_SHOWN));

			record_refuse(g->b, g->r, name ? name : "",
				"unknown_field", "%.60s is not known",
				json_name(m));
			return;
		}
		if (seen & 1U << i)
			record_refuse(g->b, g->r, member_name[i],
				"duplicate_field", "%s is there twice",
				member_name[i]);
		seen |= 1U << i;
		if (i > M_FRAME && json_type(m) == JSON_NULL)
			continue;
		if (i == M_BOXES)
			*boxes = m;
		set(g, i, m);
	}
	for (int i = 0; i <= M_FRAME; i++)
		if (!(seen & 1U << i))
			record_refuse(g->b, g->r, member_name[i], "missing",
				"%s is missing", member_name[i]);
}

void record_from_json(struct record_batch *b, const struct json *v,
	unsigned line, int64_t now)
{
	struct reading g = {b, add(b, line), now};
	const struct json *boxes = NULL;
	bool any = false;

	if (json_type(v) != JSON_OBJECT) {
		record_refuse(b, g.r, "", "not_an_object",
			"a record is an object like {\"camera\": …}");
		return;
	}
	read_members(&g, v, &boxes);
	if (boxes && !g.r->rejected)
		set_boxes(&g, boxes);
	for (int i = 0; i < RECORD_FIGURES; i++)
		any |= g.r->figure[i] >= 0;
	if (!any)
		record_refuse(b, g.r, "people", "missing",
			"people, vehicle and face are missing");
}
