// SPDX-License-Identifier: MIT
#include "analytics/sqlfile.h"

#include <check.h>
#include <string.h>

/* Cuts the text; each statement must be the next of want. */
static void cut(const char *text, const char *const *want)
{
	struct slice rest = {text, strlen(text)}, s;

	for (; *want; want++) {
		ck_assert_msg(sqlfile_next(&rest, &s), "%s missing", *want);
		ck_assert_msg(s.n == strlen(*want) && !memcmp(s.at, *want, s.n),
			"%.*s is not %s", (int)s.n, s.at, *want);
	}
	ck_assert(!sqlfile_next(&rest, &s));
}

START_TEST(statements_end_at_a_semicolon_outside_of_quotes_and_comments)
{
	cut("A;B", (const char *const[]){"A", "B", NULL});
	cut(" \n;; A ;\n", (const char *const[]){"A ", NULL});
	cut("A ';' \";\" `;`; B",
		(const char *const[]){"A ';' \";\" `;`", "B", NULL});
	cut("A 'it''s; \\'; x' ; B",
		(const char *const[]){"A 'it''s; \\'; x' ", "B", NULL});
	cut("-- no; statement\n# nor; this\n/* nor;\n this; */ A -- ; \n B; C",
		(const char *const[]){"A -- ; \n B", "C", NULL});
	cut("A /* ; */ - 1 / 2",
		(const char *const[]){"A /* ; */ - 1 / 2", NULL});
	cut("-- the end", (const char *const[]){NULL});
	cut("'not closed; A", (const char *const[]){"'not closed; A", NULL});
	cut("A '\\", (const char *const[]){"A '\\", NULL});
	cut("", (const char *const[]){NULL});
}
END_TEST

START_TEST(the_line_of_a_statement_is_known)
{
	struct slice text = {"-- one\n\nA;\nB", 12}, rest = text, s;

	ck_assert(sqlfile_next(&rest, &s));
	ck_assert_int_eq(sqlfile_line(text, s.at), 3);
	ck_assert(sqlfile_next(&rest, &s));
	ck_assert_int_eq(sqlfile_line(text, s.at), 4);
}
END_TEST

START_TEST(only_known_words_are_filled_in)
{
	static const struct sqlfile_word words[] = {
		{"schema", "`tally`"}, {"api", "a@b"}};
	struct slice text = {"{schema}.x {api}{api} {other} {schema {}", 40},
		     filled;
	struct arena a;

	arena_init(&a, 1 << 16);
	ck_assert(!sqlfile_fill(&a, text, words, ARRAY_LEN(words), &filled));
	ck_assert_str_eq(filled.at, "`tally`.x a@ba@b {other} {schema {}");
	arena_reset(&a);
}
END_TEST

Suite *test_analytics_sqlfile(void);
Suite *test_analytics_sqlfile(void)
{
	Suite *s = suite_create("analytics/sqlfile");
	TCase *t = tcase_create("sqlfile");

	tcase_add_test(t,
		statements_end_at_a_semicolon_outside_of_quotes_and_comments);
	tcase_add_test(t, the_line_of_a_statement_is_known);
	tcase_add_test(t, only_known_words_are_filled_in);
	suite_add_tcase(s, t);
	return s;
}
