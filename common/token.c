// SPDX-License-Identifier: MIT
#include "common/token.h"

#include <sodium.h>
#include <string.h>

const char *const scope_name[SCOPES] = {"ingest", "read", "review", "admin"};

unsigned scope_named(const char *s, size_t n)
{
	for (unsigned i = 0; i < SCOPES; i++)
		if (strlen(scope_name[i]) == n && !memcmp(scope_name[i], s, n))
			return 1u << i;
	return 0;
}

enum err token_start(void)
{
	return sodium_init() < 0 ? E_IO : E_OK;
}

void token_make(char text[TOKEN_TEXT])
{
	unsigned char bits[32];

	randombytes_buf(bits, sizeof(bits));
	memcpy(text, "tly_", 4);
	sodium_bin2base64(text + 4, TOKEN_TEXT - 4, bits, sizeof(bits),
		sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	sodium_memzero(bits, sizeof(bits));
}

void token_hash(const char *text, size_t n, unsigned char hash[TOKEN_HASH])
{
	crypto_hash_sha256(hash, (const unsigned char *)text, n);
}

void token_derive(
	char text[TOKEN_DERIVED], const char *purpose, struct slice secret)
{
	unsigned char hash[TOKEN_HASH];
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	/* Its end included: no purpose is the beginning of another. */
	crypto_hash_sha256_update(
		&state, (const unsigned char *)purpose, strlen(purpose) + 1);
	crypto_hash_sha256_update(
		&state, (const unsigned char *)secret.at, secret.n);
	crypto_hash_sha256_final(&state, hash);
	sodium_bin2base64(text, TOKEN_DERIVED, hash, sizeof(hash),
		sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	sodium_memzero(&state, sizeof(state));
}

bool token_is(const char *text, struct slice claimed)
{
	size_t n = strlen(text);

	return n == claimed.n && !sodium_memcmp(text, claimed.at, n);
}

bool token_same(
	const unsigned char a[TOKEN_HASH], const unsigned char b[TOKEN_HASH])
{
	return sodium_memcmp(a, b, TOKEN_HASH) == 0;
}

void token_wipe(void *p, size_t n)
{
	sodium_memzero(p, n);
}
