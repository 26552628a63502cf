// SPDX-License-Identifier: MIT
/*
 * conn: setting a connection up and understanding its errors, for the
 * blocking and the event-loop executor alike.  Included by common/db/ alone.
 *
 * Every connection: 3 s to connect, the account's limit on each read and
 * write, no silent reconnect, no LOAD DATA LOCAL, utf8mb4, and the session of
 * Q_SESSION (UTC, strict mode, a bounded wait for locks).
 */
#ifndef TALLY_COMMON_DB_CONN_H
#define TALLY_COMMON_DB_CONN_H

#include <mysql.h>

#include "common/db/account.h"

enum { CONN_PASSWORD_MAX = 256, CONN_CONNECT_S = 3, CONN_WORDS = 512 };

/* A handle with its options set, not connected.  nonblock: for the _start and
 * _cont functions.  NULL when out of memory.  Any thread. */
MYSQL *conn_new(const struct db_account *a, bool nonblock);

/* The password, "" without a file; wipe it (token_wipe) once connected.
 * E_IO or E_TOO_BIG, logged with the file's name. */
MUST enum err conn_password(
	const struct db_account *a, char password[CONN_PASSWORD_MAX]);

/* What mysql_real_connect takes: NULL where the account has "". */
const char *conn_or_null(const char *s);

/* The connector's words for why it did not connect; where it is TLS, with the
 * setting that says whom to trust. */
const char *conn_words(
	MYSQL *my, const struct db_account *a, char words[CONN_WORDS]);

/*
 * After connecting: is it MariaDB 10.6 or later, and encrypted where the
 * account asks for it?  E_REFUSED; why (at most 200 bytes) is one line.
 */
MUST enum err conn_check(MYSQL *my, const struct db_account *a, char why[200]);

/*
 * What an error number of server or connector means for us.  E_DB_GONE: the
 * connection is lost, close it; E_BUSY: roll back and try again; E_EXISTS: a
 * duplicate key; E_TIMEOUT: stopped for its time; E_DB: all else.
 */
enum err conn_meaning(unsigned number);

#endif
