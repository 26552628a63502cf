// SPDX-License-Identifier: MIT
/*
 * multipart: the parts of a form (multipart/form-data, RFC 7578 and RFC 2046)
 * as the bytes arrive.  Pure, constant memory (about 10 KiB, all in the
 * struct), no ownership.  However the input is cut, the parts are the same.
 *
 * It is strict, for what two readers take differently is how forms are forged:
 * lines end in CRLF, nothing stands before the first boundary or behind the
 * last one, and a line that begins with the boundary is one.  A part has one
 * Content-Disposition, which is form-data with a name; other fields of its head
 * than that, Content-Type and Content-Transfer-Encoding mean nothing.
 */
#ifndef TALLY_COMMON_MULTIPART_H
#define TALLY_COMMON_MULTIPART_H

#include "common/base.h"

enum {
	MULTIPART_BOUNDARY_MAX = 70, /* bytes; RFC 2046, section 5.1.1 */
	MULTIPART_HEAD_MAX = 4096,   /* of the head of one part */
	MULTIPART_PARTS_MAX = 64,
	MULTIPART_WHY = 80
};

enum multipart_step {
	MULTIPART_MORE,	  /* wants more bytes, where not all parts are there */
	MULTIPART_HEAD,	  /* a part begins: name, file and type tell of it */
	MULTIPART_DATA,	  /* some of its content */
	MULTIPART_TAIL,	  /* it has ended */
	MULTIPART_REFUSED /* for good; why says it */
};

struct multipart {
	/* Of the part that MULTIPART_HEAD began, until the next one: decoded,
	 * each with a NUL behind it; at is NULL where it was left out.  They
	 * may hold any byte but NUL, CR and LF. */
	struct slice name, file, type;
	char why[MULTIPART_WHY]; /* English, nothing of the input */

	/* The reader's own. */
	int state;
	unsigned parts;
	bool refused;
	size_t matched; /* bytes of the delimiter */
	size_t delimiter_n, head_n, line_at, text_n;
	char delimiter[4 + MULTIPART_BOUNDARY_MAX];
	char head[MULTIPART_HEAD_MAX];
	char text[MULTIPART_HEAD_MAX + 8]; /* what the slices point into */
};

/* From the value of Content-Type.  E_NOT_FOUND: no multipart/form-data;
 * E_INVALID: its boundary is missing, too long or malformed. */
MUST enum err multipart_init(struct multipart *m, struct slice content_type);

/*
 * Takes bytes from buf[0..n), *used of them.  With MULTIPART_DATA *piece is
 * content, at least a byte, in buf or in m.  Call again with the rest until
 * MULTIPART_MORE.
 */
MUST enum multipart_step multipart_next(struct multipart *m, const char *buf,
	size_t n, size_t *used, struct slice *piece);

/* Was the last boundary there? */
bool multipart_ended(const struct multipart *m);

#endif
