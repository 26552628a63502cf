// SPDX-License-Identifier: MIT
/*
 * backup: a copy of the whole schema in one sealed file (common/seal), and
 * back.  In it are all tables with all rows, as of one moment.  Views,
 * routines, triggers, events and the programs' accounts are not: they are in
 * the program's own files, and `tally migrate` makes them once the rows are
 * there, so that no trigger fires on a row that comes back, and definers are
 * whoever restores.
 *
 *	a record: a letter, the length (4 bytes, the lowest first), the text
 *	B  what this is, once      T  a table: name, columns, CREATE TABLE,
 *	                              each with a zero byte behind
 *	R  rows (common/db/dump)   E  the table's end: its rows (8 bytes)
 *	Z  the end: tables, rows (8 bytes each)
 *
 * Everything streams: memory is that of a few rows.
 */
#ifndef TALLY_ANALYTICS_BACKUP_H
#define TALLY_ANALYTICS_BACKUP_H

#include "common/arena.h"
#include "common/conf.h"
#include "common/db/account.h"
#include "common/seal.h"

enum {
	BACKUP_NAME = 256,	     /* of a file, its end included */
	BACKUP_FILES_MAX = 10000,    /* of a folder, looked at */
	BACKUP_RECORD_MAX = 1 << 30, /* bytes */
	BACKUP_TIMEOUT_S = 3600	     /* without an answer from the server */
};

/* What was made, or what a file holds. */
struct backup_facts {
	char file[BACKUP_NAME]; /* made: the name in its folder */
	char schema[80];
	int64_t taken_at; /* the moment it is of */
	uint64_t bytes, tables, rows;
	int64_t ms;
	unsigned removed; /* made: older ones that went */
};

/*
 * Makes one in the folder: under a name of its own until it is whole, on the
 * disk, and read back.  Then, with keep, all but the newest `keep` of this
 * schema go.  A failure leaves those that were there, and nothing else.
 * E_BUSY: another one is at work.
 */
MUST enum err backup_make(const struct conf *c, const struct db_account *a,
	const char *dir, unsigned keep, struct backup_facts *made,
	char why[SEAL_WHY]);

/* Is a secret key where the backups are?  The path, or NULL. */
const char *backup_key_inside(
	const struct conf *c, const char *dir, char path[4200]);

struct backup_file {
	char name[BACKUP_NAME];
	int64_t taken_at;
	int64_t bytes;
};

/* The backups of a schema in a folder, the oldest first; files are in a. */
MUST enum err backup_list(const char *dir, const char *schema, struct arena *a,
	struct backup_file **files, size_t *n, char why[SEAL_WHY]);

/* Reads a whole backup and holds it against itself.  key as of seal_open. */
MUST enum err backup_verify(const char *path, const unsigned char key[SEAL_KEY],
	bool is_stream_key, struct backup_facts *facts, char why[SEAL_WHY]);

/*
 * Verifies, then makes c's schema anew from the file and brings it up to date.
 * A schema that has tables is refused (E_EXISTS), or with replace dropped.
 * After a failure the schema is dropped again.
 */
MUST enum err backup_restore(const struct conf *c, const struct db_account *a,
	const char *path, const unsigned char secret_key[SEAL_KEY],
	bool replace, struct backup_facts *facts, char why[SEAL_WHY]);

/* ---- for backup_read.c and backup_restore.c */

struct backup_in {
	struct seal_in *seal;
	char *record; /* the last one */
	size_t n, cap;
	char kind;
	bool over; /* behind Z */
	uint64_t tables, rows;
	uint64_t rows_here; /* of the table being read */
	bool in_table;
	struct backup_facts facts;
};

MUST enum err backup_open(struct backup_in *in, const char *path,
	const unsigned char key[SEAL_KEY], bool is_stream_key,
	char why[SEAL_WHY]);
/* The next record, in its place: kind, record, n.  kind 0: the proper end. */
MUST enum err backup_next(struct backup_in *in, char why[SEAL_WHY]);
void backup_close(struct backup_in *in);

#endif
