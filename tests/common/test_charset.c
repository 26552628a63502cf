// SPDX-License-Identifier: MIT
#include <check.h>
#include <string.h>

#include "common/charset.h"

static void expect(const char *s, size_t n, const char *want, int64_t bad)
{
	static const char name[] = "euc-KR";

	for (size_t step = 1; step <= n; step++) {
		struct charset *c;
		struct text t;
		uint64_t byte = 0;
		size_t at = 0;
		enum err e = E_OK;

		ck_assert(!charset_open(
			&c, (struct slice){name, sizeof(name) - 1}));
		text_init(&t, 1 << 16);
		while (!e && at < n) {
			size_t k = n - at < step ? n - at : step;

			e = charset_add(c, s + at, k, false, &t, &byte);
			at += k;
		}
		if (!e)
			e = charset_add(c, "", 0, true, &t, &byte);
		ck_assert_int_eq(e, bad < 0 ? E_OK : E_INVALID);
		ck_assert_int_eq(byte, bad < 0 ? 0 : bad);
		ck_assert_str_eq(t.at ? t.at : "", want);
		text_free(&t);
		charset_close(c);
	}
}

#define EXPECT(s, want, bad) expect(s, sizeof(s) - 1, want, bad)

START_TEST(korean_text_becomes_utf_8_however_it_is_cut)
{
	EXPECT("gate-1,12\r\n", "gate-1,12\r\n", -1);
	/* EUC-KR, and a syllable of CP949 alone. */
	EXPECT("a\xb0\xa1\xb0\xa2z", "a\xea\xb0\x80\xea\xb0\x81z", -1);
	EXPECT("\x81\x41", "\xea\xb0\x82", -1);
}
END_TEST

START_TEST(what_is_not_well_formed_is_told_by_its_place)
{
	EXPECT("ab\xff"
	       "c",
		"ab", 2);
	EXPECT("\xb0\xa1\xb0\n1", "\xea\xb0\x80", 2);
	EXPECT("x\xb0\xa1\xff", "x\xea\xb0\x80", 3);
	EXPECT("\xb0\xa1"
	       "x\xb0",
		"\xea\xb0\x80x", 3);
	/* Two bytes that look like a character; iconv stops behind them. */
	EXPECT("\xc7\xac\xa2\xe8z", "\xed\x91\xbc", 2);
}
END_TEST

START_TEST(other_encodings_are_not_read)
{
	static const char *const no[] = {"utf-16", "latin1", "", "cp94", "x"};

	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		struct charset *c;

		ck_assert_int_eq(
			charset_open(&c, (struct slice){no[i], strlen(no[i])}),
			E_NOT_FOUND);
		ck_assert_ptr_null(c);
	}
}
END_TEST

Suite *test_common_charset(void);
Suite *test_common_charset(void)
{
	Suite *s = suite_create("common/charset");
	TCase *t = tcase_create("charset");

	tcase_add_test(t, korean_text_becomes_utf_8_however_it_is_cut);
	tcase_add_test(t, what_is_not_well_formed_is_told_by_its_place);
	tcase_add_test(t, other_encodings_are_not_read);
	suite_add_tcase(s, t);
	return s;
}
