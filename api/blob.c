// SPDX-License-Identifier: MIT
#include "api/blob.h"

#include <stdlib.h>

struct blob *blob_new(char *at, size_t n)
{
	struct blob *b = malloc(sizeof(*b));

	if (!b) {
		free(at);
		return NULL;
	}
	*b = (struct blob){.at = at, .n = n, .refs = 1};
	return b;
}

struct blob *blob_ref(struct blob *b)
{
	b->refs++;
	return b;
}

void blob_fit(struct blob *b)
{
	char *at = b->n ? realloc(b->at, b->n) : NULL;

	if (at)
		b->at = at;
}

void blob_drop(struct blob *b)
{
	if (!b || --b->refs)
		return;
	if (b->account)
		*b->account -= b->n;
	free(b->at);
	free(b);
}
