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
	TOKEN_DERIVED = 43 + 1,
	TOKEN_HASH = 32
};

MUST enum err token_start(void);
/* What a token lets its bearer do: the bits of the column scopes. */
enum scope {
	SCOPE_INGEST = 1,
	SCOPE_READ = 2,
	SCOPE_REVIEW = 4,
	SCOPE_ADMIN = 8
};

enum { SCOPES = 4 };

extern const char *const scope_name[SCOPES]; /* in the order of the bits */
/* Its bit, or 0: none is called s[0..n). */
unsigned scope_named(const char *s, size_t n);

void token_make(char text[TOKEN_TEXT]);
void token_hash(const char *text, size_t n, unsigned char hash[TOKEN_HASH]);
/* What only who has the secret can say, and what tells nothing of it: SHA-256
 * of the purpose and the secret, which has 128 random bits or more. */
void token_derive(
	char text[TOKEN_DERIVED], const char *purpose, struct slice secret);
/* In constant time. */
bool token_is(const char *text, struct slice claimed);
bool token_same(
	const unsigned char a[TOKEN_HASH], const unsigned char b[TOKEN_HASH]);
/* Forgets a secret for good. */
void token_wipe(void *p, size_t n);

#endif
