// SPDX-License-Identifier: MIT
#include <check.h>
#include <string.h>

#include "api/query.h"

static struct arena arena;
static struct query q;
static char why[QUERY_WHY];

static void setup(void)
{
	arena_init(&arena, 1 << 20);
	why[0] = '\0';
}

static void teardown(void)
{
	arena_reset(&arena);
}

static enum err parse(const char *s)
{
	return query_parse(&q, &arena, (struct slice){s, strlen(s)}, why);
}

START_TEST(names_and_values_are_split_and_decoded)
{
	ck_assert(!parse("a=1&b=x+y%2B&c=%C3%A9&d&e=&f=g=h&%61b=2"));
	ck_assert_uint_eq(q.n, 7);
	ck_assert_str_eq(query_get(&q, "a"), "1");
	ck_assert_str_eq(query_get(&q, "b"), "x y+");
	ck_assert_str_eq(query_get(&q, "c"), "\xc3\xa9");
	ck_assert_str_eq(query_get(&q, "d"), "");
	ck_assert_str_eq(query_get(&q, "e"), "");
	ck_assert_str_eq(query_get(&q, "f"), "g=h");
	ck_assert_str_eq(query_get(&q, "ab"), "2");
	ck_assert_ptr_null(query_get(&q, "A"));
}
END_TEST

START_TEST(no_bytes_are_no_parameters)
{
	ck_assert(!query_parse(&q, &arena, (struct slice){NULL, 0}, why));
	ck_assert_uint_eq(q.n, 0);
	ck_assert(!parse("&&a=1&"));
	ck_assert_uint_eq(q.n, 1);
}
END_TEST

START_TEST(a_fault_names_its_parameter)
{
	static const struct {
		const char *s, *why;
	} row[] = {
		{"a=1&camera=%zz",
			"parameter camera holds a % without two hexadecimal "
			"digits"},
		{"camera=%",
			"parameter camera holds a % without two hexadecimal "
			"digits"},
		{"camera=%4",
			"parameter camera holds a % without two hexadecimal "
			"digits"},
		{"camera=a%00b", "parameter camera holds a NUL"},
		{"camera=%ff",
			"parameter camera holds bytes that are no UTF-8"},
		{"camera=%ed%a0%80",
			"parameter camera holds bytes that are no UTF-8"},
		{"a=1&%g1=2",
			"the name of parameter 2 holds a % without two "
			"hexadecimal digits"},
		{"=1", "the name of parameter 1 holds no bytes at all"},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		ck_assert_int_eq(parse(row[i].s), E_SYNTAX);
		ck_assert_str_eq(why, row[i].why);
		ck_assert_uint_eq(q.n, 0);
	}
}
END_TEST

START_TEST(at_most_64_parameters_are_taken)
{
	char s[65 * 2 + 1] = "";

	for (int i = 0; i < 64; i++)
		strcat(s, "a&");
	ck_assert(!parse(s));
	ck_assert_uint_eq(q.n, 64);
	strcat(s, "b");
	ck_assert_int_eq(parse(s), E_TOO_BIG);
	ck_assert_str_eq(why, "more than 64 parameters");
}
END_TEST

START_TEST(repeated_and_unknown_names_are_found)
{
	static const char *const known[] = {"camera", "from"};
	size_t at = 0;

	ck_assert(!parse("camera=a&from=1&camera=b"));
	ck_assert_str_eq(query_each(&q, "camera", &at), "a");
	ck_assert_str_eq(query_each(&q, "camera", &at), "b");
	ck_assert_ptr_null(query_each(&q, "camera", &at));
	ck_assert_ptr_null(query_unknown(&q, known, 2));
	ck_assert_str_eq(query_unknown(&q, known, 1), "from");
	ck_assert_str_eq(query_repeated(&q, known + 1, 1), "camera");
	ck_assert_ptr_null(query_repeated(&q, known, 1));
}
END_TEST

START_TEST(a_long_name_is_cut_at_a_character)
{
	char s[256] = "";

	for (int i = 0; i < 30; i++)
		strcat(s, "%C3%A9");
	strcat(s, "=%");
	ck_assert_int_eq(parse(s), E_SYNTAX);
	/* 20 characters of two bytes behind "parameter ". */
	ck_assert_ptr_eq(strstr(why, " holds"), why + 10 + 40);
}
END_TEST

START_TEST(a_full_arena_is_told)
{
	arena_init(&arena, 64);
	ck_assert_int_eq(parse("a=1&b=2&c=3&d=4"), E_NOMEM);
	ck_assert_uint_eq(q.n, 0);
}
END_TEST

START_TEST(a_segment_keeps_its_plus)
{
	const char *text;

	ck_assert(!query_decode(
		&text, &arena, (struct slice){"a+%2Fb", 6}, false));
	ck_assert_str_eq(text, "a+/b");
	ck_assert(!query_decode(&text, &arena, (struct slice){"a+b", 3}, true));
	ck_assert_str_eq(text, "a b");
	ck_assert_int_eq(
		query_decode(&text, &arena, (struct slice){"%2", 2}, false),
		E_SYNTAX);
	ck_assert_ptr_null(text);
	/* The digits stand behind the end of the slice. */
	ck_assert_int_eq(
		query_decode(&text, &arena, (struct slice){"%20", 2}, false),
		E_SYNTAX);
}
END_TEST

Suite *test_api_query(void);
Suite *test_api_query(void)
{
	Suite *s = suite_create("api/query");
	TCase *t = tcase_create("query");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, names_and_values_are_split_and_decoded);
	tcase_add_test(t, no_bytes_are_no_parameters);
	tcase_add_test(t, a_fault_names_its_parameter);
	tcase_add_test(t, at_most_64_parameters_are_taken);
	tcase_add_test(t, repeated_and_unknown_names_are_found);
	tcase_add_test(t, a_long_name_is_cut_at_a_character);
	tcase_add_test(t, a_full_arena_is_told);
	tcase_add_test(t, a_segment_keeps_its_plus);
	suite_add_tcase(s, t);
	return s;
}
