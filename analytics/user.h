// SPDX-License-Identifier: MIT
/*
 * user: adding, changing and removing log-ins, for the command and the API
 * alike.  Each is one transaction with its row in the table audit.  Passwords
 * take their time: never on an event loop's thread.
 */
#ifndef TALLY_ANALYTICS_USER_H
#define TALLY_ANALYTICS_USER_H

#include "analytics/audit.h"
#include "common/token.h"

enum { USER_NAME_MAX = 100, USER_CAMERAS_MAX = 256, USER_WHY = 256 };

/* As the column counts them. */
enum role { ROLE_NONE, ROLE_VIEWER, ROLE_REVIEWER, ROLE_ADMIN };

extern const char *const role_name[ROLE_ADMIN + 1];
/* ROLE_NONE: none is called so. */
enum role role_named(const char *name);
/* What it lets a person do: bits of enum scope. */
unsigned role_scopes(enum role role);

/* 1 to 100 bytes of UTF-8 without blanks and control characters? */
bool user_name_ok(const char *name);

struct user_new {
	const char *name, *password;
	enum role role;
	const char *const *camera; /* codes; none: all */
	size_t cameras_n;
};

struct user_change {
	const char *name;
	const char *password; /* NULL: as it is; else other sessions end */
	enum role role;	      /* ROLE_NONE: as it is */
	bool has_disabled, disabled; /* disabled: sessions end */
	bool has_cameras;
	const char *const *camera;
	size_t cameras_n;
	/* The hash of the session that goes on all the same, or NULL. */
	const unsigned char *keep;
};

/* What a member may not be, to follow its name. */
struct user_fault {
	const char *member; /* "user", "password", "cameras"; NULL: none */
	char why[USER_WHY];
};

/* E_INVALID: f says why; E_EXISTS: the name is taken; db_run's errors. */
MUST enum err user_create(struct db *db, const struct user_new *u,
	const struct audit_by *by, struct user_fault *f);
/* E_NOT_FOUND: nobody has the name; as user_create. */
MUST enum err user_alter(struct db *db, const struct user_change *c,
	const struct audit_by *by, struct user_fault *f);
MUST enum err user_remove(
	struct db *db, const char *name, const struct audit_by *by);

#endif
