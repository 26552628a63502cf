// SPDX-License-Identifier: MIT
/*
 * series: the cameras and the range that a reading request asks for, and its
 * pages.  Shared by the routes that list rows camera by camera:
 *
 *	?camera=a&camera=b   repeated, or "*", or left out: all
 *	?from=&to=           RFC 3339; without an offset, in the camera's zone
 *	?limit=              rows of a page
 *	?after=              where the page begins; only from "next"
 */
#ifndef TALLY_API_SERIES_H
#define TALLY_API_SERIES_H

#include "api/req.h"
#include "common/tz.h"
#include "common/when.h"

struct series_camera {
	int64_t camera_id;
	const char *code, *zone;
	const struct tz *tz;
};

/* Behind which row a page begins; part tells rows of one start apart. */
struct series_place {
	int64_t start;
	int part;	    /* 0: the start alone does */
	const char *camera; /* NULL: the first page */
};

struct series {
	struct series_camera *camera;
	size_t n, at;
	bool all;
	const char *wanted[QUERY_MAX];
	size_t wanted_n;
	struct when from, to;
	bool has_from, has_to;
	int64_t limit;
	const char *after; /* NULL: the first page */
	/* By series_know: one camera was named, and the k of its references. */
	bool one;
	double k;
};

/* Reads the parameters; a wrong one makes the reply (400). */
enum step series_params(struct req *r, struct series *s,
	const char *const *more, size_t more_n, int64_t limit, int64_t most);
/* Asks for the cameras; takes them, by code and each once: two steps. */
enum step series_ask(struct req *r, struct series *s);
enum step series_take(struct req *r, struct series *s);
/* The same of a request that api/memo.h knows. */
enum step series_know(struct req *r, struct series *s);
enum step series_known(struct req *r, struct series *s);

/* The range for a camera whose zone is tz; where open, all that can be. */
void series_range(const struct series *s, const struct tz *tz, int64_t *from,
	int64_t *to);

/* Reads ?after=.  A wrong one makes the reply (400). */
enum step series_after(
	struct req *r, const struct series *s, struct series_place *after);
/* Path and query of the page behind that row; NULL where last has no camera.
 * Where it does not fit r->arena, r->arena.full says so to req_reply. */
const char *series_next(struct req *r, struct series_place last);

#endif
