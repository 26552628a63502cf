// SPDX-License-Identifier: MIT
/*
 * utf8: well-formed byte sequences (RFC 3629, section 4).  Pure.
 */
#ifndef TALLY_COMMON_UTF8_H
#define TALLY_COMMON_UTF8_H

#include "common/base.h"

/* Bytes of the first character of s[0..n), 1 to 4; 0 when n is 0 or the bytes
 * are not well-formed (overlong, surrogate, beyond U+10FFFF, cut off). */
size_t utf8_len(const char *s, size_t n);

/* Offset of the first byte that is not well-formed, n when all is well. */
size_t utf8_check(const char *s, size_t n);

/* Something to show: at most that many bytes and characters, well-formed,
 * without control characters and line separators, not blank all over. */
bool utf8_shown(const char *s, size_t bytes_max, size_t chars_max);

#endif
