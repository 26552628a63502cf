// SPDX-License-Identifier: MIT
#include "common/password.h"

#include <check.h>
#include <string.h>

START_TEST(a_hash_knows_its_password_and_no_other)
{
	char hash[PASSWORD_TEXT], other[PASSWORD_TEXT];

	ck_assert(!password_hash("correct horse", 13, hash));
	ck_assert(!strncmp(hash, "$argon2id$v=19$m=65536,t=2,p=1$", 31));
	ck_assert(password_ok(hash, "correct horse", 13));
	ck_assert(!password_ok(hash, "correct horsf", 13));
	ck_assert(!password_ok(hash, "correct horse ", 14));
	ck_assert(!password_ok(hash, "", 0));
	ck_assert(!password_hash("correct horse", 13, other));
	ck_assert_msg(strcmp(hash, other), "the salt is random");
	ck_assert(!password_is_old(hash));
}
END_TEST

START_TEST(a_hash_of_other_parameters_is_read_and_known_to_be_old)
{
	static const char old[] =
		"$argon2id$v=19$m=19456,t=2,p=1$FoM4GUr92uoq7/GZzHntLQ$"
		"lpq/8rzvqV65dYGYRkehSywILsOvAhuRaYgjuYp1hmE";

	ck_assert(password_ok(old, "correct horse", 13));
	ck_assert(!password_ok(old, "correct house", 13));
	ck_assert(password_is_old(old));
}
END_TEST

START_TEST(nobody_has_a_password_and_a_damaged_hash_fits_none)
{
	ck_assert(!password_ok(NULL, "correct horse", 13));
	ck_assert(!password_ok("", "correct horse", 13));
	ck_assert(!password_ok("$argon2id$v=19$m=1", "correct horse", 13));
}
END_TEST

START_TEST(lengths_are_bounded)
{
	char hash[PASSWORD_TEXT], longest[PASSWORD_MOST + 1];

	memset(longest, 'x', sizeof(longest));
	ck_assert(password_hash("1234567", 7, hash) == E_INVALID);
	ck_assert(password_hash(longest, PASSWORD_MOST + 1, hash) == E_INVALID);
	ck_assert(!password_hash(longest, PASSWORD_MOST, hash));
	ck_assert(password_ok(hash, longest, PASSWORD_MOST));
	ck_assert(!password_ok(hash, longest, PASSWORD_MOST + 1));
}
END_TEST

Suite *test_common_password(void);
Suite *test_common_password(void)
{
	Suite *s = suite_create("common/password");
	TCase *t = tcase_create("password");

	tcase_add_test(t, a_hash_knows_its_password_and_no_other);
	tcase_add_test(
		t, a_hash_of_other_parameters_is_read_and_known_to_be_old);
	tcase_add_test(t, nobody_has_a_password_and_a_damaged_hash_fits_none);
	tcase_add_test(t, lengths_are_bounded);
	tcase_set_timeout(t, 30);
	suite_add_tcase(s, t);
	return s;
}
