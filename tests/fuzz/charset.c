// SPDX-License-Identifier: MIT
/*
 * Text of CP949 is the same UTF-8 however its bytes were cut, or refused at the
 * same byte, and goes back to the bytes that it was.  The first byte seeds the
 * cutting.
 */
#include <iconv.h>

#include "common/charset.h"
#include "common/utf8.h"
#include "tests/fuzz/fuzz.h"

static enum err read_text(struct text *t, const char *buf, size_t n,
	unsigned *seed, uint64_t *byte)
{
	struct charset *c;
	enum err e = E_OK;
	size_t at = 0;

	HOLD(!charset_open(&c, (struct slice){"EUC-KR", 6}));
	do {
		size_t give = fuzz_cut(n - at, seed);

		e = charset_add(c, buf + at, give, at + give == n, t, byte);
		at += give;
	} while (!e && at < n);
	charset_close(c);
	return e;
}

/* The bytes before the one that was refused, or all of them. */
static void check_back(const struct text *t, const char *buf, size_t n)
{
	iconv_t cd = iconv_open("CP949", "UTF-8");
	size_t left = t->n, room = n;
	char *back = malloc(n + 1), *in = t->at, *out = back;

	HOLD(cd != (iconv_t)-1 && back);
	HOLD(!left || iconv(cd, &in, &left, &out, &room) == 0);
	HOLD(!left && !room && !memcmp(back, buf, n));
	iconv_close(cd);
	free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	unsigned seed = n ? data[0] : 0;
	uint64_t byte = 0, byte_cut = 0;
	struct text whole, cut;
	enum err e;
	char *copy;

	if (n < 1)
		return 0;
	n--;
	copy = fuzz_copy(data + 1, n);
	text_init(&whole, 1 << 24);
	text_init(&cut, 1 << 24);
	e = read_text(&whole, copy, n, NULL, &byte);
	HOLD(read_text(&cut, copy, n, &seed, &byte_cut) == e);
	HOLD(!e || (e == E_INVALID && byte < n && byte == byte_cut));
	HOLD(whole.n == cut.n &&
		(!cut.n || !memcmp(whole.at, cut.at, whole.n)));
	HOLD(!whole.n || utf8_check(whole.at, whole.n) == whole.n);
	check_back(&whole, copy, e ? (size_t)byte : n);
	text_free(&whole);
	text_free(&cut);
	free(copy);
	return 0;
}
