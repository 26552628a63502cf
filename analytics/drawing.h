// SPDX-License-Identifier: MIT
/*
 * drawing: lines and zones of a camera in the database, each with the cameras
 * that stand for its series: "gate-1/door/in", "gate-1/hall".
 */
#ifndef TALLY_ANALYTICS_DRAWING_H
#define TALLY_ANALYTICS_DRAWING_H

#include "analytics/audit.h"
#include "common/shape.h"

enum drawing {
	DRAWING_MADE,
	DRAWING_REPLACED,
	DRAWING_REMOVED,
	DRAWING_NO_CAMERA,
	DRAWING_NO_SHAPE,
	DRAWING_NOT_WHOLE,  /* the camera is a line or a zone itself */
	DRAWING_OTHER_KIND, /* a shape of the other kind has the name */
	DRAWING_TAKEN,	    /* a series' code belongs to another camera */
	DRAWING_TOO_LONG,   /* a series' code would be */
	DRAWING_TOO_MANY
};

/*
 * Draws the shape, in place of one of its name.  Series that are new are made,
 * those that went with the old one are retired: what they counted stays.
 * Transactions of its own, with a row in the audit list; may repeat E_BUSY.
 * *d says what became of it where E_OK.
 */
MUST enum err drawing_put(struct db *db, const char *camera,
	const struct shape *s, const struct audit_by *by, enum drawing *d);

/* Removes it likewise. */
MUST enum err drawing_remove(struct db *db, const char *camera,
	enum shape_kind kind, const char *name, const struct audit_by *by,
	enum drawing *d);

#endif
