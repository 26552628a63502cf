// SPDX-License-Identifier: MIT
/*
 * auth: who asks.  Bearer tokens (RFC 6750) and the cookie of a log-in, both
 * stored as SHA-256 only.  What was looked up is believed for AUTH_TTL_MS, so
 * a revoked token ends within that time.  Loop thread only.
 */
#ifndef TALLY_API_AUTH_H
#define TALLY_API_AUTH_H

#include "api/failures.h"
#include "api/req.h"
#include "common/token.h"

struct auth;

enum {
	AUTH_TTL_MS = 2000,
	AUTH_ENTRIES = 4096,
	AUTH_PASSWORDS_MAX = 16 /* to be checked at a time */
};

#define AUTH_COOKIE "tally_session"
/* Shows that somebody logged in from this browser before. */
#define AUTH_KNOWN_COOKIE "tally_known"

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

/*
 * Cross-site request forgery.  A cookie is sent by the browser, whoever made it
 * ask: so what a session changes must come from our own page (Origin and
 * Sec-Fetch-Site, where there are any) and carry what only that page can know,
 * the session's CSRF token, in X-CSRF-Token; the body of a route without a
 * scope is a form, which carries it in the field csrf and asks auth_csrf_is.
 * STEP_NEXT, or a 403.
 */
enum step auth_own_page(struct req *r);
enum step auth_same_origin(struct req *r);
/* Of the request's cookie; false where there is none. */
bool auth_csrf(const struct req *r, char csrf[TOKEN_DERIVED]);
/* claimed NULL: none came.  STEP_NEXT, or a 403. */
enum step auth_csrf_is(struct req *r, const char *claimed);

/* One more failure from this address; true when it has too many. */
bool auth_failed(struct auth *a, const char *addr);
bool auth_is_limited(const struct auth *a, const char *addr);

/*
 * A password that is going to be checked, for a user's name.  Failures are
 * counted by address and by name.  Where somebody guesses at a name, from
 * wherever, its person still gets in from a browser that was logged in before:
 * that one is counted by itself.
 */
struct auth_try {
	bool begun;
	struct slice known; /* AUTH_KNOWN_COOKIE's value; empty: none came */
	bool must_know;	    /* too many failed by that name: only if … */
	bool knows;	    /* … the cookie is right, which check finds out */
	char key[FAILURES_ADDRESS], known_key[FAILURES_ADDRESS];
};
/* STEP_NEXT: check it, off the loop, then auth_try_ended; or a 429 or 503.
 * Whatever becomes of it, auth_try_free when the request ends. */
enum step auth_try_begin(struct req *r, struct auth_try *t, const char *user);
/* On the thread: may this password be looked at? stored: its hash, or NULL. */
bool auth_try_may(struct auth_try *t, const char *stored);
/* STEP_NEXT, or a 429: too many failed. */
enum step auth_try_ended(struct req *r, struct auth_try *t, bool ok);
void auth_try_free(struct req *r, struct auth_try *t);
/* The value of AUTH_KNOWN_COOKIE for who has this stored password. */
void auth_known(char known[TOKEN_DERIVED], const char *stored);

/* Forgets what was looked up under this hash, once the database has no more of
 * it: what is looked up before may still find it. */
void auth_forget(struct auth *a, const unsigned char hash[32]);
/* The same of all sessions of this user. */
void auth_forget_user(struct auth *a, int64_t user_id);
/* The hash of the cookie's session; false where there is none. */
bool auth_cookie(const struct req *r, unsigned char hash[32]);

/* The hash of the token or, without one, of the cookie's session: by which a
 * request that goes on for long is asked about anew. */
bool auth_hash(const struct req *r, unsigned char hash[32]);

uint64_t auth_failures(const struct auth *a);

#endif
