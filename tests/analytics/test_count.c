// SPDX-License-Identifier: MIT
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "analytics/count.h"
#include "analytics/count_csv.h"
#include "common/json.h"
#include "common/tz.h"

static struct arena arena;
static struct count_batch batch;

static void setup(void)
{
	arena_init(&arena, 8 << 20);
	batch = (struct count_batch){.arena = &arena};
}

static void teardown(void)
{
	arena_reset(&arena);
}

/* The members behind camera and times; the row that comes of them. */
static struct count *row(const char *members)
{
	struct count_times times = {0};
	struct json *root;
	char text[1024];

	snprintf(text, sizeof(text),
		"{\"camera\":\"gate-1\",\"start_at\":\"2026-01-05T10:00:00Z\","
		"\"end_at\":\"2026-01-05T10:05:00Z\"%s}",
		members);
	ck_assert_msg(!json_parse(text, strlen(text), &root, NULL), "%s", text);
	count_from_json(&batch, root, (unsigned)batch.n + 1, &times);
	json_free(root);
	return &batch.row[batch.n - 1];
}

START_TEST(what_was_not_measured_is_null)
{
	struct count *c = row(",\"people\":12,\"vehicle\":null,"
			      "\"classes\":{\"car\":2}");

	ck_assert_int_eq(c->verdict, COUNT_UNJUDGED);
	ck_assert_int_eq(c->figure[F_people], 12);
	ck_assert_int_eq(c->figure[F_vehicle], COUNT_NULL);
	ck_assert_int_eq(c->figure[F_car], 2);
	ck_assert_int_eq(c->figure[F_bus], COUNT_NULL);
	ck_assert_int_eq(c->observed_s, COUNT_NULL);
}
END_TEST

START_TEST(a_bad_member_is_named)
{
	static const struct {
		const char *members, *field, *type;
	} bad[] = {
		{",\"people\":-1", "people", "out_of_range"},
		{",\"people\":1000001", "people", "out_of_range"},
		{",\"people\":3.7", "people", "not_an_integer"},
		{",\"people\":\"12\"", "people", "not_a_number"},
		{",\"people\":true", "people", "not_a_number"},
		{",\"People\":1", "People", "unknown_field"},
		{",\"people\":1,\"people\":1", "people", "duplicate_field"},
		{",\"people\":1,\"camera\":\"x\"", "camera", "duplicate_field"},
		{",\"people\":1,\"classes\":[]", "classes", "not_an_object"},
		{",\"people\":1,\"classes\":{\"tank\":1}", "classes",
			"unknown_field"},
		{",\"people\":1,\"observed_s\":301", "observed_s",
			"out_of_range"},
		{"", "people", "missing"},
		{",\"observed_s\":1", "people", "missing"},
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const struct count *c = row(bad[i].members);
		const struct count_error *e;

		ck_assert_msg(
			c->verdict == COUNT_REJECTED, "%s", bad[i].members);
		ck_assert_uint_eq(batch.errors_n, i + 1);
		e = &batch.error[i];
		ck_assert_str_eq(e->field, bad[i].field);
		ck_assert_str_eq(e->type, bad[i].type);
		ck_assert_uint_eq(e->line, i + 1);
	}
}
END_TEST

START_TEST(a_whole_number_may_be_written_in_any_form)
{
	ck_assert_int_eq(row(",\"people\":12.0")->figure[F_people], 12);
	ck_assert_int_eq(row(",\"people\":1.2e1")->figure[F_people], 12);
	ck_assert_int_eq(row(",\"people\":1000000")->figure[F_people], 1000000);
	ck_assert_uint_eq(batch.errors_n, 0);
}
END_TEST

/* Feeds text cut after every n bytes. */
static bool feed(struct count_csv *c, const char *text, size_t n)
{
	size_t left = strlen(text), used;

	while (left) {
		size_t k = left < n ? left : n;

		if (count_csv_feed(c, text, k, false, &used))
			return false;
		ck_assert_uint_eq(used, k);
		text += k;
		left -= k;
	}
	return count_csv_feed(c, "", 0, true, &used) == COUNT_MORE;
}

START_TEST(csv_is_the_same_however_it_is_cut)
{
	static const char text[] =
		"\xef\xbb\xbf"
		"camera,start_at,end_at,people,car\r\n"
		"\"gate-1\",2026-01-05T10:00:00Z,2026-01-05T10:05:00Z,3,\r\n"
		"gate-1,2026-01-05T10:05:00Z,2026-01-05T10:10:00Z,x,1\r\n"
		"gate-1,2026-01-05T10:10:00Z,2026-01-05T10:15:00Z,4\r\n";
	static struct count_csv c;
	struct count_times times = {0};

	for (size_t n = 1; n < sizeof(text); n++) {
		arena_reset(&arena);
		setup();
		count_csv_init(&c, &batch, &times, NULL, NULL);
		ck_assert(feed(&c, text, n));
		ck_assert_uint_eq(batch.n, 3);
		ck_assert_int_eq(batch.row[0].figure[F_people], 3);
		ck_assert_int_eq(batch.row[0].figure[F_car], COUNT_NULL);
		ck_assert_uint_eq(batch.errors_n, 2);
		ck_assert_uint_eq(batch.error[0].line, 3);
		ck_assert_str_eq(batch.error[0].field, "people");
		ck_assert_uint_eq(batch.error[1].line, 4);
	}
}
END_TEST

START_TEST(local_times_meet_the_clock_of_their_zone)
{
	static const char text[] =
		"camera,start_at,end_at,people\n"
		"g,2026-03-08 01:30,2026-03-08 03:30,1\n"  /* across the gap */
		"g,2026-03-08 02:30,2026-03-08 03:30,1\n"  /* inside it */
		"g,2025-11-02 01:30,2025-11-02 03:00,1\n"; /* shown twice */
	static struct count_csv c;
	struct count_times times = {.fold = FOLD_REFUSE};
	struct tz *tz;

	ck_assert(!tz_load("America/New_York", &tz));
	times.tz = tz;
	count_csv_init(&c, &batch, &times, NULL, NULL);
	ck_assert(feed(&c, text, sizeof(text)));
	ck_assert_int_eq(batch.row[0].end_at - batch.row[0].start_at, 3600);
	ck_assert_uint_eq(batch.errors_n, 2);
	ck_assert_uint_eq(batch.error[0].line, 3);
	ck_assert_uint_eq(batch.error[1].line, 4);

	arena_reset(&arena);
	setup();
	times.fold = FOLD_SECOND;
	count_csv_init(&c, &batch, &times, NULL, NULL);
	ck_assert(feed(&c, text, sizeof(text)));
	ck_assert_uint_eq(batch.errors_n, 1);
	ck_assert_int_eq(batch.row[2].end_at - batch.row[2].start_at, 5400);
	tz_free(tz);
}
END_TEST

START_TEST(a_foreign_file_is_read_by_the_names_of_its_columns)
{
	static const char text[] = "weather,of,what,people,n\n"
				   "fine,gate-1,05.01.2026 10h,7,3.00\n"
				   "wet,gate-1,31.02.2026 10h,7,4\n"
				   "wet,gate-1,05.01.2026 11h,7,4.5\n";
	static struct count_csv c;
	struct count_times times = {.form = "%d.%m.%Y %Hh"};
	struct count_columns names = {.name = {[F_vehicle] = "n",
					      [COLUMN_CAMERA] = "of",
					      [COLUMN_START] = "what"},
		.wanted = 1u << F_vehicle | 1u << COLUMN_START};
	struct tz *tz;

	ck_assert(!tz_load("Asia/Seoul", &tz));
	times.tz = tz;
	count_csv_init(&c, &batch, &times, NULL, NULL);
	c.names = &names;
	ck_assert_msg(feed(&c, text, 7), "%s", c.why);
	ck_assert_uint_eq(batch.n, 3);
	ck_assert_str_eq(batch.row[0].camera, "gate-1");
	ck_assert_int_eq(batch.row[0].figure[F_vehicle], 3);
	ck_assert_int_eq(batch.row[0].figure[F_people], COUNT_NULL);
	ck_assert_int_eq(batch.row[0].start_at, 1767574800); /* 01:00 UTC */
	ck_assert_str_eq(
		batch.error[1].detail, "start_at is no time like %d.%m.%Y %Hh");
	ck_assert_str_eq(batch.error[2].field, "vehicle");

	names.name[F_face] = "faces";
	names.wanted |= 1u << F_face;
	count_csv_init(&c, &batch, &times, NULL, NULL);
	c.names = &names;
	ck_assert(!feed(&c, text, sizeof(text)));
	ck_assert_str_eq(c.why, "line 1: the header lacks faces");
	tz_free(tz);
}
END_TEST

START_TEST(a_digest_tells_what_count_same_does)
{
	struct count a = *row(",\"people\":1"), b = a;

	b.observed_s = 300;
	ck_assert(count_same(&a, &b) && count_digest(&a) == count_digest(&b));
	for (int i = 0; i < COUNT_FIGURES_N; i++) {
		b = a;
		b.figure[i] = 2;
		ck_assert(count_digest(&a) != count_digest(&b));
	}
	b = a;
	b.end_at++;
	ck_assert(count_digest(&a) != count_digest(&b));
}
END_TEST

START_TEST(a_batch_is_bounded)
{
	for (int i = 0; i < COUNT_ROWS_MAX; i++)
		ck_assert_ptr_nonnull(count_add(&batch, 1));
	ck_assert_ptr_null(count_add(&batch, 1));
}
END_TEST

START_TEST(the_default_of_observed_seconds_is_the_whole_interval)
{
	struct count a = *row(",\"people\":1");
	struct count b = *row(",\"people\":1,\"observed_s\":300");
	struct count c = *row(",\"people\":1,\"observed_s\":299");

	ck_assert(count_same(&a, &b));
	ck_assert(!count_same(&a, &c));
}
END_TEST

Suite *test_analytics_count(void);
Suite *test_analytics_count(void)
{
	Suite *s = suite_create("analytics/count");
	TCase *t = tcase_create("count");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_was_not_measured_is_null);
	tcase_add_test(t, a_bad_member_is_named);
	tcase_add_test(t, a_whole_number_may_be_written_in_any_form);
	tcase_add_test(t, csv_is_the_same_however_it_is_cut);
	tcase_add_test(t, local_times_meet_the_clock_of_their_zone);
	tcase_add_test(t, a_foreign_file_is_read_by_the_names_of_its_columns);
	tcase_add_test(t, a_digest_tells_what_count_same_does);
	tcase_add_test(t, a_batch_is_bounded);
	tcase_add_test(
		t, the_default_of_observed_seconds_is_the_whole_interval);
	suite_add_tcase(s, t);
	return s;
}
