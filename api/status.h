// SPDX-License-Identifier: MIT
/*
 * status: what HTTP calls things.  Pure.
 */
#ifndef TALLY_API_STATUS_H
#define TALLY_API_STATUS_H

#include "common/base.h"

/* The reason phrase of a status this program sends. */
const char *status_text(int status);

/* What an outcome of the layers below means to a client. */
struct status_meaning {
	int status;
	const char *slug; /* last part of the problem's type */
	const char *detail;
};
struct status_meaning status_of(enum err e);

#endif
