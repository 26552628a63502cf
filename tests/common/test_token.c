// SPDX-License-Identifier: MIT
#include <check.h>
#include <string.h>

#include "common/token.h"

START_TEST(a_token_is_a_prefix_and_256_bits_in_base64url)
{
	static const char base64url[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789-_";
	char a[TOKEN_TEXT], b[TOKEN_TEXT];

	token_make(a);
	token_make(b);
	ck_assert_uint_eq(strlen(a), TOKEN_TEXT - 1);
	ck_assert(!strncmp(a, "tly_", 4));
	ck_assert_uint_eq(strspn(a + 4, base64url), 43);
	ck_assert_str_ne(a, b);
}
END_TEST

START_TEST(the_hash_is_sha256)
{
	/* FIPS 180-4, the example "abc". */
	static const unsigned char want[TOKEN_HASH] = {0xba, 0x78, 0x16, 0xbf,
		0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae,
		0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
		0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
	unsigned char hash[TOKEN_HASH];

	token_hash("abcd", 3, hash);
	ck_assert(token_same(hash, want));
	hash[31] ^= 1;
	ck_assert(!token_same(hash, want));
}
END_TEST

START_TEST(what_is_derived_tells_of_secret_and_purpose_alone)
{
	/* printf 'a\0bc' | sha256sum, in base64url. */
	static const char want[] =
		"QLtUfZNrvTExjuN6yHmefsuyLtomUfZeMhS_-4zpe7Q";
	const struct slice bc = {"bc", 2};
	char a[TOKEN_DERIVED], b[TOKEN_DERIVED];

	token_derive(a, "a", bc);
	ck_assert_str_eq(a, want);
	token_derive(b, "ab", (struct slice){"c", 1});
	ck_assert_str_ne(a, b);
	ck_assert(token_is(a, (struct slice){want, TOKEN_DERIVED - 1}));
	ck_assert(!token_is(a, (struct slice){want, TOKEN_DERIVED - 2}));
	ck_assert(!token_is(a, (struct slice){b, TOKEN_DERIVED - 1}));
	ck_assert(!token_is(a, (struct slice){"", 0}));
}
END_TEST

START_TEST(a_wiped_secret_is_gone)
{
	char a[TOKEN_TEXT];

	token_make(a);
	token_wipe(a, sizeof(a));
	for (size_t i = 0; i < sizeof(a); i++)
		ck_assert_int_eq(a[i], 0);
}
END_TEST

START_TEST(a_scope_is_known_by_its_whole_name)
{
	ck_assert_uint_eq(scope_named("ingest", 6), SCOPE_INGEST);
	ck_assert_uint_eq(scope_named("read,admin", 4), SCOPE_READ);
	ck_assert_uint_eq(scope_named("review", 6), SCOPE_REVIEW);
	ck_assert_uint_eq(scope_named("admin", 5), SCOPE_ADMIN);
	ck_assert_uint_eq(scope_named("admin", 4), 0);
	ck_assert_uint_eq(scope_named("reads", 5), 0);
	ck_assert_uint_eq(scope_named("Read", 4), 0);
	ck_assert_uint_eq(scope_named("", 0), 0);
}
END_TEST

Suite *test_common_token(void);
Suite *test_common_token(void)
{
	Suite *s = suite_create("common/token");
	TCase *t = tcase_create("token");

	tcase_add_test(t, a_token_is_a_prefix_and_256_bits_in_base64url);
	tcase_add_test(t, the_hash_is_sha256);
	tcase_add_test(t, what_is_derived_tells_of_secret_and_purpose_alone);
	tcase_add_test(t, a_wiped_secret_is_gone);
	tcase_add_test(t, a_scope_is_known_by_its_whole_name);
	suite_add_tcase(s, t);
	return s;
}
