// SPDX-License-Identifier: MIT
#include <check.h>

#include "ingest/speed.h"

START_TEST(ten_metres_in_a_second_are_a_thousand_cm_s)
{
	ck_assert_int_eq(speed_cm_s(10, 5000000, 6000000), 1000);
	ck_assert_int_eq(speed_cm_s(12.5F, 0, 900000), 1389);
}
END_TEST

START_TEST(what_cannot_be_one_way_is_no_speed)
{
	ck_assert_int_eq(speed_cm_s(10, 6000000, 6000000), 0);
	ck_assert_int_eq(speed_cm_s(10, 6000000, 5000000), 0);
	ck_assert_int_eq(speed_cm_s(10, 0, 90000), 0);
	ck_assert_int_eq(speed_cm_s(10, 0, 61000000), 0);
}
END_TEST

Suite *test_ingest_speed(void);
Suite *test_ingest_speed(void)
{
	Suite *s = suite_create("ingest/speed");
	TCase *t = tcase_create("speed");

	tcase_add_test(t, ten_metres_in_a_second_are_a_thousand_cm_s);
	tcase_add_test(t, what_cannot_be_one_way_is_no_speed);
	suite_add_tcase(s, t);
	return s;
}
