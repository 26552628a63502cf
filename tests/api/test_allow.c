// SPDX-License-Identifier: MIT
#include "api/allow.h"

#include <check.h>
#include <string.h>

START_TEST(an_address_is_in_the_networks_that_hold_it)
{
	static const struct {
		const char *list, *addr;
		bool in;
	} rows[] = {
		{"", "127.0.0.1", false},
		{"127.0.0.1", "127.0.0.1", true},
		{"127.0.0.1", "127.0.0.2", false},
		{"10.0.0.0/8 \t 127.0.0.0/31", "127.0.0.1", true},
		{"10.0.0.0/8 127.0.0.0/31", "127.0.0.2", false},
		{"10.128.0.0/9", "10.127.255.255", false},
		{"10.128.0.0/9", "10.128.0.0", true},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"0.0.0.0/0", "::1", false},
		{"::/0", "192.0.2.1", true},
		{"2001:db8::/33", "2001:db8:7fff::1", true},
		{"2001:db8::/33", "2001:db8:8000::1", false},
		{"::1", "::1", true},
		{"::1", "", false},
		{"::1", "unix", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(
			allow_has(rows[i].list, rows[i].addr) == rows[i].in,
			"%s in %s", rows[i].addr, rows[i].list);
}
END_TEST

START_TEST(what_is_no_network_is_named)
{
	static const struct {
		const char *list, *fault;
	} rows[] = {
		{"", ""},
		{" 10.0.0.0/8  ::1 ", ""},
		{"10.0.0.0/33", "10.0.0.0/33"},
		{"::/129", "::/129"},
		{"::1 localhost", "localhost"},
		{"10.0.0.0/", "10.0.0.0/"},
		{"10.0.0.0/-1", "10.0.0.0/-1"},
		{"10.0.0.0/8x ::1", "10.0.0.0/8x"},
		{"10.0.0/8", "10.0.0/8"},
		{"127.0.0.1,::1", "127.0.0.1,::1"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct slice bad = allow_fault(rows[i].list);

		ck_assert_uint_eq(bad.n, strlen(rows[i].fault));
		ck_assert_int_eq(memcmp(bad.at, rows[i].fault, bad.n), 0);
	}
}
END_TEST

Suite *test_api_allow(void);

Suite *test_api_allow(void)
{
	Suite *s = suite_create("api/allow");
	TCase *t = tcase_create("all");

	tcase_add_test(t, an_address_is_in_the_networks_that_hold_it);
	tcase_add_test(t, what_is_no_network_is_named);
	suite_add_tcase(s, t);
	return s;
}
