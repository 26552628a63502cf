// SPDX-License-Identifier: MIT
/*
 * access: the id of each request, and the line that tells of it where
 * [log] access says so.  A line names the pattern of the route, never the path
 * or the query, and who asked by number.
 */
#ifndef TALLY_API_ACCESS_H
#define TALLY_API_ACCESS_H

#include "api/req.h"

/* Fills r->id: what X-Request-Id says, if that is 1 to LOG_REQUEST_MAX of
 * A-Z a-z 0-9 . _ -; else one of our own. */
void access_id(struct req *r);
/* The reply was made, with a body of so many bytes. */
void access_told(const struct req *r, int status, size_t bytes);

#endif
