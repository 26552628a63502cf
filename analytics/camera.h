// SPDX-License-Identifier: MIT
/*
 * camera: adding cameras, for the command and the API alike.
 */
#ifndef TALLY_ANALYTICS_CAMERA_H
#define TALLY_ANALYTICS_CAMERA_H

#include "analytics/audit.h"

enum { CAMERA_CODE_MAX = 120, CAMERA_NAME_MAX = 200, SITE_NAME_MAX = 100 };

struct camera_new {
	const char *code; /* [A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*, 120 bytes */
	const char *name; /* 200 bytes of UTF-8 without control characters;
			     NULL: the code */
	const char *site; /* 100 characters likewise; one that is not there
			     is made, with the default site's zone; NULL: the
			     default site */
	const char *tz;	  /* IANA zone; NULL: the site's */
};

bool camera_code_ok(const char *code, size_t n);

/* What such a field may hold, to follow its name: "tz is not …".  Static. */
const char *camera_rule(const char *field);

/*
 * Adds it, and a row to the audit list; *camera_id may be NULL.  E_INVALID:
 * *field (static text, never NULL then) is "camera", "name", "site" or "tz";
 * E_EXISTS: the code is taken; E_NOT_FOUND: there is no default site (`tally
 * migrate` makes it); db_run's errors.  Begins and commits transactions of its
 * own; may repeat E_BUSY.
 */
MUST enum err camera_create(struct db *db, const struct camera_new *c,
	const struct audit_by *by, int64_t *camera_id, const char **field);

#endif
