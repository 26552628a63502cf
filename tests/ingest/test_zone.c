// SPDX-License-Identifier: MIT
#include <check.h>

#include "ingest/zone.h"

/* An L: the upper right quarter of 100..300 is not in it. */
static const struct zone zone = {.n = 6,
	.x = {100, 200, 200, 300, 300, 100},
	.y = {100, 100, 200, 200, 300, 300}};
static struct zone_side side;
static int entered, left;

static void start(void)
{
	side = (struct zone_side){0};
	entered = left = 0;
}

static void seen(float x, float y)
{
	struct foot f = {.x = x, .y = y, .band = 8, .counts = true};
	enum zone_event e = zone_follow(&zone, &side, &f);

	entered += e == ZONE_ENTER;
	left += e == ZONE_LEAVE;
}

START_TEST(who_comes_and_goes_enters_and_leaves_once)
{
	for (float x = 50; x < 350; x += 5)
		seen(x, 250);
	ck_assert_int_eq(entered, 1);
	ck_assert_int_eq(left, 1);
}
END_TEST

START_TEST(the_corner_that_is_cut_out_is_outside)
{
	for (float x = 150; x < 300; x += 5)
		seen(x, 150);
	ck_assert_int_eq(entered, 1);
	ck_assert_int_eq(left, 1);
	ck_assert(!side.in);
}
END_TEST

START_TEST(jitter_on_the_edge_is_no_coming_and_going)
{
	for (float x = 50; x < 120; x += 5)
		seen(x, 250);
	for (int i = 0; i < 50; i++)
		seen(i % 2 ? 94 : 106, 250);
	ck_assert_int_eq(entered, 1);
	ck_assert_int_eq(left, 0);
}
END_TEST

START_TEST(who_begins_inside_has_entered)
{
	seen(150, 150);
	ck_assert_int_eq(entered, 1);
	seen(152, 152);
	ck_assert_int_eq(entered, 1);
}
END_TEST

START_TEST(who_begins_outside_and_stays_there_has_not)
{
	for (int i = 0; i < 20; i++)
		seen(97, 250);
	ck_assert_int_eq(entered + left, 0);
}
END_TEST

START_TEST(a_flicker_does_nothing)
{
	struct foot f = {.x = 150, .y = 150, .band = 8};

	ck_assert_int_eq(zone_follow(&zone, &side, &f), ZONE_SAME);
	ck_assert(!side.known);
}
END_TEST

START_TEST(a_zone_narrower_than_the_band_is_entered_too)
{
	const struct zone narrow = {
		.n = 4, .x = {100, 110, 110, 100}, .y = {0, 0, 400, 400}};

	for (float x = 50; x < 150; x += 1) {
		struct foot f = {.x = x, .y = 200, .band = 40, .counts = true};

		entered += zone_follow(&narrow, &side, &f) == ZONE_ENTER;
	}
	ck_assert_int_eq(entered, 1);
	ck_assert(!side.in);
}
END_TEST

Suite *test_ingest_zone(void);
Suite *test_ingest_zone(void)
{
	Suite *s = suite_create("ingest/zone");
	TCase *t = tcase_create("zone");

	tcase_add_checked_fixture(t, start, NULL);
	tcase_add_test(t, who_comes_and_goes_enters_and_leaves_once);
	tcase_add_test(t, the_corner_that_is_cut_out_is_outside);
	tcase_add_test(t, jitter_on_the_edge_is_no_coming_and_going);
	tcase_add_test(t, who_begins_inside_has_entered);
	tcase_add_test(t, who_begins_outside_and_stays_there_has_not);
	tcase_add_test(t, a_flicker_does_nothing);
	tcase_add_test(t, a_zone_narrower_than_the_band_is_entered_too);
	suite_add_tcase(s, t);
	return s;
}
