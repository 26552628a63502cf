// SPDX-License-Identifier: MIT
/*
 * camera: adding and changing cameras, for the command and the API alike.
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

struct camera_change {
	const char *code;	 /* of the one to change */
	const char *name, *site; /* as above; NULL: as it is */
	bool has_tz;
	const char *tz; /* NULL: its site's */
	bool has_retired, retired;
};

enum { CAMERA_WHY = 320 };

/*
 * Changes it, with a row in the audit list; its lines and zones (parent_id)
 * move and retire with it.  As camera_create; besides E_NOT_FOUND: no such
 * camera; E_CONFLICT: the database refused it, why says so in a sentence.
 */
MUST enum err camera_change(struct db *db, const struct camera_change *c,
	const struct audit_by *by, const char **field, char why[CAMERA_WHY]);

/* E_CONFLICT and the sentence of what a trigger refused, else e as it is. */
enum err camera_refused(struct db *db, enum err e, char why[CAMERA_WHY]);

#endif
