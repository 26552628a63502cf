// SPDX-License-Identifier: MIT
/*
 * session: what the ways to end a session share.
 */
#ifndef TALLY_API_SESSION_H
#define TALLY_API_SESSION_H

#include "api/req.h"

/* A header that sets a cookie, or with 0 seconds takes it away. */
void session_cookie(
	struct req *r, const char *name, const char *value, int seconds);

/* Ends the session with that hash, which lives as long as the request;
 * STEP_WAIT. */
enum step session_end(struct req *r, const unsigned char hash[TOKEN_HASH]);

#endif
