// SPDX-License-Identifier: MIT
/*
 * record: one entry of the spool as bytes.  Text, so that an operator can read
 * a spool with a pager:
 *
 *	tly1 SEQUENCE(16 hex) MARK(16 hex) LENGTH(8 hex) CRC32C(8 hex) content\n
 *
 * The checksum covers all but itself and the line end.  Pure.
 */
#ifndef TALLY_INGEST_RECORD_H
#define TALLY_INGEST_RECORD_H

#include "common/base.h"

enum {
	RECORD_HEAD = 57,	   /* bytes before the content */
	RECORD_CONTENT_MAX = 4032, /* bytes */
	RECORD_MAX = RECORD_HEAD + RECORD_CONTENT_MAX + 1
};

struct record {
	uint64_t sequence;
	int64_t mark;
	struct slice content;
	size_t bytes; /* of the whole record */
};

/* Into out; returns its bytes.  The content must fit. */
size_t record_write(char out[RECORD_MAX], const struct record *r);

/* The record that starts at s[0..n); false where none is whole and unharmed. */
bool record_read(const char *s, size_t n, struct record *r);

/* Offset of the next whole and unharmed record at or behind from; n where
 * there is none. */
size_t record_find(const char *s, size_t n, size_t from);

#endif
