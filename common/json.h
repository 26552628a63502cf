// SPDX-License-Identifier: MIT
/*
 * json: reading JSON strictly.  A pass of our own over the bytes holds RFC
 * 8259 where cJSON does not (numbers, control characters, UTF-8, what follows
 * the text); then cJSON builds the tree.  The only file that includes cJSON.
 * Thread-safe; a tree belongs to whoever parsed it.
 */
#ifndef TALLY_COMMON_JSON_H
#define TALLY_COMMON_JSON_H

#include "common/base.h"

enum { JSON_DEPTH_MAX = 16, JSON_VALUES_MAX = 400000 };

enum json_fault {
	JSON_OK,
	JSON_EMPTY, /* no bytes but white space */
	JSON_NOT_UTF8,
	JSON_SYNTAX, /* RFC 8259 refuses it */
	JSON_DEPTH,  /* nested deeper than JSON_DEPTH_MAX */
	JSON_MANY,   /* more values than JSON_VALUES_MAX */
	JSON_DIGITS, /* a number that a double cannot keep exactly: more than
			15 digits, or beyond 1e±300 */
	JSON_NUL,    /* a string holds U+0000, or half a surrogate pair */
	JSON_MEMORY
};

struct json; /* a value */

/* The bytes s[0..n) as one text.  On a fault *at (may be NULL) is the offset
 * of the byte in question. */
MUST enum json_fault json_check(const char *s, size_t n, size_t *at);

/* Checks and builds the tree.  Free *root with json_free. */
MUST enum json_fault json_parse(
	const char *s, size_t n, struct json **root, size_t *at);
/* The same, for a caller who tells which number it was: s may be written to,
 * and instead of JSON_DIGITS such a number reads as infinity. */
MUST enum json_fault json_parse_wide(
	char *s, size_t n, struct json **root, size_t *at);
void json_free(struct json *root);

enum json_type {
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

enum json_type json_type(const struct json *v);
/* First member or element, and the one that follows; NULL at the end. */
const struct json *json_first(const struct json *v);
const struct json *json_next(const struct json *v);
/* The member's name; NULL for an element. */
const char *json_name(const struct json *v);
/* By exact name; NULL where there is none.  The first of several. */
const struct json *json_member(const struct json *v, const char *name);
/* "" for what is no string. */
const char *json_string(const struct json *v);
/* 0 for what is no number. */
double json_number(const struct json *v);
bool json_true(const struct json *v);

#endif
