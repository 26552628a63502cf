// SPDX-License-Identifier: MIT
#include <check.h>
#include <string.h>

#include "api/accept.h"

static struct http_head head;

/* A head with these values of Accept and Accept-Encoding. */
static void parse(const char *const *value, size_t n)
{
	head = (struct http_head){.headers_n = n};
	for (size_t i = 0; i < n; i++) {
		static const char names[2][16] = {"Accept", "ACCEPT-ENCODING"};
		const char *name = names[*value[i] == '!'];
		const char *v = value[i] + (*value[i] == '!');

		head.header[i] = (struct http_header){
			{name, strlen(name)}, {v, strlen(v)}};
	}
}

START_TEST(the_narrowest_range_counts)
{
	static const struct {
		const char *accept;
		int json, csv;
	} row[] = {
		{"*/*", 1000, 1000},
		{"text/*;q=0.5", 0, 500},
		{"text/csv", 0, 1000},
		{"TEXT/CSV ; Q=0.25", 0, 250},
		{"*/*;q=0.1,text/*;q=0.2,text/csv;q=0.3", 100, 300},
		{"text/csv;q=0.3,text/*,*/*;q=0", 0, 300},
		{"text/csv;q=0.1,text/csv;q=0.9", 0, 900},
		{"text/csv;header=present;q=0.125;x=y", 0, 125},
		{"a/b;x=\"text/csv, */*\\\"\"", 0, 0},
		{"text/csv2, xtext/csv, text/, /csv, text", 0, 0},
		/* What is malformed says nothing, but that something was said.
		 */
		{"text/csv;q=2", 0, 0},
		{"text/csv;q=1.001", 0, 0},
		{"text/csv;q=0.1234", 0, 0},
		{"text/csv;q=", 0, 0},
		{"text/csv;q=-1, application/json;q=.5", 0, 0},
		{",, ,text/csv,;q=1", 0, 1000},
		{"", -1, -1},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		parse(&row[i].accept, 1);
		ck_assert_msg(
			accept_type(&head, "application/json") == row[i].json &&
				accept_type(&head, "text/csv") == row[i].csv,
			"%s: %d %d", row[i].accept,
			accept_type(&head, "application/json"),
			accept_type(&head, "text/csv"));
	}
}
END_TEST

START_TEST(several_fields_are_one_list)
{
	static const char *const fields[] = {"text/html", "!br, gzip;q=0.5",
		"text/csv;q=0.2", "!identity;q=0"};

	parse(fields, 4);
	ck_assert_int_eq(accept_type(&head, "text/csv"), 200);
	ck_assert_int_eq(accept_coding(&head, "gzip"), 500);
	ck_assert_int_eq(accept_coding(&head, "identity"), 0);
	parse(fields, 1);
	ck_assert_int_eq(accept_coding(&head, "gzip"), -1);
	parse((const char *const[]){"!*;q=0.3"}, 1);
	ck_assert_int_eq(accept_coding(&head, "gzip"), 300);
	ck_assert_int_eq(accept_type(&head, "text/csv"), -1);
}
END_TEST

Suite *test_api_accept(void);
Suite *test_api_accept(void)
{
	Suite *s = suite_create("api/accept");
	TCase *t = tcase_create("ranges");

	tcase_add_test(t, the_narrowest_range_counts);
	tcase_add_test(t, several_fields_are_one_list);
	suite_add_tcase(s, t);
	return s;
}
