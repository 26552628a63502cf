// SPDX-License-Identifier: MIT
/* client: what goes out and comes back is tested in tests/ingest/test_post.c.
 */
#include <check.h>
#include <string.h>

#include "common/client.h"

static enum err token_of(const char *file, char token[64])
{
	return client_token_in(
		(struct slice){file, strlen(file)}, "ingest_token", token, 64);
}

START_TEST(a_token_file_holds_the_token_or_an_object)
{
	char token[64];

	ck_assert_int_eq(token_of(" abc\r\n", token), E_OK);
	ck_assert_str_eq(token, "abc");
	ck_assert_int_eq(token_of("{\"ingest_token\":\"x1\"}\n", token), E_OK);
	ck_assert_str_eq(token, "x1");
	ck_assert_int_eq(token_of("", token), E_INVALID);
	ck_assert_int_eq(token_of("a b", token), E_INVALID);
	ck_assert_int_eq(token_of("a\r\nX: y", token), E_INVALID);
	ck_assert_int_eq(token_of("{\"token\":\"x\"}", token), E_INVALID);
	ck_assert_int_eq(token_of("{\"ingest_token\":7}", token), E_INVALID);
	ck_assert_int_eq(token_of("{", token), E_INVALID);
}
END_TEST

START_TEST(nobody_listening_is_no_answer)
{
	struct client_settings s = {
		.url = "http://127.0.0.1:1//", .answer_us = 1000000};
	struct client_answer a;
	char why[CLIENT_WHY] = "";
	struct client *c;

	ck_assert_int_eq(client_open(&c, &s, why), E_OK);
	ck_assert_int_eq(
		client_token(c, "/nowhere/token", "t", why), E_INVALID);
	ck_assert_str_eq(why, "No such file or directory");
	ck_assert_int_eq(client_get(c, "/", &a, why), E_NETWORK);
	ck_assert_int_eq(a.status, 0);
	ck_assert_ptr_nonnull(strstr(why, "connect"));
	client_close(c);
}
END_TEST

Suite *test_common_client(void);
Suite *test_common_client(void)
{
	Suite *s = suite_create("common/client");
	TCase *t = tcase_create("client");

	tcase_add_test(t, a_token_file_holds_the_token_or_an_object);
	tcase_add_test(t, nobody_listening_is_no_answer);
	suite_add_tcase(s, t);
	return s;
}
