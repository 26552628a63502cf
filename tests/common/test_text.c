// SPDX-License-Identifier: MIT
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/text.h"

static struct text t;

static void setup(void)
{
	text_init(&t, 1 << 16);
}

static void teardown(void)
{
	text_free(&t);
}

START_TEST(text_grows_and_stays_terminated)
{
	char want[5001];

	memset(want, 'x', 5000);
	want[5000] = '\0';
	for (int i = 0; i < 1000; i++)
		text_add(&t, "xxxxx", 5);
	ck_assert_str_eq(t.at, want);
	text_clear(&t);
	ck_assert_str_eq(t.at, "");
	text_printf(&t, "%s%d", want, 7);
	ck_assert_uint_eq(t.n, 5001);
	ck_assert_str_eq(t.at + 4999, "x7");
	text_add(&t, "a\0b", 3);
	ck_assert_uint_eq(t.n, 5004);
}
END_TEST

START_TEST(over_the_bound_it_goes_quiet_until_cleared)
{
	text_free(&t);
	text_init(&t, 8);
	text_str(&t, "12345678");
	ck_assert(!t.full && t.n == 8);
	text_str(&t, "9");
	ck_assert(t.full);
	ck_assert_str_eq(t.at, "12345678");
	text_printf(&t, "%300d", 1);
	text_str(&t, "");
	json_open(&t, NULL, '{');
	ck_assert_str_eq(t.at, "12345678");
	text_clear(&t);
	text_str(&t, "a");
	ck_assert(!t.full);
	ck_assert_str_eq(t.at, "a");
	text_printf(&t, "%300d", 1);
	ck_assert(t.full);
	ck_assert_str_eq(t.at, "a");
}
END_TEST

START_TEST(numbers_are_written_as_printf_does)
{
	static const int64_t values[] = {0, 7, 10, -1, 304, 123456789012,
		INT64_MAX, INT64_MIN, 0x10, 0xabcdef};
	static const unsigned char bytes[] = {0, 1, 0x10, 0xff};
	char want[TEXT_NUMBER], buf[TEXT_NUMBER], hex[17];

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		snprintf(want, sizeof(want), "%lld", (long long)values[i]);
		*text_number(buf, values[i]) = '\0';
		ck_assert_str_eq(buf, want);
		snprintf(want, sizeof(want), "%llx",
			(unsigned long long)values[i]);
		*text_hex_number(hex, (uint64_t)values[i]) = '\0';
		ck_assert_str_eq(hex, want);
	}
	*text_hex(hex, bytes, sizeof(bytes)) = '\0';
	ck_assert_str_eq(hex, "000110ff");
}
END_TEST

START_TEST(json_separates_its_values)
{
	json_open(&t, NULL, '{');
	json_int(&t, "a", INT64_MIN);
	json_open(&t, "b", '[');
	json_bool(&t, NULL, true);
	json_null(&t, NULL);
	json_open(&t, NULL, '{');
	json_close(&t, '}');
	json_str(&t, NULL, "[");
	json_str(&t, NULL, NULL);
	json_close(&t, ']');
	json_str(&t, "c", "{");
	json_double(&t, "d", 0.1);
	json_close(&t, '}');
	ck_assert_str_eq(t.at,
		"{\"a\":-9223372036854775808,\"b\":[true,null,{},\"[\",null],"
		"\"c\":\"{\",\"d\":0.1}");
}
END_TEST

START_TEST(json_text_is_escaped_and_made_utf8)
{
	json_strn(&t, NULL, "\"\\/\n\x1f\x7f\0\xc3\xa9\xff\xed\xa0\x80z", 14);
	ck_assert_str_eq(t.at,
		"\"\\\"\\\\/\\u000a\\u001f\x7f\\u0000\xc3\xa9\xef\xbf\xbd"
		"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"");
}
END_TEST

START_TEST(a_cut_character_is_replaced_not_read_past)
{
	/* Bytes of its own, so that the sanitizer sees a read too far. */
	char *s = malloc(2);

	ck_assert_ptr_nonnull(s);
	memcpy(s, "\xf0\x9f", 2);
	json_strn(&t, NULL, s, 2);
	ck_assert_str_eq(t.at, "\"\xef\xbf\xbd\xef\xbf\xbd\"");
	free(s);
}
END_TEST

START_TEST(doubles_are_short_and_read_back_the_same)
{
	static const double v[] = {0, -0.0, 0.1, 1.0 / 3, 1e22, 1e23, 5e-324,
		DBL_MAX, DBL_MIN, 12345678901234567.0, 10.833333333333334};

	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		text_clear(&t);
		json_double(&t, NULL, v[i]);
		ck_assert_msg(strtod(t.at, NULL) == v[i], "%s", t.at);
		ck_assert(signbit(strtod(t.at, NULL)) == signbit(v[i]));
	}
	text_clear(&t);
	json_open(&t, NULL, '[');
	json_double(&t, NULL, 0.1);
	json_double(&t, NULL, 3120);
	json_double(&t, NULL, 10.833333333333334);
	json_double(&t, NULL, (double)NAN);
	json_double(&t, NULL, (double)INFINITY);
	json_close(&t, ']');
	ck_assert_str_eq(t.at, "[0.1,3120,10.833333333333334,null,null]");
}
END_TEST

START_TEST(what_is_written_can_be_read)
{
	struct json *root;
	char s[256];

	for (int i = 0; i < 255; i++)
		s[i] = (char)(i + 1);
	json_open(&t, NULL, '{');
	for (int i = 0; i < 255; i++)
		json_strn(&t, "k", s + i, (size_t)(255 - i) % 7);
	json_close(&t, '}');
	ck_assert_int_eq(json_parse(t.at, t.n, &root, NULL), JSON_OK);
	json_free(root);
}
END_TEST

Suite *test_common_text(void);
Suite *test_common_text(void)
{
	Suite *s = suite_create("common/text");
	TCase *c = tcase_create("text");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, text_grows_and_stays_terminated);
	tcase_add_test(c, over_the_bound_it_goes_quiet_until_cleared);
	tcase_add_test(c, numbers_are_written_as_printf_does);
	tcase_add_test(c, json_separates_its_values);
	tcase_add_test(c, json_text_is_escaped_and_made_utf8);
	tcase_add_test(c, a_cut_character_is_replaced_not_read_past);
	tcase_add_test(c, doubles_are_short_and_read_back_the_same);
	tcase_add_test(c, what_is_written_can_be_read);
	suite_add_tcase(s, c);
	return s;
}
