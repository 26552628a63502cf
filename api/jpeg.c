// SPDX-License-Identifier: MIT
#include "api/jpeg.h"

enum {
	MARK = 0xff,
	START = 0xd8,
	END = 0xd9,
	SCAN = 0xda,
	BASELINE = 0xc0,
	EXTENDED = 0xc1,
	PROGRESSIVE = 0xc2,
	FRAME_LEAST = 8 /* length, depth, height, width, components */
};

static unsigned pair(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static const char *read_frame(
	const unsigned char *p, size_t n, struct jpeg_size *s)
{
	if (s->w)
		return "has two frames";
	if (n < FRAME_LEAST || p[2] != 8 || (p[7] != 1 && p[7] != 3) ||
		n != FRAME_LEAST + 3 * (size_t)p[7])
		return "has a frame that is not of 8 bits in one or three "
		       "components";
	s->h = pair(p + 3);
	s->w = pair(p + 5);
	return s->w && s->h ? NULL : "has no size";
}

const char *jpeg_fault(const char *at, size_t n, struct jpeg_size *s)
{
	const unsigned char *p = (const unsigned char *)at;
	const char *why;
	size_t i = 2, k;

	*s = (struct jpeg_size){0, 0};
	if (n < 4 || p[0] != MARK || p[1] != START)
		return "does not begin as a JPEG does";
	if (p[n - 2] != MARK || p[n - 1] != END)
		return "does not end as a JPEG does";
	for (; n - i >= 4; i += 2 + k) {
		unsigned kind = p[i + 1];

		k = pair(p + i + 2);
		if (p[i] != MARK || kind < BASELINE || kind == MARK ||
			(kind >= 0xd0 && kind <= END) || k < 2 || k > n - i - 2)
			return "has a segment that is malformed";
		if (kind == SCAN)
			return s->w ? NULL : "has no frame before its data";
		if (kind >= BASELINE && kind <= PROGRESSIVE &&
			(why = read_frame(p + i + 2, k, s)))
			return why;
	}
	return "has no data";
}
