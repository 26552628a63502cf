// SPDX-License-Identifier: MIT
#include "common/password.h"

#include <sodium.h>

#define MEMORY (19ULL << 20)
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
		"$argon2id$v=19$m=19456,t=2,p=1$Vg+RihmIfguE7y+7GH+HIQ$"
		"MuydnkiEvTq9tdcddJ+EyaK48hydWH37uf+IDSIG5VA";
	bool ok;

	if (n > PASSWORD_MOST)
		return false;
	ok = !crypto_pwhash_str_verify(hash ? hash : nobody, password, n);
	return hash && ok;
}
