// SPDX-License-Identifier: MIT
/*
 * digest: SHA-256 of what comes piece by piece; BLAKE2b of a short text, in
 * less than half the time.  Pure.
 */
#ifndef TALLY_COMMON_DIGEST_H
#define TALLY_COMMON_DIGEST_H

#include "common/base.h"

enum { DIGEST_SIZE = 32 };

struct digest {
	_Alignas(16) unsigned char state[128]; /* libsodium's */
};

void digest_init(struct digest *d);
void digest_add(struct digest *d, const void *p, size_t n);
void digest_end(struct digest *d, unsigned char sum[DIGEST_SIZE]);

/* For what no other program has to make again. */
void digest_quick(const void *p, size_t n, unsigned char sum[DIGEST_SIZE]);

#endif
