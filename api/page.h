// SPDX-License-Identifier: MIT
/*
 * page: a list's pages: ?limit= and ?after=, and the link to the next one.
 */
#ifndef TALLY_API_PAGE_H
#define TALLY_API_PAGE_H

#include "api/req.h"

struct page {
	int64_t limit;
	const char *after; /* NULL: from the beginning */
};

/* Reads limit (1 to most) and after; format is known too, as are more[0..n).
 * STEP_NEXT, or a 400. */
enum step page_params(struct req *r, struct page *p, const char *const *more,
	size_t n, int64_t limit, int64_t most);

/* Path and query of the page behind `after`: this request's with another after.
 * NULL, and the arena full, where it is too long. */
const char *page_next(struct req *r, const char *after);

/* ?after= of a list by id, 0 from the beginning.  STEP_NEXT, or a 400. */
enum step page_after_id(struct req *r, const struct page *p, int64_t *id);

/* An id in the path; 0, which nothing has, for what is none. */
int64_t page_id(struct slice s);

#endif
