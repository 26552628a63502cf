// SPDX-License-Identifier: MIT
/*
 * sqluser: accounts on the database for people who work in SQL: over TLS alone,
 * from one network, with the rights that files under sql/people/ grant.  The
 * table sql_user knows which are ours.
 */
#ifndef TALLY_ANALYTICS_SQLUSER_H
#define TALLY_ANALYTICS_SQLUSER_H

#include "analytics/audit.h"
#include "common/conf.h"

enum {
	SQLUSER_READ = 1,
	SQLUSER_WRITE = 2,
	SQLUSER_NAME_MAX = 80,
	SQLUSER_HOST = 64,
	SQLUSER_PASSWORD = 32
};

struct sqluser {
	const char *name;
	char host[SQLUSER_HOST];    /* as MariaDB takes it */
	char network[SQLUSER_HOST]; /* as a person says it */
	unsigned rights;
};

/*
 * "192.0.2.0/24", "192.0.2.7" or one IPv6 address, as MariaDB's accounts want
 * it: "192.0.2.0/255.255.255.0".  E_INVALID: why (at most 200 bytes) is one
 * line.  Pure.
 */
MUST enum err sqluser_network(
	struct sqluser *u, const char *network, char why[200]);

/*
 * Makes the account, with its row in the audit list; the password is the
 * caller's to show once and to wipe.  E_EXISTS: there is one of that name and
 * network; E_INVALID: the name (logged).  What fails leaves nothing behind.
 */
MUST enum err sqluser_create(struct db *db, const struct conf *c,
	const struct sqluser *u, const struct audit_by *by,
	char password[SQLUSER_PASSWORD]);

/* Removes those of that name and, unless it is NULL, that network.  E_NOT_FOUND
 * where none of ours is. */
MUST enum err sqluser_remove(struct db *db, const char *name,
	const char *network, const struct audit_by *by);

/* Grants all of them anew what they are for, as objects were added: a line in
 * the log for one that cannot be. */
MUST enum err sqluser_grant_all(struct db *db, const struct conf *c);

#endif
