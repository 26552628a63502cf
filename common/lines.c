// SPDX-License-Identifier: MIT
#include "common/lines.h"

#include <string.h>

void lines_init(struct lines *l)
{
	memset(l, 0, offsetof(struct lines, text));
	l->line = 1;
}

static bool blank(const struct lines *l)
{
	for (size_t i = 0; i < l->text_n; i++)
		if (l->text[i] != ' ' && l->text[i] != '\t' &&
			l->text[i] != '\r')
			return false;
	return true;
}

static void begin(struct lines *l)
{
	l->line++;
	l->text_n = 0;
	l->given = false;
}

static enum lines_step give(struct lines *l)
{
	l->given = true;
	l->at = l->text;
	l->n = l->text_n;
	return LINES_LINE;
}

/* Up to the line's end or the end of buf; true where the line is whole. */
static bool take(struct lines *l, const char *buf, size_t n, size_t *used)
{
	const char *lf = n ? memchr(buf, '\n', n) : NULL;
	size_t k = lf ? (size_t)(lf - buf) : n;

	*used += k + (lf != NULL);
	l->refused = k > LINES_MAX - l->text_n;
	if (l->refused)
		return false;
	if (k)
		memcpy(l->text + l->text_n, buf, k);
	l->text_n += k;
	return lf;
}

enum lines_step lines_next(
	struct lines *l, const char *buf, size_t n, bool end, size_t *used)
{
	*used = 0;
	if (l->given)
		begin(l);
	while (!l->refused && *used < n) {
		if (!take(l, buf + *used, n - *used, used))
			continue;
		if (!blank(l))
			return give(l);
		begin(l);
	}
	if (l->refused)
		return LINES_LONG;
	if (!end)
		return LINES_MORE;
	return blank(l) ? LINES_END : give(l);
}
