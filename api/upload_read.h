// SPDX-License-Identifier: MIT
/*
 * upload_read: the text in an uploaded file, plain or gzip, piece by piece in
 * constant memory.  What it is shows in its bytes, never in its name.  Waits
 * for the disk: not for the loop's thread.
 */
#ifndef TALLY_API_UPLOAD_READ_H
#define TALLY_API_UPLOAD_READ_H

#include "common/base.h"

enum { UPLOAD_WHY = 240 };

/* Why an upload is refused: a reply in the making. */
struct upload_fault {
	int status; /* 0: it is not */
	const char *slug;
	char why[UPLOAD_WHY];
};

struct upload_bounds {
	uint64_t expanded_max; /* bytes that a gzip file may hold */
	unsigned ratio_max;    /* times its own size */
};

/*
 * What lies in the file?  A gzip file is unpacked to its end, once, so that no
 * row of it is stored before it is known to be whole and within its bounds.
 * E_IO, E_NOMEM; else *fault says why it is nothing that can be read.
 */
MUST enum err upload_look(int fd, const struct upload_bounds *bounds,
	bool *gzip, bool *ndjson, struct upload_fault *fault);

struct upload_reader;

/* charset: n 0 for UTF-8.  E_NOMEM; E_NOT_FOUND: it is not known. */
MUST enum err upload_reader_open(
	struct upload_reader **r, int fd, bool gzip, struct slice charset);
void upload_reader_close(struct upload_reader *r); /* takes NULL */
/* From the beginning. */
MUST enum err upload_reader_rewind(struct upload_reader *r);

/* The next bytes, none at the end; good until the next call.  E_IO; E_CORRUPT:
 * damaged gzip; E_INVALID: not of the charset from here on, *byte says where.
 */
MUST enum err upload_reader_next(
	struct upload_reader *r, struct slice *piece, uint64_t *byte);

#endif
