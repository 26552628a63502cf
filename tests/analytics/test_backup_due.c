// SPDX-License-Identifier: MIT
#include "analytics/backup_due.h"

#include <check.h>
#include <string.h>

#include "common/when.h"

static int64_t at(const char *text)
{
	struct when w;

	ck_assert(!when_parse(text, strlen(text), &w));
	return w.at;
}

START_TEST(a_time_of_day_has_two_digits_twice)
{
	ck_assert_int_eq(backup_minute("00:00"), 0);
	ck_assert_int_eq(backup_minute("02:30"), 150);
	ck_assert_int_eq(backup_minute("23:59"), 1439);
	ck_assert_int_eq(backup_minute("24:00"), -1);
	ck_assert_int_eq(backup_minute("12:60"), -1);
	ck_assert_int_eq(backup_minute("2:300"), -1);
	ck_assert_int_eq(backup_minute("2:30"), -1);
	ck_assert_int_eq(backup_minute("-1:30"), -1);
}
END_TEST

/* Zone, time of day, last, now, due? */
static const struct {
	const char *zone, *time, *last, *now;
	bool due;
} cases[] = {
	{"UTC", "02:30", "2026-11-20T02:30:10Z", "2026-11-21T02:29:59Z", false},
	{"UTC", "02:30", "2026-11-20T02:30:10Z", "2026-11-21T02:30:00Z", true},
	{"UTC", "02:30", "2026-11-21T02:30:00Z", "2026-11-21T23:00:00Z", false},
	/* Missed days are made up for once. */
	{"UTC", "02:30", "2026-11-01T02:30:10Z", "2026-11-21T01:00:00Z", true},
	{"UTC", "02:30", "2026-11-21T01:00:00Z", "2026-11-21T01:30:00Z", false},
	/* 02:30 in Seoul is 17:30 UTC of the day before. */
	{"Asia/Seoul", "02:30", "2026-11-20T17:29:00Z", "2026-11-20T17:30:00Z",
		true},
	{"Asia/Seoul", "02:30", "2026-11-20T17:31:00Z", "2026-11-21T17:29:00Z",
		false},
	/* The clock is put forward past 02:30: 03:30 of summer. */
	{"Europe/Berlin", "02:30", "2026-03-28T01:30:05Z",
		"2026-03-29T01:29:59Z", false},
	{"Europe/Berlin", "02:30", "2026-03-28T01:30:05Z",
		"2026-03-29T01:30:00Z", true},
	/* It shows 02:30 twice: once is enough. */
	{"Europe/Berlin", "02:30", "2026-10-24T00:30:05Z",
		"2026-10-25T00:30:00Z", true},
	{"Europe/Berlin", "02:30", "2026-10-25T00:30:05Z",
		"2026-10-25T01:31:00Z", false},
	/* The clock was years ahead when the last one was made. */
	{"UTC", "02:30", "2030-01-01T02:30:10Z", "2026-11-21T02:29:59Z", true},
};

START_TEST(it_is_due_once_its_time_of_day_has_come)
{
	struct tz *tz;

	ck_assert(!tz_load(cases[_i].zone, &tz));
	ck_assert_int_eq(backup_due(tz, backup_minute(cases[_i].time),
				 at(cases[_i].last), at(cases[_i].now)),
		cases[_i].due);
	tz_free(tz);
}
END_TEST

Suite *test_analytics_backup_due(void);

Suite *test_analytics_backup_due(void)
{
	Suite *s = suite_create("analytics/backup_due");
	TCase *t = tcase_create("schedule");

	tcase_add_test(t, a_time_of_day_has_two_digits_twice);
	tcase_add_loop_test(t, it_is_due_once_its_time_of_day_has_come, 0,
		(int)ARRAY_LEN(cases));
	suite_add_tcase(s, t);
	return s;
}
