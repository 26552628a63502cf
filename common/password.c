// SPDX-License-Identifier: MIT
#include "common/password.h"

#include <sodium.h>

#define MEMORY ((size_t)PASSWORD_MIB << 20)
#define PASSES 2ULL

_Static_assert(crypto_pwhash_STRBYTES <= PASSWORD_TEXT, "a hash fits");

enum err password_hash(const char *password, size_t n, char hash[PASSWORD_TEXT])
{
	if (n < PASSWORD_LEAST || n > PASSWORD_MOST)
		return E_INVALID;
	return crypto_pwhash_str(hash, password, n, PASSES, MEMORY) ? E_NOMEM
								    : E_OK;
}

bool password_ok(const char *hash, const char *password, size_t n)
{
	/* Of 32 random bytes that were thrown away. */
	static const char nobody[] =
		"$argon2id$v=19$m=65536,t=2,p=1$fqdM9BQQqK7lCihQPq99cQ$"
		"EG0s61PsPRZ3p7Ps7xGpL6+dAUHoysLaEpThRVuLSKU";
	bool ok;

	if (n > PASSWORD_MOST)
		return false;
	ok = !crypto_pwhash_str_verify(hash ? hash : nobody, password, n);
	return hash && ok;
}

bool password_is_old(const char *hash)
{
	return crypto_pwhash_str_needs_rehash(hash, PASSES, MEMORY) != 0;
}
