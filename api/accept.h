// SPDX-License-Identifier: MIT
/*
 * accept: what a client would like to get (RFC 9110, section 12.5).  Pure.
 */
#ifndef TALLY_API_ACCEPT_H
#define TALLY_API_ACCEPT_H

#include "api/http.h"

enum { ACCEPT_MOST = 1000 };

/*
 * How much the client wants this media type ("text/csv") or content coding
 * ("gzip"), from 0 (not at all) to ACCEPT_MOST, by all fields of that name, in
 * lower case.  The narrowest of its ranges counts; parameters but q do not,
 * nor does an element that is malformed.  -1: the client says nothing.
 */
int accept_type(const struct http_head *h, const char *type);
int accept_coding(const struct http_head *h, const char *coding);
/* Would it rather have gzip than the bytes as they are? */
bool accept_gzip(const struct http_head *h);

#endif
