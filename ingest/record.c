// SPDX-License-Identifier: MIT
#include "ingest/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ingest/crc32c.h"

enum { SUMMED = RECORD_HEAD - 9 }; /* bytes of the head before the checksum */

static uint32_t checksum(const char *head, const char *content, size_t n)
{
	return crc32c(crc32c(0, head, SUMMED), content, n);
}

size_t record_write(char out[RECORD_MAX], const struct record *r)
{
	char head[RECORD_HEAD + 1];

	assert(r->content.n <= RECORD_CONTENT_MAX);
	snprintf(head, sizeof(head),
		"tly1 %016" PRIx64 " %016" PRIx64 " %08zx ", r->sequence,
		(uint64_t)r->mark, r->content.n);
	snprintf(head + SUMMED, sizeof(head) - SUMMED, "%08" PRIx32 " ",
		checksum(head, r->content.at, r->content.n));
	memcpy(out, head, RECORD_HEAD);
	memcpy(out + RECORD_HEAD, r->content.at, r->content.n);
	out[RECORD_HEAD + r->content.n] = '\n';
	return RECORD_HEAD + r->content.n + 1;
}

/* digits lower-case hexadecimal digits and a blank. */
static bool read_hex(const char *s, int digits, uint64_t *v)
{
	*v = 0;
	for (int i = 0; i < digits; i++) {
		if (s[i] >= '0' && s[i] <= '9')
			*v = *v << 4 | (uint64_t)(s[i] - '0');
		else if (s[i] >= 'a' && s[i] <= 'f')
			*v = *v << 4 | (uint64_t)(s[i] - 'a' + 10);
		else
			return false;
	}
	return s[digits] == ' ';
}

bool record_read(const char *s, size_t n, struct record *r)
{
	uint64_t mark, length, sum;

	if (n < RECORD_HEAD + 1 || memcmp(s, "tly1 ", 5) != 0 ||
		!read_hex(s + 5, 16, &r->sequence) ||
		!read_hex(s + 22, 16, &mark) || !read_hex(s + 39, 8, &length) ||
		!read_hex(s + 48, 8, &sum))
		return false;
	if (length > RECORD_CONTENT_MAX || length > n - RECORD_HEAD - 1 ||
		s[RECORD_HEAD + length] != '\n' ||
		checksum(s, s + RECORD_HEAD, length) != sum)
		return false;
	r->mark = (int64_t)mark;
	r->content = (struct slice){s + RECORD_HEAD, length};
	r->bytes = RECORD_HEAD + length + 1;
	return true;
}

size_t record_find(const char *s, size_t n, size_t from)
{
	struct record r;

	while (from < n) {
		const char *at = memchr(s + from, 't', n - from);

		if (!at)
			return n;
		from = (size_t)(at - s);
		if (record_read(at, n - from, &r))
			return from;
		from++;
	}
	return n;
}
