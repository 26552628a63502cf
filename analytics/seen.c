// SPDX-License-Identifier: MIT
#include "analytics/seen.h"

#include <stdlib.h>
#include <string.h>

/* Half of the places stay free, so that a search ends soon. */
enum { PLACES = 2 * SEEN_LEAST };

struct seen {
	struct seen_row *now, *before; /* open addressing; key 0: free */
	size_t n;		       /* rows in `now` */
};

struct seen *seen_new(void)
{
	struct seen *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	/* Pages that nothing was written to take no memory. */
	s->now = calloc(PLACES, sizeof(*s->now));
	s->before = calloc(PLACES, sizeof(*s->before));
	if (s->now && s->before)
		return s;
	seen_free(s);
	return NULL;
}

void seen_free(struct seen *s)
{
	if (!s)
		return;
	free(s->now);
	free(s->before);
	free(s);
}

/* Where the key is, or would be. */
static struct seen_row *place(struct seen_row *table, uint64_t key)
{
	/* The multiplier of Fibonacci hashing, 2^64 / phi. */
	size_t i = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) % PLACES;

	while (table[i].key && table[i].key != key)
		i = (i + 1) % PLACES;
	return &table[i];
}

struct seen_row *seen_find(struct seen *s, uint64_t key)
{
	struct seen_row *row = place(s->now, key);

	if (!row->key)
		row = place(s->before, key);
	return row->key ? row : NULL;
}

void seen_add(struct seen *s, const struct seen_row *row)
{
	if (s->n == SEEN_LEAST) {
		struct seen_row *old = s->before;

		s->before = s->now;
		s->now = memset(old, 0, PLACES * sizeof(*old));
		s->n = 0;
	}
	*place(s->now, row->key) = *row;
	s->n++;
}
