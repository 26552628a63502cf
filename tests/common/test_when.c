// SPDX-License-Identifier: MIT
#include <check.h>
#include <string.h>

#include "common/when.h"

static int64_t at(const char *s)
{
	struct when w;

	ck_assert_msg(when_parse(s, strlen(s), &w) == E_OK, "%s", s);
	return w.at;
}

START_TEST(an_offset_is_applied)
{
	ck_assert_int_eq(
		at("2026-11-21T09:00:00+09:00"), at("2026-11-21T00:00:00Z"));
	ck_assert_int_eq(
		at("2026-11-20T20:30:00-03:30"), at("2026-11-21T00:00:00Z"));
	ck_assert_int_eq(at("1970-01-01T00:00:00Z"), 0);
	ck_assert_int_eq(at("2000-02-29T00:00:00Z"), 951782400);
}
END_TEST

START_TEST(what_the_text_left_out_is_told)
{
	struct when w;

	ck_assert(!when_parse("2026-11-21 09:00", 16, &w));
	ck_assert(!w.has_offset && w.whole && !w.date_only);
	ck_assert(!when_parse("2026-11-21T09:00:00.5Z", 22, &w));
	ck_assert(w.has_offset && !w.whole);
	ck_assert(!when_parse("2026-11-21T09:00:00.000Z", 24, &w));
	ck_assert(w.whole);
	ck_assert(!when_parse("2026-11-21", 10, &w));
	ck_assert(w.date_only && !w.has_offset);
}
END_TEST

START_TEST(what_is_no_time_is_refused)
{
	static const char *const bad[] = {"", "2026", "2026-02-29T00:00:00Z",
		"2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z",
		"2026-01-01T00:00:00+9:00", "2026-01-01T00:00:00+0900",
		"2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx",
		"0000-01-01T00:00:00Z", "26-01-01T00:00:00Z",
		"2026-01-01T00:00:00+24:00", " 2026-01-01T00:00:00Z"};
	struct when w;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(
			when_parse(bad[i], strlen(bad[i]), &w) == E_INVALID,
			"%s", bad[i]);
}
END_TEST

START_TEST(every_day_of_four_centuries_survives_the_round_trip)
{
	int64_t day = at("1899-12-31T00:00:00Z"),
		end = at("2300-01-01T00:00:00Z");
	int weekday = when_weekday(day);

	for (; day < end; day += DAY_S) {
		struct civil c = when_to_civil(day + 3723);

		ck_assert_int_eq(when_from_civil(&c), day + 3723);
		ck_assert_int_eq(when_from_number(when_number(day)), day);
		ck_assert_int_eq(when_weekday(day + DAY_S - 1), weekday);
		weekday = weekday % 7 + 1;
	}
	ck_assert_int_eq(when_weekday(at("2026-11-21T00:00:00Z")), 6);
}
END_TEST

START_TEST(texts_carry_the_offset)
{
	char buf[WHEN_TEXT];

	ck_assert_str_eq(when_format(buf, 0, 0, true), "1970-01-01T00:00:00Z");
	ck_assert_str_eq(
		when_format(buf, 0, 0, false), "1970-01-01T00:00:00+00:00");
	ck_assert_str_eq(
		when_format(buf, 0, 20700, false), "1970-01-01T05:45:00+05:45");
	ck_assert_str_eq(when_format(buf, 0, -12600, false),
		"1969-12-31T20:30:00-03:30");
}
END_TEST

START_TEST(a_form_of_ones_own_is_held_to_the_calendar)
{
	static const struct {
		const char *text, *form;
		int64_t at; /* 0: refused */
	} some[] = {
		{"21/11/2026 09:00", "%d/%m/%Y %H:%M", 1795251600},
		{"2026-11-21", "%Y-%m-%d", 1795219200},
		{"21 Nov 2026 9:00 PM", "%d %b %Y %I:%M %p", 1795294800},
		{"20261121T090000+0900", "%Y%m%dT%H%M%S%z", 1795219200},
		{"31/02/2026 09:00", "%d/%m/%Y %H:%M", 0},
		{"29/02/2026 09:00", "%d/%m/%Y %H:%M", 0},
		{"21/11/2026 09:00 ", "%d/%m/%Y %H:%M", 0},
		{"21/11/2026", "%d/%m/%Y %H:%M", 0},
		{"", "%Y-%m-%d", 0},
		{"09:00", "%H:%M", 0},
		{"2026-11", "%Y-%m", 0},
		{"2026-11-21 23:59:60", "%Y-%m-%d %H:%M:%S", 0},
	};
	struct when w;

	for (size_t i = 0; i < ARRAY_LEN(some); i++) {
		enum err e = when_parse_as(some[i].text, some[i].form, &w);

		ck_assert_msg(e == (some[i].at ? E_OK : E_INVALID), "%s",
			some[i].text);
		if (!e)
			ck_assert_int_eq(w.at, some[i].at);
	}
	ck_assert(!when_parse_as("2026-11-21 +0900", "%Y-%m-%d %z", &w) &&
		w.has_offset);
	ck_assert(when_form_ok("%d%%%m") && !when_form_ok("%s") &&
		!when_form_ok("%Y %") && !when_form_ok("%Y %Z"));
	ck_assert(when_form_ok("%-d.%_m.%Y %I:%M %p") && !when_form_ok("%-s") &&
		!when_form_ok("%Q") && !when_form_ok("%%%"));
	ck_assert(!when_parse_as("1.2.2026", "%-d.%-m.%Y", &w) &&
		w.at == 1769904000);
}
END_TEST

Suite *test_common_when(void);
Suite *test_common_when(void)
{
	Suite *s = suite_create("common/when");
	TCase *t = tcase_create("when");

	tcase_add_test(t, an_offset_is_applied);
	tcase_add_test(t, what_the_text_left_out_is_told);
	tcase_add_test(t, what_is_no_time_is_refused);
	tcase_add_test(t, every_day_of_four_centuries_survives_the_round_trip);
	tcase_add_test(t, a_form_of_ones_own_is_held_to_the_calendar);
	tcase_add_test(t, texts_carry_the_offset);
	suite_add_tcase(s, t);
	return s;
}
