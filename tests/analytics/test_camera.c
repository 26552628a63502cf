// SPDX-License-Identifier: MIT
#include "analytics/camera.h"

#include <check.h>
#include <string.h>

START_TEST(a_code_is_words_with_slashes_between)
{
	static const char *const good[] = {
		"gate-1", "a", "0", "A_b.c-9", "gate-1/door/in", "..", "-"};
	static const char *const bad[] = {"", "/", "a/", "/a", "a//b", "a b",
		"a\n", "caf\xc3\xa9", "a,b", "a?b", "a%2fb", "*"};
	char longest[CAMERA_CODE_MAX + 1];

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		ck_assert_msg(camera_code_ok(good[i], strlen(good[i])), "%s",
			good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(
			!camera_code_ok(bad[i], strlen(bad[i])), "%s", bad[i]);
	ck_assert_msg(!camera_code_ok("a\0b", 3), "a NUL");
	memset(longest, 'x', sizeof(longest));
	ck_assert(camera_code_ok(longest, CAMERA_CODE_MAX));
	ck_assert(!camera_code_ok(longest, CAMERA_CODE_MAX + 1));
}
END_TEST

/* What is refused before any database is asked; none is there. */
static const char *refused(struct camera_new c)
{
	const char *field = NULL;

	if (!c.code)
		c.code = "gate-1";
	ck_assert(camera_create(NULL, &c, NULL, NULL, &field) == E_INVALID);
	return field;
}

START_TEST(the_field_that_is_wrong_is_named)
{
	ck_assert_str_eq(refused((struct camera_new){.code = "a b"}), "camera");
	ck_assert_str_eq(refused((struct camera_new){.name = ""}), "name");
	ck_assert_str_eq(refused((struct camera_new){.name = "  "}), "name");
	ck_assert_str_eq(refused((struct camera_new){.name = "a\tb"}), "name");
	ck_assert_str_eq(
		refused((struct camera_new){.name = "a\xc2\x85z"}), "name");
	ck_assert_str_eq(
		refused((struct camera_new){.name = "a\xe2\x80\xa8z"}), "name");
	ck_assert_str_eq(
		refused((struct camera_new){.name = "\xff\xfe"}), "name");
	ck_assert_str_eq(
		refused((struct camera_new){.site = "\x1b[m"}), "site");
	ck_assert_str_eq(refused((struct camera_new){.tz = "../UTC"}), "tz");
	ck_assert_str_eq(refused((struct camera_new){.tz = ""}), "tz");
}
END_TEST

Suite *test_analytics_camera(void);
Suite *test_analytics_camera(void)
{
	Suite *s = suite_create("analytics/camera");
	TCase *t = tcase_create("camera");

	tcase_add_test(t, a_code_is_words_with_slashes_between);
	tcase_add_test(t, the_field_that_is_wrong_is_named);
	suite_add_tcase(s, t);
	return s;
}
