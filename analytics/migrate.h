// SPDX-License-Identifier: MIT
/*
 * migrate: brings a schema to what the files under sql/ say.
 *
 *	schema.sql  migrations/  functions/  procedures/  views/  triggers/
 *	(the programs' accounts, the default site)  events/  grants/
 *
 * A migration runs once; its number, name and SHA-256 stay in
 * schema_migration, and a file that was edited afterwards is an error.  All
 * other files hold one object each and run every time.  Running it again
 * changes nothing; two at a time wait for each other.
 *
 * In the files {schema} stands for the schema's quoted name, {api} and
 * {worker} for the programs' accounts.
 */
#ifndef TALLY_ANALYTICS_MIGRATE_H
#define TALLY_ANALYTICS_MIGRATE_H

#include "common/conf.h"
#include "common/db/account.h"

struct migrate_report {
	unsigned migrations, applied; /* known, and run now */
	unsigned objects;
	const char *pages; /* how tables that grow are stored */
	bool accounts;	   /* made; false: the administrator's business */
};

/* With the account given, which needs all rights on the schema, and on a
 * server of our own also CREATE USER.  Every failure is logged. */
MUST enum err migrate(const struct conf *c, const struct db_account *account,
	struct migrate_report *report);

/* The statements that make the programs' accounts on a server that is not
 * ours, with a place for the passwords.  Logged on failure. */
MUST enum err migrate_print_accounts(const struct conf *c);

#endif
