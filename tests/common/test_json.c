// SPDX-License-Identifier: MIT
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"

struct row {
	enum json_fault want;
	const char *s;
	size_t n;
};

#define ROW(want, s) \
	{ \
		want, s, sizeof(s) - 1 \
	}

static void check(const struct row *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct json *root;
		size_t at = SIZE_MAX;
		enum json_fault f = json_parse(row[i].s, row[i].n, &root, &at);

		ck_assert_msg(f == row[i].want, "%s: %d, not %d", row[i].s, f,
			row[i].want);
		ck_assert(at <= row[i].n);
		ck_assert(!root == (f != JSON_OK));
		json_free(root);
	}
}

START_TEST(what_rfc_8259_allows_is_read)
{
	static const struct row row[] = {
		ROW(JSON_OK, "{}"),
		ROW(JSON_OK, " \t\r\n[ ] \n"),
		ROW(JSON_OK, "null"),
		ROW(JSON_OK, "\"\""),
		ROW(JSON_OK, "-0"),
		ROW(JSON_OK, "0.5e-3"),
		ROW(JSON_OK, "1E+2"),
		ROW(JSON_OK, "[1,true,false,null,\"a\",{\"b\":[]}]"),
		ROW(JSON_OK, "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\""),
		ROW(JSON_OK, "\"\\ud83d\\ude00\xf0\x9f\x98\x80\x7f\""),
		ROW(JSON_OK, "{\"a\":1,\"a\":2}"),
		ROW(JSON_OK, "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]"),
	};

	check(row, ARRAY_LEN(row));
}
END_TEST

START_TEST(a_number_that_a_double_cannot_keep_reads_as_infinity_when_wide)
{
	char s[] = "[9007199254740993, 1e400,-1e301 ,9e300,1e-400,"
		   "1.0000000000000001,12,1e300]";
	static const bool want[] = {
		true, true, true, true, true, true, false, false};
	const struct json *v;
	struct json *root;
	size_t at, i = 0;

	ck_assert_int_eq(
		json_parse_wide(s, sizeof(s) - 1, &root, &at), JSON_OK);
	for (v = json_first(root); v; v = json_next(v), i++)
		ck_assert_int_eq(!!isinf(json_number(v)), want[i]);
	ck_assert_uint_eq(i, ARRAY_LEN(want));
	json_free(root);
}
END_TEST

START_TEST(what_rfc_8259_refuses_is_refused)
{
	static const struct row row[] = {
		ROW(JSON_EMPTY, ""),
		ROW(JSON_EMPTY, " \n"),
		ROW(JSON_SYNTAX, "{"),
		ROW(JSON_SYNTAX, "[1,]"),
		ROW(JSON_SYNTAX, "[,1]"),
		ROW(JSON_SYNTAX, "{\"a\":1,}"),
		ROW(JSON_SYNTAX, "{\"a\" 1}"),
		ROW(JSON_SYNTAX, "{a:1}"),
		ROW(JSON_SYNTAX, "{'a':1}"),
		ROW(JSON_SYNTAX, "{1:1}"),
		ROW(JSON_SYNTAX, "{} {}"),
		ROW(JSON_SYNTAX, "1 2"),
		ROW(JSON_SYNTAX, "[1}"),
		ROW(JSON_SYNTAX, "nul"),
		ROW(JSON_SYNTAX, "nulll"),
		ROW(JSON_SYNTAX, "True"),
		ROW(JSON_SYNTAX, "NaN"),
		ROW(JSON_SYNTAX, "Infinity"),
		ROW(JSON_SYNTAX, "-"),
		ROW(JSON_SYNTAX, "+1"),
		ROW(JSON_SYNTAX, "01"),
		ROW(JSON_SYNTAX, "-01"),
		ROW(JSON_SYNTAX, "1."),
		ROW(JSON_SYNTAX, ".5"),
		ROW(JSON_SYNTAX, "1e"),
		ROW(JSON_SYNTAX, "1e+"),
		ROW(JSON_SYNTAX, "0x1"),
		ROW(JSON_SYNTAX, "\"a"),
		ROW(JSON_SYNTAX, "\"\\"),
		ROW(JSON_SYNTAX, "\"\\x\""),
		ROW(JSON_SYNTAX, "\"\\u12g4\""),
		ROW(JSON_SYNTAX, "\"\\u12"),
		ROW(JSON_SYNTAX, "\"\\ud83d\\u12"),
		ROW(JSON_SYNTAX, "\"a\nb\""),
		ROW(JSON_SYNTAX, "\"\x01\""),
		ROW(JSON_SYNTAX, "\"\0\""),
		ROW(JSON_SYNTAX, "\"\\\0\""),
		ROW(JSON_SYNTAX, "{}\0"),
		ROW(JSON_SYNTAX, "[1]//"),
		ROW(JSON_SYNTAX, "\xef\xbb\xbf{}"),
		ROW(JSON_SYNTAX, "\v{}"),
		ROW(JSON_NOT_UTF8, "\"\xff\""),
		ROW(JSON_NOT_UTF8, "\"\xed\xa0\x80\""),
		ROW(JSON_NOT_UTF8, "\"\xc0\x80\""),
		ROW(JSON_NOT_UTF8, "\"\xf0\x9f\x98"),
		ROW(JSON_DEPTH, "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]"),
	};

	check(row, ARRAY_LEN(row));
}
END_TEST

START_TEST(what_would_be_changed_on_the_way_is_told)
{
	static const struct row row[] = {
		ROW(JSON_OK, "999999999999999"),
		ROW(JSON_DIGITS, "1000000000000000"),
		ROW(JSON_DIGITS, "9007199254740993"),
		ROW(JSON_DIGITS, "0.1234567890123456"),
		ROW(JSON_OK, "0.000000000000000000000000001"),
		ROW(JSON_OK, "1e300"),
		ROW(JSON_DIGITS, "1e301"),
		ROW(JSON_DIGITS, "-1e400"),
		ROW(JSON_DIGITS, "1e-400"),
		ROW(JSON_DIGITS, "1e-301"),
		ROW(JSON_OK, "1e-300"),
		ROW(JSON_OK, "0e-400"),
		ROW(JSON_OK, "0.0e400"),
		ROW(JSON_NUL, "\"\\u0000\""),
		ROW(JSON_NUL, "{\"a\\u0000\":1}"),
		ROW(JSON_NUL, "\"\\ud83d\""),
		ROW(JSON_NUL, "\"\\ud83dx\""),
		ROW(JSON_NUL, "\"\\ude00\""),
		ROW(JSON_NUL, "\"\\ud83d\\u0041\""),
		ROW(JSON_NUL, "\"\\ud83d\\ud83d\\ude00\""),
		/* Syntax goes first wherever it stands. */
		ROW(JSON_SYNTAX, "[1e400,]"),
		ROW(JSON_SYNTAX, "[\"\\u0000\""),
	};

	check(row, ARRAY_LEN(row));
}
END_TEST

START_TEST(too_many_values_are_refused)
{
	size_t n = 2 * JSON_VALUES_MAX + 1;
	char *s = malloc(n);

	ck_assert_ptr_nonnull(s);
	/* The array itself is a value too. */
	for (size_t i = 0; i < n; i++)
		s[i] = i % 2 ? '1' : ',';
	s[0] = '[';
	s[n - 3] = ']';
	ck_assert_int_eq(json_check(s, n - 2, NULL), JSON_OK);
	s[n - 3] = ',';
	s[n - 1] = ']';
	ck_assert_int_eq(json_check(s, n, NULL), JSON_MANY);
	free(s);
}
END_TEST

START_TEST(the_tree_holds_what_stood_there)
{
	static const char s[] = "{\"Count\":2,\"count\":12.5,\"s\":\"\\u00e9\","
				"\"l\":[true,null],\"s\":\"second\"}";
	const struct json *v;
	struct json *root;

	ck_assert(!json_parse(s, sizeof(s) - 1, &root, NULL));
	ck_assert_int_eq(json_type(root), JSON_OBJECT);
	ck_assert(json_number(json_member(root, "count")) == 12.5);
	ck_assert(json_number(json_member(root, "Count")) == 2);
	ck_assert_ptr_null(json_member(root, "COUNT"));
	ck_assert_str_eq(json_string(json_member(root, "s")), "\xc3\xa9");
	v = json_member(root, "l");
	ck_assert_int_eq(json_type(v), JSON_ARRAY);
	v = json_first(v);
	ck_assert(json_true(v));
	ck_assert_ptr_null(json_name(v));
	v = json_next(v);
	ck_assert_int_eq(json_type(v), JSON_NULL);
	ck_assert_ptr_null(json_next(v));
	v = json_next(json_next(json_next(json_next(json_first(root)))));
	ck_assert_str_eq(json_name(v), "s");
	ck_assert_str_eq(json_string(v), "second");
	/* Asking a value for what it is not is harmless. */
	ck_assert(json_number(v) == 0);
	ck_assert_str_eq(json_string(root), "");
	ck_assert_ptr_null(json_member(v, "x"));
	ck_assert_ptr_null(json_member(NULL, "x"));
	json_free(root);
}
END_TEST

START_TEST(the_place_of_a_fault_is_told)
{
	size_t at;

	ck_assert_int_eq(json_check("{\"a\":01}", 8, &at), JSON_SYNTAX);
	ck_assert_uint_eq(at, 6);
	ck_assert_int_eq(json_check("[1e999]", 7, &at), JSON_DIGITS);
	ck_assert_uint_eq(at, 1);
	ck_assert_int_eq(json_check("[\"\xff\"]", 5, &at), JSON_NOT_UTF8);
	ck_assert_uint_eq(at, 2);
	ck_assert_int_eq(json_check("[1] x", 5, &at), JSON_SYNTAX);
	ck_assert_uint_eq(at, 4);
}
END_TEST

Suite *test_common_json(void);
Suite *test_common_json(void)
{
	Suite *s = suite_create("common/json");
	TCase *t = tcase_create("json");

	tcase_add_test(t, what_rfc_8259_allows_is_read);
	tcase_add_test(t, what_rfc_8259_refuses_is_refused);
	tcase_add_test(t, what_would_be_changed_on_the_way_is_told);
	tcase_add_test(t,
		a_number_that_a_double_cannot_keep_reads_as_infinity_when_wide);
	tcase_add_test(t, too_many_values_are_refused);
	tcase_add_test(t, the_tree_holds_what_stood_there);
	tcase_add_test(t, the_place_of_a_fault_is_told);
	suite_add_tcase(s, t);
	return s;
}
