// SPDX-License-Identifier: MIT
/*
 * text: a growing text with a bound, and JSON written into it.
 * Over the bound or out of memory it goes quiet and t->full stays set: build
 * the whole reply, then look once.  Owns its memory; not thread-safe.
 */
#ifndef TALLY_COMMON_TEXT_H
#define TALLY_COMMON_TEXT_H

#include "common/base.h"

enum { TEXT_NUMBER = 20 + 1 };

struct text {
	char *at; /* terminated when not NULL */
	size_t n, cap;
	size_t max; /* bytes */
	bool full;
};

void text_init(struct text *t, size_t max);
void text_free(struct text *t);
/* Forgets the content, keeps the memory. */
void text_clear(struct text *t);

/* FNV-1a of a terminated text, which goes on from another hash; TEXT_HASH: from
 * none. */
#define TEXT_HASH 2166136261u
uint32_t text_hash(uint32_t from, const char *s);

/* Forgets what follows the first n bytes. */
void text_cut(struct text *t, size_t n);
/* Room for n bytes in all, so that adding them copies nothing twice. */
void text_reserve(struct text *t, size_t n);
void text_add(struct text *t, const char *s, size_t n);
/* Where to write up to n bytes, or NULL; then text_wrote says where they end.
 */
char *text_room(struct text *t, size_t n);
void text_wrote(struct text *t, const char *end);
void text_str(struct text *t, const char *s);
void text_int(struct text *t, int64_t v);
/* The shortest form that reads back the same; v is finite. */
void text_double(struct text *t, double v);
/* Into a buffer, without a terminator: a number of up to TEXT_NUMBER - 1 bytes;
 * bytes as two hexadecimal digits each; a number in these, without leading
 * zeros.  Return what is behind the last. */
char *text_number(char *to, int64_t v);
char *text_hex(char *to, const unsigned char *from, size_t n);
char *text_hex_number(char *to, uint64_t v);
void text_printf(struct text *t, const char *fmt, ...) PRINTF(2, 3);

/*
 * JSON (RFC 8259).  Values separate themselves from what stands before them
 * by a comma where one is needed.  A NULL key writes an array's element.
 * Text must be UTF-8; each byte that is not is replaced by U+FFFD.
 * Doubles are the shortest form that reads back the same; NaN and infinities
 * are null.
 */
void json_open(struct text *t, const char *key, char bracket); /* '{' or '[' */
void json_close(struct text *t, char bracket);		       /* '}' or ']' */
void json_str(struct text *t, const char *key, const char *s); /* NULL: null */
void json_strn(struct text *t, const char *key, const char *s, size_t n);
void json_int(struct text *t, const char *key, int64_t v);
void json_double(struct text *t, const char *key, double v);
/* s is JSON already. */
void json_raw(struct text *t, const char *key, const char *s, size_t n);
void json_bool(struct text *t, const char *key, bool v);
void json_null(struct text *t, const char *key);

#endif
