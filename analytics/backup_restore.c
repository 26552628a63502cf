// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>

#include "analytics/backup.h"
#include "analytics/migrate.h"
#include "common/db/dump.h"
#include "common/db/sync.h"
#include "common/when.h"

struct restoring {
	const struct conf *conf;
	struct db_account account;
	struct backup_in in;
	struct db *db; /* in no schema */
	struct dump *dump;
	char *why;
};

static enum err say(struct restoring *r, enum err e, const char *what)
{
	snprintf(r->why, SEAL_WHY, "%s", what);
	return e;
}

/* The name goes into statements as text. */
static bool plain(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789_-.";

	return *name && strlen(name) <= 64 &&
		strspn(name, letters) == strlen(name);
}

static enum err schema_verb(
	struct restoring *r, const char *verb, const char *more)
{
	char sql[256];

	snprintf(sql, sizeof(sql), "%s `%s`%s", verb, r->conf->database_name,
		more);
	return db_script(r->db, sql, strlen(sql), verb);
}

static enum err make_schema(struct restoring *r, bool replace)
{
	static const char keys[] = "SET foreign_key_checks = 0";
	const char *name = r->conf->database_name;
	struct db_rows rows;
	struct arena a;
	int64_t objects;
	enum err e;

	arena_init(&a, 64 << 10);
	e = db_run(r->db, Q_SCHEMA_OBJECTS,
		DB_ARGS(DB_S(name), DB_S(name), DB_S(name)), &a, &rows);
	objects = e ? 0 : rows.cell[0].i;
	arena_reset(&a);
	if (e)
		return say(r, e, "the database cannot be asked");
	if (objects && !replace) {
		snprintf(r->why, SEAL_WHY,
			"the database %s is not empty: there are %lld tables, "
			"views, routines and events in it.  Restore --into "
			"another one, or --replace all that is there",
			name, (long long)objects);
		return E_EXISTS;
	}
	/* Else tables that others refer to cannot go. */
	if ((e = db_script(r->db, keys, sizeof(keys) - 1, "session")))
		return say(r, e, "the database cannot be made");
	if ((e = schema_verb(r, "CREATE OR REPLACE DATABASE",
		     " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")))
		return say(r, e, "the database cannot be made");
	return E_OK;
}

static enum err give_rows(void *arg, struct slice *rows)
{
	struct restoring *r = arg;
	enum err e = backup_next(&r->in, r->why);

	*rows = (struct slice){r->in.record, 0};
	if (!e && r->in.kind == 'R')
		rows->n = r->in.n;
	return e;
}

static enum err load_table(struct restoring *r)
{
	struct arena a;
	struct dump_table t;
	const char *columns = r->in.record + strlen(r->in.record) + 1;
	const char *create = columns + strlen(columns) + 1;
	uint64_t rows = 0;
	enum err e;

	if (create >= r->in.record + r->in.n)
		return say(r, E_CORRUPT, "the backup is damaged: a table");
	arena_init(&a, 8 << 20); /* the record's place is taken by rows */
	t.name = arena_copy(&a, r->in.record, strlen(r->in.record));
	t.columns = arena_copy(&a, columns, strlen(columns));
	t.create = arena_copy(&a, create, strlen(create));
	if (!t.name || !t.columns || !t.create) {
		arena_reset(&a);
		return say(r, E_NOMEM, "a table's definition is too long");
	}
	if (!(e = dump_make(r->dump, &t)))
		e = dump_load(r->dump, &t, give_rows, r, &rows);
	if (e && *dump_why(r->dump))
		say(r, e, dump_why(r->dump));
	/* Its end was read, and held against the rows that were. */
	if (!e && (r->in.kind != 'E' || r->in.rows_here != rows))
		e = say(r, E_CORRUPT, "the backup is damaged: rows");
	arena_reset(&a);
	return e;
}

static enum err load_all(struct restoring *r)
{
	enum err e;

	if ((e = dump_open(&r->dump, &r->account)) ||
		(e = dump_begin_load(r->dump)))
		return say(r, e, dump_why(r->dump));
	while (!(e = backup_next(&r->in, r->why)) && r->in.kind)
		if (r->in.kind == 'T' && (e = load_table(r)))
			return e;
	return e;
}

/* What was half made is taken away again: nobody shall take it for whole. */
static void undo(struct restoring *r)
{
	size_t n = strlen(r->why);

	if (schema_verb(r, "DROP DATABASE", ""))
		snprintf(r->why + n, SEAL_WHY - n,
			"; the database %s is not whole: drop it",
			r->conf->database_name);
	else
		snprintf(r->why + n, SEAL_WHY - n,
			"; the database %s was dropped again",
			r->conf->database_name);
}

static enum err restore(struct restoring *r, bool replace)
{
	struct migrate_report report;
	enum err e;

	if ((e = make_schema(r, replace)))
		return e;
	if (!(e = load_all(r))) {
		dump_close(r->dump);
		r->dump = NULL;
		if ((e = migrate(r->conf, &r->account, &report)))
			say(r, e,
				"the rows are there, but the schema cannot be "
				"brought up to date");
	}
	if (e)
		undo(r);
	return e;
}

enum err backup_restore(const struct conf *c, const struct db_account *a,
	const char *path, const unsigned char secret_key[SEAL_KEY],
	bool replace, struct backup_facts *facts, char why[SEAL_WHY])
{
	struct restoring r = {.conf = c, .account = *a, .why = why};
	struct db_account nowhere = *a;
	int64_t begun_ms = when_clock_ms();
	enum err e;

	memset(facts, 0, sizeof(*facts));
	why[0] = '\0';
	if (!plain(c->database_name))
		return say(&r, E_INVALID,
			"a database's name has letters, digits, \"_\", \"-\" "
			"and \".\", 64 at most");
	if ((e = backup_verify(path, secret_key, false, facts, why)))
		return e;
	nowhere.name = "";
	r.account.name = c->database_name;
	r.account.timeout_s = nowhere.timeout_s = BACKUP_TIMEOUT_S;
	if ((e = backup_open(&r.in, path, secret_key, false, why)) ||
		(e = db_open(&r.db, &nowhere))) {
		backup_close(&r.in);
		return e;
	}
	if ((e = db_connect(r.db)))
		say(&r, e, "the database cannot be reached");
	else
		e = restore(&r, replace);
	facts->ms = when_clock_ms() - begun_ms;
	dump_close(r.dump);
	db_close(r.db);
	backup_close(&r.in);
	return e;
}
