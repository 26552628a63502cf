// SPDX-License-Identifier: MIT
/*
 * failures: failed authentications of each address, user name or browser within
 * a minute, in a table
 * of a fixed size.  Where a set of it is full, who failed least makes room: who
 * has failed too often stays in it, however many others come.  Loop thread
 * only.
 */
#ifndef TALLY_API_FAILURES_H
#define TALLY_API_FAILURES_H

#include "common/token.h"

enum {
	FAILURES_ADDRESS = 46,
	FAILURES_SETS = 256,
	FAILURES_WAYS = 8,
	FAILURES_WINDOW_MS = 60000
};

struct failures {
	/* So that nobody can choose whom he meets in a set. */
	char key[TOKEN_TEXT];
	uint64_t total;
	struct failures_of {
		char origin[FAILURES_ADDRESS];
		int64_t until_ms; /* the end of its window */
		int n;
	} of[FAILURES_SETS][FAILURES_WAYS];
};

/* Takes random bits; token_start comes before. */
void failures_init(struct failures *f);

/* What failures are counted by: the address; of IPv6 its network of 64 bits,
 * which is one subscriber's, unless it stands for one of IPv4. */
void failures_origin(const char *addr, char origin[FAILURES_ADDRESS]);

/* What they are counted by where it is no address; kind: a letter for names,
 * another one for browsers. */
void failures_key(char key[FAILURES_ADDRESS], char kind, struct slice s);

/* How many there were; one more.  addr may be such a key. */
int failures_count(const struct failures *f, const char *addr, int64_t now_ms);
int failures_add(struct failures *f, const char *addr, int64_t now_ms);

#endif
