// SPDX-License-Identifier: MIT
/*
 * answer: what the API's reply to a POST of rows means.  Pure.
 */
#ifndef TALLY_INGEST_ANSWER_H
#define TALLY_INGEST_ANSWER_H

#include "common/base.h"

enum answer {
	ANSWER_STORED,	/* every row is there, now or before */
	ANSWER_REFUSED, /* and would be the next time */
	ANSWER_CAMERA,	/* nobody registered the camera */
	ANSWER_TOKEN,	/* not with this token */
	ANSWER_LATER	/* nothing is known to be stored */
};

/* rows: how many were sent.  why: words for a person, at most 199 bytes. */
enum answer answer_read(
	long status, struct slice body, size_t rows, char why[200]);

#endif
