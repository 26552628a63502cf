// SPDX-License-Identifier: MIT
/* clock, outage and marks: what time does to a camera. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ingest/clock.h"
#include "ingest/marks.h"
#include "ingest/outage.h"

enum { S = 1000000 };

START_TEST(a_streams_own_times_smooth_what_the_network_did)
{
	struct stream_clock c = {0};
	/* 40 ms apart at the camera; here they come in pairs. */
	int64_t arrived[] = {1000, 1080, 1080, 1160, 1160, 1240};
	int64_t last = 0;

	for (int i = 0; i < 6; i++) {
		int64_t at = stream_clock_at(
			&c, 90000 + i * 40000, arrived[i] * 1000);

		ck_assert_int_le(at, arrived[i] * 1000);
		if (i)
			ck_assert(at - last >= 39000 && at - last <= 41000);
		last = at;
	}
}
END_TEST

START_TEST(a_stream_that_leaps_or_tells_nothing_is_taken_as_it_comes)
{
	struct stream_clock c = {0};

	ck_assert_int_eq(stream_clock_at(&c, 5 * S, 100 * S), 100 * S);
	ck_assert_int_eq(stream_clock_at(&c, 6 * S, 101 * S), 101 * S);
	/* on, back, and without a time */
	ck_assert_int_eq(stream_clock_at(&c, 900 * S, 102 * S), 102 * S);
	ck_assert_int_eq(stream_clock_at(&c, 2 * S, 103 * S), 103 * S);
	ck_assert_int_eq(stream_clock_at(&c, INT64_MIN, 104 * S), 104 * S);
	ck_assert_int_eq(stream_clock_at(&c, INT64_MAX - 1, 105 * S), 105 * S);
	/* the same moment twice still rises */
	ck_assert_int_eq(stream_clock_at(&c, 3 * S, 105 * S), 105 * S + 1);
}
END_TEST

START_TEST(a_streams_slow_or_fast_clock_is_followed)
{
	for (int per_million = -500; per_million <= 500; per_million += 250) {
		struct stream_clock c = {0};
		int64_t at = 0, arrived = 0;

		for (int64_t i = 0; i < 25 * 3600; i++) {
			arrived = 1000 * S + i * 40000;
			at = stream_clock_at(&c,
				i * (40000 + 40 * per_million / 1000), arrived);
		}
		ck_assert_int_le(at, arrived);
		ck_assert_int_gt(at, arrived - S / 10);
	}
}
END_TEST

START_TEST(the_wall_clock_is_slewed_or_set)
{
	struct wall_clock w = {.offset_us = 0};

	ck_assert_int_eq(wall_clock_follow(&w, 10 * S, 10 * S + 300), 0);
	ck_assert_int_eq(w.offset_us, 300);
	ck_assert_int_eq(wall_clock_follow(&w, 10 * S, 10 * S + S / 2), 0);
	ck_assert_int_eq(w.offset_us, 300 + WALL_SLEW_US);
	w.offset_us = 0;
	ck_assert_int_eq(
		wall_clock_follow(&w, 10 * S, 86410 * INT64_C(1000000)),
		86400 * INT64_C(1000000));
	ck_assert_int_eq(wall_clock_follow(&w, 11 * S, 11 * S),
		-86400 * INT64_C(1000000));
	ck_assert_int_eq(w.offset_us, 0);
}
END_TEST

START_TEST(pauses_double_up_to_the_bound_and_vary)
{
	struct outage o = {
		.code = "c", .shown = "rtsp://h/", .retry_most_us = 8 * S};
	int64_t whole = S;

	ck_assert(!outage_end(&o, 0));
	for (int i = 0; i < 8; i++) {
		int64_t wait = outage_try(&o, "refused 1", i);

		ck_assert_int_ge(wait, whole / 2);
		ck_assert_int_le(wait, whole);
		whole = whole * 2 > 8 * S ? 8 * S : whole * 2;
	}
	ck_assert_uint_eq(o.tries, 8);
	/* Digits are no cause, nor is what was told in this outage. */
	outage_try(&o, "refused 2", 9);
	ck_assert_uint_eq(o.causes, 1);
	outage_try(&o, "gone", 9);
	outage_try(&o, "refused 3", 9);
	ck_assert_uint_eq(o.causes, 2);
	for (int i = 0; i < 9; i++) {
		char why[3] = {'x', (char)('a' + i), '\0'};

		outage_try(&o, why, 9);
	}
	ck_assert_uint_eq(o.causes, OUTAGE_CAUSES);
	ck_assert(outage_end(&o, 10));
	ck_assert_uint_eq(o.causes, 0);
	/* One that comes and goes is not asked more often for that. */
	ck_assert_int_ge(outage_try(&o, "gone", 11), 4 * S);
	outage_steady(&o);
	ck_assert_int_le(outage_try(&o, "gone", 12), S);
}
END_TEST

START_TEST(marks_outlive_the_process_and_a_wrong_clock)
{
	char dir[] = "/tmp/tally-marks-XXXXXX", path[64];
	struct marks *m;
	int64_t now = 1763683200, day = 86400;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_ptr_nonnull(m = marks_open(dir));
	ck_assert_int_eq(marks_get(m, "a b", now), INT64_MIN);
	marks_put(m, "a b", now + 60);
	marks_put(m, "other", now - 60);
	marks_close(m);
	ck_assert_ptr_nonnull(m = marks_open(dir));
	ck_assert_int_eq(marks_get(m, "a b", now), now + 60);
	ck_assert_int_eq(marks_get(m, "other", now), now - 60);
	/* A day ahead for some rows: what was before it counts. */
	marks_put(m, "a b", now + day);
	marks_put(m, "a b", now + day + 60);
	marks_close(m);
	ck_assert_ptr_nonnull(m = marks_open(dir));
	ck_assert_int_eq(marks_get(m, "a b", now), now + 60);
	ck_assert_int_eq(marks_get(m, "a b", now + day), now + day + 60);
	marks_put(m, "a b", now + 120);
	ck_assert_int_eq(marks_get(m, "a b", now), now + 120);
	marks_close(m);
	snprintf(path, sizeof(path), "%s/marks", dir);
	unlink(path);
	rmdir(dir);
}
END_TEST

Suite *test_ingest_clock(void);
Suite *test_ingest_clock(void)
{
	Suite *s = suite_create("ingest/clock");
	TCase *t = tcase_create("clock");

	tcase_set_timeout(t, 60);

	tcase_add_test(t, a_streams_own_times_smooth_what_the_network_did);
	tcase_add_test(
		t, a_stream_that_leaps_or_tells_nothing_is_taken_as_it_comes);
	tcase_add_test(t, a_streams_slow_or_fast_clock_is_followed);
	tcase_add_test(t, the_wall_clock_is_slewed_or_set);
	tcase_add_test(t, pauses_double_up_to_the_bound_and_vary);
	tcase_add_test(t, marks_outlive_the_process_and_a_wrong_clock);
	suite_add_tcase(s, t);
	return s;
}
