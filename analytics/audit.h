// SPDX-License-Identifier: MIT
/*
 * audit: who changed what, in the table audit.  Counts that come in are data
 * and leave no row; what is made, ended, removed or replaced by a person or a
 * program does.
 */
#ifndef TALLY_ANALYTICS_AUDIT_H
#define TALLY_ANALYTICS_AUDIT_H

#include "common/db/sync.h"

enum audit_kind {
	AUDIT_COMMAND, /* the command `tally`; name: the system's user */
	AUDIT_TOKEN,
	AUDIT_USER /* a log-in */
};

struct audit_by {
	enum audit_kind kind;
	int64_t id; /* the token's or the user's */
	const char *name;
	const char *address; /* NULL: none */
};

/*
 * Call it in the transaction of the change, where there is one, with rights
 * to INSERT.  by NULL: Tally itself, which leaves no row.  action:
 * "token.create", what and what was done to it, up to 40 bytes; subject: its
 * name, up to 200 characters, or NULL; detail: JSON without secrets, or NULL.
 */
MUST enum err audit_add(struct db *db, const struct audit_by *by,
	const char *action, const char *subject, const char *detail);

#endif
