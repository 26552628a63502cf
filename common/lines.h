// SPDX-License-Identifier: MIT
/*
 * lines: lines of text as the bytes arrive.  Pure, constant memory (16 KiB, in
 * the struct), no ownership.
 *
 * A line ends in LF or CRLF; the last one may lack it.  Lines of nothing but
 * blanks, tabs and CR are skipped, and counted.
 */
#ifndef TALLY_COMMON_LINES_H
#define TALLY_COMMON_LINES_H

#include "common/base.h"

enum { LINES_MAX = 16384 }; /* bytes of a line as it stands, without LF */

enum lines_step {
	LINES_MORE, /* wants more bytes */
	LINES_LINE,
	LINES_END,
	LINES_LONG /* for good: line is over LINES_MAX */
};

struct lines {
	/* With LINES_LINE, until the next call: the line without its LF.  It
	 * may be written to. */
	char *at;
	size_t n, line; /* its bytes; its number, from 1 */

	/* The reader's own. */
	bool given, refused;
	size_t text_n;
	char text[LINES_MAX];
};

void lines_init(struct lines *l);

/*
 * Takes bytes from buf[0..n) up to the end of a line; *used were taken.  end:
 * nothing follows buf.  Call again with the rest after LINES_LINE (also when
 * nothing is left and end is true) until LINES_MORE or LINES_END.
 */
MUST enum lines_step lines_next(
	struct lines *l, const char *buf, size_t n, bool end, size_t *used);

#endif
