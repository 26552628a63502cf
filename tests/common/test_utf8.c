// SPDX-License-Identifier: MIT
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

/* By the table of RFC 3629, section 3. */
static size_t encode(char s[4], unsigned c)
{
	if (c < 0x80) {
		s[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		s[0] = (char)(0xc0 | c >> 6);
		s[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		s[0] = (char)(0xe0 | c >> 12);
		s[1] = (char)(0x80 | (c >> 6 & 0x3f));
		s[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	s[0] = (char)(0xf0 | c >> 18);
	s[1] = (char)(0x80 | (c >> 12 & 0x3f));
	s[2] = (char)(0x80 | (c >> 6 & 0x3f));
	s[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

START_TEST(every_character_is_taken_whole_and_no_surrogate)
{
	char s[4];

	for (unsigned c = 0; c < 0x200000; c++) {
		size_t n = encode(s, c);
		bool legal = c < 0x110000 && (c < 0xd800 || c > 0xdfff);

		if (utf8_len(s, n) != (legal ? n : 0) ||
			(n > 1 && utf8_len(s, n - 1) != 0))
			ck_abort_msg("U+%04X", c);
	}
}
END_TEST

START_TEST(two_bytes_are_legal_in_1920_ways)
{
	int legal = 0;

	for (unsigned i = 0; i < 0x10000; i++) {
		char s[2] = {(char)(i >> 8), (char)i};

		legal += utf8_len(s, 2) == 2;
	}
	ck_assert_int_eq(legal, 0x800 - 0x80);
}
END_TEST

START_TEST(overlong_forms_are_refused)
{
	ck_assert_uint_eq(utf8_len("\xc0\x80", 2), 0);
	ck_assert_uint_eq(utf8_len("\xc1\xbf", 2), 0);
	ck_assert_uint_eq(utf8_len("\xe0\x9f\xbf", 3), 0);
	ck_assert_uint_eq(utf8_len("\xf0\x8f\xbf\xbf", 4), 0);
	ck_assert_uint_eq(utf8_len("\x80", 1), 0);
	ck_assert_uint_eq(utf8_len("", 0), 0);
}
END_TEST

START_TEST(the_first_bad_byte_is_found_at_any_place)
{
	for (size_t n = 1; n < 40; n++) {
		char *s = malloc(n);

		ck_assert_ptr_nonnull(s);
		memset(s, 'a', n);
		ck_assert_uint_eq(utf8_check(s, n), n);
		for (size_t i = 0; i < n; i++) {
			s[i] = (char)0xc3;
			ck_assert_uint_eq(utf8_check(s, n), i);
			s[i] = 'a';
		}
		free(s);
	}
}
END_TEST

Suite *test_common_utf8(void);
Suite *test_common_utf8(void)
{
	Suite *s = suite_create("common/utf8");
	TCase *t = tcase_create("utf8");

	tcase_add_test(t, every_character_is_taken_whole_and_no_surrogate);
	tcase_add_test(t, two_bytes_are_legal_in_1920_ways);
	tcase_add_test(t, overlong_forms_are_refused);
	tcase_add_test(t, the_first_bad_byte_is_found_at_any_place);
	suite_add_tcase(s, t);
	return s;
}
