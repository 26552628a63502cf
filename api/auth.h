// SPDX-License-Identifier: MIT
/*
 * auth: who asks.  Bearer tokens (RFC 6750) and the cookie of a log-in, both
 * stored as SHA-256 only.  What was looked up is believed for AUTH_TTL_MS, so
 * a revoked token ends within that time.  Loop thread only.
 */
#ifndef TALLY_API_AUTH_H
#define TALLY_API_AUTH_H

#include "api/req.h"

struct auth;

enum { AUTH_TTL_MS = 2000, AUTH_ENTRIES = 4096 };

#define AUTH_COOKIE "tally_session"

MUST enum err auth_open(struct auth **a, struct api *api);
void auth_close(struct auth *a);

/*
 * Fills r->who.  STEP_NEXT: known, or nobody and r->route lets anybody in;
 * STEP_WAIT: call again when req_query's rows are there; STEP_DONE: refused,
 * the reply was made (400, 401, 403, 429).
 */
enum step auth_check(struct req *r);

/* The same by a token that came in a form.  *waiting is NULL at first; call
 * again as long as it returns STEP_WAIT. */
enum step auth_token(struct req *r, struct slice token, void **waiting);

/* Does r->who hold one of these scopes, and is it unbound where that is asked
 * for?  STEP_NEXT, or a 403. */
enum step auth_need(struct req *r, unsigned scopes);

/* A write by cookie must come from our own page.  STEP_NEXT, or a 403. */
enum step auth_same_origin(struct req *r);

/* One more failure from this address; true when it has too many. */
bool auth_failed(struct auth *a, const char *addr);
bool auth_is_limited(const struct auth *a, const char *addr);

/* Forgets what was looked up under this hash. */
void auth_forget(struct auth *a, const unsigned char hash[32]);
/* The hash of the cookie's session; false where there is none. */
bool auth_cookie(const struct req *r, unsigned char hash[32]);

uint64_t auth_failures(const struct auth *a);

#endif
