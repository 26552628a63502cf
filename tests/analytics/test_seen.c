// SPDX-License-Identifier: MIT
#include <check.h>

#include "analytics/seen.h"

START_TEST(a_key_is_remembered_for_half_a_million_others)
{
	struct seen *s = seen_new();
	const unsigned n = 3 * SEEN_LEAST;
	unsigned wrong = 0;

	ck_assert_ptr_nonnull(s);
	for (unsigned i = 1; i <= n; i++) {
		struct seen_row r = {.key = (uint64_t)i << 20,
			.digest = i * 7ull,
			.line = i};
		const struct seen_row *old = NULL;
		unsigned k = i - SEEN_LEAST;

		wrong += seen_find(s, r.key) != NULL;
		seen_add(s, &r);
		if (i > SEEN_LEAST)
			wrong += !(old = seen_find(s, (uint64_t)k << 20)) ||
				old->line != k || old->digest != k * 7ull;
	}
	ck_assert_uint_eq(wrong, 0);
	/* And not for ever. */
	ck_assert_ptr_null(seen_find(s, 1ull << 20));
	seen_find(s, (uint64_t)n << 20)->refused = true;
	ck_assert(seen_find(s, (uint64_t)n << 20)->refused);
	seen_free(s);
	seen_free(NULL);
}
END_TEST

Suite *test_analytics_seen(void);
Suite *test_analytics_seen(void)
{
	Suite *s = suite_create("analytics/seen");
	TCase *t = tcase_create("seen");

	tcase_add_test(t, a_key_is_remembered_for_half_a_million_others);
	suite_add_tcase(s, t);
	return s;
}
