// SPDX-License-Identifier: MIT
#include "common/db/sync.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "common/db/bind.h"
#include "common/db/conn.h"
#include "common/log.h"
#include "common/text.h"
#include "common/token.h"
#include "common/when.h"

/* An attempt that failed slowly is not made again for a while. */
enum { RETRY_MS = 1000, SLOW_MS = 100 };

struct db {
	struct db_account account;
	MYSQL *my; /* NULL while not connected */
	MYSQL_STMT *stmt[STMT_COUNT];
	bool in_tx;
	enum err tx_lost; /* why the open transaction is void, or E_OK */
	uint64_t affected, insert_id;
	unsigned error_no;
	char error_text[512];
	int64_t tried_ms; /* when connecting last failed */
	bool failing;	  /* lost or not reached: the cause is logged */
	unsigned logged_no;
	uint32_t told[STMT_COUNT]; /* how it failed the last time; 0: it worked
				    */
	_Atomic int fd; /* of the connection, -1 without: for db_interrupt */
	_Atomic bool interrupted;
};

enum err db_open(struct db **db, const struct db_account *a)
{
	if (!(*db = calloc(1, sizeof(**db))))
		return E_NOMEM;
	(*db)->account = *a;
	(*db)->tried_ms = -RETRY_MS;
	(*db)->fd = -1;
	return E_OK;
}

static void disconnect(struct db *db)
{
	db->fd = -1;
	for (size_t i = 0; i < STMT_COUNT; i++) {
		if (db->stmt[i])
			mysql_stmt_close(db->stmt[i]);
		db->stmt[i] = NULL;
	}
	if (db->my)
		mysql_close(db->my);
	db->my = NULL;
}

void db_interrupt(struct db *db)
{
	int fd;

	db->interrupted = true;
	if ((fd = db->fd) >= 0)
		shutdown(fd, SHUT_RDWR);
}

void db_close(struct db *db)
{
	if (!db)
		return;
	disconnect(db);
	free(db);
}

static void remember(struct db *db, unsigned number, const char *text)
{
	db->error_no = number;
	snprintf(db->error_text, sizeof(db->error_text), "%s", text);
}

/* The one place where a statement's failure is understood and told. */
static enum err failed(struct db *db, unsigned number, const char *text,
	const char *what, bool told)
{
	enum err e = conn_meaning(number);

	remember(db, number, text);
	if (e == E_DB_GONE)
		log_warn("database: %s: connection lost: %u %s", what, number,
			db->error_text);
	else if (e != E_BUSY && e != E_EXISTS && !told)
		log_error("database: %s: %u %s", what, number, db->error_text);
	if (e == E_DB_GONE) {
		disconnect(db);
		db->failing = true; /* told; the return will be, too */
		db->logged_no = number;
	}
	if (db->in_tx && (e == E_DB_GONE || e == E_BUSY))
		db->tx_lost = e;
	return e;
}

static enum err connect_failed(
	struct db *db, enum err e, const char *why, int64_t begun_ms)
{
	int64_t now = when_clock_ms();

	disconnect(db);
	/* Refused at once costs nothing, and the server may be back soon. */
	if (now - begun_ms >= SLOW_MS)
		db->tried_ms = now;
	/* Once per cause, however often it is tried. */
	if (!db->failing || db->logged_no != db->error_no)
		log_warn("database: %s", why);
	db->failing = true;
	db->logged_no = db->error_no;
	return e;
}

enum err db_connect(struct db *db)
{
	const struct db_account *a = &db->account;
	char password[CONN_PASSWORD_MAX], why[200], words[CONN_WORDS];
	int64_t begun_ms = when_clock_ms();
	enum err e;
	bool ok;

	if (db->interrupted)
		return E_DB_GONE;
	if (db->my)
		return E_OK;
	if (begun_ms - db->tried_ms < RETRY_MS)
		return E_DB_GONE;
	if (conn_password(a, password)) {
		remember(db, 0, "the password file cannot be read");
		db->tried_ms = when_clock_ms();
		return E_DB_GONE;
	}
	if (!(db->my = conn_new(a, false))) {
		token_wipe(password, sizeof(password));
		return E_NOMEM;
	}
	ok = mysql_real_connect(db->my, conn_or_null(a->host), a->user,
		password, conn_or_null(a->name), a->port,
		*a->host ? NULL : conn_or_null(a->socket),
		a->lists ? CLIENT_MULTI_STATEMENTS : 0);
	token_wipe(password, sizeof(password));
	if (!ok) {
		remember(db, mysql_errno(db->my), conn_words(db->my, a, words));
		return connect_failed(db, E_DB_GONE, db->error_text, begun_ms);
	}
	if ((e = conn_check(db->my, a, why))) {
		remember(db, 0, why);
		return connect_failed(db, e, why, begun_ms);
	}
	db->fd = mysql_get_socket(db->my);
	/* It may have come before there was anything to cut. */
	if (db->interrupted) {
		disconnect(db);
		return E_DB_GONE;
	}
	if (db->failing)
		log_info("database: connected again");
	db->failing = false;
	return E_OK;
}

/* A prepared statement failed.  Told once a cause, until it works again. */
static enum err stmt_failed(struct db *db, enum stmt id, MYSQL_STMT *st)
{
	const char *text = mysql_stmt_error(st);
	uint32_t cause = text_hash(mysql_stmt_errno(st), text);
	bool told;

	told = db->told[id] == cause;
	db->told[id] = cause;
	return failed(db, mysql_stmt_errno(st), text, stmt_defs[id].name, told);
}

static enum err ready(struct db *db)
{
	return db->tx_lost ? db->tx_lost : db_connect(db);
}

/* The prepared statement. */
static enum err prepared(struct db *db, enum stmt id, MYSQL_STMT **st)
{
	const struct stmt_def *def = &stmt_defs[id];
	enum err e;

	if ((e = ready(db)))
		return e;
	if ((*st = db->stmt[id]))
		return E_OK;
	if (!(*st = mysql_stmt_init(db->my)))
		return E_NOMEM;
	if (mysql_stmt_prepare(*st, def->text, strlen(def->text))) {
		e = stmt_failed(db, id, *st);
		/* Its connection may be closed by now; it still owns memory. */
		mysql_stmt_close(*st);
		return e;
	}
	db->stmt[id] = *st;
	return E_OK;
}

/* Takes the first result set, and whatever follows it up to the final OK of a
 * CALL, so that the connection is free again. */
static enum err take_results(
	struct db *db, enum stmt id, struct arena *a, struct db_rows *out)
{
	MYSQL_STMT *st = db->stmt[id];
	enum err e = E_OK;

	for (;;) {
		if (mysql_stmt_field_count(st)) {
			if (mysql_stmt_store_result(st))
				return stmt_failed(db, id, st);
			if (out && !e)
				e = stmt_store(st, id, a, DB_ROWS_MAX, out);
			out = NULL;
		} else {
			db->affected = mysql_stmt_affected_rows(st);
			db->insert_id = mysql_stmt_insert_id(st);
		}
		if (!mysql_stmt_more_results(st))
			break;
		if (mysql_stmt_next_result(st) > 0)
			return stmt_failed(db, id, st);
	}
	mysql_stmt_free_result(st);
	db->told[id] = 0;
	return e;
}

enum err db_run(struct db *db, enum stmt id, const struct db_cell *args,
	struct arena *a, struct db_rows *out)
{
	MYSQL_STMT *st;
	enum err e;

	if (out)
		*out = (struct db_rows){
			.cols = (unsigned)strlen(stmt_defs[id].cols)};
	if ((e = prepared(db, id, &st)))
		return e;
	if ((e = stmt_bind(st, id, args)))
		return e;
	if (mysql_stmt_execute(st))
		return stmt_failed(db, id, st);
	return take_results(db, id, a, out);
}

/* One result of a text.  Rows go to out, if there is one. */
static enum err take_result(struct db *db, const char *what, enum stmt rows_of,
	struct arena *a, struct db_rows *out)
{
	MYSQL_RES *res = mysql_store_result(db->my);
	enum err e = E_OK;

	if (!res && mysql_field_count(db->my))
		return failed(db, mysql_errno(db->my), mysql_error(db->my),
			what, false);
	if (!res)
		db->affected = mysql_affected_rows(db->my);
	else if (out)
		e = text_store(res, rows_of, a, out);
	mysql_free_result(res);
	return e;
}

static enum err text(struct db *db, const char *sql, size_t n, const char *what,
	enum stmt rows_of, struct arena *a, struct db_rows *out)
{
	enum err e, worst = E_OK;
	int more;

	if ((e = ready(db)))
		return e;
	if (mysql_real_query(db->my, sql, n))
		return failed(db, mysql_errno(db->my), mysql_error(db->my),
			what, false);
	do {
		if ((e = take_result(db, what, rows_of, a, out)))
			worst = e;
		if (worst == E_DB_GONE)
			return worst;
		more = mysql_next_result(db->my);
	} while (more == 0);
	if (more > 0)
		return failed(db, mysql_errno(db->my), mysql_error(db->my),
			what, false);
	return worst;
}

enum err db_text(struct db *db, const char *sql, size_t n)
{
	return text(db, sql, n, "list of values", 0, NULL, NULL);
}

enum err db_script(struct db *db, const char *sql, size_t n, const char *what)
{
	return text(db, sql, n, what, 0, NULL, NULL);
}

static enum err verb(struct db *db, enum stmt id)
{
	const struct stmt_def *def = &stmt_defs[id];

	return text(db, def->text, strlen(def->text), def->name, 0, NULL, NULL);
}

/* What begins a transaction, and perhaps more. */
struct beginning {
	const char *sql, *what;
	size_t n;
	enum stmt rows_of;
	struct arena *a;
	struct db_rows *out;
};

static enum err begin(struct db *db, const struct beginning *b)
{
	bool stale = db->my;
	int64_t begun_ms = when_clock_ms();
	enum err e;

	assert(!db->in_tx);
	e = text(db, b->sql, b->n, b->what, b->rows_of, b->a, b->out);
	/* A connection may have died while it was idle, which shows at once;
	 * nothing is lost by beginning again on a new one. */
	if (e == E_DB_GONE && stale && when_clock_ms() - begun_ms < RETRY_MS)
		e = text(db, b->sql, b->n, b->what, b->rows_of, b->a, b->out);
	return e;
}

static enum err begin_by(struct db *db, enum stmt id)
{
	const struct stmt_def *def = &stmt_defs[id];
	enum err e = begin(db,
		&(struct beginning){.sql = def->text,
			.n = strlen(def->text),
			.what = def->name});

	db->in_tx = !e;
	return e;
}

enum err db_begin(struct db *db)
{
	return begin_by(db, Q_BEGIN);
}

enum err db_begin_read(struct db *db)
{
	return begin_by(db, Q_BEGIN_READ);
}

enum err db_lists(struct db *db, const char *sql, size_t n, enum stmt rows_of,
	struct arena *a, struct db_rows *out)
{
	const char *what = stmt_defs[rows_of].name;
	enum err e;

	*out = (struct db_rows){0};
	if (db->in_tx)
		e = text(db, sql, n, what, rows_of, a, out);
	else
		e = begin(db,
			&(struct beginning){.sql = sql,
				.n = n,
				.what = what,
				.rows_of = rows_of,
				.a = a,
				.out = out});
	/* Whatever failed may have followed on the beginning. */
	db->in_tx = true;
	if (e == E_DB_GONE || e == E_BUSY)
		db->tx_lost = e;
	return e;
}

void db_committed(struct db *db)
{
	assert(db->in_tx);
	db->in_tx = false;
}

enum err db_commit(struct db *db)
{
	enum err e;

	assert(db->in_tx);
	e = verb(db, Q_COMMIT);
	/* A COMMIT that failed may leave the transaction open. */
	if (e && db->my)
		db_rollback(db);
	db->in_tx = false;
	db->tx_lost = E_OK;
	return e;
}

enum err db_rollback(struct db *db)
{
	db->in_tx = false;
	db->tx_lost = E_OK;
	/* Without a connection the server has rolled back by itself. */
	if (!db->my)
		return E_OK;
	if (verb(db, Q_ROLLBACK))
		disconnect(db);
	return E_OK;
}

uint64_t db_affected(const struct db *db)
{
	return db->affected;
}

uint64_t db_insert_id(const struct db *db)
{
	return db->insert_id;
}

unsigned db_error_no(const struct db *db)
{
	return db->error_no;
}

const char *db_error_text(const struct db *db)
{
	return db->error_text;
}

/*
 * Bulk: the connector wants each parameter's values as a column.  One
 * allocation holds them all: per parameter n values of 8 bytes, n lengths and
 * n indicators.
 */
static void fill(MYSQL_BIND *b, char letter, const struct db_cell *cells,
	size_t cols, size_t n)
{
	for (size_t r = 0; r < n; r++) {
		const struct db_cell *c = &cells[r * cols];

		b->u.indicator[r] =
			c->null ? STMT_INDICATOR_NULL : STMT_INDICATOR_NONE;
		b->length[r] = c->s.n;
		if (letter == 'i')
			((int64_t *)b->buffer)[r] = c->i;
		else if (letter == 'd')
			((double *)b->buffer)[r] = c->d;
		else
			((const char **)b->buffer)[r] = c->s.at;
	}
}

static char *make_columns(MYSQL_BIND *bind, const char *letters,
	const struct db_cell *cells, size_t n)
{
	static const size_t each = 8 + sizeof(unsigned long) + 1;
	size_t cols = strlen(letters);
	char *block = calloc(cols * n, each), *p = block;

	_Static_assert(sizeof(int64_t) == 8 && sizeof(double) == 8 &&
			sizeof(char *) <= 8,
		"a value takes 8 bytes");
	if (!block)
		return NULL;
	for (size_t k = 0; k < cols; k++) {
		MYSQL_BIND *b = &bind[k];

		b->buffer_type = letters[k] == 'i' ? MYSQL_TYPE_LONGLONG
			: letters[k] == 'd'	   ? MYSQL_TYPE_DOUBLE
						   : MYSQL_TYPE_STRING;
		b->buffer = p;
		b->length = (unsigned long *)(p + 8 * n);
		b->u.indicator = block + (8 + sizeof(long)) * n * cols + k * n;
		p += (8 + sizeof(long)) * n;
		fill(b, letters[k], cells + k, cols, n);
	}
	return block;
}

enum err db_run_bulk(
	struct db *db, enum stmt id, const struct db_cell *cells, size_t n)
{
	const char *letters = stmt_defs[id].args;
	MYSQL_BIND bind[STMT_ARGS_MAX] = {0};
	unsigned rows = (unsigned)n, none = 0;
	char *block;
	MYSQL_STMT *st;
	enum err e;

	assert(*letters && strlen(letters) <= STMT_ARGS_MAX && n <= UINT32_MAX);
	if (!n)
		return E_OK;
	if ((e = prepared(db, id, &st)))
		return e;
	if (mysql_stmt_param_count(st) != strlen(letters))
		return E_INVALID;
	if (!(block = make_columns(bind, letters, cells, n)))
		return E_NOMEM;
	mysql_stmt_attr_set(st, STMT_ATTR_ARRAY_SIZE, &rows);
	if (mysql_stmt_bind_param(st, bind) || mysql_stmt_execute(st))
		e = stmt_failed(db, id, st);
	else
		e = take_results(db, id, NULL, NULL);
	/* The next db_run takes one set; the statement is gone with its
	 * connection where that was lost. */
	if (db->stmt[id])
		mysql_stmt_attr_set(db->stmt[id], STMT_ATTR_ARRAY_SIZE, &none);
	free(block);
	return e;
}
