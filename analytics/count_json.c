// SPDX-License-Identifier: MIT
#include <math.h>
#include <string.h>

#include "analytics/count.h"
#include "common/json.h"

enum { NAME_SHOWN = 60 }; /* bytes of a member nobody knows */

static void set_figure(struct count_batch *b, struct count *c, int32_t *at,
	const struct json *v, const char *field, double most)
{
	double d = json_number(v);

	if (json_type(v) == JSON_NULL)
		return;
	if (json_type(v) != JSON_NUMBER)
		count_refuse(
			b, c, field, "not_a_number", "%s is no number", field);
	else if (isinf(d))
		count_refuse(b, c, field, "out_of_range",
			"%s is beyond all bounds, or has too many digits",
			field);
	else if (d != floor(d))
		count_refuse(b, c, field, "not_an_integer",
			"%s is not a whole number", field);
	else if (d < 0 || d > most)
		count_refuse(b, c, field, "out_of_range",
			"%s is not from 0 to %.0f", field, most);
	else
		*at = (int32_t)d;
}

static int figure_named(const char *name, bool class)
{
	for (int i = 0; i < COUNT_FIGURES_N; i++)
		if (count_is_class((unsigned)i) == class &&
			!strcmp(count_name[i], name))
			return i;
	return -1;
}

static void set_classes(
	struct count_batch *b, struct count *c, const struct json *v)
{
	unsigned seen = 0;

	if (json_type(v) == JSON_NULL)
		return;
	if (json_type(v) != JSON_OBJECT) {
		count_refuse(b, c, "classes", "not_an_object",
			"classes is no object");
		return;
	}
	for (const struct json *m = json_first(v); m; m = json_next(m)) {
		int i = figure_named(json_name(m), true);

		if (i < 0) {
			count_refuse(b, c, "classes", "unknown_field",
				"classes.%.60s is not known", json_name(m));
			return;
		}
		if (seen & 1u << i) {
			count_refuse(b, c, "classes", "duplicate_field",
				"classes.%s is there twice", count_name[i]);
			return;
		}
		seen |= 1u << i;
		set_figure(b, c, &c->figure[i], m, count_name[i], COUNT_MAX);
	}
}

static void set_camera(
	struct count_batch *b, struct count *c, const struct json *v)
{
	const char *s = json_string(v);

	if (json_type(v) != JSON_STRING || !*s)
		count_refuse(b, c, "camera", "not_text",
			"camera is no text, or empty");
	else if (!(c->camera = arena_copy(b->arena, s, strlen(s))))
		c->camera = "";
}

static void set_time(struct count_batch *b, struct count *c, bool start,
	const struct json *v, const struct count_times *t)
{
	const char *s = json_string(v);

	if (json_type(v) != JSON_STRING)
		count_refuse(b, c, start ? "start_at" : "end_at", "not_text",
			"%s is no text", start ? "start_at" : "end_at");
	else
		count_set_time(b, c, start, (struct slice){s, strlen(s)}, t);
}

static void set_detail(
	struct count_batch *b, struct count *c, const struct json *v)
{
	const char *wrong;

	if (json_type(v) == JSON_NULL)
		return;
	if (!(c->detail = count_detail(b->arena, v, &wrong)))
		count_refuse(b, c, "detail", "bad_detail",
			"detail%s%.60s is not known, there twice, or not a "
			"whole number from 0 to %d",
			*wrong ? "." : "", wrong, COUNT_DETAIL_MAX);
}

/* One member; the bit that tells it was there, 0 for an unknown name. */
static unsigned member(struct count_batch *b, struct count *c,
	const struct json *m, unsigned seen, const struct count_times *t)
{
	enum {
		CAMERA = COUNT_FIGURES_N,
		START,
		END,
		CLASSES,
		OBSERVED,
		DETAIL
	};
	static const char *const other[] = {"camera", "start_at", "end_at",
		"classes", "observed_s", "detail"};
	const char *name = json_name(m);
	int i = figure_named(name, false);

	for (int k = 0; i < 0 && k < (int)ARRAY_LEN(other); k++)
		if (!strcmp(other[k], name))
			i = CAMERA + k;
	if (i < 0)
		return 0;
	if (seen & 1u << i)
		count_refuse(b, c,
			i < CAMERA ? count_name[i] : other[i - CAMERA],
			"duplicate_field", "%s is there twice", name);
	else if (i == CAMERA)
		set_camera(b, c, m);
	else if (i == START || i == END)
		set_time(b, c, i == START, m, t);
	else if (i == CLASSES)
		set_classes(b, c, m);
	else if (i == DETAIL)
		set_detail(b, c, m);
	else if (i == OBSERVED)
		set_figure(b, c, &c->observed_s, m, "observed_s", DAY_S);
	else
		set_figure(b, c, &c->figure[i], m, count_name[i], COUNT_MAX);
	return 1u << i;
}

void count_from_json(struct count_batch *b, const struct json *v, unsigned line,
	const struct count_times *t)
{
	static const char *const wanted[] = {"camera", "start_at", "end_at"};
	struct count *c = count_add(b, line);
	unsigned seen = 0, bit;

	if (!c)
		return;
	if (json_type(v) != JSON_OBJECT) {
		count_refuse(b, c, "", "not_an_object",
			"a count is an object like {\"camera\": …}");
		return;
	}
	for (const struct json *m = json_first(v); m; m = json_next(m)) {
		if (!(bit = member(b, c, m, seen, t))) {
			const char *name = json_name(m);

			name = arena_copy(
				b->arena, name, strnlen(name, NAME_SHOWN));
			count_refuse(b, c, name ? name : "", "unknown_field",
				"%.60s is not known", json_name(m));
		}
		seen |= bit;
		if (c->verdict == COUNT_REJECTED)
			return;
	}
	for (int k = 0; k < 3; k++)
		if (!(seen & 1u << (COUNT_FIGURES_N + k))) {
			count_refuse(b, c, wanted[k], "missing",
				"%s is missing", wanted[k]);
			return;
		}
	count_check(b, c, when_now());
}
