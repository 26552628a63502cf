// SPDX-License-Identifier: MIT
#include "common/tz.h"

#include <check.h>
#include <string.h>

#include "common/when.h"

static int64_t at(const char *s)
{
	struct when w;

	ck_assert_msg(!when_parse(s, strlen(s), &w), "%s", s);
	return w.at;
}

static struct tz *zone(const char *name)
{
	struct tz *tz;

	ck_assert_msg(!tz_load(name, &tz), "%s", name);
	return tz;
}

/* Values of Python's zoneinfo, 2026. */
START_TEST(offsets_are_those_of_the_zone)
{
	static const struct {
		const char *zone, *at;
		int offset;
	} row[] = {
		{"Asia/Seoul", "2026-11-21T00:00:00Z", 32400},
		{"Asia/Seoul", "1988-07-01T00:00:00Z", 36000},
		{"Asia/Kathmandu", "2026-01-01T00:00:00Z", 20700},
		{"Australia/Lord_Howe", "2026-01-01T00:00:00Z", 39600},
		{"Australia/Lord_Howe", "2026-07-01T00:00:00Z", 37800},
		{"Australia/Lord_Howe", "2090-01-01T00:00:00Z", 39600},
		{"America/New_York", "2026-07-01T00:00:00Z", -14400},
		{"America/New_York", "2100-07-01T00:00:00Z", -14400},
		{"America/New_York", "2100-12-01T00:00:00Z", -18000},
		{"America/New_York", "1883-01-01T00:00:00Z", -17762},
		{"America/St_Johns", "2026-07-01T00:00:00Z", -9000},
		{"America/Sao_Paulo", "2018-12-01T00:00:00Z", -7200},
		{"America/Sao_Paulo", "2060-12-01T00:00:00Z", -10800},
		{"Africa/Casablanca", "2026-02-25T00:00:00Z", 0},
		{"Africa/Casablanca", "2026-06-01T00:00:00Z", 3600},
		{"Europe/Dublin", "2026-01-01T00:00:00Z", 0},
		{"Europe/Dublin", "2099-07-01T00:00:00Z", 3600},
		{"Pacific/Apia", "2011-12-29T00:00:00Z", -36000},
		{"Pacific/Apia", "2012-01-02T00:00:00Z", 50400},
		{"Antarctica/Troll", "2050-07-01T00:00:00Z", 7200},
		{"Antarctica/Troll", "2050-01-01T00:00:00Z", 0},
		{"America/Nuuk", "2060-07-01T00:00:00Z", -3600},
		{"Etc/GMT+12", "2026-01-01T00:00:00Z", -43200},
		{"UTC", "2026-01-01T00:00:00Z", 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct tz *tz = zone(row[i].zone);

		ck_assert_msg(tz_offset(tz, at(row[i].at)) == row[i].offset,
			"%s %s", row[i].zone, row[i].at);
		tz_free(tz);
	}
}
END_TEST

START_TEST(changes_are_found_in_the_table_and_by_the_rule)
{
	struct tz *tz = zone("America/New_York");

	ck_assert_int_eq(tz_next_change(tz, at("2026-01-01T00:00:00Z")),
		at("2026-03-08T07:00:00Z"));
	ck_assert_int_eq(tz_next_change(tz, at("2026-03-08T06:59:59Z")),
		at("2026-03-08T07:00:00Z"));
	ck_assert_int_eq(tz_next_change(tz, at("2026-03-08T07:00:00Z")),
		at("2026-11-01T06:00:00Z"));
	ck_assert_int_eq(tz_next_change(tz, at("2199-12-01T00:00:00Z")),
		at("2200-03-09T07:00:00Z"));
	tz_free(tz);
	tz = zone("Asia/Seoul");
	ck_assert(tz_next_change(tz, at("2000-01-01T00:00:00Z")) == TZ_NEVER);
	tz_free(tz);
}
END_TEST

START_TEST(a_local_time_is_shown_never_once_or_twice)
{
	struct tz *tz = zone("America/New_York");
	int64_t out[2];

	ck_assert_int_eq(tz_local(tz, at("2026-03-08T02:30:00Z"), out), 0);
	ck_assert_int_eq(tz_local(tz, at("2026-03-08T03:00:00Z"), out), 1);
	ck_assert_int_eq(out[0], at("2026-03-08T07:00:00Z"));
	ck_assert_int_eq(tz_local(tz, at("2026-11-01T01:30:00Z"), out), 2);
	ck_assert_int_eq(out[0], at("2026-11-01T05:30:00Z"));
	ck_assert_int_eq(out[1], at("2026-11-01T06:30:00Z"));
	ck_assert_int_eq(tz_local(tz, at("2026-11-01T02:00:00Z"), out), 1);
	ck_assert_int_eq(out[0], at("2026-11-01T07:00:00Z"));
	tz_free(tz);
	tz = zone("Australia/Lord_Howe"); /* half an hour */
	ck_assert_int_eq(tz_local(tz, at("2026-04-05T01:30:00Z"), out), 2);
	ck_assert_int_eq(out[1] - out[0], 1800);
	ck_assert_int_eq(tz_local(tz, at("2026-10-04T02:15:00Z"), out), 0);
	tz_free(tz);
	tz = zone("Pacific/Apia"); /* a day that was left out */
	ck_assert_int_eq(tz_local(tz, at("2011-12-30T12:00:00Z"), out), 0);
	tz_free(tz);
}
END_TEST

START_TEST(a_day_begins_with_the_first_instant_of_its_date)
{
	struct tz *tz = zone("America/Sao_Paulo"); /* no midnight */

	ck_assert_int_eq(
		tz_day_start(tz, 2018, 11, 4), at("2018-11-04T03:00:00Z"));
	ck_assert_int_eq(
		tz_day_start(tz, 2018, 11, 5) - tz_day_start(tz, 2018, 11, 4),
		23 * 3600);
	ck_assert_int_eq(
		tz_day_start(tz, 2018, 2, 18) - tz_day_start(tz, 2018, 2, 17),
		25 * 3600);
	tz_free(tz);
	tz = zone("Asia/Kathmandu");
	ck_assert_int_eq(
		tz_day_start(tz, 2026, 11, 21), at("2026-11-20T18:15:00Z"));
	tz_free(tz);
	tz = zone("Pacific/Apia");
	ck_assert_int_eq(
		tz_day_start(tz, 2011, 12, 30), tz_day_start(tz, 2011, 12, 31));
	ck_assert_int_eq(
		tz_day_start(tz, 2011, 12, 31), at("2011-12-30T10:00:00Z"));
	tz_free(tz);
}
END_TEST

START_TEST(what_is_no_zone_is_not_found)
{
	static const char *const bad[] = {"", "Mars/Phobos", "../../etc/passwd",
		"/usr/share/zoneinfo/UTC", "Europe", "Europe/", "zone.tab",
		"posix/UTC", "right/UTC", "posixrules", "Europe//Berlin",
		"Europe/Berlin/", "Europe/Berlin\n", "tzdata.zi",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		"AAAAAAAAAAAAAAA"};
	struct tz *tz;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_msg(
			tz_load(bad[i], &tz) == E_NOT_FOUND, "%s", bad[i]);
		ck_assert_ptr_null(tz);
	}
}
END_TEST

Suite *test_common_tz(void);
Suite *test_common_tz(void)
{
	Suite *s = suite_create("common/tz");
	TCase *t = tcase_create("tz");

	tcase_add_test(t, offsets_are_those_of_the_zone);
	tcase_add_test(t, changes_are_found_in_the_table_and_by_the_rule);
	tcase_add_test(t, a_local_time_is_shown_never_once_or_twice);
	tcase_add_test(t, a_day_begins_with_the_first_instant_of_its_date);
	tcase_add_test(t, what_is_no_zone_is_not_found);
	suite_add_tcase(s, t);
	return s;
}
