// SPDX-License-Identifier: MIT
#include "analytics/user.h"

#include <check.h>
#include <string.h>

START_TEST(a_role_is_known_by_its_name_and_holds_what_the_lower_ones_do)
{
	ck_assert_int_eq(role_named("viewer"), ROLE_VIEWER);
	ck_assert_int_eq(role_named("reviewer"), ROLE_REVIEWER);
	ck_assert_int_eq(role_named("admin"), ROLE_ADMIN);
	ck_assert_int_eq(role_named("none"), ROLE_NONE);
	ck_assert_int_eq(role_named("Admin"), ROLE_NONE);
	ck_assert_int_eq(role_named("view"), ROLE_NONE);
	ck_assert_int_eq(role_named(""), ROLE_NONE);
	ck_assert_uint_eq(role_scopes(ROLE_NONE), 0);
	ck_assert_uint_eq(role_scopes(ROLE_VIEWER), SCOPE_READ);
	ck_assert_uint_eq(
		role_scopes(ROLE_REVIEWER), SCOPE_READ | SCOPE_REVIEW);
	ck_assert_uint_eq(role_scopes(ROLE_ADMIN),
		SCOPE_READ | SCOPE_REVIEW | SCOPE_ADMIN);
	ck_assert_uint_eq(role_scopes((enum role)4), 0);
}
END_TEST

START_TEST(a_name_is_text_without_blanks)
{
	char longest[USER_NAME_MAX + 2];

	memset(longest, 'x', sizeof(longest));
	longest[USER_NAME_MAX + 1] = '\0';
	ck_assert(!user_name_ok(longest));
	ck_assert(user_name_ok(longest + 1));
	ck_assert(user_name_ok("kim@example.org"));
	ck_assert(user_name_ok("k\xc3\xa4the"));
	ck_assert(!user_name_ok(""));
	ck_assert(!user_name_ok("a b"));
	ck_assert(!user_name_ok(" a"));
	ck_assert(!user_name_ok("a\tb"));
	ck_assert(!user_name_ok("a\x7f"));
	ck_assert(!user_name_ok("k\xe4the"));
}
END_TEST

Suite *test_analytics_user(void);
Suite *test_analytics_user(void)
{
	Suite *s = suite_create("analytics/user");
	TCase *t = tcase_create("user");

	tcase_add_test(t,
		a_role_is_known_by_its_name_and_holds_what_the_lower_ones_do);
	tcase_add_test(t, a_name_is_text_without_blanks);
	suite_add_tcase(s, t);
	return s;
}
