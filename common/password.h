// SPDX-License-Identifier: MIT
/*
 * password: hashes of what people type: Argon2id (RFC 9106), 64 MiB, 2 passes,
 * what libsodium calls interactive.  Each call takes some 100 ms and that much
 * memory: never on an event loop's thread, and never many at a time.
 * Needs token_start once per process.  Thread-safe.
 */
#ifndef TALLY_COMMON_PASSWORD_H
#define TALLY_COMMON_PASSWORD_H

#include "common/base.h"

enum {
	PASSWORD_LEAST = 8, /* bytes of a password */
	PASSWORD_MOST = 128,
	PASSWORD_MIB = 64,
	PASSWORD_TEXT = 128 /* bytes of a hash, the end included */
};

/* E_INVALID: shorter or longer than allowed; E_NOMEM. */
MUST enum err password_hash(
	const char *password, size_t n, char hash[PASSWORD_TEXT]);

/* hash NULL (no such user): takes as long, and is false. */
bool password_ok(const char *hash, const char *password, size_t n);
/* Was it made with other parameters than those of today? */
bool password_is_old(const char *hash);

#endif
