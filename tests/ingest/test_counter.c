// SPDX-License-Identifier: MIT
/* Drawn tracks through the whole of counting: boxes in, rows out. */
#include <check.h>
#include <string.h>

#include "common/json.h"
#include "ingest/counter.h"

enum { LEN = 10, STEP = 100000, W = 400, H = 400 };

static const unsigned kinds =
	1U << KIND_PEOPLE | 1U << KIND_CAR | 1U << KIND_FACE;
static struct counter counter;
static struct row rows[1000];
static size_t n;
static int64_t now_us;

static void start(void)
{
	ck_assert_int_eq(counter_init(&counter, LEN, kinds, 0.3F), E_OK);
	n = 0;
	now_us = INT64_C(1000000000);
}

static void stop(void)
{
	counter_fini(&counter);
}

static void draw(const char *text)
{
	char why[SHAPE_WHY + 100] = "";
	struct shapes s;
	struct json *v;

	ck_assert_int_eq(json_parse(text, strlen(text), &v, NULL), JSON_OK);
	ck_assert_msg(shapes_read(&s, v, why), "%s", why);
	json_free(v);
	counter_shapes(&counter, &s);
}

static void keep(void)
{
	for (size_t i = 0; i < counter.interval.done_n; i++)
		rows[n++] = counter.interval.done[i];
}

/* A picture with one object whose foot is there; score 0: nothing. */
static void picture(float x, float y, float score, enum kind kind)
{
	struct detections d = {.n = 0};

	if (score > 0)
		detections_add(&d,
			(struct detection){
				x - 20, y - 80, 40, 80, score, kind});
	while (counter_advance(&counter, now_us))
		keep();
	counter_look(&counter, now_us, W, H, &d);
	now_us += STEP;
}

static void walk(float x0, float y0, float x1, float y1, int steps, float score,
	enum kind kind)
{
	for (int i = 0; i < steps; i++)
		picture(x0 + (x1 - x0) * (float)i / (float)steps,
			y0 + (y1 - y0) * (float)i / (float)steps, score, kind);
}

static void finish(void)
{
	while (counter_finish(&counter, now_us))
		keep();
}

/* Sums over all intervals, and the greatest peak. */
static struct row sum(const char *name)
{
	struct row s = {.kinds = 0};

	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];

		if (strcmp(r->name, name) != 0)
			continue;
		s.kinds = r->kinds;
		s.observed_s += r->observed_s;
		s.speed_n += r->speed_n;
		s.speed_sum += r->speed_sum;
		for (int g = 0; g < GROUP_COUNT; g++) {
			s.present[g] += r->present[g];
			s.fresh[g] += r->fresh[g];
			s.left[g] += r->left[g];
			s.stay_us[g] += r->stay_us[g];
			if (r->peak[g] > s.peak[g])
				s.peak[g] = r->peak[g];
		}
		for (int k = 0; k < KIND_COUNT; k++)
			s.of_kind[k] += r->of_kind[k];
	}
	return s;
}

static const char gate[] =
	"{\"lines\":[{\"line\":\"door\",\"points\":[[0,0.5],[1,0.5]]}],"
	"\"zones\":[{\"zone\":\"hall\","
	"\"points\":[[0.4,0.4],[0.6,0.4],[0.6,0.6],[0.4,0.6]]}]}";

START_TEST(one_who_walks_through_is_one_everywhere)
{
	struct row all, in, out, hall;

	draw(gate);
	walk(200, 100, 200, 300, 60, 0.9F, KIND_PEOPLE);
	walk(0, 0, 0, 0, 60, 0, KIND_PEOPLE);
	finish();
	all = sum(""), in = sum("door/in"), out = sum("door/out");
	hall = sum("hall");
	ck_assert_int_eq(all.fresh[GROUP_PEOPLE], 1);
	ck_assert_int_eq(all.left[GROUP_PEOPLE], 1);
	ck_assert_int_eq(all.peak[GROUP_PEOPLE], 1);
	/* An object from the fifth picture on, in view for a second behind the
	 * last. */
	ck_assert_int_ge(all.stay_us[GROUP_PEOPLE], 6400000);
	ck_assert_int_le(all.stay_us[GROUP_PEOPLE], 6800000);
	ck_assert_int_eq(in.present[GROUP_PEOPLE], 1);
	ck_assert_int_eq(in.fresh[GROUP_PEOPLE], 1);
	ck_assert_int_eq(out.fresh[GROUP_PEOPLE], 0);
	ck_assert_int_eq(hall.fresh[GROUP_PEOPLE], 1);
	ck_assert_int_eq(hall.left[GROUP_PEOPLE], 1);
	/* 80 of 200 pixels of a way of six seconds. */
	ck_assert_int_ge(hall.stay_us[GROUP_PEOPLE], 2000000);
	ck_assert_int_le(hall.stay_us[GROUP_PEOPLE], 2800000);
	ck_assert(!(hall.kinds & 1U << KIND_FACE));
}
END_TEST

START_TEST(one_who_crosses_behind_a_pillar_counts_once)
{
	draw(gate);
	walk(200, 100, 200, 180, 24, 0.9F, KIND_PEOPLE);
	walk(0, 0, 0, 0, 12, 0, KIND_PEOPLE);
	walk(200, 220, 200, 300, 24, 0.9F, KIND_PEOPLE);
	finish();
	ck_assert_int_eq(sum("").fresh[GROUP_PEOPLE], 1);
	ck_assert_int_eq(sum("door/in").fresh[GROUP_PEOPLE], 1);
	ck_assert_int_eq(sum("door/out").fresh[GROUP_PEOPLE], 0);
}
END_TEST

START_TEST(boxes_that_are_not_sure_carry_on_and_never_begin)
{
	walk(100, 200, 160, 200, 10, 0.9F, KIND_PEOPLE);
	/* Half hidden, for longer than a track lives unseen. */
	walk(160, 200, 340, 200, 60, 0.2F, KIND_PEOPLE);
	walk(340, 200, 380, 200, 10, 0.9F, KIND_PEOPLE);
	ck_assert_uint_eq(counter.tracker.next_id, 2);
	walk(0, 0, 0, 0, 100, 0, KIND_PEOPLE);
	walk(100, 200, 160, 200, 20, 0.2F, KIND_PEOPLE);
	ck_assert_uint_eq(counter.tracker.next_id, 2);
}
END_TEST

START_TEST(who_crosses_twice_in_an_interval_is_one_who_crossed_twice)
{
	draw(gate);
	walk(100, 100, 100, 300, 25, 0.9F, KIND_PEOPLE);
	walk(100, 300, 100, 100, 25, 0.9F, KIND_PEOPLE);
	walk(100, 100, 100, 300, 25, 0.9F, KIND_PEOPLE);
	finish();
	ck_assert_int_eq(sum("door/in").present[GROUP_PEOPLE], 1);
	ck_assert_int_eq(sum("door/in").fresh[GROUP_PEOPLE], 2);
	ck_assert_int_eq(sum("door/out").fresh[GROUP_PEOPLE], 1);
}
END_TEST

START_TEST(who_stays_is_present_in_each_interval_and_new_in_the_first)
{
	draw(gate);
	walk(200, 200, 200, 201, 250, 0.9F, KIND_CAR);
	finish();
	ck_assert_int_eq(sum("hall").present[GROUP_VEHICLE], 3);
	ck_assert_int_eq(sum("hall").of_kind[KIND_CAR], 3);
	ck_assert_int_eq(sum("hall").fresh[GROUP_VEHICLE], 1);
	ck_assert_int_eq(sum("hall").left[GROUP_VEHICLE], 0);
	ck_assert_int_ge(sum("hall").stay_us[GROUP_VEHICLE], 24000000);
	ck_assert_int_le(sum("hall").stay_us[GROUP_VEHICLE], 25000000);
}
END_TEST

START_TEST(whose_track_ends_in_a_zone_has_left_it)
{
	draw(gate);
	walk(200, 200, 200, 201, 20, 0.9F, KIND_PEOPLE);
	walk(0, 0, 0, 0, 100, 0, KIND_PEOPLE);
	finish();
	ck_assert_int_eq(sum("hall").fresh[GROUP_PEOPLE], 1);
	ck_assert_int_eq(sum("hall").left[GROUP_PEOPLE], 1);
}
END_TEST

START_TEST(speed_is_measured_on_the_second_line)
{
	draw("{\"lines\":[{\"line\":\"a\",\"points\":[[0,0.4],[1,0.4]]},"
	     "{\"line\":\"b\",\"points\":[[0,0.6],[1,0.6]],"
	     "\"speed_from\":\"a\",\"distance_m\":20}]}");
	/* 80 pixels at 40 a second. */
	walk(200, 100, 200, 300, 50, 0.9F, KIND_CAR);
	walk(200, 300, 200, 100, 50, 0.9F, KIND_CAR);
	finish();
	ck_assert_int_eq(sum("b/in").speed_n, 1);
	ck_assert_int_ge(sum("b/in").speed_sum, 950);
	ck_assert_int_le(sum("b/in").speed_sum, 1050);
	/* The other way the stretch begins at the wrong end. */
	ck_assert_int_eq(sum("b/out").speed_n, 0);
	ck_assert_int_eq(sum("a/out").speed_n, 0);
}
END_TEST

START_TEST(a_new_drawing_holds_from_the_next_interval_on)
{
	walk(100, 100, 200, 300, 50, 0.9F, KIND_PEOPLE);
	draw(gate);
	walk(200, 300, 200, 100, 40, 0.9F, KIND_PEOPLE);
	for (size_t i = 0; i < n; i++)
		ck_assert_str_eq(rows[i].name, "");
	walk(200, 100, 200, 300, 120, 0.9F, KIND_PEOPLE);
	draw("{\"lines\":[]}");
	walk(200, 300, 200, 100, 110, 0.9F, KIND_PEOPLE);
	finish();
	/* Two intervals had it, and the first of the ways is in neither. */
	ck_assert_int_eq(sum("door/in").fresh[GROUP_PEOPLE], 1);
	ck_assert_int_eq(sum("door/out").fresh[GROUP_PEOPLE], 1);
	ck_assert_int_eq(sum("door/in").observed_s, 2 * LEN);
	ck_assert_int_ge(sum("").observed_s, 31);
}
END_TEST

START_TEST(the_same_pictures_give_the_same_rows)
{
	struct row first[ARRAY_LEN(rows)];
	size_t first_n;

	for (int round = 0; round < 2; round++) {
		draw(gate);
		for (int i = 0; i < 300; i++) {
			struct detections d = {.n = 0};

			for (int k = 0; k < 12; k++)
				detections_add(&d,
					(struct detection){
						(float)(i * (k % 5 + 1) % 380),
						(float)((k * 37 + 2 * i) % 300),
						30, 60,
						0.2F + (float)((i + k) % 7) / 9,
						k % 3 ? KIND_PEOPLE
						      : KIND_CAR});
			while (counter_advance(&counter, now_us))
				keep();
			counter_look(&counter, now_us, W, H, &d);
			now_us += STEP;
		}
		finish();
		if (round)
			break;
		memcpy(first, rows, sizeof(rows));
		first_n = n;
		stop();
		start();
	}
	ck_assert_uint_eq(n, first_n);
	ck_assert_uint_gt(n, 8);
	ck_assert_int_gt(sum("door/in").fresh[GROUP_PEOPLE], 0);
	for (size_t i = 0; i < n; i++)
		ck_assert_mem_eq(&rows[i], &first[i], sizeof(rows[i]));
}
END_TEST

START_TEST(what_is_drawn_wrong_is_named)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{"{\"lines\":[{\"line\":\"a b\",\"points\":[[0,0],[1,1]]}]}",
			"line 1: line is not"},
		{"{\"lines\":[{\"line\":\"a\",\"points\":[[0,0],[0,0]]}]}",
			"line 1: points makes a line without length"},
		{"{\"zones\":[{\"zone\":\"a\",\"points\":[[0,0],[1,1.2],[0,1]]}"
		 "]}",
			"outside of the picture"},
		{"{\"lines\":[{\"line\":\"a\",\"points\":[[0,0],[1,1]],"
		 "\"in\":\"x\",\"out\":\"x\"}]}",
			"out is the name of the other direction"},
		{"{\"lines\":[{\"line\":\"a\",\"points\":[[0,0],[1,1]],"
		 "\"distance_m\":5}]}",
			"distance_m needs speed_from"},
		{"{\"zones\":[{\"zone\":\"a\",\"points\":[[0,0],[1,0],[0,1]],"
		 "\"colour\":1}]}",
			"colour is not known"},
	};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		char why[SHAPE_WHY + 100] = "";
		struct shapes s;
		struct json *v;

		ck_assert_int_eq(json_parse(wrong[i].text,
					 strlen(wrong[i].text), &v, NULL),
			JSON_OK);
		ck_assert(!shapes_read(&s, v, why));
		ck_assert_msg(strstr(why, wrong[i].why) != NULL, "%s", why);
		ck_assert_uint_eq(s.lines_n + s.zones_n, 0);
		json_free(v);
	}
}
END_TEST

Suite *test_ingest_counter(void);
Suite *test_ingest_counter(void)
{
	Suite *s = suite_create("ingest/counter");
	TCase *t = tcase_create("counter");

	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, one_who_walks_through_is_one_everywhere);
	tcase_add_test(t, one_who_crosses_behind_a_pillar_counts_once);
	tcase_add_test(t, boxes_that_are_not_sure_carry_on_and_never_begin);
	tcase_add_test(
		t, who_crosses_twice_in_an_interval_is_one_who_crossed_twice);
	tcase_add_test(
		t, who_stays_is_present_in_each_interval_and_new_in_the_first);
	tcase_add_test(t, whose_track_ends_in_a_zone_has_left_it);
	tcase_add_test(t, speed_is_measured_on_the_second_line);
	tcase_add_test(t, a_new_drawing_holds_from_the_next_interval_on);
	tcase_add_test(t, the_same_pictures_give_the_same_rows);
	tcase_add_test(t, what_is_drawn_wrong_is_named);
	suite_add_tcase(s, t);
	return s;
}
