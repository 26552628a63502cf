// SPDX-License-Identifier: MIT
#include "analytics/count_ndjson.h"

#include <stdio.h>

#include "common/json.h"

void count_ndjson_init(struct count_ndjson *c, struct count_batch *b,
	const struct count_times *t)
{
	lines_init(&c->lines);
	c->batch = b;
	c->times = t;
	c->waits = c->memory = false;
	c->encoding = NULL;
	c->first_n = 0;
	c->why[0] = '\0';
}

/* Well-formed text, but not a count. */
static void refuse(struct count_ndjson *c, enum json_fault f, size_t at)
{
	static const char *const why[] = {
		[JSON_EMPTY] = "the line is not JSON (RFC 8259)",
		[JSON_NOT_UTF8] = "the line is not UTF-8",
		[JSON_SYNTAX] = "the line is not JSON (RFC 8259)",
		[JSON_DEPTH] = "the JSON is nested too deeply",
		[JSON_MANY] = "the JSON holds too many values",
		[JSON_NUL] = "a text holds U+0000 or half a surrogate",
	};
	struct count *row = count_add(c->batch, (unsigned)c->lines.line);

	if (row)
		count_refuse(c->batch, row, "", "bad_row", "%s (byte %zu)",
			why[f], at);
}

static enum count_step take_line(struct count_ndjson *c)
{
	struct json *root;
	enum json_fault f;
	size_t at = 0;

	c->waits = c->batch->n == COUNT_ROWS_MAX;
	if (c->waits)
		return COUNT_FULL;
	f = json_parse_wide(c->lines.at, c->lines.n, &root, &at);
	if (f == JSON_MEMORY) {
		c->memory = true;
		return COUNT_UNREADABLE;
	}
	if (f)
		refuse(c, f, at);
	else
		count_from_json(
			c->batch, root, (unsigned)c->lines.line, c->times);
	json_free(root);
	return COUNT_MORE;
}

/* UTF-16 shows in the first two bytes: a mark, or half of an ASCII letter. */
static bool is_utf16(struct count_ndjson *c, const char *buf, size_t n)
{
	const unsigned char *b = c->first;

	while (c->first_n < 2 && n--)
		c->first[c->first_n++] = (unsigned char)*buf++;
	if (c->first_n < 2)
		return false;
	if ((b[0] == 0xff && b[1] == 0xfe) || (b[0] && !b[1]))
		c->encoding = "UTF-16LE";
	else if ((b[0] == 0xfe && b[1] == 0xff) || !b[0])
		c->encoding = "UTF-16BE";
	if (c->encoding)
		snprintf(c->why, sizeof(c->why),
			"the text is %s; it must be UTF-8", c->encoding);
	return c->encoding;
}

enum count_step count_ndjson_feed(struct count_ndjson *c, const char *buf,
	size_t n, bool end, size_t *used)
{
	enum count_step step = c->waits ? take_line(c) : COUNT_MORE;
	size_t k;

	*used = 0;
	if (c->first_n < 2 && is_utf16(c, buf, n))
		return COUNT_UNREADABLE;
	for (; step == COUNT_MORE; *used += k) {
		switch (lines_next(
			&c->lines, buf + *used, n - *used, end, &k)) {
		case LINES_MORE:
		case LINES_END:
			*used += k;
			return step;
		case LINES_LINE:
			step = take_line(c);
			break;
		case LINES_LONG:
			snprintf(c->why, sizeof(c->why),
				"line %zu is over %d bytes", c->lines.line,
				LINES_MAX);
			return COUNT_UNREADABLE;
		}
	}
	return step;
}
