// SPDX-License-Identifier: MIT
#include <check.h>
#include <string.h>

#include "common/arena.h"

static struct arena a;

static void setup(void)
{
	arena_init(&a, 1 << 20);
}

static void teardown(void)
{
	arena_reset(&a);
}

START_TEST(memory_is_zeroed_aligned_and_apart)
{
	unsigned char *before = NULL;

	for (size_t n = 1; n < 300; n++) {
		unsigned char *p = arena_alloc(&a, n);

		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq((uintptr_t)p % 16, 0);
		for (size_t i = 0; i < n; i++)
			ck_assert_uint_eq(p[i], 0);
		memset(p, 0xff, n);
		if (before)
			ck_assert_uint_eq(before[n - 2], 0xff);
		before = p;
	}
}
END_TEST

START_TEST(overflow_is_sticky)
{
	arena_init(&a, 100);
	ck_assert_ptr_nonnull(arena_alloc(&a, 64));
	ck_assert_ptr_null(arena_alloc(&a, 64));
	ck_assert(a.full);
	ck_assert_ptr_null(arena_alloc(&a, 1));
	arena_reset(&a);
	ck_assert(!a.full);
	ck_assert_ptr_nonnull(arena_alloc(&a, 64));
}
END_TEST

START_TEST(no_size_is_too_large_to_be_refused)
{
	ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX));
	arena_reset(&a);
	ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX - 8));
	arena_reset(&a);
	ck_assert_ptr_null(arena_copy(&a, "", SIZE_MAX));
}
END_TEST

START_TEST(pieces_above_a_chunk_fit)
{
	char *big = arena_alloc(&a, 100000), *small;

	ck_assert_ptr_nonnull(big);
	big[99999] = 'x';
	small = arena_copy(&a, "ab\0cd", 5);
	ck_assert_mem_eq(small, "ab\0cd", 6);
	ck_assert(big[99999] == 'x');
}
END_TEST

START_TEST(formatted_text_is_whole)
{
	char *s = arena_printf(&a, "%05000d", 7);

	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(strlen(s), 5000);
	ck_assert_str_eq(arena_printf(&a, "%s-%d", "gate", 1), "gate-1");
}
END_TEST

Suite *test_common_arena(void);
Suite *test_common_arena(void)
{
	Suite *s = suite_create("common/arena");
	TCase *t = tcase_create("arena");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, memory_is_zeroed_aligned_and_apart);
	tcase_add_test(t, overflow_is_sticky);
	tcase_add_test(t, no_size_is_too_large_to_be_refused);
	tcase_add_test(t, pieces_above_a_chunk_fit);
	tcase_add_test(t, formatted_text_is_whole);
	suite_add_tcase(s, t);
	return s;
}
