// SPDX-License-Identifier: MIT
/*
 * failures: failed authentications of each address, user name or browser within
 * a minute, in a table of a fixed size.  Where a set of it is full, who failed
 * least makes room: who has failed too often stays in it, however many others
 * come.  All processes on a port have one table, or a guesser would get as many
 * times more tries as there are.
 */
#ifndef TALLY_API_FAILURES_H
#define TALLY_API_FAILURES_H

#include <pthread.h>

#include "common/token.h"

enum {
	FAILURES_ADDRESS = 46,
	FAILURES_SETS = 256,
	FAILURES_WAYS = 8,
	FAILURES_WINDOW_MS = 60000
};

struct failures {
	pthread_mutex_t lock;
	/* So that nobody can choose whom he meets in a set. */
	char key[TOKEN_TEXT];
	struct failures_of {
		char origin[FAILURES_ADDRESS];
		int64_t until_ms; /* the end of its window */
		int n;
	} of[FAILURES_SETS][FAILURES_WAYS];
};

/* In memory that is shared with processes which fork later.  Takes random
 * bits; token_start comes before. */
enum err failures_open(struct failures **f);
void failures_close(struct failures *f);

/* What failures are counted by: the address; of IPv6 its network of 64 bits,
 * which is one subscriber's, unless it stands for one of IPv4. */
void failures_origin(const char *addr, char origin[FAILURES_ADDRESS]);

/* What they are counted by where it is no address; kind: a letter for names,
 * another one for browsers. */
void failures_key(char key[FAILURES_ADDRESS], char kind, struct slice s);

/* How many there were; one more.  addr may be such a key. */
int failures_count(struct failures *f, const char *addr, int64_t now_ms);
int failures_add(struct failures *f, const char *addr, int64_t now_ms);

#endif
