// SPDX-License-Identifier: MIT
#include <check.h>
#include <string.h>

#include "api/jpeg.h"

/* Start, frame of 3 x 2 in one component, scan, end. */
static const char whole[] = "\xff\xd8"
			    "\xff\xc0\0\x0b\x08\0\x02\0\x03\x01\x01\x11\0"
			    "\xff\xda\0\x08\x01\x01\0\0\x3f\0\x55"
			    "\xff\xd9";
enum { FRAME = 2, SCAN = 15, N = sizeof(whole) - 1 };

static struct jpeg_size size;

static const char *fault(const char *at, size_t n)
{
	return jpeg_fault(at, n, &size);
}

START_TEST(a_picture_has_a_size)
{
	ck_assert_ptr_null(fault(whole, N));
	ck_assert_uint_eq(size.w, 3);
	ck_assert_uint_eq(size.h, 2);
}
END_TEST

START_TEST(a_part_of_one_is_none)
{
	for (size_t n = 0; n < N; n++)
		ck_assert_ptr_nonnull(fault(whole, n));
}
END_TEST

/* At each byte of a segment's head: another kind, a length of less or more. */
START_TEST(a_malformed_segment_is_told)
{
	static const struct {
		size_t at;
		char byte;
	} bad[] = {{FRAME, 0}, {FRAME + 1, (char)0xbf}, {FRAME + 1, (char)0xff},
		{FRAME + 1, (char)0xd0}, {FRAME + 1, (char)0xc3},
		{FRAME + 2, 1}, {FRAME + 3, 1}, {FRAME + 3, 10},
		{FRAME + 4, 12}, {FRAME + 6, 0}, {FRAME + 8, 0}, {FRAME + 9, 2},
		{FRAME + 9, 3}, {SCAN + 1, (char)0xfe}, {SCAN + 2, 1}};
	char copy[N];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memcpy(copy, whole, N);
		copy[bad[i].at] = bad[i].byte;
		ck_assert_msg(fault(copy, N) != NULL, "%zu", i);
	}
}
END_TEST

START_TEST(two_frames_are_one_too_many)
{
	char two[2 * N];

	memcpy(two, whole, SCAN);
	memcpy(two + SCAN, whole + FRAME, N - FRAME);
	ck_assert_str_eq(fault(two, SCAN + N - FRAME), "has two frames");
}
END_TEST

Suite *test_api_jpeg(void);
Suite *test_api_jpeg(void)
{
	Suite *s = suite_create("api/jpeg");
	TCase *t = tcase_create("jpeg");

	tcase_add_test(t, a_picture_has_a_size);
	tcase_add_test(t, a_part_of_one_is_none);
	tcase_add_test(t, a_malformed_segment_is_told);
	tcase_add_test(t, two_frames_are_one_too_many);
	suite_add_tcase(s, t);
	return s;
}
