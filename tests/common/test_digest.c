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

Suite *test_common_digest(void);
Suite *test_common_digest(void)
{
	Suite *s = suite_create("common/digest");
	TCase *t = tcase_create("digest");

	tcase_add_test(t, pieces_have_the_digest_of_the_whole);
	suite_add_tcase(s, t);
	return s;
}
