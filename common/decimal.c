// SPDX-License-Identifier: MIT
/*
 * 15 significant digits are tried, then 16, then 17, which always do.  printf
 * and strtod would do for that, but a page of statistics has tens of thousands
 * of numbers and they take most of its time.  So numbers of everyday size are
 * written with integers: v = m / 2^s, and v with k decimals is the quotient
 * q of m * 10^k and 2^s, rounded; 128 bits hold the product.  q / 10^k reads
 * back as v where it is less than half a unit of m's last place away from it:
 *
 *	|q / 10^k - m / 2^s| < 1 / 2^(s+1)   or   2 |q * 2^s - m * 10^k| < 10^k
 */
#include "common/decimal.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_LEAST = 15, DIGITS_MOST = 17 };

static const uint64_t HIDDEN = UINT64_C(1) << (DBL_MANT_DIG - 1);

static const double ten[] = {1e-3, 1e-2, 1e-1, 1e0, 1e1, 1e2, 1e3, 1e4, 1e5,
	1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
enum { TEN_0 = 3 }; /* where 1 is in it */

static size_t by_printf(char text[DECIMAL_TEXT], double v)
{
	for (int digits = DIGITS_LEAST; digits < DIGITS_MOST; digits++) {
		snprintf(text, DECIMAL_TEXT, "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			return strlen(text);
	}
	return (size_t)snprintf(text, DECIMAL_TEXT, "%.*g", DIGITS_MOST, v);
}

static const uint64_t power[] = {1, 10, 100, 1000, 10000, 100000, 1000000,
	10000000, 100000000, 1000000000, 10000000000, 100000000000,
	1000000000000, 10000000000000, 100000000000000, 1000000000000000,
	10000000000000000, 100000000000000000, 1000000000000000000,
	10000000000000000000u};

static const char pair[] =
	"0001020304050607080910111213141516171819202122232425262728293031323334"
	"3"
	"5363738394041424344454647484950515253545556575859606162636465666768697"
	"0"
	"7172737475767778798081828384858687888990919293949596979899";

/* The digits of q, at least so many, that end before this. */
static char *digits_before(char *end, uint64_t q, int least)
{
	char *to = end;

	for (; q >= 10; q /= 100, least -= 2)
		to = memcpy(to - 2, pair + 2 * (q % 100), 2);
	if (q) {
		*--to = (char)('0' + q);
		least--;
	}
	for (; least > 0; least--)
		*--to = '0';
	return to;
}

/* q / 10^k without zeros at its end. */
static size_t write(char text[DECIMAL_TEXT], bool minus, uint64_t q, int k)
{
	char buf[DECIMAL_TEXT], *end = buf + sizeof(buf), *at;
	size_t n;

	for (; k >= 4 && q % 10000 == 0; k -= 4)
		q /= 10000;
	for (; k && q % 10 == 0; k--)
		q /= 10;
	if (k) {
		at = digits_before(end, q % power[k], k);
		*--at = '.';
		at = digits_before(at, q / power[k], 1);
	} else {
		at = digits_before(end, q, 1);
	}
	if (minus)
		*--at = '-';
	n = (size_t)(end - at);
	memcpy(text, at, n);
	text[n] = '\0';
	return n;
}

/* v in [ten[0], 1e15).  False where k decimals are too few. */
static bool rounded(uint64_t m, int s, int k, uint64_t *q)
{
	uint64_t unit = power[k], one = UINT64_C(1) << s, rest;
	u128 product = (u128)m * unit;

	*q = (uint64_t)(product >> s);
	rest = (uint64_t)product & (one - 1);
	/* To the nearest; of two as near, to the even one, as printf does. */
	if (rest > one - rest || (rest == one - rest && *q & 1)) {
		++*q;
		rest = one - rest;
	}
	return (u128)rest * 2 < unit;
}

size_t decimal(char text[DECIMAL_TEXT], double v)
{
	double a = fabs(v);
	int whole = 0, s, k;
	uint64_t bits, m, q = 0;

	/* A quiet hour has nothing but such. */
	if (a < ten[ARRAY_LEN(ten) - 1] && a == (double)(uint64_t)a)
		return write(text, signbit(v), (uint64_t)a, 0);
	if (a < ten[0] || a >= ten[ARRAY_LEN(ten) - 1])
		return by_printf(text, v);
	while (a >= ten[whole + 1])
		whole++;
	/* Its mantissa has a bit more than is stored, and so small a number has
	 * all of them. */
	memcpy(&bits, &a, sizeof(bits));
	m = (bits & (HIDDEN - 1)) | HIDDEN;
	s = DBL_MANT_DIG - 2 + DBL_MAX_EXP - (int)(bits >> (DBL_MANT_DIG - 1));
	/* A power of two has its lower neighbour at half the distance; a whole
	 * one is exact. */
	if (m == HIDDEN && a < 1)
		return by_printf(text, v);
	for (int digits = DIGITS_LEAST; digits <= DIGITS_MOST; digits++) {
		k = digits - 1 - (whole - TEN_0);
		if (rounded(m, s, k, &q) || digits == DIGITS_MOST)
			break;
	}
	return write(text, v < 0, q, k);
}
