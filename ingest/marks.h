// SPDX-License-Identifier: MIT
/*
 * marks: how far each camera is counted, in a file that outlives the process,
 * so that no row is ever made twice with other values.  Thread-safe.
 *
 * A mark more than an hour ahead is from a clock that was wrong; the one that
 * stood before it counts then.
 */
#ifndef TALLY_INGEST_MARKS_H
#define TALLY_INGEST_MARKS_H

#include "common/base.h"

enum { MARKS_MAX = 1024, MARKS_AHEAD_S = 3600 };

struct marks;

/* dir/marks; a missing or damaged file is an empty one.  NULL: out of memory.
 */
struct marks *marks_open(const char *dir);
void marks_close(struct marks *m);

/* End of the camera's newest row that is no more than an hour after now; else
 * INT64_MIN. */
int64_t marks_get(struct marks *m, const char *camera, int64_t now);

/* A row that ends at end is about to be kept. */
void marks_put(struct marks *m, const char *camera, int64_t end);

#endif
