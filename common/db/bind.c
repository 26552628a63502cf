// SPDX-License-Identifier: MIT
#include "common/db/bind.h"

#include <stdlib.h>

#include "common/log.h"

static enum enum_field_types type_of(char letter)
{
	switch (letter) {
	case 'i':
		return MYSQL_TYPE_LONGLONG;
	case 'd':
		return MYSQL_TYPE_DOUBLE;
	case 's':
		return MYSQL_TYPE_STRING;
	}
	assert(!"a letter of i, d, s");
	return MYSQL_TYPE_NULL;
}

enum err stmt_bind(MYSQL_STMT *st, enum stmt id, const struct db_cell *args)
{
	const struct stmt_def *def = &stmt_defs[id];
	MYSQL_BIND bind[STMT_ARGS_MAX] = {0};
	size_t n = strlen(def->args);

	if (mysql_stmt_param_count(st) != n || n > STMT_ARGS_MAX) {
		log_error("database: %s: has %lu parameters, %zu letters",
			def->name, mysql_stmt_param_count(st), n);
		return E_INVALID;
	}
	for (size_t k = 0; k < n; k++) {
		/* The connector's argument buffers are not const, though it
		 * only reads them. */
		struct db_cell *c = (struct db_cell *)(uintptr_t)&args[k];

		bind[k].buffer_type =
			c->null ? MYSQL_TYPE_NULL : type_of(def->args[k]);
		bind[k].buffer = &c->i;
		if (def->args[k] == 'd')
			bind[k].buffer = &c->d;
		if (def->args[k] == 's') {
			bind[k].buffer = (char *)(uintptr_t)c->s.at;
			bind[k].buffer_length = c->s.n;
		}
	}
	if (n && mysql_stmt_bind_param(st, bind)) {
		log_error("database: %s: %s", def->name, mysql_stmt_error(st));
		return E_DB;
	}
	return E_OK;
}

/* Where the connector puts one row. */
struct landing {
	MYSQL_BIND bind[STMT_COLS_MAX];
	unsigned long len[STMT_COLS_MAX];
	my_bool null[STMT_COLS_MAX], cut[STMT_COLS_MAX];
	struct db_cell cell[STMT_COLS_MAX];
};

static void prepare_landing(struct landing *l, const char *letters)
{
	for (size_t k = 0; letters[k]; k++) {
		MYSQL_BIND *b = &l->bind[k];

		b->buffer_type = type_of(letters[k]);
		b->length = &l->len[k];
		b->is_null = &l->null[k];
		b->error = &l->cut[k];
		b->buffer = letters[k] == 'd' ? (void *)&l->cell[k].d
					      : (void *)&l->cell[k].i;
		/* Text has no room here on purpose: its length comes first,
		 * then fetch_text copies it once. */
		if (letters[k] == 's')
			b->buffer = NULL;
	}
}

static enum err fetch_text(MYSQL_STMT *st, unsigned col, size_t n,
	struct arena *a, struct slice *s)
{
	MYSQL_BIND b = {0};
	unsigned long len = 0;
	my_bool null = 0, cut = 0;
	char *p = arena_alloc(a, n + 1);

	if (!p)
		return E_TOO_BIG;
	b.buffer_type = MYSQL_TYPE_STRING;
	b.buffer = p;
	b.buffer_length = n;
	b.length = &len;
	b.is_null = &null;
	b.error = &cut;
	if (n && mysql_stmt_fetch_column(st, &b, col, 0))
		return E_DB;
	*s = (struct slice){p, n};
	return E_OK;
}

/* The row in the landing, into cells. */
static enum err take_row(MYSQL_STMT *st, enum stmt id, struct landing *l,
	struct arena *a, struct db_cell *to)
{
	const char *letters = stmt_defs[id].cols;
	enum err e;

	for (unsigned k = 0; letters[k]; k++) {
		if (l->null[k]) {
			to[k].null = true;
		} else if (letters[k] == 's') {
			if ((e = fetch_text(st, k, l->len[k], a, &to[k].s)))
				return e;
		} else if (letters[k] == 'd') {
			to[k].d = l->cell[k].d;
		} else if (l->cut[k]) {
			log_error("database: %s: column %u does not fit 64 "
				  "bits",
				stmt_defs[id].name, k + 1);
			return E_INVALID;
		} else {
			to[k].i = l->cell[k].i;
		}
	}
	return E_OK;
}

enum err stmt_store(MYSQL_STMT *st, enum stmt id, struct arena *a,
	size_t rows_max, struct db_rows *out)
{
	const struct stmt_def *def = &stmt_defs[id];
	size_t cols = strlen(def->cols), n = mysql_stmt_num_rows(st), r;
	struct landing l = {0};
	enum err e;
	int got;

	*out = (struct db_rows){.cols = (unsigned)cols};
	if (mysql_stmt_field_count(st) != cols || cols > STMT_COLS_MAX) {
		log_error("database: %s: returns %u columns, %zu letters",
			def->name, mysql_stmt_field_count(st), cols);
		return E_INVALID;
	}
	if (n > rows_max)
		return E_TOO_BIG;
	if (!n)
		return E_OK;
	if (!(out->cell = arena_alloc(a, n * cols * sizeof(*out->cell))))
		return E_TOO_BIG;
	prepare_landing(&l, def->cols);
	if (mysql_stmt_bind_result(st, l.bind)) {
		log_error("database: %s: %s", def->name, mysql_stmt_error(st));
		return E_DB;
	}
	for (r = 0; r < n; r++) {
		got = mysql_stmt_fetch(st);
		if (got && got != MYSQL_DATA_TRUNCATED) {
			log_error("database: %s: %s", def->name,
				mysql_stmt_error(st));
			return E_DB;
		}
		if ((e = take_row(st, id, &l, a, out->cell + r * cols)))
			return e;
	}
	out->n = n;
	return E_OK;
}

static enum err read_cell(char letter, const char *s, size_t n, struct arena *a,
	struct db_cell *to)
{
	if (!s) {
		to->null = true;
	} else if (letter == 'i') {
		to->i = strtoll(s, NULL, 10);
	} else if (letter == 'd') {
		to->d = strtod(s, NULL);
	} else {
		to->s = (struct slice){arena_copy(a, s, n), n};
		return to->s.at ? E_OK : E_TOO_BIG;
	}
	return E_OK;
}

enum err text_store(
	MYSQL_RES *res, enum stmt id, struct arena *a, struct db_rows *out)
{
	const struct stmt_def *def = &stmt_defs[id];
	size_t cols = strlen(def->cols), n = mysql_num_rows(res);
	struct db_cell *to;
	enum err e = E_OK;

	*out = (struct db_rows){.cols = (unsigned)cols};
	if (mysql_num_fields(res) != cols) {
		log_error("database: %s: returns %u columns, %zu letters",
			def->name, mysql_num_fields(res), cols);
		return E_INVALID;
	}
	if (!(to = out->cell = arena_alloc(a, n * cols * sizeof(*to) + 1)))
		return E_TOO_BIG;
	for (MYSQL_ROW row; !e && (row = mysql_fetch_row(res)); out->n++)
		for (size_t k = 0; !e && k < cols; k++)
			e = read_cell(def->cols[k], row[k],
				mysql_fetch_lengths(res)[k], a, to++);
	return e;
}
