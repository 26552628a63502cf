// SPDX-License-Identifier: MIT
#include "common/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/decimal.h"
#include "common/utf8.h"

uint32_t text_hash(uint32_t from, const char *s)
{
	while (*s)
		from = (from ^ (unsigned char)*s++) * 16777619u;
	return from;
}

void text_init(struct text *t, size_t max)
{
	*t = (struct text){.max = max};
}

void text_free(struct text *t)
{
	free(t->at);
	text_init(t, t->max);
}

void text_clear(struct text *t)
{
	t->n = 0;
	t->full = false;
	if (t->at)
		t->at[0] = '\0';
}

void text_cut(struct text *t, size_t n)
{
	if (n >= t->n)
		return;
	t->n = n;
	t->at[n] = '\0';
}

/* Room for n more bytes and the terminator. */
static bool reserve(struct text *t, size_t n)
{
	size_t cap = t->cap ? t->cap : 256;
	char *p;

	if (t->full || n > t->max || t->n > t->max - n) {
		t->full = true;
		return false;
	}
	if (t->n + n < t->cap)
		return true;
	while (cap <= t->n + n)
		cap *= 2;
	if (!(p = realloc(t->at, cap))) {
		t->full = true;
		return false;
	}
	t->at = p;
	t->cap = cap;
	return true;
}

void text_reserve(struct text *t, size_t n)
{
	char *p;

	if (n > t->max || n < t->cap)
		return;
	if ((p = realloc(t->at, n + 1))) {
		t->at = p;
		t->cap = n + 1;
		p[t->n] = '\0';
	}
}

void text_add(struct text *t, const char *s, size_t n)
{
	if (!reserve(t, n))
		return;
	if (n)
		memcpy(t->at + t->n, s, n);
	t->n += n;
	t->at[t->n] = '\0';
}

char *text_room(struct text *t, size_t n)
{
	return reserve(t, n) ? t->at + t->n : NULL;
}

void text_wrote(struct text *t, const char *end)
{
	t->n = (size_t)(end - t->at);
	t->at[t->n] = '\0';
}

void text_str(struct text *t, const char *s)
{
	text_add(t, s, strlen(s));
}

void text_printf(struct text *t, const char *fmt, ...)
{
	char buf[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n < sizeof(buf)) {
		text_add(t, buf, (size_t)n);
		return;
	}
	if (!reserve(t, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf(t->at + t->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	t->n += (size_t)n;
}

char *text_number(char *to, int64_t v)
{
	uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	char digit[TEXT_NUMBER];
	size_t n = 0;

	do
		digit[n++] = (char)('0' + rest % 10);
	while (rest /= 10);
	if (v < 0)
		*to++ = '-';
	while (n)
		*to++ = digit[--n];
	return to;
}

void text_int(struct text *t, int64_t v)
{
	char buf[TEXT_NUMBER];

	text_add(t, buf, (size_t)(text_number(buf, v) - buf));
}

static const char hex_digit[] = "0123456789abcdef";

char *text_hex(char *to, const unsigned char *from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		*to++ = hex_digit[from[i] >> 4];
		*to++ = hex_digit[from[i] & 15];
	}
	return to;
}

char *text_hex_number(char *to, uint64_t v)
{
	int shift = 60;

	while (shift && !(v >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		*to++ = hex_digit[v >> shift & 15];
	return to;
}

void text_double(struct text *t, double v)
{
	char buf[DECIMAL_TEXT];

	text_add(t, buf, decimal(buf, v));
}

/* ASCII that stands for itself. */
static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Text whose first i bytes are plain, but not all. */
static void escaped(struct text *t, const char *s, size_t n, size_t i)
{
	size_t from = 0;

	text_add(t, "\"", 1);
	for (;;) {
		while (i < n && is_plain((unsigned char)s[i]))
			i++;
		if (i == n)
			break;
		unsigned char c = (unsigned char)s[i];
		size_t k = c < 0x80 ? 1 : utf8_len(s + i, n - i);

		if (k > 1) {
			i += k;
			continue;
		}
		text_add(t, s + from, i - from);
		if (k == 0)
			text_str(t, "\xef\xbf\xbd");
		else if (c == '"' || c == '\\')
			text_printf(t, "\\%c", c);
		else
			text_printf(t, "\\u%04x", c);
		from = ++i;
	}
	text_add(t, s + from, n - from);
	text_add(t, "\"", 1);
}

static void quoted(struct text *t, const char *s, size_t n)
{
	size_t i = 0;
	char *to;

	while (i < n && is_plain((unsigned char)s[i]))
		i++;
	if (i < n) {
		escaped(t, s, n, i);
		return;
	}
	if (n > SIZE_MAX - 2 || !(to = text_room(t, n + 2)))
		return;
	*to++ = '"';
	if (n)
		memcpy(to, s, n);
	to[n] = '"';
	text_wrote(t, to + n + 1);
}

static void key_before(struct text *t, const char *key)
{
	char last = t->n ? t->at[t->n - 1] : '{';

	if (last != '{' && last != '[' && last != ':' && last != '\n')
		text_add(t, ",", 1);
	if (!key)
		return;
	quoted(t, key, strlen(key));
	text_add(t, ":", 1);
}

void json_open(struct text *t, const char *key, char bracket)
{
	key_before(t, key);
	text_add(t, &bracket, 1);
}

void json_close(struct text *t, char bracket)
{
	text_add(t, &bracket, 1);
}

void json_strn(struct text *t, const char *key, const char *s, size_t n)
{
	key_before(t, key);
	quoted(t, s, n);
}

void json_str(struct text *t, const char *key, const char *s)
{
	if (s)
		json_strn(t, key, s, strlen(s));
	else
		json_null(t, key);
}

void json_int(struct text *t, const char *key, int64_t v)
{
	key_before(t, key);
	text_int(t, v);
}

void json_double(struct text *t, const char *key, double v)
{
	if (!isfinite(v)) {
		json_null(t, key);
		return;
	}
	key_before(t, key);
	text_double(t, v);
}

void json_raw(struct text *t, const char *key, const char *s, size_t n)
{
	key_before(t, key);
	text_add(t, s, n);
}

void json_bool(struct text *t, const char *key, bool v)
{
	key_before(t, key);
	text_str(t, v ? "true" : "false");
}

void json_null(struct text *t, const char *key)
{
	key_before(t, key);
	text_str(t, "null");
}
