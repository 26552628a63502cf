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

bool utf8_shown(const char *s, size_t bytes_max, size_t chars_max)
{
	size_t n = strlen(s), chars = 0, k;

	if (n > bytes_max || !s[strspn(s, " ")])
		return false;
	for (size_t i = 0; i < n; i += k, chars++) {
		unsigned char c = (unsigned char)s[i];

		if (!(k = utf8_len(s + i, n - i)) || c < 0x20 || c == 0x7f)
			return false;
		/* U+0080 to U+009F, and the line separators U+2028, U+2029 */
		if ((c == 0xc2 && (unsigned char)s[i + 1] < 0xa0) ||
			!strncmp(s + i, "\xe2\x80\xa8", 3) ||
			!strncmp(s + i, "\xe2\x80\xa9", 3))
			return false;
	}
	return chars <= chars_max;
}
