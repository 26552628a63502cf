// SPDX-License-Identifier: MIT
/*
 * charset: text in another encoding into UTF-8, as the bytes arrive.  What is
 * not well-formed there is refused with its place, nothing is replaced.
 */
#ifndef TALLY_COMMON_CHARSET_H
#define TALLY_COMMON_CHARSET_H

#include "common/text.h"

struct charset;

/* By one of the names that go by CP949, which holds all of EUC-KR; without
 * regard to case.  E_NOT_FOUND: no encoding that is read. */
MUST enum err charset_open(struct charset **c, struct slice name);
void charset_close(struct charset *c);
/* "CP949" */
const char *charset_name(const struct charset *c);

/* Adds what s[0..n) is to t; a character that is cut off is kept for the next
 * call.  end: there is none.  E_INVALID: *byte is the offset, in all that was
 * given, of the first one that is not well-formed; t has what is before. */
MUST enum err charset_add(struct charset *c, const char *s, size_t n, bool end,
	struct text *t, uint64_t *byte);

#endif
