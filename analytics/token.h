// SPDX-License-Identifier: MIT
/*
 * token: issuing, rotating and revoking tokens, for the command and the API
 * alike.  Each is one transaction with its row in the table audit.
 *
 * A valid token holds its name alone: another one of that name is refused.  One
 * that was rotated and still works for a while no longer holds it.
 */
#ifndef TALLY_ANALYTICS_TOKEN_H
#define TALLY_ANALYTICS_TOKEN_H

#include "analytics/audit.h"
#include "common/token.h"
#include "common/when.h"

enum {
	TOKEN_NAME_MAX = 100, /* bytes */
	TOKEN_CAMERAS_MAX = 256,
	TOKEN_DAYS_MAX = 36500,
	TOKEN_OVERLAP_MAX_S = 30 * DAY_S
};

struct token_new {
	const char *name; /* text to show, not digits alone; NULL: after its
			     scopes, and its id where that is taken */
	unsigned scopes;  /* of enum scope */
	const char *camera[TOKEN_CAMERAS_MAX]; /* codes; none: good for all */
	size_t cameras_n;
	int64_t expires_at; /* 0: never */
};

/* The secret: wipe it with token_wipe. */
struct token_made {
	int64_t token_id;
	char text[TOKEN_TEXT];
};

/* What a member may not be, to follow its name. */
struct token_fault {
	const char *member; /* "name", "scopes", "cameras", "expires_at" or
			       "overlap_s"; NULL: no fault of a member */
	char why[256];
};

/*
 * E_INVALID: f says why; E_EXISTS: a valid token has the name; db_run's errors.
 */
MUST enum err token_create(struct db *db, const struct token_new *t,
	const struct audit_by *by, struct token_made *made,
	struct token_fault *f);

/* What became of the one before. */
struct token_old {
	unsigned char hash[TOKEN_HASH];
	bool was_revoked; /* before this call */
};

/*
 * Another secret for the same name, scopes, cameras and expiry.  The old one
 * ends at once, or after overlap_s.  E_NOT_FOUND: no such token; E_CONFLICT: it
 * is not valid, or was rotated already (f->why); E_INVALID: f says why.
 */
MUST enum err token_rotate(struct db *db, int64_t token_id, int64_t overlap_s,
	const struct audit_by *by, struct token_made *made,
	struct token_old *old, struct token_fault *f);

/* Ends it; one that was revoked already stays as it was.  E_NOT_FOUND. */
MUST enum err token_revoke(struct db *db, int64_t token_id,
	const struct audit_by *by, struct token_old *old);

#endif
