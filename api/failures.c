// SPDX-License-Identifier: MIT
#include "api/failures.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

void failures_init(struct failures *f)
{
	*f = (struct failures){.total = 0};
	token_make(f->key);
}

void failures_origin(const char *addr, char origin[FAILURES_ADDRESS])
{
	struct in6_addr in;

	snprintf(origin, FAILURES_ADDRESS, "%s", addr);
	if (inet_pton(AF_INET6, addr, &in) != 1 || IN6_IS_ADDR_V4MAPPED(&in))
		return;
	memset(in.s6_addr + 8, 0, 8);
	inet_ntop(AF_INET6, &in, origin, FAILURES_ADDRESS);
}

void failures_key(char key[FAILURES_ADDRESS], char kind, struct slice s)
{
	unsigned char hash[TOKEN_HASH];

	/* No address has a letter beyond f. */
	token_hash(s.at, s.n, hash);
	key[0] = kind;
	for (int i = 0; i < (FAILURES_ADDRESS - 2) / 2; i++)
		snprintf(key + 1 + 2 * (size_t)i, 3, "%02x", hash[i]);
}

static size_t set_of(const struct failures *f, const char *origin)
{
	char text[TOKEN_TEXT + FAILURES_ADDRESS];
	unsigned char hash[TOKEN_HASH];
	int n = snprintf(text, sizeof(text), "%s%s", f->key, origin);

	token_hash(text, (size_t)n, hash);
	return hash[0] % FAILURES_SETS;
}

static bool is_its(
	const struct failures_of *of, const char *origin, int64_t now_ms)
{
	return now_ms < of->until_ms && !strcmp(of->origin, origin);
}

int failures_count(const struct failures *f, const char *addr, int64_t now_ms)
{
	char origin[FAILURES_ADDRESS];
	const struct failures_of *set;

	failures_origin(addr, origin);
	set = f->of[set_of(f, origin)];
	for (size_t i = 0; i < FAILURES_WAYS; i++)
		if (is_its(&set[i], origin, now_ms))
			return set[i].n;
	return 0;
}

int failures_add(struct failures *f, const char *addr, int64_t now_ms)
{
	char origin[FAILURES_ADDRESS];
	struct failures_of *set, *least;

	f->total++;
	failures_origin(addr, origin);
	least = set = f->of[set_of(f, origin)];
	for (size_t i = 0; i < FAILURES_WAYS; i++) {
		if (now_ms >= set[i].until_ms)
			set[i].n = 0;
		if (is_its(&set[i], origin, now_ms)) {
			set[i].n += set[i].n < INT_MAX;
			return set[i].n;
		}
		if (set[i].n < least->n)
			least = &set[i];
	}
	snprintf(least->origin, sizeof(least->origin), "%s", origin);
	least->until_ms = now_ms + FAILURES_WINDOW_MS;
	least->n = 1;
	return 1;
}
