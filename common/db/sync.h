// SPDX-License-Identifier: MIT
/*
 * sync: one connection to the database that waits for its answers: for the
 * command, the worker and the committer's thread.  One thread at a time.
 *
 * It connects at the first use, and again at the first use after the
 * connection was lost; where that takes its time, at most once a second.
 * Statements are prepared once a connection.  What the server says is logged
 * with the statement's name, never with values, and once a cause until it works
 * again; E_EXISTS and E_BUSY are the caller's to tell.
 *
 * Errors of every call that talks to the server:
 *	E_DB_GONE  not reachable, or lost on the way: whether the statement was
 *	           carried out is unknown
 *	E_REFUSED  not MariaDB, or no TLS where it is wanted
 *	E_BUSY     a deadlock or a lock waited for too long: roll back, repeat
 *	E_EXISTS   a duplicate key
 *	E_TIMEOUT  the server stopped the statement for its time
 *	E_DB       refused for another reason
 *
 * Inside a transaction E_DB_GONE and E_BUSY end it: until db_rollback or
 * db_commit (which then fails too) every call returns that error again, so
 * that no statement runs outside of the transaction it was meant for.
 */
#ifndef TALLY_COMMON_DB_SYNC_H
#define TALLY_COMMON_DB_SYNC_H

#include "common/arena.h"
#include "common/db/account.h"
#include "common/db/stmt.h"

struct db;

/* Takes a copy of the account; does not connect yet.  E_NOMEM. */
MUST enum err db_open(struct db **db, const struct db_account *a);
void db_close(struct db *db);
/* From any thread, for good: the call that waits for the server, and each one
 * after it, ends with E_DB_GONE.  Only db_close may follow. */
void db_interrupt(struct db *db);

/* Connects if it is not: for those who want to know at once. */
MUST enum err db_connect(struct db *db);

/*
 * Runs a statement.  args: one per letter, NULL where there are none.  Rows go
 * to out, in arena a; with out NULL they are thrown away.  Of a CALL out gets
 * the first result set.  Besides the above: E_TOO_BIG over DB_ROWS_MAX rows or
 * the arena's budget, E_INVALID where letters and server disagree.
 */
MUST enum err db_run(struct db *db, enum stmt id, const struct db_cell *args,
	struct arena *a, struct db_rows *out);

/*
 * Runs a statement for each of n sets of arguments (set after set in cells) in
 * one exchange, by the connector's bulk protocol; only for INSERT, UPDATE,
 * DELETE and REPLACE.  All of them or none, when the table is transactional.
 */
MUST enum err db_run_bulk(
	struct db *db, enum stmt id, const struct db_cell *cells, size_t n);

/* One statement as text, its results thrown away.  db_text is for lists of
 * numbers that the caller has formatted; db_script for the files under sql/,
 * what names it in the log. */
MUST enum err db_text(struct db *db, const char *sql, size_t n);
MUST enum err db_script(
	struct db *db, const char *sql, size_t n, const char *what);

/*
 * Several statements in one exchange, ";" between them, lists of numbers above
 * all; the account says `lists`.  The first that fails ends it.  Rows go to
 * out, as rows_of has its columns, which also names it in the log.  Where no
 * transaction is open, the first is Q_BEGIN.  Whatever it returns, one is open
 * then: db_rollback or db_commit ends it, or db_committed, where the last of
 * the statements did that already.
 */
MUST enum err db_lists(struct db *db, const char *sql, size_t n,
	enum stmt rows_of, struct arena *a, struct db_rows *out);
void db_committed(struct db *db);

MUST enum err db_begin(struct db *db);
/* To read only, all of it as of its first statement.  Locks no row, but until
 * its end no table it has read can be altered.  The account's session must be
 * Q_SESSION_REPEATABLE, lest the server's default makes nothing of it. */
MUST enum err db_begin_read(struct db *db);
MUST enum err db_commit(struct db *db);
/* Always ends the transaction; E_OK also when the connection is gone. */
enum err db_rollback(struct db *db);

/* Of the last statement that succeeded: rows inserted, changed or deleted. */
uint64_t db_affected(const struct db *db);
uint64_t db_insert_id(const struct db *db);
/* Of the last call that failed: 0 and "" where the server said nothing. */
unsigned db_error_no(const struct db *db);
const char *db_error_text(const struct db *db);

#endif
