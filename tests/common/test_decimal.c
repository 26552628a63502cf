// SPDX-License-Identifier: MIT
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/decimal.h"

/* The slow way, for all numbers. */
static void expect(double v)
{
	char want[64], got[DECIMAL_TEXT];
	size_t n = decimal(got, v);

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(want, sizeof(want), "%.*g", digits, v);
		if (strtod(want, NULL) == v)
			break;
	}
	ck_assert_msg(!strcmp(got, want) && n == strlen(got), "%a: %s, not %s",
		v, got, want);
}

static uint64_t next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

START_TEST(every_number_is_as_printf_writes_it)
{
	static const double v[] = {0, -0.0, 0.1, 0.5, 1, -1, 3120, 1.0 / 3,
		2.0 / 3, 0.3, 10.833333333333334, 9.9999999999999982,
		99999.999999999985, 999999999999999, 999999999999999.9,
		999999999999999.88, 1e15, 1e14, 1e-3, 0.00099999999999999998,
		1e-4, 1e22, 1e23, 5e-324, 1.7976931348623157e308, 4.35, 0.285,
		123456789012345.67, 2251799813685248.5, 0.0012345678901234567,
		1.0000000000000002, 0.99999999999999989, 72057594037927936};
	uint64_t x = 88172645463325252;

	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		expect(v[i]);
		expect(-v[i]);
		expect(nextafter(v[i], 0));
		expect(nextafter(v[i], 1e308));
	}
	for (int i = 0; i < 10000; i++) {
		double a = (double)(next(&x) % 1000000007);
		double b = (double)(next(&x) % 10007 + 1);
		uint64_t bits = next(&x);
		double any;

		expect(a / b);
		expect(sqrt(a) / b);
		expect(a / 1000);
		expect(ldexp(1, (int)(a / 1e7) - 30));
		memcpy(&any, &bits, sizeof(any));
		if (isfinite(any))
			expect(any);
	}
}
END_TEST

Suite *test_common_decimal(void);
Suite *test_common_decimal(void)
{
	Suite *s = suite_create("common/decimal");
	TCase *c = tcase_create("decimal");

	tcase_add_test(c, every_number_is_as_printf_writes_it);
	suite_add_tcase(s, c);
	return s;
}
