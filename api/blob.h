// SPDX-License-Identifier: MIT
/*
 * blob: a reply's body, which several connections may be sending at once; it
 * goes with the last of them.  The loop's thread only.
 */
#ifndef TALLY_API_BLOB_H
#define TALLY_API_BLOB_H

#include "common/base.h"

struct blob {
	char *at;
	size_t n;
	unsigned refs;
	size_t *account; /* its n is in this sum; NULL: nobody keeps one */
};

/* Takes at (malloc'ed), also where it fails: then NULL. */
struct blob *blob_new(char *at, size_t n);
struct blob *blob_ref(struct blob *b);
/* Gives back memory behind its n bytes. */
void blob_fit(struct blob *b);
/* NULL is fine. */
void blob_drop(struct blob *b);

#endif
