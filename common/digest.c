// SPDX-License-Identifier: MIT
#include "common/digest.h"

#include <sodium.h>

_Static_assert(sizeof(crypto_hash_sha256_state) <=
			sizeof(((struct digest *)NULL)->state) &&
		DIGEST_SIZE == crypto_hash_sha256_BYTES,
	"room for libsodium's state");

static crypto_hash_sha256_state *state(struct digest *d)
{
	return (void *)d->state;
}

void digest_init(struct digest *d)
{
	crypto_hash_sha256_init(state(d));
}

void digest_add(struct digest *d, const void *p, size_t n)
{
	crypto_hash_sha256_update(state(d), p, n);
}

void digest_end(struct digest *d, unsigned char sum[DIGEST_SIZE])
{
	crypto_hash_sha256_final(state(d), sum);
}

void digest_quick(const void *p, size_t n, unsigned char sum[DIGEST_SIZE])
{
	crypto_generichash(sum, DIGEST_SIZE, p, n, NULL, 0);
}
