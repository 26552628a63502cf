// SPDX-License-Identifier: MIT
/*
 * base: what every file may assume.  The only place for compiler extensions.
 */
#ifndef TALLY_COMMON_BASE_H
#define TALLY_COMMON_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* The result must be looked at. */
#define MUST __attribute__((warn_unused_result))

/* Arguments checked like printf's: f is the format's position, a the first
 * argument's. */
#define PRINTF(f, a) __attribute__((format(printf, f, a)))

/* 128 bits. */
__extension__ typedef unsigned __int128 u128;

#define NORETURN __attribute__((noreturn))

/* For sums of squares; C11 has no integer of this width. */
__extension__ typedef unsigned __int128 uint128;

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Text that belongs to somebody else: not terminated, may hold any byte. */
struct slice {
	const char *at;
	size_t n;
};

#endif
