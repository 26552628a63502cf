// SPDX-License-Identifier: MIT
#include <check.h>
#include <string.h>

#include "common/lines.h"
#include "common/text.h"

/* "1:a 3:b": each line's number and text; "!3" where line 3 was too long. */
static void told(struct text *t, const char *s, size_t n, size_t step)
{
	static struct lines l;
	size_t at = 0, used;
	enum lines_step e;

	lines_init(&l);
	do {
		size_t give = n - at < step ? n - at : step;

		e = lines_next(&l, s + at, give, at + give == n, &used);
		at += used;
		if (e == LINES_LINE) {
			text_printf(t, "%s%zu:", t->n ? " " : "", l.line);
			text_add(t, l.at, l.n);
		}
	} while (e == LINES_MORE || e == LINES_LINE);
	if (e == LINES_LONG)
		text_printf(t, "%s!%zu", t->n ? " " : "", l.line);
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

START_TEST(lines_end_in_lf_or_with_the_text)
{
	EXPECT("", "");
	EXPECT("a\nb\n", "1:a 2:b");
	EXPECT("a\nb", "1:a 2:b");
	EXPECT("a\r\n", "1:a\r");
	EXPECT("a\rb\n", "1:a\rb");
}
END_TEST

START_TEST(blank_lines_are_skipped_and_counted)
{
	EXPECT("\n", "");
	EXPECT("\n \t\r\na\n\n\nb\n  ", "3:a 6:b");
	EXPECT("\v\n", "1:\v");
}
END_TEST

START_TEST(a_line_is_bounded)
{
	static char s[LINES_MAX + 5];
	static char want[LINES_MAX + 16] = "2:";

	memset(s, 'x', sizeof(s));
	s[0] = '\n';
	s[LINES_MAX + 1] = '\n';
	memset(want + 2, 'x', LINES_MAX);
	strcat(want, " 3:xxx");
	expect(s, sizeof(s), want);
	s[LINES_MAX + 1] = 'x';
	expect(s, sizeof(s), "!2");
}
END_TEST

Suite *test_common_lines(void);
Suite *test_common_lines(void)
{
	Suite *s = suite_create("common/lines");
	TCase *t = tcase_create("lines");

	tcase_add_test(t, lines_end_in_lf_or_with_the_text);
	tcase_add_test(t, blank_lines_are_skipped_and_counted);
	tcase_add_test(t, a_line_is_bounded);
	suite_add_tcase(s, t);
	return s;
}
