// SPDX-License-Identifier: MIT
#include <check.h>
#include <string.h>

#include "api/buckets.h"

static int64_t at(const char *text)
{
	struct when w;

	ck_assert(!when_parse(text, strlen(text), &w));
	return w.at;
}

static struct tz *zone(const char *name)
{
	struct tz *tz;

	ck_assert(!tz_load(name, &tz));
	return tz;
}

START_TEST(an_hour_lies_where_the_clock_shows_it)
{
	static const struct {
		const char *zone, *date;
		int hour, fold;
		const char *start, *end;
	} row[] = {
		{"UTC", "2024-05-01", 7, 0, "2024-05-01T07:00Z",
			"2024-05-01T08:00Z"},
		{"UTC", "2024-05-01", 7, 1, "2024-05-01T07:00Z",
			"2024-05-01T08:00Z"},
		{"Asia/Kathmandu", "2024-05-01", 0, 0, "2024-05-01T00:00+05:45",
			"2024-05-01T01:00+05:45"},
		{"Europe/Berlin", "2024-10-27", 2, 0, "2024-10-27T00:00Z",
			"2024-10-27T01:00Z"},
		{"Europe/Berlin", "2024-10-27", 2, 1, "2024-10-27T01:00Z",
			"2024-10-27T02:00Z"},
		{"Europe/Berlin", "2024-03-31", 2, 0, "2024-03-31T01:00Z",
			"2024-03-31T01:00Z"},
		{"Europe/Berlin", "2024-03-31", 3, 0, "2024-03-31T01:00Z",
			"2024-03-31T02:00Z"},
		/* Half an hour back at 02:00, and forward. */
		{"Australia/Lord_Howe", "2024-04-07", 1, 0,
			"2024-04-07T01:00+11:00", "2024-04-07T02:00+11:00"},
		{"Australia/Lord_Howe", "2024-04-07", 1, 1,
			"2024-04-07T01:30+10:30", "2024-04-07T02:00+10:30"},
		{"Australia/Lord_Howe", "2024-10-06", 2, 0,
			"2024-10-06T02:30+11:00", "2024-10-06T03:00+11:00"},
		/* Two hours at once. */
		{"Antarctica/Troll", "2024-10-27", 1, 0, "2024-10-26T23:00Z",
			"2024-10-27T00:00Z"},
		{"Antarctica/Troll", "2024-10-27", 1, 1, "2024-10-27T01:00Z",
			"2024-10-27T02:00Z"},
		{"Antarctica/Troll", "2024-10-27", 2, 1, "2024-10-27T02:00Z",
			"2024-10-27T03:00Z"},
		/* A day that was left out. */
		{"Pacific/Apia", "2011-12-30", 12, 0, "2011-12-30T10:00Z",
			"2011-12-30T10:00Z"},
		{"Pacific/Apia", "2011-12-31", 0, 0, "2011-12-30T10:00Z",
			"2011-12-30T11:00Z"},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct tz *tz = zone(row[i].zone);
		int64_t start, end;

		bucket_hour(tz, at(row[i].date), row[i].hour, row[i].fold,
			&start, &end);
		ck_assert_msg(
			start == at(row[i].start) && end == at(row[i].end),
			"%s %s %d: %+lld %+lld", row[i].zone, row[i].date,
			row[i].hour, (long long)(start - at(row[i].start)),
			(long long)(end - at(row[i].end)));
		tz_free(tz);
	}
}
END_TEST

START_TEST(hours_of_a_date_in_a_range)
{
	struct tz *tz = zone("Europe/Berlin");
	int64_t day = at("2024-10-27"), all = (INT64_C(1) << 48) - 1;

	ck_assert_int_eq(bucket_hours(tz, day, 0, at("2030-01-01")), all);
	ck_assert_int_eq(bucket_hours(tz, day, 0, at("2024-10-26T22:00Z")), 0);
	/* The second pass of 02h alone; hours without one go with the first. */
	ck_assert_int_eq(bucket_hours(tz, day, at("2024-10-27T00:00:01Z"),
				 at("2024-10-27T01:00:01Z")),
		INT64_C(1) << 5);
	ck_assert_int_eq(bucket_hours(tz, day, at("2024-10-27T02:00Z"),
				 at("2024-10-27T04:00Z")),
		INT64_C(0xf) << 6);
	tz_free(tz);
}
END_TEST

START_TEST(dates_and_months_of_a_range)
{
	struct tz *tz = zone("America/New_York");
	int64_t a, b;

	ck_assert_int_eq(
		bucket_date(tz, at("2024-03-01T04:59:59Z")), at("2024-02-29"));
	ck_assert_int_eq(bucket_date_from(tz, at("2024-03-01T05:00:00Z")),
		at("2024-03-01"));
	ck_assert_int_eq(bucket_date_from(tz, at("2024-03-01T05:00:01Z")),
		at("2024-03-02"));
	bucket_months(
		tz, at("2024-03-01T05:00Z"), at("2024-06-01T04:00Z"), &a, &b);
	ck_assert(a == at("2024-03-01") && b == at("2024-06-01"));
	bucket_months(tz, at("2024-03-01T05:00:01Z"),
		at("2024-06-01T03:59:59Z"), &a, &b);
	ck_assert(a == at("2024-04-01") && b == at("2024-05-01"));
	bucket_months(tz, at("2024-12-02"), at("2024-12-31"), &a, &b);
	ck_assert(a == b && a == at("2025-01-01"));
	ck_assert_int_eq(
		bucket_next(BUCKET_MONTH, at("2024-12-01")), at("2025-01-01"));
	ck_assert_int_eq(
		bucket_next(BUCKET_YEAR, at("2024-01-01")), at("2025-01-01"));
	ck_assert_int_eq(
		bucket_next(BUCKET_WEEK, at("2024-02-26")), at("2024-03-04"));
	ck_assert_int_eq(bucket_from_number(20240229), at("2024-02-29"));
	ck_assert_int_eq(bucket_number(at("2024-02-29")), 20240229);
	tz_free(tz);
}
END_TEST

START_TEST(dates_hold_all_that_begins_in_a_range)
{
	/* With changes over midnight, and a day that was left out. */
	static const struct {
		const char *zone, *from;
	} row[] = {
		{"UTC", "2024-05-01"},
		{"Asia/Kathmandu", "2024-05-01"},
		{"Europe/Berlin", "2024-10-25"},
		{"America/St_Johns", "2006-10-27"},
		{"Asia/Beirut", "2023-10-27"},
		{"Pacific/Apia", "2011-12-28"},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct tz *tz = zone(row[i].zone);
		int64_t begin = at(row[i].from), first, last;

		for (int64_t from = begin; from < begin + 4 * DAY_S;
			from += 900)
			for (int64_t n = 900; n < 2 * DAY_S; n += 9900) {
				bucket_dates(tz, from, from + n, &first, &last);
				for (int64_t t = from; t < from + n; t += 900)
					ck_assert(bucket_date(tz, t) >= first &&
						bucket_date(tz, t) <= last);
			}
		tz_free(tz);
	}
}
END_TEST

START_TEST(dates_of_a_day_are_that_day)
{
	struct tz *tz = zone("Asia/Seoul");
	int64_t first, last;

	bucket_dates(tz, at("2024-05-01T00:00+09:00"),
		at("2024-05-02T00:00+09:00"), &first, &last);
	ck_assert(first == at("2024-05-01") && last == first);
	tz_free(tz);
	/* 2011-12-30 is not there, and begins with the next. */
	tz = zone("Pacific/Apia");
	bucket_dates(tz, at("2011-12-30T10:00Z"), at("2011-12-31T10:00Z"),
		&first, &last);
	ck_assert(first <= at("2011-12-30") && last >= at("2011-12-31"));
	tz_free(tz);
}
END_TEST

Suite *test_api_buckets(void);
Suite *test_api_buckets(void)
{
	Suite *s = suite_create("api/buckets");
	TCase *t = tcase_create("zones");

	tcase_add_test(t, an_hour_lies_where_the_clock_shows_it);
	tcase_add_test(t, hours_of_a_date_in_a_range);
	tcase_add_test(t, dates_and_months_of_a_range);
	tcase_add_test(t, dates_hold_all_that_begins_in_a_range);
	tcase_add_test(t, dates_of_a_day_are_that_day);
	suite_add_tcase(s, t);
	return s;
}
