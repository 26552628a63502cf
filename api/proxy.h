// SPDX-License-Identifier: MIT
/*
 * proxy: whom a request comes from where proxies that we trust stand in
 * between: they say it in X-Forwarded-For, or in Forwarded (RFC 7239).  Each
 * of them adds to the right what it saw, so the list is read from there, as far
 * as trusted proxies go; what stands before that is anybody's invention.
 */
#ifndef TALLY_API_PROXY_H
#define TALLY_API_PROXY_H

#include "api/http.h"

struct conf;

enum { PROXY_ADDRESS = 46 };

struct proxy_client {
	char addr[PROXY_ADDRESS];
	bool https; /* it speaks HTTPS, to the outermost of them */
};

/* Are api.trusted_proxies and api.proxy_header well said?  E_INVALID after a
 * line. */
MUST enum err proxy_check(const struct conf *c);

/* *client is what the socket says of its other end; it becomes what that end
 * says of its client, if it is trusted.  Pure. */
void proxy_client(const struct conf *c, const struct http_head *h,
	struct proxy_client *client);

#endif
