// SPDX-License-Identifier: MIT
#include "common/charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CUT_MAX = 8, PIECE = 1024 };

struct charset {
	iconv_t cd;
	char cut[CUT_MAX]; /* of a character whose rest is to come */
	size_t cut_n;
	uint64_t byte; /* the offset of what comes next, the cut included */
};

/* Web browsers and Excel mean CP949 by all of them. */
static const char *const names[] = {"cp949", "euc-kr", "euckr",
	"ks_c_5601-1987", "ks_c_5601-1989", "ksc_5601", "ms949", "uhc",
	"windows-949"};

enum err charset_open(struct charset **out, struct slice name)
{
	struct charset *c;
	size_t i = 0;

	*out = NULL;
	while (i < ARRAY_LEN(names) &&
		(strlen(names[i]) != name.n ||
			strncasecmp(names[i], name.at, name.n) != 0))
		i++;
	if (i == ARRAY_LEN(names))
		return E_NOT_FOUND;
	if (!(c = calloc(1, sizeof(*c))))
		return E_NOMEM;
	c->cd = iconv_open("UTF-8", "CP949");
	if (c->cd == (iconv_t)-1) {
		free(c);
		return E_NOT_FOUND;
	}
	*out = c;
	return E_OK;
}

void charset_close(struct charset *c)
{
	if (!c)
		return;
	iconv_close(c->cd);
	free(c);
}

const char *charset_name(const struct charset *c)
{
	(void)c;
	return "CP949";
}

static size_t characters(const char *utf8, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		k += ((unsigned char)utf8[i] & 0xc0) != 0x80;
	return k;
}

/* The bytes of that many characters: ASCII has one, all else two. */
static size_t place_behind(const char *s, size_t count)
{
	size_t i = 0;

	while (count--)
		i += (unsigned char)s[i] < 0x80 ? 1 : 2;
	return i;
}

/* As far as it goes; *used of s.  E_INVALID: at s + *used.  There iconv may
 * stand behind two bytes that are no character, so the place is counted. */
static enum err convert(struct charset *c, const char *s, size_t n,
	struct text *t, size_t *used)
{
	char *in = (char *)(uintptr_t)s;
	size_t left = n, count = 0;

	for (;;) {
		char piece[PIECE], *out = piece;
		size_t room = sizeof(piece);
		size_t bad = iconv(c->cd, &in, &left, &out, &room);
		int why = errno;

		text_add(t, piece, sizeof(piece) - room);
		count += characters(piece, sizeof(piece) - room);
		*used = n - left;
		if (bad != (size_t)-1 || why == EINVAL)
			return E_OK;
		if (why == E2BIG)
			continue;
		*used = place_behind(s, count);
		return E_INVALID;
	}
}

static enum err invalid(const struct charset *c, size_t used, uint64_t *byte)
{
	*byte = c->byte + used;
	return E_INVALID;
}

static void cut(struct charset *c, const char *s, size_t n)
{
	memcpy(c->cut, s, n);
	c->cut_n = n;
}

/* The character that was cut off, with the bytes that follow; *taken of s, or,
 * where it is E_INVALID, of both. */
static enum err join(struct charset *c, const char *s, size_t n, struct text *t,
	size_t *taken)
{
	size_t had = c->cut_n, used;
	char both[CUT_MAX];

	*taken = CUT_MAX - had < n ? CUT_MAX - had : n;
	memcpy(both, c->cut, had);
	memcpy(both + had, s, *taken);
	if (convert(c, both, had + *taken, t, &used)) {
		*taken = used;
		return E_INVALID;
	}
	c->byte += used;
	if (used >= had) {
		*taken = used - had;
		c->cut_n = 0;
	} else {
		cut(c, both, had + *taken);
	}
	return E_OK;
}

enum err charset_add(struct charset *c, const char *s, size_t n, bool end,
	struct text *t, uint64_t *byte)
{
	size_t used = 0;

	if (c->cut_n && n) {
		if (join(c, s, n, t, &used))
			return invalid(c, used, byte);
		s += used;
		n -= used;
	}
	if (n) {
		enum err e = convert(c, s, n, t, &used);

		if (!e && n - used > CUT_MAX)
			e = E_INVALID;
		if (e)
			return invalid(c, used, byte);
		c->byte += used;
		cut(c, s + used, n - used);
	}
	return end && c->cut_n ? invalid(c, 0, byte) : E_OK;
}
