// SPDX-License-Identifier: MIT
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "ingest/interval.h"

enum { LEN = 10 };

static const unsigned kinds =
	1U << KIND_PEOPLE | 1U << KIND_CAR | 1U << KIND_BUS;
static const int64_t second = 1000000;
static struct interval v;
static struct tracker tracker;
static struct row rows[100];
static size_t n;

static void start(void)
{
	interval_init(&v, LEN, kinds);
	tracker_init(&tracker);
	n = 0;
}

/* An object of the tracker's that is in every picture. */
static struct track *see(enum kind k)
{
	struct track *t = &tracker.at[tracker.n++];

	*t = (struct track){.id = tracker.next_id++,
		.group = kind_group(k),
		.counts = true,
		.seen = true,
		.counted_in = INT64_MIN,
		.counted_as = KIND_NONE};
	t->vote[k] = 1;
	return t;
}

static void picture(double at_s)
{
	int64_t at_us = (int64_t)(at_s * 1e6);

	while (interval_advance(&v, at_us))
		rows[n++] = v.done[0];
	interval_count(&v, &tracker);
}

static void finish(double at_s)
{
	while (interval_finish(&v, (int64_t)(at_s * 1e6)))
		rows[n++] = v.done[0];
}

START_TEST(intervals_start_at_multiples_and_where_the_last_ended)
{
	for (double at = 1003.5; at < 1045; at += 0.1)
		picture(at);
	finish(1045);
	ck_assert_uint_eq(n, 5);
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(rows[i].start_at, 1000 + LEN * (int64_t)i);
		ck_assert_int_eq(rows[i].end_at, rows[i].start_at + LEN);
	}
	/* 6.5 s and 5 s of them were watched. */
	ck_assert_int_eq(rows[0].observed_s, 7);
	ck_assert_int_eq(rows[2].observed_s, 10);
	ck_assert_int_eq(rows[4].observed_s, 5);
}
END_TEST

START_TEST(an_object_is_present_in_each_and_new_in_the_first)
{
	see(KIND_PEOPLE);
	for (double at = 1000; at < 1030; at += 0.1)
		picture(at);
	finish(1030);
	ck_assert_uint_eq(n, 3);
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(rows[i].present[GROUP_PEOPLE], 1);
		ck_assert_int_eq(rows[i].fresh[GROUP_PEOPLE], i == 0);
	}
}
END_TEST

START_TEST(what_is_no_object_yet_or_unseen_does_not_count)
{
	see(KIND_PEOPLE)->counts = false;
	see(KIND_PEOPLE)->seen = false;
	picture(1000);
	finish(1000.1);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(rows[0].present[GROUP_PEOPLE], 0);
}
END_TEST

START_TEST(a_watched_interval_without_objects_is_a_row_of_zeros)
{
	for (double at = 1000; at < 1010.05; at += 0.1)
		picture(at);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(rows[0].present[GROUP_PEOPLE], 0);
	ck_assert_int_eq(rows[0].observed_s, LEN);
}
END_TEST

START_TEST(what_was_not_watched_is_missing)
{
	picture(1001);
	picture(1061);
	finish(1061.1);
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(rows[0].start_at, 1000);
	ck_assert_int_eq(rows[0].observed_s, INTERVAL_GAP_US / second);
	ck_assert_int_eq(rows[1].start_at, 1060);
}
END_TEST

START_TEST(an_object_that_turns_out_another_class_moves_over)
{
	struct track *t = see(KIND_CAR);

	picture(1000);
	t->vote[KIND_BUS] = 5;
	picture(1000.1);
	finish(1000.2);
	ck_assert_int_eq(rows[0].present[GROUP_VEHICLE], 1);
	ck_assert_int_eq(rows[0].of_kind[KIND_CAR], 0);
	ck_assert_int_eq(rows[0].of_kind[KIND_BUS], 1);
}
END_TEST

START_TEST(the_end_on_an_edge_gives_one_row)
{
	for (double at = 1000; at < 1009.95; at += 0.1)
		picture(at);
	finish(1010);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(rows[0].observed_s, LEN);
}
END_TEST

START_TEST(a_row_tells_only_what_is_measured)
{
	struct row r = {.start_at = 1763683200,
		.end_at = 1763683210,
		.kinds = 1U << KIND_PEOPLE | 1U << KIND_CAR,
		.present = {3, 2, 0},
		.fresh = {1, 0, 0},
		.of_kind = {[KIND_CAR] = 2},
		.left = {1, 0, 0},
		.peak = {2, 2, 0},
		.stay_us = {12600000, 20000000, 0},
		.observed_s = 10};
	struct text t;

	text_init(&t, 1000);
	row_json(&t, "gate \"1\"", &r);
	ck_assert_str_eq(t.at,
		"{\"camera\":\"gate \\\"1\\\"\","
		"\"start_at\":\"2025-11-21T00:00:00Z\","
		"\"end_at\":\"2025-11-21T00:00:10Z\",\"people\":3,"
		"\"people_new\":1,\"vehicle\":2,\"vehicle_new\":0,"
		"\"classes\":{\"car\":2},\"detail\":{"
		"\"people\":{\"left\":1,\"peak\":2,\"stay_s\":13},"
		"\"vehicle\":{\"left\":0,\"peak\":2,\"stay_s\":20}},"
		"\"observed_s\":10}");
	text_free(&t);
}
END_TEST

START_TEST(a_line_tells_who_crossed_it_and_how_fast)
{
	struct row r = {.series = SERIES_LINE,
		.name = "door/in",
		.start_at = 1763683200,
		.end_at = 1763683210,
		.kinds = 1U << KIND_PEOPLE,
		.present = {3, 0, 0},
		.fresh = {4, 0, 0},
		.observed_s = 10};
	struct text t;

	text_init(&t, 1000);
	row_json(&t, "gate-1", &r);
	ck_assert_str_eq(t.at,
		"{\"camera\":\"gate-1/door/in\","
		"\"start_at\":\"2025-11-21T00:00:00Z\","
		"\"end_at\":\"2025-11-21T00:00:10Z\",\"people\":3,"
		"\"people_new\":4,\"observed_s\":10}");
	text_clear(&t);
	r.speeds = true;
	r.speed_n = 2;
	r.speed_sum = 300;
	r.speed_max = 200;
	row_json(&t, "gate-1", &r);
	ck_assert_ptr_nonnull(strstr(t.at,
		"\"detail\":{\"speed\":{\"n\":2,\"sum_cm_s\":300,"
		"\"max_cm_s\":200}},\"observed_s\":10}"));
	text_free(&t);
}
END_TEST

START_TEST(the_report_leaves_empty_what_is_not_measured)
{
	struct row r = {.start_at = 1763683200,
		.end_at = 1763683210,
		.kinds = 1U << KIND_PEOPLE,
		.present = {3, 0, 0},
		.fresh = {1, 0, 0},
		.observed_s = 9};
	char *bytes;
	size_t size;
	FILE *f = open_memstream(&bytes, &size);

	row_csv_header(f);
	row_csv(f, "a\"b", &r);
	fclose(f);
	ck_assert_str_eq(bytes,
		"camera,start_at,end_at,people,people_new,vehicle,vehicle_new,"
		"face,face_new,car,bus,truck,motorcycle,bicycle,scooter,"
		"observed_s\n"
		"\"a\"\"b\",2025-11-21T00:00:00Z,2025-11-21T00:00:10Z,"
		"3,1,,,,,,,,,,,9\n");
	free(bytes);
}
END_TEST

START_TEST(totals_are_sums_of_rows)
{
	struct row r = {.start_at = 20,
		.end_at = 30,
		.kinds = 1U << KIND_PEOPLE,
		.present = {3, 0, 0},
		.fresh = {1, 0, 0},
		.observed_s = 9};
	struct totals t = {0};
	struct json *o;
	struct text text;

	totals_add(&t, &r);
	r.start_at = 10;
	totals_add(&t, &r);
	text_init(&text, 2000);
	json_open(&text, NULL, '{');
	totals_json(&text, &t);
	json_close(&text, '}');
	ck_assert_int_eq(json_parse(text.at, text.n, &o, NULL), JSON_OK);
	ck_assert(json_number(json_member(o, "people")) == 6);
	ck_assert(json_number(json_member(o, "people_new")) == 2);
	ck_assert(json_number(json_member(o, "observed_s")) == 18);
	ck_assert_int_eq(json_type(json_member(o, "vehicle")), JSON_NULL);
	ck_assert_str_eq(json_string(json_member(o, "first_at")),
		"1970-01-01T00:00:10Z");
	json_free(o);
	text_free(&text);
}
END_TEST

Suite *test_ingest_interval(void);
Suite *test_ingest_interval(void)
{
	Suite *s = suite_create("ingest/interval");
	TCase *t = tcase_create("interval");

	tcase_add_checked_fixture(t, start, NULL);
	tcase_add_test(
		t, intervals_start_at_multiples_and_where_the_last_ended);
	tcase_add_test(t, an_object_is_present_in_each_and_new_in_the_first);
	tcase_add_test(t, what_is_no_object_yet_or_unseen_does_not_count);
	tcase_add_test(t, a_watched_interval_without_objects_is_a_row_of_zeros);
	tcase_add_test(t, what_was_not_watched_is_missing);
	tcase_add_test(t, an_object_that_turns_out_another_class_moves_over);
	tcase_add_test(t, the_end_on_an_edge_gives_one_row);
	tcase_add_test(t, a_row_tells_only_what_is_measured);
	tcase_add_test(t, a_line_tells_who_crossed_it_and_how_fast);
	tcase_add_test(t, the_report_leaves_empty_what_is_not_measured);
	tcase_add_test(t, totals_are_sums_of_rows);
	suite_add_tcase(s, t);
	return s;
}
