// SPDX-License-Identifier: MIT
#include "common/log.h"

#include <check.h>
#include <string.h>
#include <unistd.h>

static char said[20000];

/* What the function writes on standard error. */
static const char *heard(void (*say)(void))
{
	int old = dup(STDERR_FILENO), pair[2];
	ssize_t n;

	ck_assert_int_eq(pipe(pair), 0);
	dup2(pair[1], STDERR_FILENO);
	close(pair[1]);
	say();
	dup2(old, STDERR_FILENO);
	close(old);
	n = read(pair[0], said, sizeof(said) - 1);
	close(pair[0]);
	said[n > 0 ? n : 0] = '\0';
	return said;
}

/* A line break, an escape sequence, C1, half a character, quotes. */
#define EVIL "a\nb\x1b[2J\xc2\x9b\xc3 \"c\\d\" \xc3\xa9"

static void say_evil(void)
{
	log_request("id-1");
	log_warn("%s", EVIL);
	log_request(NULL);
}

static void say_long(void)
{
	static char much[5000];

	memset(much, 1, sizeof(much) - 1);
	log_warn("%s", much);
}

static void say_fields(void)
{
	const struct log_field f[] = {{"method", "GET", false},
		{"route", NULL, false}, {"status", "200", true},
		{"who", "a \"b\"\n", false}};

	log_fields("request", f, 4);
}

static void say_debug(void)
{
	log_debug("nobody asked");
}

START_TEST(no_byte_of_a_message_is_a_line_of_its_own)
{
	const char *s;

	ck_assert(log_choose("text", "info"));
	s = heard(say_evil);
	ck_assert_str_eq(strstr(s, " warn"),
		" warn [id-1]: a?b?[2J??? \"c\\d\" \xc3\xa9\n");
	ck_assert(log_choose("json", "info"));
	s = heard(say_evil);
	ck_assert_ptr_nonnull(strstr(s,
		"\"level\":\"warn\",\"request\":\"id-1\",\"message\":"
		"\"a\\u000ab\\u001b[2J"));
	ck_assert_str_eq(strchr(s, '\n'), "\n");
	log_choose("text", "info");
}
END_TEST

START_TEST(a_line_of_json_is_json_however_long)
{
	const char *s;

	ck_assert(log_choose("json", "info"));
	s = heard(say_long);
	ck_assert_ptr_eq(strchr(s, '\n'), s + strlen(s) - 1);
	ck_assert_int_eq(s[strlen(s) - 2], '}');
	s = heard(say_evil);
	ck_assert_str_ne(s, "");
	s = heard(say_fields);
	ck_assert_ptr_nonnull(strstr(s,
		"\"message\":\"request\",\"method\":\"GET\",\"status\":200,"
		"\"who\":\"a \\\"b\\\"\\u000a\"}\n"));
	log_choose("text", "info");
	s = heard(say_fields);
	ck_assert_ptr_nonnull(strstr(
		s, " info: request: method=GET status=200 who=a \"b\"?\n"));
}
END_TEST

START_TEST(what_is_no_setting_changes_nothing)
{
	ck_assert(log_choose("text", "warn"));
	ck_assert(!log_choose("xml", "info"));
	ck_assert(!log_choose("json", "loud"));
	ck_assert_str_eq(heard(say_fields), "");
	ck_assert(log_choose("text", "debug"));
	ck_assert_ptr_nonnull(strstr(heard(say_debug), "nobody asked\n"));
	ck_assert(log_choose("text", "info"));
	ck_assert_str_eq(heard(say_debug), "");
}
END_TEST

Suite *test_common_log(void);

Suite *test_common_log(void)
{
	Suite *s = suite_create("common/log");
	TCase *t = tcase_create("all");

	tcase_add_test(t, no_byte_of_a_message_is_a_line_of_its_own);
	tcase_add_test(t, a_line_of_json_is_json_however_long);
	tcase_add_test(t, what_is_no_setting_changes_nothing);
	suite_add_tcase(s, t);
	return s;
}
