// SPDX-License-Identifier: MIT
/*
 * gzip: the content coding (RFC 1952), by zlib.  Thread-safe.
 */
#ifndef TALLY_API_GZIP_H
#define TALLY_API_GZIP_H

#include "common/text.h"

enum {
	GZIP_LEAST = 1024,    /* bytes; fewer are not worth it */
	GZIP_ON_LOOP = 32768, /* more would keep others waiting */
};

/* How hard to try: 6 takes thrice as long as 3 for a third less. */
enum { GZIP_QUICK = 3, GZIP_ONCE = 9 };

/* Replaces what t holds by its compressed form; on failure t is as it was.
 * E_NOMEM. */
MUST enum err gzip(struct text *t, int level);

#endif
