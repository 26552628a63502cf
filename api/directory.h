// SPDX-License-Identifier: MIT
/*
 * directory: the cameras as the committer knows them, each with its newest
 * row.  An entry is believed for at most DIRECTORY_TTL_MS: what other writers
 * do in that time to a camera that is being posted to may be missed by the
 * check for overlaps, and is found by `tally verify`.  The committer's thread
 * only.
 */
#ifndef TALLY_API_DIRECTORY_H
#define TALLY_API_DIRECTORY_H

#include "analytics/audit.h"
#include "common/tz.h"

struct directory;

enum { DIRECTORY_TTL_MS = 1000, DIRECTORY_ENTRIES = 16384, HOURS_A_WEEK = 168 };

/*
 * No row of people, vehicle, face within (low, high] of its hour can be an
 * outlier, whatever the zone's clocks showed then: for each hour of the week in
 * UTC, counted from 1970-01-01T00:00Z, a Thursday.
 */
struct directory_bounds {
	struct directory_hour {
		int32_t high[3], low[3];
	} hour[HOURS_A_WEEK];
};

struct directory_camera {
	char code[121];
	int64_t camera_id;
	char zone[TZ_NAME_MAX + 1];
	int64_t zone_id;
	int64_t retired_at; /* INT64_MAX: in use */
	bool has_newest;
	bool pending; /* the newest row is not committed yet */
	int64_t newest_start, newest_end;
	int64_t good_until_ms;
	int64_t version; /* of the references, when this was loaded: another one
			    may mean that the camera is gone, or retired */
	/* What the references were at this version. */
	int64_t bounds_version;
	struct directory_bounds *bounds; /* NULL: none */
};

/* auto_register: unknown codes are added to the default site. */
MUST enum err directory_open(
	struct directory **d, struct db *db, bool auto_register);
void directory_close(struct directory *d);

/*
 * The camera with this code; *c is good until the next call.  by: who sent it,
 * where auto_register may add it; NULL: it is not added.  E_NOT_FOUND: no
 * such camera; E_INVALID: not registered, and no code could be; or what the
 * database said.
 */
MUST enum err directory_find(struct directory *d, const char *code,
	const struct audit_by *by, struct directory_camera **c);
/* Asks the database, inside of the transaction, whether the code is still this
 * camera's, and was in use at an instant.  E_BUSY: it is gone, another's, or
 * had retired. */
MUST enum err directory_still(
	struct directory *d, const char *code, int64_t camera_id, int64_t at);
/* References are of this version now: bounds of another are asked for anew.
 * True when it is a new one. */
bool directory_version(struct directory *d, int64_t version);
/* This one; bounds may be of a later version, never of an earlier one. */
int64_t directory_known(const struct directory *d);
/* The pending row is stored. */
void directory_settle(struct directory *d, const char *code);
/* Ask the database the next time. */
void directory_doubt(struct directory *d, const char *code);

#endif
