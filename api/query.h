// SPDX-License-Identifier: MIT
/*
 * query: names and values from a query string or a body of
 * application/x-www-form-urlencoded.  Strict: each '%' is followed by two
 * hexadecimal digits, and what comes out is UTF-8 without U+0000.  Decoded
 * texts live in the arena that was given; not thread-safe beyond that.
 */
#ifndef TALLY_API_QUERY_H
#define TALLY_API_QUERY_H

#include "common/arena.h"
#include "common/base.h"

enum { QUERY_MAX = 64, QUERY_WHY = 160 };

struct query_param {
	const char *name;  /* never empty */
	const char *value; /* "" for "name=" and for "name" */
};

/* As they stood, repeated names included. */
struct query {
	size_t n;
	struct query_param param[QUERY_MAX];
};

/*
 * "a=1&b=two+words&c=%C3%A9"; empty pieces ("a=1&&") are skipped, '+' is a
 * blank.  On failure q is empty and why names the parameter (UTF-8, but for
 * the name's own bytes none of the request): E_SYNTAX, E_TOO_BIG (more than
 * QUERY_MAX parameters), E_NOMEM (the arena is full).
 */
MUST enum err query_parse(
	struct query *q, struct arena *a, struct slice s, char why[QUERY_WHY]);

/* One text, a segment of a path for one: E_SYNTAX or E_NOMEM as above.  plus:
 * '+' is a blank. */
MUST enum err query_decode(
	const char **text, struct arena *a, struct slice s, bool plus);

/* The reverse, for a name or a value: adds s, escaped where need be. */
struct text;
void query_encode(struct text *t, const char *s);

/* The value of the first parameter of that name; NULL where there is none. */
const char *query_get(const struct query *q, const char *name);
/* The same behind *at, which is 0 at first and moves on: each value of a name
 * that may be repeated, then NULL. */
const char *query_each(const struct query *q, const char *name, size_t *at);
/* Is this one of the values of that name? */
bool query_has(const struct query *q, const char *name, const char *value);
/* The first name that is none of known[0..n), or NULL. */
const char *query_unknown(
	const struct query *q, const char *const *known, size_t n);
/* The first name that occurs twice and is none of many[0..n), or NULL. */
const char *query_repeated(
	const struct query *q, const char *const *many, size_t n);

#endif
