// SPDX-License-Identifier: MIT
/*
 * dump: whole tables out of a database and into one, as the text that LOAD DATA
 * takes: a row a line, columns apart by tabs, "\" before what is no letter
 * (\t, \n, \0 and \\), \N for NULL; bytes as they are stored, times in UTC.
 * So a table comes back several times faster than by INSERT.
 *
 * A connection of its own; one thread at a time.  What went wrong last is
 * dump_why, for the log and for the user.  Errors as of db_run
 * (common/db/sync).
 */
#ifndef TALLY_COMMON_DB_DUMP_H
#define TALLY_COMMON_DB_DUMP_H

#include "common/arena.h"
#include "common/db/account.h"

struct dump;

struct dump_table {
	const char *name;
	const char *columns; /* quoted, commas between; no generated ones */
	const char *values;  /* what is read of them; not to load */
	const char *create;  /* the statement that makes it, without triggers */
};

enum {
	DUMP_TABLES_MAX = 4096,
	DUMP_PIECE = 256 << 10, /* what dump_rows gives at a time, about */
	DUMP_LOAD = 64 << 20	/* a LOAD DATA, about: one transaction */
};

/* Connects. */
MUST enum err dump_open(struct dump **d, const struct db_account *a);
void dump_close(struct dump *d);
const char *dump_why(const struct dump *d);
/* From any thread, for good: what waits for the server ends. */
void dump_interrupt(struct dump *d);

/*
 * Begins a snapshot, in which all tables are as of one moment: rows may go on
 * coming, but until dump_close no table can be altered.  E_BUSY: another dump
 * of this schema is on its way.
 */
MUST enum err dump_begin(struct dump *d);
MUST enum err dump_tables(
	struct dump *d, struct arena *a, struct dump_table **tables, size_t *n);

/* Takes whole rows; not E_OK: stop. */
typedef enum err dump_take(void *arg, const char *rows, size_t n);

MUST enum err dump_rows(struct dump *d, const struct dump_table *t,
	dump_take *take, void *arg, uint64_t *rows);

/* Gives whole rows that stay until the next call, n 0 behind the last. */
typedef enum err dump_give(void *arg, struct slice *rows);

/* A session that loads: foreign keys are not looked at, whole tables come. */
MUST enum err dump_begin_load(struct dump *d);
MUST enum err dump_make(struct dump *d, const struct dump_table *t);
/* Every row must go in as it is, else E_DB; what went in before stays. */
MUST enum err dump_load(struct dump *d, const struct dump_table *t,
	dump_give *give, void *arg, uint64_t *rows);

#endif
