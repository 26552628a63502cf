// SPDX-License-Identifier: MIT
#include <check.h>
#include <math.h>
#include <string.h>

#include "common/json.h"
#include "ingest/detection_record.h"

enum { W = 200, H = 100, SECOND = 1000000 };

static const unsigned kinds = 1U << KIND_PEOPLE | 1U << KIND_CAR;
static struct tracker tracker;
static struct text text;
static struct json *made;

/* One picture at that time, and the record of it. */
static const struct json *record(int64_t at_us, const struct detections *d)
{
	const struct picture_facts facts = {.camera = "gate-1",
		.at_us = at_us,
		.number = 1500,
		.decode_us = 4200,
		.detect_us = 21500,
		.w = W,
		.h = H,
		.kinds = kinds};

	tracker_step(&tracker, at_us, d);
	text_clear(&text);
	detection_record_json(&text, &facts, d, &tracker);
	ck_assert(!text.full);
	json_free(made);
	ck_assert_int_eq(json_parse(text.at, text.n, &made, NULL), JSON_OK);
	return made;
}

static void start(void)
{
	tracker_init(&tracker);
	text_init(&text, DETECTION_RECORD_MAX);
	made = NULL;
}

static void stop(void)
{
	json_free(made);
	text_free(&text);
}

static double number(const struct json *v, const char *name)
{
	ck_assert_msg(json_member(v, name) != NULL, "%s", name);
	return json_number(json_member(v, name));
}

START_TEST(a_record_says_what_its_boxes_are)
{
	struct detections d = {.n = 3,
		.at = {{20, 10, 40, 50, 0.9F, KIND_PEOPLE},
			{100, 20, 50, 30, 0.77777F, KIND_CAR},
			{150, 20, 20, 60, 0.5F, KIND_PEOPLE}}};
	const struct json *v = record(INT64_C(1795219200123999), &d), *box;

	ck_assert_str_eq(json_string(json_member(v, "camera")), "gate-1");
	ck_assert_str_eq(
		json_string(json_member(v, "at")), "2026-11-21T00:00:00.123Z");
	ck_assert_double_eq(number(v, "frame"), 1500);
	ck_assert_double_eq(number(v, "decode_ms"), 4.2);
	ck_assert_double_eq(number(v, "detect_ms"), 21.5);
	ck_assert_double_eq(number(v, "people"), 2);
	ck_assert_double_eq(number(v, "vehicle"), 1);
	/* The engine cannot tell faces: not measured, and no 0. */
	ck_assert(!json_member(v, "face"));
	box = json_first(json_member(v, "boxes"));
	ck_assert_str_eq(json_string(json_member(box, "class")), "people");
	ck_assert_double_eq(number(box, "score"), 0.9);
	ck_assert_double_eq(number(box, "x"), 0.1);
	ck_assert_double_eq(number(box, "y"), 0.1);
	ck_assert_double_eq(number(box, "w"), 0.2);
	ck_assert_double_eq(number(box, "h"), 0.5);
	box = json_next(box);
	ck_assert_str_eq(json_string(json_member(box, "class")), "car");
	ck_assert_double_eq(number(box, "score"), 0.778);
	ck_assert(!json_next(json_next(box)));
}
END_TEST

START_TEST(an_object_keeps_its_track_and_weak_boxes_have_none)
{
	struct detections d = {.n = 3,
		.at = {{20, 10, 40, 50, 0.9F, KIND_PEOPLE},
			{100, 20, 50, 30, 0.8F, KIND_CAR},
			{150, 60, 20, 30, 0.2F, KIND_PEOPLE}}};
	double person = 0, car = 0;
	struct detection first;
	const struct json *v;

	tracker.sure = 0.3F;
	for (int i = 0; i < 12; i++) {
		const struct json *a, *b;

		/* The engine sorts by score: their places change. */
		if (i % 2) {
			first = d.at[0];
			d.at[0] = d.at[1];
			d.at[1] = first;
		}
		v = record(INT64_C(1795219200000000) + i * SECOND / 10, &d);
		a = json_first(json_member(v, "boxes"));
		b = json_next(a);
		if (d.at[0].kind == KIND_CAR) {
			const struct json *swap = a;

			a = b;
			b = swap;
		}
		if (!i) {
			person = number(a, "track");
			car = number(b, "track");
		}
		ck_assert_double_eq(number(a, "track"), person);
		ck_assert_double_eq(number(b, "track"), car);
		/* What may begin no object is left out, and not counted. */
		ck_assert_double_eq(number(v, "people"), 1);
		ck_assert(person != car && person > 0 && car > 0);
	}
	/* Weak, but it carries on an object: it is told. */
	for (size_t i = 0; i < 2; i++)
		d.at[i].score = 0.25F;
	v = record(INT64_C(1795219200000000) + 12 * SECOND / 10, &d);
	ck_assert_double_eq(number(v, "people"), 1);
	ck_assert_double_eq(number(v, "vehicle"), 1);
}
END_TEST

START_TEST(no_box_leaves_the_picture)
{
	struct detections d = {.n = DETECT_MAX};

	/* All over the edges, and at thirds, which round either way. */
	for (int i = 0; i < DETECT_MAX; i++)
		d.at[i] = (struct detection){.x = (float)(i * 7 % 300) - 50.3F,
			.y = (float)(i * 3 % 150) - 25.7F,
			.w = (float)(i % 90) + 0.333F,
			.h = (float)(i % 77) + 0.667F,
			.score = (float)i / DETECT_MAX,
			.kind = KIND_PEOPLE};
	for (const struct json *box =
			json_first(json_member(record(SECOND, &d), "boxes"));
		box; box = json_next(box)) {
		double x = number(box, "x"), y = number(box, "y");

		ck_assert(x >= 0 && y >= 0 && number(box, "w") >= 0);
		ck_assert(number(box, "h") >= 0);
		ck_assert(lround((x + number(box, "w")) * 10000) <= 10000);
		ck_assert(lround((y + number(box, "h")) * 10000) <= 10000);
	}
	ck_assert_double_eq(number(made, "people"), DETECT_MAX);
}
END_TEST

static int due(struct record_pace *p, int64_t from_us, int64_t step_us, int n)
{
	int records = 0;

	for (int i = 0; i < n; i++)
		records += record_due(p, from_us + i * step_us);
	return records;
}

START_TEST(records_come_by_pictures_or_by_time)
{
	struct record_pace none = {0}, tenth = {.every_frames = 10},
			   second = {.every_us = SECOND},
			   both = {.every_frames = 10, .every_us = SECOND};

	ck_assert_int_eq(due(&none, 0, 1, 1000), 0);
	ck_assert_int_eq(due(&tenth, 0, 1, 100), 10);
	/* 25 a second do not divide it evenly at 40.1 ms: the beat holds. */
	ck_assert_int_eq(due(&second, 5, 40100, 2500), 101);
	/* Slower than the beat: each one. */
	ck_assert_int_eq(
		due(&second, INT64_C(1000) * SECOND, 3 * SECOND, 7), 7);
	/* The clock was set back: it goes on from there. */
	ck_assert_int_eq(due(&second, 0, SECOND / 2, 8), 4);
	/* Ten pictures come before a second is over, then after. */
	ck_assert_int_eq(due(&both, 0, SECOND / 20, 100), 10);
	ck_assert_int_eq(due(&both, INT64_C(100) * SECOND, SECOND / 5, 50), 10);
}
END_TEST

Suite *test_ingest_detection_record(void);

Suite *test_ingest_detection_record(void)
{
	Suite *s = suite_create("ingest/detection_record");
	TCase *t = tcase_create("detection_record");

	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, a_record_says_what_its_boxes_are);
	tcase_add_test(t, an_object_keeps_its_track_and_weak_boxes_have_none);
	tcase_add_test(t, no_box_leaves_the_picture);
	tcase_add_test(t, records_come_by_pictures_or_by_time);
	suite_add_tcase(s, t);
	return s;
}
