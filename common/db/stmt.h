// SPDX-License-Identifier: MIT
/*
 * stmt: the statements of sql/statements.def as an enum and a table, and the
 * cells that go in and come out.  Pure data; knows no connector.
 */
#ifndef TALLY_COMMON_DB_STMT_H
#define TALLY_COMMON_DB_STMT_H

#include <string.h>

#include "common/base.h"

enum stmt {
#define STMT(name, args, cols, text) name,
#include "sql/statements.def"
#undef STMT
	STMT_COUNT
};

enum { STMT_ARGS_MAX = 64, STMT_COLS_MAX = 96, DB_ROWS_MAX = 100000 };

struct stmt_def {
	const char *name; /* "Q_DAY_STATS": for logs */
	const char *args; /* a letter each: i int64, d double, s bytes */
	const char *cols;
	const char *text;
};

extern const struct stmt_def stmt_defs[]; /* by enum stmt */

/* One value; the statement's letter says which member holds it.  Results are
 * zeroed but for that member; text out is terminated, and .s.n bytes long. */
struct db_cell {
	bool null;
	int64_t i;
	double d;
	struct slice s;
};

/* A result, row after row: row r's column c is cell[r * cols + c]. */
struct db_rows {
	size_t n;
	unsigned cols;
	struct db_cell *cell; /* lives in the arena given */
};

#define DB_I(v)	    ((struct db_cell){.i = (v)})
#define DB_D(v)	    ((struct db_cell){.d = (v)})
#define DB_S(str)   ((struct db_cell){.s = {(str), strlen(str)}})
#define DB_SN(p, n) ((struct db_cell){.s = {(p), (n)}})
#define DB_NULL	    ((struct db_cell){.null = true})

/* The arguments of one call, in place: DB_ARGS(DB_S(code), DB_I(5)). */
#define DB_ARGS(...) ((const struct db_cell[]){__VA_ARGS__})

#endif
