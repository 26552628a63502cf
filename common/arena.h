// SPDX-License-Identifier: MIT
/*
 * arena: memory that dies together.  One per request, one per frame.
 * Grows by chunks up to its budget.  Never calls back, not thread-safe.
 */
#ifndef TALLY_COMMON_ARENA_H
#define TALLY_COMMON_ARENA_H

#include "common/base.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunk; /* the newest, linked to older ones */
	size_t used;		   /* bytes taken, all chunks */
	size_t max;		   /* budget in bytes */
	bool full;		   /* an allocation was refused */
};

/* Takes no memory yet. */
void arena_init(struct arena *a, size_t max);
/* Frees everything; the arena can be used again. */
void arena_reset(struct arena *a);

/* Zeroed, 16-byte aligned.  NULL once over budget; a->full then stays set
 * until arena_reset. */
void *arena_alloc(struct arena *a, size_t n);
/* A terminated copy of n bytes; NULL as above. */
char *arena_copy(struct arena *a, const char *s, size_t n);
/* Formatted text; NULL as above. */
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);

#endif
