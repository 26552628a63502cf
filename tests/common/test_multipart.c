// SPDX-License-Identifier: MIT
#include <check.h>
#include <string.h>

#include "common/multipart.h"
#include "common/text.h"

#define TYPE "multipart/form-data; boundary=b0"

static struct slice slice_of(const char *s)
{
	return (struct slice){s, strlen(s)};
}

/* "name|file|type=content." for each part, "!why" at a refusal, "..." where the
 * end is missing; bytes given step at a time. */
static void told(struct text *t, const char *s, size_t n, size_t step)
{
	static struct multipart m;
	size_t at = 0, used;
	struct slice piece;
	enum multipart_step e = MULTIPART_MORE;

	ck_assert(!multipart_init(&m, slice_of(TYPE)));
	while (at < n && e != MULTIPART_REFUSED) {
		size_t give = n - at < step ? n - at : step;

		e = multipart_next(&m, s + at, give, &used, &piece);
		at += used;
		if (e == MULTIPART_HEAD)
			text_printf(t, "%s|%s|%s=", m.name.at,
				m.file.at ? m.file.at : "-",
				m.type.at ? m.type.at : "-");
		if (e == MULTIPART_DATA) {
			ck_assert(piece.n);
			text_add(t, piece.at, piece.n);
		}
		if (e == MULTIPART_TAIL)
			text_str(t, ".");
	}
	if (e == MULTIPART_REFUSED)
		text_printf(t, "!%s", m.why);
	else if (!multipart_ended(&m))
		text_str(t, "...");
}

static void expect(const char *s, size_t n, const char *want)
{
	static const size_t steps[] = {SIZE_MAX, 1, 2, 3, 5, 7};

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct text t;

		text_init(&t, 1 << 20);
		told(&t, s, n, steps[i]);
		ck_assert_str_eq(t.at ? t.at : "", want);
		text_free(&t);
	}
}

#define EXPECT(s, want) expect(s, sizeof(s) - 1, want)
#define NAME		"--b0\r\nContent-Disposition: form-data; name=a\r\n"
#define END		"\r\n--b0--\r\n"

START_TEST(parts_come_with_their_names_and_content)
{
	EXPECT(NAME "\r\nhello" END, "a|-|-=hello.");
	EXPECT(NAME "\r\n" END, "a|-|-=.");
	EXPECT(NAME "\r\n1\r\n" NAME "\r\n2" END, "a|-|-=1.a|-|-=2.");
	EXPECT("--b0\r\nContent-Type: text/csv ;x=y\r\ncontent-disposition:"
	       "FORM-DATA ; filename=\"c d.csv\" ;NAME=\"f\"\r\n\r\n,"
	       "\r\n--b0--",
		"f|c d.csv|text/csv ;x=y=,.");
	EXPECT("--b0 \t\r\nX-Other: 1\r\nContent-Disposition: form-data; "
	       "name=\"\"; filename=\"\"; size=3\r\n\r\n\r\n--b0-- \r\n",
		"||-=.");
}
END_TEST

START_TEST(what_only_looks_like_a_boundary_is_content)
{
	EXPECT(NAME "\r\n\r\n\r\n-\r\n--b\r\r\n--b\r\n" END,
		"a|-|-=\r\n\r\n-\r\n--b\r\r\n--b\r\n.");
	EXPECT(NAME "\r\n--b0--\n--b0\r--b0" END, "a|-|-=--b0--\n--b0\r--b0.");
	EXPECT(NAME "\r\nx\r\n--b1" END, "a|-|-=x\r\n--b1.");
}
END_TEST

START_TEST(names_are_unquoted)
{
	EXPECT("--b0\r\nContent-Disposition: form-data; name=\"a\\\"b\\\\c\"; "
	       "filename=\"C:\\dir\\%22x%22 %0d.csv\"\r\n\r\n" END,
		"a\"b\\c|C:\\dir\\\"x\" %0d.csv|-=.");
	EXPECT("--b0\r\nContent-Disposition: form-data; name=f; "
	       "filename=\"../../etc/<b>;x=\xed\x95\x9c.csv\"\r\n\r\n" END,
		"f|../../etc/<b>;x=\xed\x95\x9c.csv|-=.");
}
END_TEST

START_TEST(what_is_malformed_is_refused)
{
	EXPECT("", "...");
	EXPECT("--b0--", "");
	EXPECT(NAME "\r\nx", "a|-|-=x...");
	EXPECT(NAME "\r\nx\r\n--b0", "a|-|-=x....");
	EXPECT("x" NAME, "!the body does not begin with its boundary");
	EXPECT("\r\n" NAME, "!the body does not begin with its boundary");
	EXPECT(NAME "\r\nx\r\n--b0x\r\n",
		"a|-|-=x.!text stands behind a boundary");
	EXPECT(NAME "\r\nx\r\n--b0-\r\n",
		"a|-|-=x.!text stands behind a boundary");
	EXPECT(NAME "\r\nx\r\n--b0\rx", "a|-|-=x.!a CR stands alone");
	EXPECT(NAME "\r\n" END "x",
		"a|-|-=.!text stands behind the last boundary");
	EXPECT(NAME "\r\n" END NAME,
		"a|-|-=.!text stands behind the last boundary");
}
END_TEST

#define HEAD(lines) "--b0\r\n" lines "\r\n\r\n" END
#define D	    "Content-Disposition: form-data"

START_TEST(a_bad_head_is_refused)
{
	EXPECT("--b0\r\n\r\n" END, "!a part has no Content-Disposition");
	EXPECT(HEAD("Content-Type: a/b"), "!a part has no Content-Disposition");
	EXPECT(HEAD(D), "!a part has no name");
	EXPECT(HEAD(D "; filename=x"), "!a part has no name");
	EXPECT(HEAD("Content-Disposition: attachment; name=x"),
		"!a part's Content-Disposition is not form-data");
	EXPECT(HEAD(D "; name=a; name=b"), "!a part has two names");
	EXPECT(HEAD(D "; name=a\r\n" D "; name=b"),
		"!a part has two fields Content-Disposition");
	EXPECT(HEAD(D "; name=a; filename*=UTF-8''x"),
		"!a part has a filename*");
	EXPECT(HEAD(D "; name=\"a"),
		"!a part's Content-Disposition is malformed");
	EXPECT(HEAD(D "; name="), "!a part's Content-Disposition is malformed");
	EXPECT(HEAD(D "; name"), "!a part's Content-Disposition is malformed");
	EXPECT(HEAD(D ";"), "!a part's Content-Disposition is malformed");
	EXPECT(HEAD(D " name=a"), "!a part's Content-Disposition is malformed");
	EXPECT(HEAD(D "; name=a\r\n folded"),
		"!a line of a part's head is malformed");
	EXPECT(HEAD("Content-Type : a/b"),
		"!a line of a part's head is malformed");
	EXPECT("--b0\r\nContent-Disposition: form-data; name=a\n\r\n",
		"!a part's head holds a control character");
	EXPECT(HEAD(D "; name=\"a\0b\""),
		"!a part's head holds a control character");
	EXPECT("--b0\r\n" D "\rx", "!a CR stands alone");
	EXPECT(HEAD("Content-Transfer-Encoding: base64"),
		"!a part is encoded for transfer");
	EXPECT(HEAD("Content-Transfer-Encoding: binary\r\n" D "; name=a"),
		"a|-|-=.");
	EXPECT(HEAD("Content-Type: a\r\nContent-Type: a"),
		"!a part has two fields Content-Type");
}
END_TEST

START_TEST(heads_and_parts_are_bounded)
{
	struct text t;

	text_init(&t, 1 << 20);
	text_str(&t, "--b0\r\n" D "; name=a; x=");
	while (t.n < MULTIPART_HEAD_MAX + 6)
		text_str(&t, "x");
	text_str(&t, "\r\n\r\n" END);
	expect(t.at, t.n, "a|-|-=.");
	text_clear(&t);
	text_str(&t, "--b0\r\nX:");
	while (t.n < MULTIPART_HEAD_MAX + 8)
		text_str(&t, "x");
	expect(t.at, t.n, "!a part's head is too long");
	text_clear(&t);
	for (int i = 0; i <= MULTIPART_PARTS_MAX; i++)
		text_str(&t, NAME "\r\n\r\n");
	told(&t, t.at, t.n, SIZE_MAX);
	ck_assert_ptr_nonnull(strstr(t.at, ".!there are too many parts"));
	text_free(&t);
}
END_TEST

static enum err init(const char *type)
{
	static struct multipart m;

	return multipart_init(&m, slice_of(type));
}

START_TEST(the_boundary_is_read_from_the_type)
{
	char s[200] = "multipart/form-data; boundary=";

	ck_assert(!init(TYPE));
	ck_assert(!init("Multipart/Form-Data;charset=utf-8; BOUNDARY=\"a b\""));
	ck_assert(init("") == E_NOT_FOUND);
	ck_assert(init("text/csv; boundary=x") == E_NOT_FOUND);
	ck_assert(init("multipart/mixed; boundary=x") == E_NOT_FOUND);
	ck_assert(init("multipart/form-datax; boundary=x") == E_NOT_FOUND);
	ck_assert(init("multipart/form-data") == E_INVALID);
	ck_assert(init("multipart/form-data; boundary=") == E_INVALID);
	ck_assert(init("multipart/form-data; boundary= ") == E_INVALID);
	ck_assert(init("multipart/form-data; boundary") == E_INVALID);
	ck_assert(init("multipart/form-data; boundary=\"x") == E_INVALID);
	ck_assert(init("multipart/form-data; boundary=\"x \"") == E_INVALID);
	ck_assert(init("multipart/form-data; boundary=\"x\r\"") == E_INVALID);
	ck_assert(init("multipart/form-data; boundary=\"\"") == E_INVALID);
	ck_assert(init("multipart/form-data; boundary=a; boundary=b") ==
		E_INVALID);
	ck_assert(init("multipart/form-data; boundary=a x") == E_INVALID);
	memset(s + strlen(s), 'x', MULTIPART_BOUNDARY_MAX);
	ck_assert(!init(s));
	strcat(s, "x");
	ck_assert(init(s) == E_INVALID);
}
END_TEST

Suite *test_common_multipart(void);
Suite *test_common_multipart(void)
{
	Suite *s = suite_create("common/multipart");
	TCase *t = tcase_create("multipart");

	tcase_add_test(t, parts_come_with_their_names_and_content);
	tcase_add_test(t, what_only_looks_like_a_boundary_is_content);
	tcase_add_test(t, names_are_unquoted);
	tcase_add_test(t, what_is_malformed_is_refused);
	tcase_add_test(t, a_bad_head_is_refused);
	tcase_add_test(t, heads_and_parts_are_bounded);
	tcase_add_test(t, the_boundary_is_read_from_the_type);
	suite_add_tcase(s, t);
	return s;
}
