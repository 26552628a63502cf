// SPDX-License-Identifier: MIT
#include "api/gzip.h"

#include <zlib.h>

enum { WINDOW_BITS = 15, AS_GZIP = 16, MEM_LEVEL = 8 };

enum err gzip(struct text *t, int level)
{
	z_stream z = {0};
	struct text out;
	uLong bound;
	int got;

	if (deflateInit2(&z, level, Z_DEFLATED, WINDOW_BITS + AS_GZIP,
		    MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		return E_NOMEM;
	bound = deflateBound(&z, t->n);
	text_init(&out, bound);
	text_reserve(&out, bound);
	if (!out.at) {
		deflateEnd(&z);
		return E_NOMEM;
	}
	z.next_in = (unsigned char *)t->at;
	z.avail_in = (uInt)t->n;
	z.next_out = (unsigned char *)out.at;
	z.avail_out = (uInt)bound;
	got = deflate(&z, Z_FINISH);
	out.n = z.total_out;
	deflateEnd(&z);
	if (got != Z_STREAM_END) {
		text_free(&out);
		return E_NOMEM;
	}
	out.max = t->max;
	text_free(t);
	*t = out;
	return E_OK;
}
