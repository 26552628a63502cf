// SPDX-License-Identifier: MIT
#include "analytics/sqluser.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/sqlfile.h"
#include "common/json.h"
#include "common/log.h"
#include "common/text.h"
#include "common/token.h"

enum {
	ACCOUNT_MAX = SQLUSER_NAME_MAX + SQLUSER_HOST + 8,
	CANNOT_USER = 1396 /* CREATE USER: it is there */
};

/* ---- networks */

static enum err no(char why[200], const char *text)
{
	snprintf(why, 200, "%s", text);
	return E_INVALID;
}

static enum err network4(
	struct sqluser *u, struct in_addr at, int bits, char why[200])
{
	uint32_t mask = bits ? ~UINT32_C(0) << (32 - bits) : 0;
	struct in_addr m = {htonl(mask)}, base = {at.s_addr & m.s_addr};
	char text[INET_ADDRSTRLEN], mask_text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &base, text, sizeof(text));
	inet_ntop(AF_INET, &m, mask_text, sizeof(mask_text));
	if (!bits)
		return no(why,
			"would let in the whole internet; name the network");
	if (base.s_addr != at.s_addr) {
		snprintf(why, 200,
			"has bits behind its /%d; the network is %s/%d", bits,
			text, bits);
		return E_INVALID;
	}
	snprintf(u->host, sizeof(u->host), "%s", text);
	snprintf(u->network, sizeof(u->network), "%s", text);
	if (bits < 32) {
		snprintf(u->host, sizeof(u->host), "%s/%s", text, mask_text);
		snprintf(u->network, sizeof(u->network), "%s/%d", text, bits);
	}
	return E_OK;
}

/* MariaDB compares IPv6 addresses as text, in the shortest form. */
static enum err network6(
	struct sqluser *u, const struct in6_addr *at, int bits, char why[200])
{
	if (bits != 128)
		return no(why,
			"MariaDB's accounts know no IPv6 networks; name single "
			"addresses");
	if (IN6_IS_ADDR_V4MAPPED(at))
		return no(why, "is an IPv4 address; write it as one");
	inet_ntop(AF_INET6, at, u->host, sizeof(u->host));
	snprintf(u->network, sizeof(u->network), "%s", u->host);
	return E_OK;
}

/* 0 to most, digits alone; -1 for all else. */
static int read_bits(const char *s, int most)
{
	char *end;
	long n = strtol(s, &end, 10);

	return *s < '0' || *s > '9' || *end || n > most ? -1 : (int)n;
}

enum err sqluser_network(struct sqluser *u, const char *network, char why[200])
{
	const char *slash = strchr(network, '/');
	size_t n = slash ? (size_t)(slash - network) : strlen(network);
	char text[INET6_ADDRSTRLEN];
	struct in_addr v4;
	struct in6_addr v6;
	int family, bits;

	if (n >= sizeof(text))
		n = 0;
	memcpy(text, network, n);
	text[n] = '\0';
	family = inet_pton(AF_INET, text, &v4) == 1   ? 4
		: inet_pton(AF_INET6, text, &v6) == 1 ? 6
						      : 0;
	if (!family)
		return no(why,
			"is no address like 192.0.2.7 or network like "
			"192.0.2.0/24");
	bits = family == 4 ? 32 : 128;
	if (slash && (bits = read_bits(slash + 1, bits)) < 0)
		return no(why,
			family == 4 ? "wants a number from 1 to 32 behind the "
				      "slash"
				    : "wants 128 behind the slash, or none");
	return family == 4 ? network4(u, v4, bits, why)
			   : network6(u, &v6, bits, why);
}

/* ---- statements */

struct work {
	struct db *db;
	const struct conf *conf;
	struct arena arena;
	char account[ACCOUNT_MAX];
	char hash[64];
};

/* Names and hosts go into statements as text: only what needs no escape. */
static enum err name_account(struct work *w, const char *name, const char *host)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789_-.";
	size_t n = strlen(name);

	if (!n || n > SQLUSER_NAME_MAX || strspn(name, letters) != n) {
		log_error("an account's name is 1 to %d letters, digits, "
			  "\"_\", \"-\" and \".\"",
			SQLUSER_NAME_MAX);
		return E_INVALID;
	}
	snprintf(w->account, sizeof(w->account), "`%s`@`%s`", name, host);
	return E_OK;
}

static enum err run_file(struct work *w, const char *name)
{
	const struct sqlfile_word words[] = {
		{"account", w->account}, {"hash", w->hash}};
	const char *path = arena_printf(
		&w->arena, "%s/people/%s.sql", w->conf->database_sql_dir, name);
	struct slice rest, statement;
	enum err e = path ? E_OK : E_NOMEM;

	if (e || (e = sqlfile_read(&w->arena, path, &rest)) ||
		(e = sqlfile_fill(
			 &w->arena, rest, words, ARRAY_LEN(words), &rest)))
		return e;
	while (!e && sqlfile_next(&rest, &statement))
		e = db_script(w->db, statement.at, statement.n, path);
	return e;
}

static enum err grant(struct work *w, unsigned rights)
{
	enum err e = E_OK;

	if (rights & SQLUSER_READ)
		e = run_file(w, "read");
	if (!e && rights & SQLUSER_WRITE)
		e = run_file(w, "write");
	return e;
}

static enum err drop(struct work *w)
{
	const char *text =
		arena_printf(&w->arena, "DROP USER IF EXISTS %s", w->account);

	return text ? db_script(w->db, text, strlen(text), "db-user") : E_NOMEM;
}

/* ---- creating */

static enum err make_password(struct work *w, char password[SQLUSER_PASSWORD])
{
	char token[TOKEN_TEXT];
	struct db_rows rows;
	enum err e;

	token_make(token);
	snprintf(password, SQLUSER_PASSWORD, "%.24s", token + 4);
	token_wipe(token, sizeof(token));
	e = db_run(w->db, Q_PASSWORD_HASH, DB_ARGS(DB_S(password)), &w->arena,
		&rows);
	if (!e && (rows.n != 1 || rows.cell[0].s.n >= sizeof(w->hash)))
		e = E_CORRUPT;
	if (!e)
		snprintf(w->hash, sizeof(w->hash), "%s", rows.cell[0].s.at);
	return e;
}

static const char *rights_text(unsigned rights)
{
	return rights == SQLUSER_READ	  ? "read"
		: rights == SQLUSER_WRITE ? "write"
					  : "read,write";
}

static enum err note(struct db *db, const struct audit_by *by,
	const char *action, const struct sqluser *u)
{
	struct text detail;
	enum err e = E_NOMEM;

	text_init(&detail, 1024);
	json_open(&detail, NULL, '{');
	json_str(&detail, "from", u->network);
	json_str(&detail, "rights", rights_text(u->rights));
	json_close(&detail, '}');
	if (!detail.full)
		e = audit_add(db, by, action, u->name, detail.at);
	text_free(&detail);
	return e;
}

static enum err forget(struct work *w, const struct sqluser *u)
{
	return db_run(w->db, Q_SQL_USER_REMOVE,
		DB_ARGS(DB_S(u->name), DB_S(u->host)), NULL, NULL);
}

static void undo(struct work *w, const struct sqluser *u)
{
	if (drop(w) || forget(w, u))
		log_error("the account %s is half made: remove it with "
			  "`tally db-user remove`",
			w->account);
}

/* The row first: it holds the name while the account is made, which the server
 * commits at once. */
static enum err make(
	struct work *w, const struct sqluser *u, const struct audit_by *by)
{
	enum err e = db_run(w->db, Q_SQL_USER_ADD,
		DB_ARGS(DB_S(u->name), DB_S(u->host), DB_S(u->network),
			DB_S(rights_text(u->rights))),
		NULL, NULL);

	if (e)
		return e;
	if ((e = run_file(w, "account"))) {
		/* An account that is not ours may have the name; it stays. */
		if (db_error_no(w->db) == CANNOT_USER)
			e = E_EXISTS;
		return forget(w, u) ? E_DB : e;
	}
	if ((e = grant(w, u->rights)) ||
		(e = note(w->db, by, "db_user.create", u)))
		undo(w, u);
	return e;
}

enum err sqluser_create(struct db *db, const struct conf *c,
	const struct sqluser *u, const struct audit_by *by,
	char password[SQLUSER_PASSWORD])
{
	struct work w = {.db = db, .conf = c};
	enum err e;

	arena_init(&w.arena, 16 << 20);
	if (!(e = name_account(&w, u->name, u->host)) &&
		!(e = make_password(&w, password)))
		e = make(&w, u, by);
	if (e)
		token_wipe(password, SQLUSER_PASSWORD);
	arena_reset(&w.arena);
	return e;
}

/* ---- those that are there */

/* A row of Q_SQL_USERS. */
static enum err take(struct work *w, const struct db_cell *c, struct sqluser *u)
{
	*u = (struct sqluser){.name = c[0].s.at, .rights = (unsigned)c[3].i};
	snprintf(u->host, sizeof(u->host), "%s", c[1].s.at);
	snprintf(u->network, sizeof(u->network), "%s", c[2].s.at);
	return name_account(w, u->name, u->host);
}

/* A server that knows no such account any more is content as well. */
static enum err remove_one(
	struct work *w, const struct sqluser *u, const struct audit_by *by)
{
	enum err e;

	if ((e = drop(w)) || (e = db_begin(w->db)))
		return e;
	if (!(e = forget(w, u)) && !(e = note(w->db, by, "db_user.remove", u)))
		return db_commit(w->db);
	db_rollback(w->db);
	return e;
}

enum err sqluser_remove(struct db *db, const char *name, const char *network,
	const struct audit_by *by)
{
	struct work w = {.db = db};
	struct sqluser u;
	struct db_rows rows;
	bool found = false;
	enum err e;

	arena_init(&w.arena, 16 << 20);
	e = db_run(db, Q_SQL_USERS, NULL, &w.arena, &rows);
	for (size_t i = 0; !e && i < rows.n; i++) {
		if ((e = take(&w, &rows.cell[i * rows.cols], &u)) ||
			strcmp(u.name, name) != 0 ||
			(network && strcmp(u.network, network) != 0))
			continue;
		found = true;
		e = remove_one(&w, &u, by);
	}
	arena_reset(&w.arena);
	return e ? e : found ? E_OK : E_NOT_FOUND;
}

enum err sqluser_grant_all(struct db *db, const struct conf *c)
{
	struct work w = {.db = db, .conf = c};
	struct sqluser u;
	struct db_rows rows;
	enum err e;

	arena_init(&w.arena, 32 << 20);
	e = db_run(db, Q_SQL_USERS, NULL, &w.arena, &rows);
	for (size_t i = 0; !e && i < rows.n; i++) {
		if ((e = take(&w, &rows.cell[i * rows.cols], &u)))
			break;
		if ((e = grant(&w, u.rights)) == E_DB) {
			log_warn("the account %s of a person is not given what "
				 "it is for; if it is gone: tally db-user "
				 "remove %s",
				w.account, u.name);
			e = E_OK;
		}
	}
	arena_reset(&w.arena);
	return e;
}
