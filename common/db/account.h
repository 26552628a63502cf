// SPDX-License-Identifier: MIT
/*
 * account: whom a program is to the database, and where that is.
 * A value; its texts belong to the settings and live as long as they do.
 */
#ifndef TALLY_COMMON_DB_ACCOUNT_H
#define TALLY_COMMON_DB_ACCOUNT_H

#include "common/base.h"
#include "common/conf.h"

enum { DB_TIMEOUT_S = 30 };

struct db_account {
	const char *host;   /* "": the socket */
	const char *socket; /* "": the client library's default */
	const char *name;   /* the schema; "": none */
	char user[81];
	const char *password_file; /* "": no password.  Read at each connect,
				      so the secret stays in memory no longer */
	const char *ca; /* PEM file; set: TLS is required and verified */
	unsigned port;
	unsigned timeout_s;  /* for one read or write; DB_TIMEOUT_S */
	const char *session; /* a statement each connection begins with, besides
				Q_SESSION; NULL: none */
	bool lists;	     /* db_lists will be asked for */
};

/* The [database] settings for one user; user "": the system's user. */
struct db_account db_account_of(
	const struct conf *c, const char *user, const char *password_file);

#endif
