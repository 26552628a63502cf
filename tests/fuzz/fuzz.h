// SPDX-License-Identifier: MIT
/*
 * fuzz: what the fuzzers share.  A target holds properties of what it is given,
 * it does not only wait for a crash.
 */
#ifndef TALLY_TESTS_FUZZ_FUZZ_H
#define TALLY_TESTS_FUZZ_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base.h"

/* Stays on, and says what was broken. */
#define HOLD(what) \
	do { \
		if (!(what)) { \
			fprintf(stderr, "%s:%d: does not hold: %s\n", \
				__FILE__, __LINE__, #what); \
			abort(); \
		} \
	} while (0)

/* A buffer of its own, so that a byte read too far is seen; free it. */
static inline char *fuzz_copy(const uint8_t *data, size_t n)
{
	char *copy = malloc(n ? n : 1);

	if (!copy)
		abort();
	if (n)
		memcpy(copy, data, n);
	return copy;
}

/* How many of n bytes to give next: all without a seed, else 1 to n. */
static inline size_t fuzz_cut(size_t n, unsigned *seed)
{
	return seed && n ? 1 + (size_t)rand_r(seed) % n : n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#endif
