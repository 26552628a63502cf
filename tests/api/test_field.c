// SPDX-License-Identifier: MIT
#include "api/field.h"

#include <check.h>
#include <string.h>

static struct slice of(const char *s)
{
	return (struct slice){s, strlen(s)};
}

static bool same(struct slice s, const char *text)
{
	return s.n == strlen(text) && !memcmp(s.at, text, s.n);
}

START_TEST(a_bearer_token_has_its_alphabet)
{
	static const struct {
		const char *value, *token; /* NULL: refused */
	} row[] = {
		{"Bearer tly_A-z.0~9+/", "tly_A-z.0~9+/"},
		{"bEARER   x==", "x=="},
		{"Bearer", NULL},
		{"Bearer ", NULL},
		{"Bearer  ", NULL},
		{"Bearer\tx", NULL},
		{"Bearerx", NULL},
		{"Bearer =", NULL},
		{"Bearer x=y", NULL},
		{"Bearer x y", NULL},
		{"Bearer x,y", NULL},
		{"Bearer \"x\"", NULL},
		{"Bearer x\xc3\xa9", NULL},
		{"Basic dTpw", NULL},
		{" Bearer x", NULL},
		{"", NULL},
	};
	struct slice token;

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		bool is = field_bearer(of(row[i].value), &token);

		ck_assert_msg(is == (row[i].token != NULL) &&
				(!is || same(token, row[i].token)),
			"%s", row[i].value);
	}
}
END_TEST

START_TEST(a_cookie_is_found_by_its_whole_name)
{
	static const struct {
		const char *value, *cookie;
	} row[] = {
		{"s=1", "1"},
		{"s=", ""},
		{"a=b; s=1; s=2", "1"},
		{"a=b;s=1", "1"},
		{"xs=1; s=2", "2"},
		{"a=s=1", NULL},
		{"s", NULL},
		{"S=1", NULL},
		{"", NULL},
	};
	struct slice value;

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		bool is = field_cookie(of(row[i].value), "s", &value);

		ck_assert_msg(is == (row[i].cookie != NULL) &&
				(!is || same(value, row[i].cookie)),
			"%s", row[i].value);
	}
}
END_TEST

START_TEST(a_key_is_quoted_or_bare)
{
	static const struct {
		const char *value, *key; /* "": refused */
	} row[] = {
		{"\"a b\"", "a b"},
		{"\"a\\\"b\\\\\"", "a\"b\\"},
		{"a-b", "a-b"},
		{"\"", ""},
		{"\"\"", ""},
		{"\"a\\b\"", ""},
		{"\"a\\\"", ""},
		{"\"a\"b\"", ""},
		{"\"a\tb\"", ""},
		{"a b", ""},
		{"a;b=1", ""},
		{"a,b", ""},
		{"\xc3\xa9", ""},
		{"", ""},
	};
	char key[FIELD_KEY_MAX + 1], most[FIELD_KEY_MAX + 4];

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		size_t n = field_key(of(row[i].value), key);

		ck_assert_msg(!strcmp(key, row[i].key) && n == strlen(key),
			"%s: %s", row[i].value, key);
	}
	memset(most, 'a', sizeof(most));
	ck_assert_uint_eq(field_key((struct slice){most, FIELD_KEY_MAX}, key),
		FIELD_KEY_MAX);
	ck_assert_uint_eq(
		field_key((struct slice){most, FIELD_KEY_MAX + 1}, key), 0);
	most[0] = most[FIELD_KEY_MAX + 1] = '"';
	ck_assert_uint_eq(
		field_key((struct slice){most, FIELD_KEY_MAX + 2}, key),
		FIELD_KEY_MAX);
	most[FIELD_KEY_MAX + 1] = 'a';
	most[FIELD_KEY_MAX + 2] = '"';
	ck_assert_uint_eq(
		field_key((struct slice){most, FIELD_KEY_MAX + 3}, key), 0);
}
END_TEST

START_TEST(a_media_type_may_name_one_charset)
{
	static const struct {
		const char *value, *type, *charset; /* NULL: refused */
	} row[] = {
		{"text/csv", "text/csv", ""},
		{"Text/CSV ; Charset=\"utf-8\"", "Text/CSV", "utf-8"},
		{"text/csv;header=present;;charset=cp949;", "text/csv",
			"cp949"},
		{"a/b; x=\"; charset=c\\\"\"", "a/b", ""},
		{"a/b; x=\"\"", "a/b", ""},
		{"text/csv header=present", NULL, NULL},
		{"text/csv, text/csv", NULL, NULL},
		{"text/csv; charset=utf-8; charset=cp949", NULL, NULL},
		{"text/csv; charset=", NULL, NULL},
		{"text/csv; charset", NULL, NULL},
		{"text/csv; charset =utf-8", NULL, NULL},
		{"text/csv; charset=\"utf-8", NULL, NULL},
		{"text/csv; charset=\"utf-8\\\"", NULL, NULL},
		{"text/csv; charset=\"utf-8\\", NULL, NULL},
		{"text/", NULL, NULL},
		{"/csv", NULL, NULL},
		{"text", NULL, NULL},
		{"", NULL, NULL},
	};
	struct media m;

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		bool is = field_media(of(row[i].value), &m);

		ck_assert_msg(is == (row[i].type != NULL) &&
				(!is ||
					(same(m.type, row[i].type) &&
						same(m.charset,
							row[i].charset))),
			"%s", row[i].value);
	}
}
END_TEST

START_TEST(a_coding_is_seen_in_any_field)
{
	static const struct {
		const char *one, *two;
		bool is;
	} row[] = {
		{"identity", "Identity", false},
		{" ,identity,, identity", "", false},
		{"gzip", "", true},
		{"identity", "gzip", true},
		{"identity, br", "identity", true},
		{"identity gzip", "", true},
		{"\"identity\"", "", true},
		{"identity;q=1", "", true},
	};
	struct http_head h = {.headers_n = 2};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		h.header[0] = (struct http_header){
			of("Content-Encoding"), of(row[i].one)};
		h.header[1] = (struct http_header){
			of("content-encoding"), of(row[i].two)};
		ck_assert_msg(field_encoded(&h) == row[i].is, "%s", row[i].one);
	}
	h.headers_n = 0;
	ck_assert(!field_encoded(&h));
}
END_TEST

START_TEST(a_tag_is_found_in_a_list)
{
	static const struct {
		const char *value;
		bool is, any;
	} row[] = {
		{"\"t\"", true, true},
		{"W/\"t\"", true, true},
		{"\"x\", \"t\"", true, true},
		{",\"x\" ,, W/\"t\",", true, true},
		{"\"a,b\",\"t\"", true, true},
		{"*", false, true},
		{"\"*\"", false, false},
		{"*, \"t\"", false, false},
		{"t", false, false},
		{"\"t", false, false},
		{"w/\"t\"", false, false},
		{"W/ \"t\"", false, false},
		{"\"x\" \"t\"", false, false},
		{"\"t\"x", false, false},
		{"x\"t\"", false, false},
		{"\"x t\", \"t\"", false, false},
		{"\"x\"t\"", false, false},
		{"", false, false},
	};
	struct http_head h = {.headers_n = 2};

	h.header[0] = (struct http_header){of("Host"), of("\"t\"")};
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		h.header[1] = (struct http_header){
			of("IF-None-Match"), of(row[i].value)};
		ck_assert_msg(
			field_none_match(&h, "\"t\"", false) == row[i].is &&
				field_none_match(&h, "\"t\"", true) ==
					row[i].any,
			"%s", row[i].value);
	}
}
END_TEST

START_TEST(what_has_to_match_is_a_strong_tag_or_a_star)
{
	static const struct {
		const char *one, *two;
		bool is;
	} row[] = {
		{"\"t\"", NULL, true},
		{"*", NULL, true},
		{"\"x\", \"t\"", NULL, true},
		{"\"x\"", "\"t\"", true},
		{"W/\"t\"", NULL, false},
		{"W/\"x\", \"t\"", NULL, true},
		{"\"x\"", "\"y\"", false},
		{"t", NULL, false},
		{"\"t", NULL, false},
		{"", NULL, false},
	};
	struct http_head h = {.headers_n = 1};

	h.header[0] = (struct http_header){of("Host"), of("\"t\"")};
	ck_assert(field_match(&h, "\"t\""));
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		h.headers_n = row[i].two ? 2 : 1;
		h.header[0] =
			(struct http_header){of("If-Match"), of(row[i].one)};
		h.header[1] = (struct http_header){
			of("if-match"), of(row[i].two ? row[i].two : "")};
		ck_assert_msg(field_match(&h, "\"t\"") == row[i].is, "%s",
			row[i].one);
	}
}
END_TEST

START_TEST(without_tags_only_a_star_matches)
{
	struct http_head h = {.headers_n = 1};

	h.header[0] = (struct http_header){of("Host"), of("a")};
	ck_assert(field_match(&h, NULL));
	h.header[0].name = of("if-match");
	ck_assert(!field_match(&h, NULL));
	h.header[0].value = of("*");
	ck_assert(field_match(&h, NULL));
	h.headers_n = 2;
	h.header[1] = (struct http_header){of("If-Match"), of("\"t\"")};
	ck_assert(!field_match(&h, NULL));
}
END_TEST

Suite *test_api_field(void);
Suite *test_api_field(void)
{
	Suite *s = suite_create("api/field");
	TCase *t = tcase_create("fields");

	tcase_add_test(t, a_bearer_token_has_its_alphabet);
	tcase_add_test(t, a_cookie_is_found_by_its_whole_name);
	tcase_add_test(t, a_key_is_quoted_or_bare);
	tcase_add_test(t, a_media_type_may_name_one_charset);
	tcase_add_test(t, a_coding_is_seen_in_any_field);
	tcase_add_test(t, a_tag_is_found_in_a_list);
	tcase_add_test(t, what_has_to_match_is_a_strong_tag_or_a_star);
	tcase_add_test(t, without_tags_only_a_star_matches);
	suite_add_tcase(s, t);
	return s;
}
