// SPDX-License-Identifier: MIT
#include <check.h>
#include <string.h>

#include "common/digest.h"
#include "common/token.h"

START_TEST(pieces_have_the_digest_of_the_whole)
{
	static const char text[] = "what was asked, and all of it";
	unsigned char whole[TOKEN_HASH], sum[DIGEST_SIZE];

	token_hash(text, sizeof(text), whole);
	for (size_t n = 0; n <= sizeof(text); n++) {
		struct digest d;

		digest_init(&d);
		digest_add(&d, text, n);
		digest_add(&d, text + n, sizeof(text) - n);
		digest_end(&d, sum);
		ck_assert_mem_eq(sum, whole, DIGEST_SIZE);
	}
}
END_TEST

/* RFC 7693 has "abc" with 64 bytes; these are the 32 of b2sum -l 256. */
START_TEST(the_quick_one_is_blake2b)
{
	static const unsigned char abc[DIGEST_SIZE] = {0xbd, 0xdd, 0x81, 0x3c,
		0x63, 0x42, 0x39, 0x72, 0x31, 0x71, 0xef, 0x3f, 0xee, 0x98,
		0x57, 0x9b, 0x94, 0x96, 0x4e, 0x3b, 0xb1, 0xcb, 0x3e, 0x42,
		0x72, 0x62, 0xc8, 0xc0, 0x68, 0xd5, 0x23, 0x19};
	unsigned char sum[DIGEST_SIZE];

	digest_quick("abc", 3, sum);
	ck_assert_mem_eq(sum, abc, DIGEST_SIZE);
}
END_TEST

Suite *test_common_digest(void);
Suite *test_common_digest(void)
{
	Suite *s = suite_create("common/digest");
	TCase *t = tcase_create("digest");

	tcase_add_test(t, pieces_have_the_digest_of_the_whole);
	tcase_add_test(t, the_quick_one_is_blake2b);
	suite_add_tcase(s, t);
	return s;
}
