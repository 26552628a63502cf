// SPDX-License-Identifier: MIT
/*
 * body: a small body, collected whole: a form, or a JSON object whose members
 * a table names.  It lives in the request and is wiped when that ends, for it
 * may hold a secret.
 */
#ifndef TALLY_API_BODY_H
#define TALLY_API_BODY_H

#include "api/req.h"
#include "common/json.h"

enum { BODY_MAX = 65536 };

/* For a route's begin: takes up to max bytes. */
void body_open(struct req *r, size_t max);
/* A begin of its own: no parameters, JSON, BODY_MAX bytes. */
enum step body_begin(struct req *r);
/* For a route's body.  STEP_NEXT, or a 413. */
enum step body_take(struct req *r, const char *at, size_t n);

/* Of a body that may be large: what it holds in memory now, in place of what it
 * was charged with.  STEP_NEXT, or a 503 where all bodies together are over
 * their bound; whoever is charged gives it back. */
enum step body_charge(struct req *r, size_t *charged, size_t holds);

/* Reads the JSON object into r->json; what: "a camera".  STEP_NEXT, or a 400
 * where it is no JSON, a 422 where it is no object. */
enum step body_object(struct req *r, const char *what);

enum body_kind { BODY_TEXT, BODY_TEXTS, BODY_WHOLE, BODY_TRUTH };

struct body_member {
	const char *name;
	enum body_kind kind;
	bool required;
	/* Filled in; NULL where it is null or left out, which a required
	 * member may not be.  Lives as long as the request. */
	const struct json *value;
};

/*
 * Reads the object; what: "a camera".  STEP_NEXT, or a 400 where it is no
 * JSON, a 422 that names the member which is not known, there twice, missing
 * or of another kind.
 */
enum step body_members(
	struct req *r, const char *what, struct body_member *member, size_t n);

/* Is that member there and null?  After body_members: for a PATCH, which may
 * take something away. */
bool body_is_null(const struct req *r, const char *member);

/* 422; why follows the member's name: "is too long". */
enum step body_invalid(struct req *r, const char *member, const char *why);

#endif
