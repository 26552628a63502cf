// SPDX-License-Identifier: MIT
/*
 * password: hashes of what people type (Argon2id, RFC 9106, with the memory
 * and passes OWASP's Password Storage Cheat Sheet names first: 19 MiB, 2).
 * Each call takes some 20 ms and 19 MiB: never on an event loop's thread.
 * Needs token_start once per process.  Thread-safe.
 */
#ifndef TALLY_COMMON_PASSWORD_H
#define TALLY_COMMON_PASSWORD_H

#include "common/base.h"

enum {
	PASSWORD_LEAST = 8, /* bytes of a password */
	PASSWORD_MOST = 128,
	PASSWORD_TEXT = 128 /* bytes of a hash, the end included */
};

/* E_INVALID: shorter or longer than allowed; E_NOMEM. */
MUST enum err password_hash(
	const char *password, size_t n, char hash[PASSWORD_TEXT]);

/* hash NULL (no such user): takes as long, and is false. */
bool password_ok(const char *hash, const char *password, size_t n);

#endif
