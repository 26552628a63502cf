// SPDX-License-Identifier: MIT
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "ingest/line.h"

/* From left to right across the picture: below it is its right side. */
static struct line line;
static struct line_side side;
static int in, out;
static int64_t now_us, when_us;

static void start(void)
{
	line = (struct line){.ax = 100,
		.ay = 200,
		.bx = 300,
		.by = 200,
		.sine_least = sinf(10 * (float)M_PI / 180)};
	side = (struct line_side){0};
	in = out = 0;
	now_us = 0;
}

static enum crossing seen(float x, float y, bool counts)
{
	struct foot f = {
		.x = x, .y = y, .band = 5, .at_us = now_us, .counts = counts};
	enum crossing c = line_follow(&line, &side, &f, &when_us);

	now_us += 100000;
	in += c == CROSS_IN;
	out += c == CROSS_OUT;
	return c;
}

/* Straight, in so many steps. */
static void walk(float x0, float y0, float x1, float y1, int steps)
{
	for (int i = 0; i <= steps; i++)
		seen(x0 + (x1 - x0) * (float)i / (float)steps,
			y0 + (y1 - y0) * (float)i / (float)steps, true);
}

START_TEST(a_way_across_counts_once_in_its_direction)
{
	walk(200, 100, 210, 300, 40);
	ck_assert_int_eq(in, 1);
	ck_assert_int_eq(out, 0);
	walk(210, 300, 220, 100, 40);
	ck_assert_int_eq(in, 1);
	ck_assert_int_eq(out, 1);
}
END_TEST

START_TEST(crossing_again_counts_again)
{
	for (int i = 0; i < 3; i++) {
		walk(200, 100, 200, 300, 20);
		walk(200, 300, 200, 100, 20);
	}
	ck_assert_int_eq(in, 3);
	ck_assert_int_eq(out, 3);
}
END_TEST

START_TEST(jitter_on_the_line_is_no_crossing)
{
	walk(200, 100, 200, 196, 20);
	for (int i = 0; i < 100; i++)
		seen(200, i % 2 ? 204.5F : 195.5F, true);
	ck_assert_int_eq(in + out, 0);
	/* And what goes on from there has crossed once. */
	walk(200, 204, 200, 240, 10);
	ck_assert_int_eq(in, 1);
	for (int i = 0; i < 100; i++)
		seen(200, i % 2 ? 204.5F : 195.5F, true);
	walk(200, 204, 200, 240, 10);
	ck_assert_int_eq(in, 1);
	ck_assert_int_eq(out, 0);
}
END_TEST

START_TEST(a_touch_is_no_crossing)
{
	walk(200, 100, 200, 200, 20);
	walk(200, 200, 240, 100, 20);
	ck_assert_int_eq(in + out, 0);
}
END_TEST

START_TEST(a_way_along_the_line_is_no_crossing)
{
	/* Drifts from one side to the other on its whole length. */
	walk(110, 190, 290, 210, 40);
	ck_assert_int_eq(in + out, 0);
	/* Turns back: no crossing at all. */
	walk(290, 210, 290, 150, 10);
	ck_assert_int_eq(in + out, 0);
}
END_TEST

START_TEST(who_walks_along_and_turns_away_has_crossed_once)
{
	walk(110, 192, 200, 206, 40);
	ck_assert_int_eq(in, 0);
	walk(200, 206, 205, 300, 20);
	ck_assert_int_eq(in, 1);
	ck_assert_int_eq(out, 0);
}
END_TEST

START_TEST(a_way_around_the_end_is_no_crossing)
{
	walk(200, 100, 320, 180, 20);
	walk(320, 180, 320, 220, 20);
	walk(320, 220, 200, 300, 20);
	ck_assert_int_eq(in + out, 0);
	/* It has the other side now. */
	walk(200, 300, 200, 100, 20);
	ck_assert_int_eq(out, 1);
}
END_TEST

START_TEST(who_begins_on_the_line_comes_from_nowhere)
{
	walk(200, 200, 200, 300, 20);
	ck_assert_int_eq(in + out, 0);
	walk(200, 300, 200, 100, 20);
	ck_assert_int_eq(out, 1);
}
END_TEST

START_TEST(of_two_lines_that_meet_one_is_crossed)
{
	struct line next = {.ax = 300, .ay = 200, .bx = 500, .by = 200};
	struct line_side of_next = {0};
	int both = 0;

	for (int i = 0; i <= 20; i++) {
		struct foot f = {.x = 300,
			.y = 100 + 10 * (float)i,
			.band = 5,
			.at_us = now_us,
			.counts = true};

		both += line_follow(&line, &side, &f, &when_us) == CROSS_IN;
		both += line_follow(&next, &of_next, &f, &when_us) == CROSS_IN;
		now_us += 100000;
	}
	ck_assert_int_eq(both, 1);
}
END_TEST

START_TEST(a_jump_over_the_line_is_a_crossing)
{
	/* Hidden while it crossed. */
	seen(200, 100, true);
	now_us += 2000000;
	ck_assert_int_eq(seen(210, 260, true), CROSS_IN);
}
END_TEST

START_TEST(what_is_no_object_yet_crosses_when_it_is_one)
{
	seen(200, 180, false);
	ck_assert_int_eq(seen(200, 220, false), CROSS_NONE);
	ck_assert_int_eq(seen(200, 230, true), CROSS_IN);
	ck_assert_int_eq(seen(200, 240, true), CROSS_NONE);
}
END_TEST

START_TEST(the_time_is_that_on_the_line)
{
	seen(200, 100, true);
	now_us = 1000000;
	seen(200, 300, true);
	ck_assert_int_eq(in, 1);
	ck_assert(llabs(when_us - 500000) < 1000);
}
END_TEST

START_TEST(direction_follows_the_order_of_its_points)
{
	line = (struct line){.ax = 300, .ay = 200, .bx = 100, .by = 200};
	walk(200, 100, 200, 300, 20);
	ck_assert_int_eq(out, 1);
	ck_assert_int_eq(in, 0);
}
END_TEST

Suite *test_ingest_line(void);
Suite *test_ingest_line(void)
{
	Suite *s = suite_create("ingest/line");
	TCase *t = tcase_create("line");

	tcase_add_checked_fixture(t, start, NULL);
	tcase_add_test(t, a_way_across_counts_once_in_its_direction);
	tcase_add_test(t, crossing_again_counts_again);
	tcase_add_test(t, jitter_on_the_line_is_no_crossing);
	tcase_add_test(t, a_touch_is_no_crossing);
	tcase_add_test(t, a_way_along_the_line_is_no_crossing);
	tcase_add_test(t, who_walks_along_and_turns_away_has_crossed_once);
	tcase_add_test(t, a_way_around_the_end_is_no_crossing);
	tcase_add_test(t, who_begins_on_the_line_comes_from_nowhere);
	tcase_add_test(t, of_two_lines_that_meet_one_is_crossed);
	tcase_add_test(t, a_jump_over_the_line_is_a_crossing);
	tcase_add_test(t, what_is_no_object_yet_crosses_when_it_is_one);
	tcase_add_test(t, the_time_is_that_on_the_line);
	tcase_add_test(t, direction_follows_the_order_of_its_points);
	suite_add_tcase(s, t);
	return s;
}
