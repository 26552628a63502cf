// SPDX-License-Identifier: MIT
#include "common/db/dump.h"

#include <errmsg.h>
#include <mysqld_error.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/db/conn.h"
#include "common/text.h"
#include "common/token.h"

enum { PIECE_MAX = 1 << 30, ROW_MIN = 4096 };

struct dump {
	MYSQL *my;
	_Atomic int fd;
	char why[400];
	/* dump_load */
	dump_give *give;
	void *arg;
	struct slice piece; /* what is left of the last one given */
	enum err give_err;
	bool over;	/* the last one was given */
	size_t sent;	/* by this LOAD DATA */
	uint64_t lines; /* likewise */
};

static enum err failed(struct dump *d, const char *what)
{
	enum err e = conn_meaning(mysql_errno(d->my));

	snprintf(d->why, sizeof(d->why), "database: %s: %u %s%s", what,
		mysql_errno(d->my), mysql_error(d->my),
		mysql_errno(d->my) == ER_NOT_ALLOWED_COMMAND
			? " (the server must allow it: SET GLOBAL local_infile "
			  "= ON)"
			: "");
	return e ? e : E_DB;
}

static enum err refuse(struct dump *d, enum err e, const char *what)
{
	snprintf(d->why, sizeof(d->why), "%s", what);
	return e;
}

static enum err run(struct dump *d, const char *sql, const char *what)
{
	MYSQL_RES *res;

	if (mysql_real_query(d->my, sql, strlen(sql)))
		return failed(d, what);
	if ((res = mysql_store_result(d->my)))
		mysql_free_result(res);
	return mysql_errno(d->my) ? failed(d, what) : E_OK;
}

/* The first row of an answer; *res is the caller's to free. */
static enum err ask(struct dump *d, const char *sql, const char *what,
	MYSQL_RES **res, MYSQL_ROW *row)
{
	*row = NULL;
	if (mysql_real_query(d->my, sql, strlen(sql)) ||
		!(*res = mysql_store_result(d->my))) {
		*res = NULL;
		return failed(d, what);
	}
	*row = mysql_fetch_row(*res);
	return E_OK;
}

enum err dump_open(struct dump **made, const struct db_account *a)
{
	char password[CONN_PASSWORD_MAX];
	struct dump *d = calloc(1, sizeof(*d));
	unsigned one = 1;
	bool ok;
	enum err e;

	*made = d;
	if (!d)
		return E_NOMEM;
	d->fd = -1;
	if ((e = conn_password(a, password)))
		return refuse(d, e, "the password file cannot be read");
	if (!(d->my = conn_new(a, false))) {
		token_wipe(password, sizeof(password));
		return refuse(d, E_NOMEM, "out of memory");
	}
	/* Only dump_load's own reader answers it, whatever the server asks. */
	mysql_options(d->my, MYSQL_OPT_LOCAL_INFILE, &one);
	ok = mysql_real_connect(d->my, conn_or_null(a->host), a->user, password,
		conn_or_null(a->name), a->port,
		*a->host ? NULL : conn_or_null(a->socket), 0);
	token_wipe(password, sizeof(password));
	if (!ok)
		return failed(d, "cannot connect");
	d->fd = mysql_get_socket(d->my);
	return conn_check(d->my, a, d->why);
}

void dump_close(struct dump *d)
{
	if (!d)
		return;
	d->fd = -1;
	if (d->my)
		mysql_close(d->my);
	free(d);
}

const char *dump_why(const struct dump *d)
{
	return d ? d->why : "out of memory";
}

void dump_interrupt(struct dump *d)
{
	int fd = d->fd;

	if (fd >= 0)
		shutdown(fd, SHUT_RDWR);
}

/* ---- out */

enum err dump_begin(struct dump *d)
{
	MYSQL_RES *res;
	MYSQL_ROW row;
	bool mine;
	enum err e;

	e = ask(d, "SELECT GET_LOCK(CONCAT(DATABASE(), '.backup'), 0)",
		"the backup's lock", &res, &row);
	if (e)
		return e;
	mine = row && row[0] && *row[0] == '1';
	mysql_free_result(res);
	if (!mine)
		return refuse(
			d, E_BUSY, "another backup of this schema is at work");
	if ((e = run(d,
		     "SET sql_mode = '', character_set_results = NULL, "
		     "tx_isolation = 'REPEATABLE-READ', max_statement_time = "
		     "0, net_write_timeout = 3600, sql_quote_show_create = 1",
		     "session")))
		return e;
	return run(d, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
		"snapshot");
}

static void quote(struct text *t, const char *name)
{
	text_add(t, "`", 1);
	for (; *name; name++)
		text_add(t, *name == '`' ? "``" : name, *name == '`' ? 2 : 1);
	text_add(t, "`", 1);
}

/* Types whose text is not their value. */
static bool unfit(const MYSQL_FIELD *f)
{
	return f->type == MYSQL_TYPE_BIT || f->type == MYSQL_TYPE_GEOMETRY;
}

static enum err check_types(struct dump *d, MYSQL_RES *res, const char *table)
{
	const MYSQL_FIELD *f = mysql_fetch_fields(res);

	for (unsigned i = 0; i < mysql_num_fields(res); i++)
		if (unfit(&f[i])) {
			snprintf(d->why, sizeof(d->why),
				"%s.%s: a column of type BIT or GEOMETRY "
				"cannot be backed up; such a table "
				"belongs in a schema of its own",
				table, f[i].name);
			return E_INVALID;
		}
	return E_OK;
}

static enum err columns_of(
	struct dump *d, struct arena *a, struct dump_table *t)
{
	struct text sql, list, values;
	char *name = malloc(2 * strlen(t->name) + 1);
	MYSQL_RES *res = NULL;
	MYSQL_ROW row = NULL;
	enum err e = name ? E_OK : E_NOMEM;

	text_init(&sql, 65536);
	text_init(&list, 1 << 20);
	text_init(&values, 1 << 20);
	if (!e) {
		mysql_real_escape_string(d->my, name, t->name, strlen(t->name));
		text_printf(&sql,
			"SELECT column_name, data_type = 'float' "
			"FROM information_schema.columns WHERE table_schema = "
			"DATABASE() AND table_name = '%s' "
			"AND is_generated = 'NEVER' ORDER BY ordinal_position",
			name);
		e = ask(d, sql.at, "columns", &res, &row);
	}
	for (; !e && row; row = mysql_fetch_row(res)) {
		text_str(&list, list.n ? ", " : "");
		quote(&list, row[0]);
		/* As text a FLOAT has lost digits. */
		text_str(&values, values.n ? ", " : "");
		text_str(&values, *row[1] == '1' ? "1e0 * " : "");
		quote(&values, row[0]);
	}
	if (!e && list.at && values.at) {
		t->columns = arena_copy(a, list.at, list.n);
		t->values = arena_copy(a, values.at, values.n);
	}
	if (!e && !(t->columns && t->values))
		e = refuse(d, E_DB, "a table has no columns of its own");
	mysql_free_result(res);
	text_free(&sql);
	text_free(&list);
	text_free(&values);
	free(name);
	return e;
}

/* Looked into first: from then on nobody can alter it. */
static enum err describe(struct dump *d, struct arena *a, struct dump_table *t)
{
	struct text sql;
	MYSQL_RES *res = NULL;
	MYSQL_ROW row = NULL;
	enum err e;

	text_init(&sql, 4096);
	text_str(&sql, "SELECT 1 FROM ");
	quote(&sql, t->name);
	text_str(&sql, " LIMIT 1");
	if (!(e = run(d, sql.at, t->name))) {
		text_clear(&sql);
		text_str(&sql, "SHOW CREATE TABLE ");
		quote(&sql, t->name);
		e = ask(d, sql.at, t->name, &res, &row);
	}
	if (!e && row)
		t->create = arena_copy(a, row[1], strlen(row[1]));
	if (!e && !t->create)
		e = refuse(d, E_NOMEM, "out of memory");
	mysql_free_result(res);
	text_free(&sql);
	return e ? e : columns_of(d, a, t);
}

enum err dump_tables(
	struct dump *d, struct arena *a, struct dump_table **tables, size_t *n)
{
	MYSQL_RES *res;
	MYSQL_ROW row;
	enum err e;

	*n = 0;
	*tables = arena_alloc(a, DUMP_TABLES_MAX * sizeof(**tables));
	if (!*tables)
		return refuse(d, E_NOMEM, "out of memory");
	e = ask(d,
		"SELECT table_name FROM information_schema.tables "
		"WHERE table_schema = DATABASE() AND table_type = 'BASE "
		"TABLE' ORDER BY table_name",
		"tables", &res, &row);
	if (e)
		return e;
	for (; !e && row; row = mysql_fetch_row(res)) {
		struct dump_table *t = *tables + *n;

		if (*n == DUMP_TABLES_MAX)
			e = refuse(d, E_TOO_BIG, "over 4096 tables");
		else if (!(t->name = arena_copy(a, row[0], strlen(row[0]))))
			e = refuse(d, E_NOMEM, "out of memory");
		else
			++*n;
	}
	mysql_free_result(res);
	for (size_t i = 0; !e && i < *n; i++)
		e = describe(d, a, &(*tables)[i]);
	return e;
}

/* A value; bytes that mean something to LOAD DATA get their backslash. */
static void put_value(struct text *t, const char *s, size_t n)
{
	static const char letter[256] = {
		['\\'] = '\\', ['\t'] = 't', ['\n'] = 'n', [0] = '0'};
	size_t from = 0;

	for (size_t i = 0; i < n; i++) {
		char c = letter[(unsigned char)s[i]];

		if (!c)
			continue;
		text_add(t, s + from, i - from);
		text_add(t, (char[]){'\\', c}, 2);
		from = i + 1;
	}
	text_add(t, s + from, n - from);
}

static void put_row(struct text *t, MYSQL_ROW row, const unsigned long *len,
	unsigned columns)
{
	for (unsigned i = 0; i < columns; i++) {
		if (i)
			text_add(t, "\t", 1);
		if (row[i])
			put_value(t, row[i], len[i]);
		else
			text_add(t, "\\N", 2);
	}
	text_add(t, "\n", 1);
}

static enum err take_rows(struct dump *d, MYSQL_RES *res, dump_take *take,
	void *arg, uint64_t *rows)
{
	unsigned columns = mysql_num_fields(res);
	struct text piece;
	MYSQL_ROW row;
	enum err e = E_OK;

	text_init(&piece, PIECE_MAX);
	text_reserve(&piece, DUMP_PIECE + ROW_MIN);
	while (!e && (row = mysql_fetch_row(res))) {
		put_row(&piece, row, mysql_fetch_lengths(res), columns);
		++*rows;
		if (piece.full)
			e = refuse(d, E_TOO_BIG, "a row is over 1 GiB");
		else if (piece.n >= DUMP_PIECE) {
			e = take(arg, piece.at, piece.n);
			text_clear(&piece);
		}
	}
	if (!e && mysql_errno(d->my))
		e = failed(d, "reading");
	if (!e && piece.n)
		e = take(arg, piece.at, piece.n);
	text_free(&piece);
	return e;
}

enum err dump_rows(struct dump *d, const struct dump_table *t, dump_take *take,
	void *arg, uint64_t *rows)
{
	struct text sql;
	MYSQL_RES *res = NULL;
	enum err e = E_OK;

	*rows = 0;
	d->why[0] = '\0';
	text_init(&sql, 2 << 20);
	text_printf(&sql, "SELECT %s FROM ", t->values);
	quote(&sql, t->name);
	if (mysql_real_query(d->my, sql.at, sql.n) ||
		!(res = mysql_use_result(d->my)))
		e = failed(d, t->name);
	text_free(&sql);
	if (!e)
		e = check_types(d, res, t->name);
	if (!e)
		e = take_rows(d, res, take, arg, rows);
	/* Who stops in the middle does not wait for the rest. */
	if (e)
		dump_interrupt(d);
	mysql_free_result(res);
	return e;
}

/* ---- in */

enum err dump_begin_load(struct dump *d)
{
	return run(d,
		"SET sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,"
		"NO_ENGINE_SUBSTITUTION', foreign_key_checks = 0, "
		"max_statement_time = 0, net_read_timeout = 3600",
		"session");
}

enum err dump_make(struct dump *d, const struct dump_table *t)
{
	return run(d, t->create, t->name);
}

/* The connector's reader of a "local file": the pieces that are given. */
static int local_init(void **out, const char *file, void *arg)
{
	struct dump *d = arg;

	(void)file;
	d->sent = 0;
	d->lines = 0;
	*out = d;
	return 0;
}

static void take_piece(struct dump *d)
{
	d->give_err = d->give(d->arg, &d->piece);
	if (d->give_err || !d->piece.n)
		d->over = true;
	for (size_t i = 0; !d->over && i < d->piece.n; i++)
		d->lines += d->piece.at[i] == '\n';
}

static int local_read(void *arg, char *to, unsigned max)
{
	struct dump *d = arg;
	size_t n;

	if (!d->over && !d->piece.n && d->sent < DUMP_LOAD)
		take_piece(d);
	if (d->give_err)
		return -1;
	n = d->piece.n < max ? d->piece.n : max;
	memcpy(to, d->piece.at ? d->piece.at : "", n);
	d->piece.at += n;
	d->piece.n -= n;
	d->sent += n;
	return (int)n;
}

static void local_end(void *arg)
{
	(void)arg;
}

static int local_error(void *arg, char *text, unsigned max)
{
	(void)arg;
	snprintf(text, max, "the rows cannot be read");
	return CR_UNKNOWN_ERROR;
}

/* LOCAL makes warnings of what else were errors. */
static enum err all_in(struct dump *d, const char *table)
{
	uint64_t stored = mysql_affected_rows(d->my);
	MYSQL_RES *res;
	MYSQL_ROW row;

	if (stored == d->lines && !mysql_warning_count(d->my))
		return E_OK;
	snprintf(d->why, sizeof(d->why), "%s: of %llu rows %llu went in", table,
		(unsigned long long)d->lines, (unsigned long long)stored);
	if (!ask(d, "SHOW WARNINGS LIMIT 1", table, &res, &row)) {
		if (row)
			snprintf(d->why, sizeof(d->why),
				"%s: of %llu rows %llu went in: %s", table,
				(unsigned long long)d->lines,
				(unsigned long long)stored, row[2]);
		mysql_free_result(res);
	}
	return E_DB;
}

static enum err load_some(struct dump *d, const struct text *sql,
	const char *table, uint64_t *rows)
{
	enum err e;

	mysql_set_local_infile_handler(
		d->my, local_init, local_read, local_end, local_error, d);
	if (mysql_real_query(d->my, sql->at, sql->n))
		e = d->give_err ? d->give_err : failed(d, table);
	else
		e = all_in(d, table);
	*rows += d->lines;
	return e;
}

enum err dump_load(struct dump *d, const struct dump_table *t, dump_give *give,
	void *arg, uint64_t *rows)
{
	struct text sql;
	enum err e = E_OK;

	*rows = 0;
	d->why[0] = '\0';
	d->give = give;
	d->arg = arg;
	d->give_err = E_OK;
	d->over = false;
	d->piece = (struct slice){NULL, 0};
	text_init(&sql, 2 << 20);
	text_str(&sql, "LOAD DATA LOCAL INFILE 'backup' INTO TABLE ");
	quote(&sql, t->name);
	text_printf(&sql, " CHARACTER SET binary (%s)", t->columns);
	/* The first piece decides whether there is anything to load. */
	while (!e && !d->over)
		e = load_some(d, &sql, t->name, rows);
	text_free(&sql);
	return e;
}
