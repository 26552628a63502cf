// SPDX-License-Identifier: MIT
/*
 * token: bearer tokens (RFC 6750).  256 random bits behind a prefix that tells
 * secret scanners whose it is; only the SHA-256 is ever stored.  Pure but for
 * token_make; token_make needs token_start once per process.
 */
#ifndef TALLY_COMMON_TOKEN_H
#define TALLY_COMMON_TOKEN_H

#include "common/base.h"

enum {
	TOKEN_TEXT = 4 + 43 + 1, /* "tly_", base64url without padding, end */
	TOKEN_HASH = 32
};

MUST enum err token_start(void);
void token_make(char text[TOKEN_TEXT]);
void token_hash(const char *text, size_t n, unsigned char hash[TOKEN_HASH]);
/* In constant time. */
bool token_same(
	const unsigned char a[TOKEN_HASH], const unsigned char b[TOKEN_HASH]);
/* Forgets a secret for good. */
void token_wipe(void *p, size_t n);

#endif
