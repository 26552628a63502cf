// SPDX-License-Identifier: MIT
#include "api/auth.h"

#include <check.h>

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
	char origin[46];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auth_origin(rows[i].addr, origin);
		ck_assert_str_eq(origin, rows[i].origin);
	}
}
END_TEST

Suite *test_api_auth(void);
Suite *test_api_auth(void)
{
	Suite *s = suite_create("api/auth");
	TCase *t = tcase_create("auth");

	tcase_add_test(t, failures_are_counted_by_who_has_the_address);
	suite_add_tcase(s, t);
	return s;
}
