// SPDX-License-Identifier: MIT
/*
 * bind: between cells and the connector, for the blocking and the event-loop
 * executor alike.  Nothing here waits for the network.  Included by
 * common/db/ alone.
 */
#ifndef TALLY_COMMON_DB_BIND_H
#define TALLY_COMMON_DB_BIND_H

#include <mysql.h>

#include "common/arena.h"
#include "common/db/stmt.h"

/*
 * Binds args (as many as the statement's letters) to a prepared statement.
 * The cells, and what they point to, must live until the execution has ended.
 * E_INVALID when the server counts other parameters than the letters say;
 * that is logged.
 */
MUST enum err stmt_bind(
	MYSQL_STMT *st, enum stmt id, const struct db_cell *args);

/*
 * Takes the rows out of a result that mysql_stmt_store_result has fetched and
 * copies them to the arena.  mysql_stmt_free_result stays with the caller.
 * E_INVALID: other columns than the letters say, or a number that does not fit
 * (logged); E_TOO_BIG: more than rows_max rows, or over the arena's budget;
 * E_DB: the connector failed (logged).
 */
MUST enum err stmt_store(MYSQL_STMT *st, enum stmt id, struct arena *a,
	size_t rows_max, struct db_rows *out);

/* The same out of the result of a text, without a bound on its rows: it is in
 * memory. */
MUST enum err text_store(
	MYSQL_RES *res, enum stmt id, struct arena *a, struct db_rows *out);

#endif
