// SPDX-License-Identifier: MIT
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/csv.h"
#include "common/text.h"

/* "1:a|b 2:c" and, where it ended badly, " 3!fault": each row's line and its
 * cells, "?fault@column" behind a row with one. */
static void told(struct text *t, const char *s, size_t n, size_t step)
{
	static struct csv c;
	size_t at = 0, used;
	enum csv_step e;

	csv_init(&c);
	do {
		size_t give = n - at < step ? n - at : step;

		e = csv_next(&c, s + at, give, at + give == n, &used);
		at += used;
		if (e == CSV_ROW) {
			text_printf(t, "%s%zu:", t->n ? " " : "", c.line);
			for (size_t i = 0; i < c.n && i < CSV_COLUMNS_MAX; i++)
				text_printf(
					t, "%s%s", i ? "|" : "", c.cell[i].at);
			if (c.fault)
				text_printf(t, "?%d@%zu", c.fault, c.column);
		}
	} while (e == CSV_MORE || e == CSV_ROW);
	if (e == CSV_REFUSED)
		text_printf(t, "%s%zu!%d", t->n ? " " : "", c.line, c.fault);
	text_add(t, "", 0);
}

static void expect(const char *s, size_t n, const char *want)
{
	struct text whole, cut;

	text_init(&whole, 1 << 20);
	text_init(&cut, 1 << 20);
	told(&whole, s, n, SIZE_MAX);
	told(&cut, s, n, 1);
	ck_assert_str_eq(whole.at, cut.at);
	ck_assert_str_eq(whole.at, want);
	text_free(&whole);
	text_free(&cut);
}

#define EXPECT(s, want) expect(s, sizeof(s) - 1, want)

START_TEST(rows_are_cut_at_commas_and_line_ends)
{
	EXPECT("", "");
	EXPECT("a,b\r\n1,2\r\n", "1:a|b 2:1|2");
	EXPECT("a,b\n1,2", "1:a|b 2:1|2");
	EXPECT("a,,c\n,\n", "1:a||c 2:|");
	EXPECT("a, b \n", "1:a| b ");
	EXPECT("a\n1,2,3\n4\n", "1:a 2:1|2|3 3:4");
	EXPECT("a;b,c\n", "1:a;b|c");
}
END_TEST

START_TEST(quotes_hold_commas_line_ends_and_quotes)
{
	EXPECT("\"a,b\",\"c\"\"d\",\"\"\n", "1:a,b|c\"d|");
	EXPECT("\"a\r\nb\nc\"\nd\n", "1:a\r\nb\nc 4:d");
	EXPECT("\"\"\n", "1:");
	EXPECT("a,\"b\"", "1:a|b");
	EXPECT("\"a\rb\"\n", "1:a\rb");
	EXPECT("\"\"\"\"\n", "1:\"");
}
END_TEST

START_TEST(empty_lines_are_skipped_and_counted)
{
	EXPECT("\n\r\na\n\n\nb\n\n", "3:a 6:b");
}
END_TEST

START_TEST(a_mark_of_utf8_is_skipped)
{
	EXPECT("\xef\xbb\xbf"
	       "a,b\n",
		"1:a|b");
	EXPECT("\xef\xbb\xbf"
	       "\"a\"\n",
		"1:a");
	EXPECT("\xef\xbb\xbf", "");
	EXPECT("\xef\xbc\xa1,b\n", "1:\xef\xbc\xa1|b");
	/* U+FEFF anywhere else is text. */
	EXPECT("a\n\xef\xbb\xbf\n", "1:a 2:\xef\xbb\xbf");
}
END_TEST

START_TEST(other_encodings_are_named)
{
	static struct csv c;
	size_t used;

	EXPECT("\xff\xfe"
	       "a\0,\0",
		"1!4");
	EXPECT("\xfe\xff\0a\0,", "1!4");
	EXPECT("a\0,\0b\0", "1!4");
	EXPECT("\0a\0,", "1!4");
	csv_init(&c);
	ck_assert(csv_next(&c, "\xfe\xff", 2, true, &used) == CSV_REFUSED);
	ck_assert_str_eq(c.why, "the text is UTF-16BE; it must be UTF-8");
	/* A refusal stays one. */
	ck_assert(csv_next(&c, "a\n", 2, true, &used) == CSV_REFUSED);
	/* KS X 1001 in one cell: that row's fault alone. */
	EXPECT("a,b\n\xb0\xa1,1\n2,3\n", "1:a|b 2:\xb0\xa1|1?3@1 3:2|3");
	EXPECT("\xff", "1:\xff?3@1");
}
END_TEST

START_TEST(a_foreign_separator_is_named)
{
	static struct csv c;
	size_t used;

	EXPECT("a;b\n1;2\n", "1!5");
	EXPECT("\"a\";\"b\"\n", "1!5");
	EXPECT("a|b\n", "1!5");
	csv_init(&c);
	ck_assert(csv_next(&c, "a\tb\n", 4, true, &used) == CSV_REFUSED);
	ck_assert_str_eq(c.why,
		"the header's cells are separated by tabs, not by commas");
	EXPECT("a\nb;c\n", "1:a 2:b;c");
	EXPECT("\"a;b\"\n", "1:a;b");
}
END_TEST

START_TEST(quotes_in_wrong_places_end_the_reading)
{
	static struct csv c;
	size_t used;

	EXPECT("a,b\nc\"d,e\n", "1:a|b 2!6");
	EXPECT("a,b\n\"c\"d,e\n", "1:a|b 2!6");
	EXPECT("a,b\n1,\"c\n\nd,e\n", "1:a|b 2!6");
	csv_init(&c);
	ck_assert(csv_next(&c, "a\n1,\"c\nd", 8, true, &used) == CSV_ROW);
	ck_assert(csv_next(&c, "1,\"c\nd", 6, true, &used) == CSV_REFUSED);
	ck_assert_str_eq(c.why, "the quote opened on line 2 is never closed");
	ck_assert_uint_eq(c.column, 2);
}
END_TEST

START_TEST(line_ends_and_nul_are_refused_where_they_stand)
{
	EXPECT("a,b\rc,d\r", "1!7");
	EXPECT("a\nb\r", "1:a 2!7");
	EXPECT("a\nb\r\rc", "1:a 2!7");
	EXPECT("a,b\n1,\0\n", "1:a|b 2!8");
	EXPECT("a,b\n1,\"\0\"\n", "1:a|b 2!8");
}
END_TEST

/* head, n times text, tail */
static char *repeat(
	const char *head, const char *text, size_t n, const char *tail)
{
	char *s = malloc(strlen(head) + n * strlen(text) + strlen(tail) + 1),
	     *end = s;

	ck_assert_ptr_nonnull(s);
	end = stpcpy(end, head);
	while (n--)
		end = stpcpy(end, text);
	stpcpy(end, tail);
	return s;
}

static void ends(char *s, const char *tail)
{
	struct text t;

	text_init(&t, 1 << 20);
	told(&t, s, strlen(s), SIZE_MAX);
	ck_assert_msg(
		t.n >= strlen(tail) && !strcmp(t.at + t.n - strlen(tail), tail),
		"%.60s … is not %s", t.at + (t.n > 60 ? t.n - 60 : 0), tail);
	text_clear(&t);
	told(&t, s, strlen(s), 1);
	ck_assert(!strcmp(t.at + t.n - strlen(tail), tail));
	text_free(&t);
	free(s);
}

START_TEST(every_bound_holds_at_its_edge)
{
	ends(repeat("a\n", "x", 256, "\nb\n"), "x 3:b");
	ends(repeat("a\n", "x", 257, ",y\nb\n"), "|y?1@1 3:b");
	ends(repeat("a\n\"", "x", 300, "\",y\nb\n"), "|y?1@1 3:b");
	ends(repeat("a\n", "x,", 63, "x\nb\n"), "x 3:b");
	ends(repeat("a\n", "x,", 64, "x\nb\n"), "x?2@65 3:b");
	ends(repeat("a\n", "x,", 16000, "x\nb\n"), "x?2@65 3:b");
	ends(repeat("a\n", "x", 32767, "\nb\n"), "?1@1 3:b");
	ends(repeat("a\n", "x", 32768, "\nb\n"), "1:a 2!9");
	ends(repeat("a\n1,\"", "x\n", 20000, "\nb\n"), "1:a 2!6");
	ends(repeat("", ",", 1000000, "\nb\n"), "1!9");
}
END_TEST

Suite *test_common_csv(void);
Suite *test_common_csv(void)
{
	Suite *s = suite_create("common/csv");
	TCase *t = tcase_create("csv");

	tcase_add_test(t, rows_are_cut_at_commas_and_line_ends);
	tcase_add_test(t, quotes_hold_commas_line_ends_and_quotes);
	tcase_add_test(t, empty_lines_are_skipped_and_counted);
	tcase_add_test(t, a_mark_of_utf8_is_skipped);
	tcase_add_test(t, other_encodings_are_named);
	tcase_add_test(t, a_foreign_separator_is_named);
	tcase_add_test(t, quotes_in_wrong_places_end_the_reading);
	tcase_add_test(t, line_ends_and_nul_are_refused_where_they_stand);
	tcase_add_test(t, every_bound_holds_at_its_edge);
	suite_add_tcase(s, t);
	return s;
}
