// SPDX-License-Identifier: MIT
#include "api/peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void peers_init(struct peers *p)
{
	token_make(p->key);
}

static unsigned bucket_of(const struct peers *p, const char *origin)
{
	char text[TOKEN_TEXT + FAILURES_ADDRESS];
	unsigned char hash[TOKEN_HASH];
	int n = snprintf(text, sizeof(text), "%s%s", p->key, origin);

	token_hash(text, (size_t)n, hash);
	return (hash[0] | (unsigned)hash[1] << 8) % PEERS_BUCKETS;
}

struct peer *peers_add(struct peers *p, const char *addr)
{
	char origin[FAILURES_ADDRESS];
	struct peer *of;
	unsigned b;

	failures_origin(addr, origin);
	b = bucket_of(p, origin);
	for (of = p->bucket[b]; of && strcmp(of->origin, origin) != 0;)
		of = of->next;
	if (!of) {
		if (!(of = calloc(1, sizeof(*of))))
			return NULL;
		memcpy(of->origin, origin, sizeof(origin));
		of->bucket = b;
		of->next = p->bucket[b];
		p->bucket[b] = of;
	}
	of->n++;
	return of;
}

void peers_drop(struct peers *p, struct peer *of)
{
	struct peer **at;

	if (!of || --of->n)
		return;
	for (at = &p->bucket[of->bucket]; *at != of;)
		at = &(*at)->next;
	*at = of->next;
	free(of);
}
