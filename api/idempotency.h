// SPDX-License-Identifier: MIT
/*
 * idempotency: the field Idempotency-Key (draft-ietf-httpapi-idempotency-key-
 * header).  A key belongs to its token.  The reply to a request that changed
 * something is stored with its key in the transaction of the change, and is
 * the reply to whatever comes with that key again; another request under the
 * key is 422, the same one while the first is on its way 409.  A refusal
 * changed nothing and is not kept.  Loop thread only.
 */
#ifndef TALLY_API_IDEMPOTENCY_H
#define TALLY_API_IDEMPOTENCY_H

#include "api/commit.h"
#include "api/req.h"
#include "common/digest.h"

struct idempotency {
	bool on; /* the request has a key */
	struct commit_key key;
	struct digest digest;
	bool known; /* its reply is in r->rows */
	bool ended;
	/* those of the process whose requests are on their way */
	struct idempotency *next, **back;
};

/* For a route's begin, as its last step: asks whether the key is known; begin
 * is called once more then, which goes to idempotency_found.  STEP_NEXT without
 * a key; a 400; or a 409. */
enum step idempotency_begin(struct req *r, struct idempotency *i);
enum step idempotency_found(struct req *r, struct idempotency *i);
/* For each piece of the body; true where nobody else needs it. */
bool idempotency_body(struct idempotency *i, const char *at, size_t n);
/* The body has ended (again: nothing).  STEP_NEXT, or the reply that is known,
 * or a 422. */
enum step idempotency_end(struct req *r, struct idempotency *i);
/* Two steps for a key that turned out to be taken (commit_key). */
enum step idempotency_ask(struct req *r, const struct idempotency *i);
enum step idempotency_answer(struct req *r, struct idempotency *i);
/* The request is over. */
void idempotency_leave(struct idempotency *i);

#endif
