// SPDX-License-Identifier: MIT
/*
 * peers: how many connections each address has; of IPv6, each network of 64
 * bits (api/failures.h).  As many entries as there are such addresses now.
 */
#ifndef TALLY_API_PEERS_H
#define TALLY_API_PEERS_H

#include "api/failures.h"

enum { PEERS_BUCKETS = 1024 };

struct peer {
	struct peer *next;
	unsigned bucket, n; /* n: connections */
	char origin[FAILURES_ADDRESS];
};

struct peers {
	char key[TOKEN_TEXT]; /* nobody knows who shares a bucket */
	struct peer *bucket[PEERS_BUCKETS];
};

/* Zeroed before. */
void peers_init(struct peers *p);
/* One more of addr; NULL: no memory. */
struct peer *peers_add(struct peers *p, const char *addr);
/* One less; the last one frees it.  NULL is fine. */
void peers_drop(struct peers *p, struct peer *of);

#endif
