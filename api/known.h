// SPDX-License-Identifier: MIT
/*
 * known: what statistics of a camera need to know first, remembered by the mark
 * (api/memo.h) that was read before it was looked up.  A request that reads the
 * same mark later would find the same: nothing moved it in between.  One that
 * read it earlier is built anew where it moved since.  The loop's thread only.
 */
#ifndef TALLY_API_KNOWN_H
#define TALLY_API_KNOWN_H

#include "analytics/camera.h"
#include "api/memo.h"
#include "common/tz.h"

struct known_camera {
	struct memo_mark mark;
	int64_t camera_id;
	const struct tz *tz;
	double k; /* of references */
	char code[CAMERA_CODE_MAX + 1];
};

/* One for a while: each has one place, which it may share with others. */
enum { KNOWN_MAX = 1024 };
struct known {
	struct known_camera camera[KNOWN_MAX];
};

/* NULL: look it up. */
const struct known_camera *known_find(
	const struct known *k, struct memo_mark mark, const char *code);
void known_put(struct known *k, const struct known_camera *camera);

#endif
