// SPDX-License-Identifier: MIT
/*
 * site: adding and changing the places where cameras stand.
 */
#ifndef TALLY_ANALYTICS_SITE_H
#define TALLY_ANALYTICS_SITE_H

#include "analytics/camera.h"

struct site_change {
	int64_t site_id;  /* 0: a new one */
	const char *name; /* as camera_new's; NULL: as it is */
	const char *tz;	  /* likewise; of a new one: the default site's */
};

/*
 * Makes or changes it, with a row in the audit list; *site_id: which.  Cameras
 * without a zone of their own follow its zone.  E_INVALID: *field (never NULL
 * then) is "name" or "tz", which camera_rule explains; E_EXISTS: the name is
 * taken; E_NOT_FOUND: no such site; E_CONFLICT: the database refused it, why
 * says so in a sentence; db_run's errors.  Begins and commits transactions of
 * its own; may repeat E_BUSY.
 */
MUST enum err site_put(struct db *db, const struct site_change *s,
	const struct audit_by *by, int64_t *site_id, const char **field,
	char why[CAMERA_WHY]);

#endif
