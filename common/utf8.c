// SPDX-License-Identifier: MIT
#include "common/utf8.h"

#include <string.h>

static bool tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

size_t utf8_len(const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;
	unsigned char lo = 0x80, hi = 0xbf;

	if (n == 0)
		return 0;
	if (u[0] < 0x80)
		return 1;
	if (u[0] < 0xc2 || u[0] > 0xf4 || n < 2)
		return 0;
	/* The second byte's range shuts out overlong forms, surrogates and
	 * what lies beyond U+10FFFF. */
	if (u[0] == 0xe0)
		lo = 0xa0;
	else if (u[0] == 0xed)
		hi = 0x9f;
	else if (u[0] == 0xf0)
		lo = 0x90;
	else if (u[0] == 0xf4)
		hi = 0x8f;
	if (u[1] < lo || u[1] > hi)
		return 0;
	if (u[0] < 0xe0)
		return 2;
	if (n < 3 || !tail(u[2]))
		return 0;
	if (u[0] < 0xf0)
		return 3;
	return n >= 4 && tail(u[3]) ? 4 : 0;
}

size_t utf8_check(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n) {
		uint64_t eight;
		size_t k;

		if (n - i >= 8) {
			memcpy(&eight, s + i, 8);
			if (!(eight & 0x8080808080808080u)) {
				i += 8;
				continue;
			}
		}
		if (!(k = utf8_len(s + i, n - i)))
			return i;
		i += k;
	}
	return n;
}
