// SPDX-License-Identifier: MIT
#include "api/failures.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum err failures_open(struct failures **out)
{
	pthread_mutexattr_t shared;
	struct failures *f = mmap(NULL, sizeof(*f), PROT_READ | PROT_WRITE,
		// cppcheck-suppress invalidFunctionArg
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	*out = NULL;
	if (f == MAP_FAILED)
		return E_NOMEM;
	pthread_mutexattr_init(&shared);
	pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&shared, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&f->lock, &shared);
	pthread_mutexattr_destroy(&shared);
	token_make(f->key);
	*out = f;
	return E_OK;
}

void failures_close(struct failures *f)
{
	if (f)
		munmap(f, sizeof(*f));
}

/* Who died with the lock held left a number wrong by one at most. */
static void take(struct failures *f)
{
	if (pthread_mutex_lock(&f->lock) == EOWNERDEAD)
		pthread_mutex_consistent(&f->lock);
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

int failures_count(struct failures *f, const char *addr, int64_t now_ms)
{
	char origin[FAILURES_ADDRESS];
	const struct failures_of *set;
	int n = 0;

	failures_origin(addr, origin);
	set = f->of[set_of(f, origin)];
	take(f);
	for (size_t i = 0; i < FAILURES_WAYS; i++)
		if (is_its(&set[i], origin, now_ms))
			n = set[i].n;
	pthread_mutex_unlock(&f->lock);
	return n;
}

/* Its own place, an empty one, or that of who failed least. */
static struct failures_of *place(struct failures_of set[FAILURES_WAYS],
	const char *origin, int64_t now_ms)
{
	struct failures_of *least = set;

	for (size_t i = 0; i < FAILURES_WAYS; i++) {
		if (is_its(&set[i], origin, now_ms))
			return &set[i];
		if (now_ms >= set[i].until_ms)
			set[i].n = 0;
		if (set[i].n < least->n)
			least = &set[i];
	}
	snprintf(least->origin, sizeof(least->origin), "%s", origin);
	least->until_ms = now_ms + FAILURES_WINDOW_MS;
	least->n = 0;
	return least;
}

int failures_add(struct failures *f, const char *addr, int64_t now_ms)
{
	char origin[FAILURES_ADDRESS];
	struct failures_of *its;
	size_t set;
	int n;

	failures_origin(addr, origin);
	set = set_of(f, origin);
	take(f);
	its = place(f->of[set], origin, now_ms);
	n = its->n += its->n < INT_MAX;
	pthread_mutex_unlock(&f->lock);
	return n;
}
