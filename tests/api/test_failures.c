// SPDX-License-Identifier: MIT
#include "api/failures.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

enum { FULL = FAILURES_SETS * FAILURES_WAYS };

static struct failures *table;

START_TEST(failures_are_counted_by_who_has_the_address)
{
	static const struct {
		const char *addr, *origin;
	} rows[] = {
		{"192.0.2.7", "192.0.2.7"},
		{"::ffff:192.0.2.7", "::ffff:192.0.2.7"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
		{"2001:db8:1:2:ffff::1", "2001:db8:1:2::"},
		{"2001:db8:1:3::1", "2001:db8:1:3::"},
		{"::1", "::"},
		{"", ""},
	};
	char origin[FAILURES_ADDRESS];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		failures_origin(rows[i].addr, origin);
		ck_assert_str_eq(origin, rows[i].origin);
	}
}
END_TEST

START_TEST(a_name_is_no_address_and_no_browser)
{
	char name[FAILURES_ADDRESS], browser[FAILURES_ADDRESS];
	char other[FAILURES_ADDRESS];

	failures_key(name, 'u', (struct slice){"2001:db8::1", 11});
	failures_key(browser, 'k', (struct slice){"2001:db8::1", 11});
	failures_key(other, 'u', (struct slice){"2001:db8::2", 11});
	ck_assert_uint_eq(strlen(name), FAILURES_ADDRESS - 1);
	ck_assert_int_eq(failures_add(table, name, 5), 1);
	ck_assert_int_eq(failures_add(table, name, 5), 2);
	ck_assert_int_eq(failures_count(table, name, 5), 2);
	ck_assert_int_eq(failures_count(table, other, 5), 0);
	ck_assert_int_eq(failures_count(table, browser, 5), 0);
	ck_assert_int_eq(failures_count(table, "2001:db8::1", 5), 0);
}
END_TEST

START_TEST(an_address_is_forgotten_after_its_minute)
{
	ck_assert_int_eq(failures_count(table, "192.0.2.7", 5), 0);
	ck_assert_int_eq(failures_add(table, "192.0.2.7", 5), 1);
	ck_assert_int_eq(failures_add(table, "192.0.2.7", 6), 2);
	ck_assert_int_eq(failures_add(table, "192.0.2.8", 6), 1);
	ck_assert_int_eq(
		failures_count(table, "192.0.2.7", 4 + FAILURES_WINDOW_MS), 2);
	ck_assert_int_eq(
		failures_count(table, "192.0.2.7", 5 + FAILURES_WINDOW_MS), 0);
	ck_assert_int_eq(
		failures_add(table, "192.0.2.7", 5 + FAILURES_WINDOW_MS), 1);
}
END_TEST

START_TEST(the_whole_network_of_a_subscriber_is_one)
{
	for (int i = 1; i <= 20; i++) {
		char addr[FAILURES_ADDRESS];

		snprintf(addr, sizeof(addr), "2001:db8:1:2::%x", i);
		ck_assert_int_eq(failures_add(table, addr, i), i);
	}
	ck_assert_int_eq(failures_count(table, "2001:db8:1:2:f::", 21), 20);
	ck_assert_int_eq(failures_count(table, "2001:db8:1:3::1", 21), 0);
}
END_TEST

/* Who failed often does not get out by sending others, though there are many
 * times more of them than the table has room for. */
START_TEST(a_full_table_keeps_who_failed_most)
{
	for (int i = 0; i < 10; i++)
		failures_add(table, "192.0.2.7", i);
	for (int i = 0; i < 20 * FULL; i++) {
		char addr[FAILURES_ADDRESS];

		snprintf(addr, sizeof(addr), "2001:db8:%x:%x::1", i >> 16,
			i & 0xffff);
		ck_assert_int_eq(failures_add(table, addr, 10), 1);
	}
	ck_assert_int_eq(failures_count(table, "192.0.2.7", 11), 10);
	ck_assert_int_eq(failures_add(table, "192.0.2.7", 11), 11);
}
END_TEST

static void open_table(void)
{
	ck_assert_int_eq(failures_open(&table), E_OK);
}

static void close_table(void)
{
	failures_close(table);
}

Suite *test_api_failures(void);
Suite *test_api_failures(void)
{
	Suite *s = suite_create("api/failures");
	TCase *t = tcase_create("failures");

	tcase_add_checked_fixture(t, open_table, close_table);
	tcase_add_test(t, failures_are_counted_by_who_has_the_address);
	tcase_add_test(t, a_name_is_no_address_and_no_browser);
	tcase_add_test(t, an_address_is_forgotten_after_its_minute);
	tcase_add_test(t, the_whole_network_of_a_subscriber_is_one);
	tcase_add_test(t, a_full_table_keeps_who_failed_most);
	suite_add_tcase(s, t);
	return s;
}
