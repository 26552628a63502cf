// SPDX-License-Identifier: MIT
#include "analytics/watch.h"

#include <check.h>

enum { PERIOD = 60000 };

static const struct watch_seen runs = {true, true, true, 5, false, true, 5},
			       late = {true, true, true, 181, false, true, 181},
			       never = {true, true, false, 0, false, false, 0},
			       off = {false, true, true, 5, false, true, 5},
			       disabled = {true, false, true, 5, false, true,
				       5},
			       ahead = {true, true, true, -3600, false, true,
				       -3600},
			       failed = {true, true, true, 5, true, true, 65},
			       fails = {true, true, true, 5, true, true, 185},
			       broken = {true, true, true, 5, true, false, 0};

static struct watch settled(void)
{
	struct watch w;

	watch_init(&w, PERIOD, 0);
	return w;
}

START_TEST(while_the_event_runs_the_worker_rests)
{
	struct watch w = settled();

	for (int64_t now = 0; now < 100 * PERIOD; now += PERIOD / 4) {
		ck_assert_int_eq(watch_look(&w, &runs, now), WATCH_SAME);
		ck_assert(!watch_due(&w, now));
	}
}
END_TEST

START_TEST(a_scheduler_that_is_off_is_replaced_at_once)
{
	struct watch w = settled();

	ck_assert_int_eq(watch_look(&w, &off, 0), WATCH_TAKEN_OVER);
	ck_assert(watch_due(&w, 0));
	w = settled();
	ck_assert_int_eq(watch_look(&w, &disabled, 0), WATCH_TAKEN_OVER);
}
END_TEST

START_TEST(an_event_that_stays_away_is_replaced_after_three_periods)
{
	struct watch w = settled();

	ck_assert_int_eq(watch_look(&w, &late, 3 * PERIOD - 1), WATCH_SAME);
	ck_assert_int_eq(watch_look(&w, &late, 3 * PERIOD), WATCH_TAKEN_OVER);
	w = settled();
	ck_assert_int_eq(watch_look(&w, &never, 3 * PERIOD - 1), WATCH_SAME);
	ck_assert_int_eq(watch_look(&w, &never, 3 * PERIOD), WATCH_TAKEN_OVER);
	w = settled();
	ck_assert_int_eq(watch_look(&w, &ahead, 3 * PERIOD), WATCH_TAKEN_OVER);
}
END_TEST

START_TEST(an_event_that_fails_is_replaced_after_three_periods)
{
	struct watch w = settled();

	ck_assert_int_eq(watch_look(&w, &failed, 3 * PERIOD), WATCH_SAME);
	ck_assert_int_eq(watch_look(&w, &fails, 3 * PERIOD), WATCH_TAKEN_OVER);
	ck_assert_int_eq(watch_look(&w, &fails, 4 * PERIOD), WATCH_SAME);
	ck_assert_int_eq(watch_look(&w, &runs, 5 * PERIOD), WATCH_GIVEN_BACK);
	ck_assert_int_eq(watch_look(&w, &broken, 6 * PERIOD), WATCH_TAKEN_OVER);
}
END_TEST

START_TEST(a_server_that_comes_back_gets_its_time_anew)
{
	struct watch w = settled();

	watch_back(&w, 10 * PERIOD);
	ck_assert_int_eq(watch_look(&w, &late, 12 * PERIOD), WATCH_SAME);
	ck_assert_int_eq(watch_look(&w, &late, 13 * PERIOD), WATCH_TAKEN_OVER);
}
END_TEST

START_TEST(each_change_is_told_once)
{
	struct watch w = settled();

	ck_assert_int_eq(watch_look(&w, &off, 0), WATCH_TAKEN_OVER);
	ck_assert_int_eq(watch_look(&w, &off, 1), WATCH_SAME);
	/* On again, but it has not run yet. */
	ck_assert_int_eq(watch_look(&w, &late, 2), WATCH_SAME);
	ck_assert(w.in_charge);
	ck_assert_int_eq(watch_look(&w, &runs, 3), WATCH_GIVEN_BACK);
	ck_assert_int_eq(watch_look(&w, &runs, 4), WATCH_SAME);
	ck_assert(!w.in_charge);
}
END_TEST

START_TEST(in_charge_it_runs_once_a_period)
{
	struct watch w = settled();
	int ran = 0;

	for (int64_t now = 0; now < 10 * PERIOD; now += PERIOD / 4) {
		watch_look(&w, &off, now);
		if (watch_due(&w, now)) {
			watch_ran(&w, now);
			ran++;
		}
	}
	ck_assert_int_eq(ran, 10);
}
END_TEST

Suite *test_analytics_watch(void);
Suite *test_analytics_watch(void)
{
	Suite *s = suite_create("analytics/watch");
	TCase *t = tcase_create("watch");

	tcase_add_test(t, while_the_event_runs_the_worker_rests);
	tcase_add_test(t, a_scheduler_that_is_off_is_replaced_at_once);
	tcase_add_test(
		t, an_event_that_stays_away_is_replaced_after_three_periods);
	tcase_add_test(t, an_event_that_fails_is_replaced_after_three_periods);
	tcase_add_test(t, a_server_that_comes_back_gets_its_time_anew);
	tcase_add_test(t, each_change_is_told_once);
	tcase_add_test(t, in_charge_it_runs_once_a_period);
	suite_add_tcase(s, t);
	return s;
}
