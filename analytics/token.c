// SPDX-License-Identifier: MIT
#include "analytics/token.h"

#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "common/utf8.h"

enum { TRIES = 5, ARENA = 256 << 10, DETAIL_MAX = 256 << 10 };

/* ---- what is wrong ---- */

static enum err wrong(struct token_fault *f, const char *member)
{
	f->member = member;
	return E_INVALID;
}

static enum err check_name(const char *name, struct token_fault *f)
{
	if (utf8_shown(name, TOKEN_NAME_MAX, TOKEN_NAME_MAX) &&
		name[strspn(name, "0123456789")])
		return E_OK;
	snprintf(f->why, sizeof(f->why),
		"is not 1 to %d bytes of text without control characters, or "
		"is digits alone",
		TOKEN_NAME_MAX);
	return wrong(f, "name");
}

static enum err check(const struct token_new *t, struct token_fault *f)
{
	int64_t now = when_now();

	if (!t->scopes) {
		snprintf(f->why, sizeof(f->why), "names none");
		return wrong(f, "scopes");
	}
	if (t->expires_at &&
		(t->expires_at <= now ||
			t->expires_at >
				now + (int64_t)TOKEN_DAYS_MAX * DAY_S)) {
		snprintf(f->why, sizeof(f->why),
			"is not in the next hundred years");
		return wrong(f, "expires_at");
	}
	return t->name ? check_name(t->name, f) : E_OK;
}

/* ---- creating ---- */

struct creation {
	const struct token_new *t;
	const struct audit_by *by;
	struct token_made *made;
	struct token_fault *fault;
	struct arena arena;
	struct text detail;
	char name[TOKEN_NAME_MAX + 1];
	unsigned char hash[TOKEN_HASH];
};

static void scopes_text(struct text *t, unsigned scopes)
{
	const char *between = "";

	for (unsigned i = 0; i < SCOPES; i++)
		if (scopes & 1u << i) {
			text_str(t, between);
			text_str(t, scope_name[i]);
			between = ",";
		}
}

static void describe(struct creation *c)
{
	const struct token_new *t = c->t;
	char buf[WHEN_TEXT];

	text_clear(&c->detail);
	json_open(&c->detail, NULL, '{');
	json_int(&c->detail, "id", c->made->token_id);
	json_open(&c->detail, "scopes", '[');
	for (unsigned i = 0; i < SCOPES; i++)
		if (t->scopes & 1u << i)
			json_str(&c->detail, NULL, scope_name[i]);
	json_close(&c->detail, ']');
	if (t->cameras_n) {
		json_open(&c->detail, "cameras", '[');
		for (size_t i = 0; i < t->cameras_n; i++)
			json_str(&c->detail, NULL, t->camera[i]);
		json_close(&c->detail, ']');
	} else {
		json_null(&c->detail, "cameras");
	}
	json_str(&c->detail, "expires_at",
		t->expires_at ? when_format(buf, t->expires_at, 0, true)
			      : NULL);
	json_close(&c->detail, '}');
}

static enum err insert(struct db *db, struct creation *c, bool holds_name)
{
	int64_t at = c->t->expires_at;
	enum err e = db_run(db, Q_TOKEN_ADD,
		DB_ARGS(DB_S(c->name), DB_SN((const char *)c->hash, TOKEN_HASH),
			DB_I(c->t->scopes),
			at ? DB_I(when_number(at)) : DB_NULL,
			holds_name ? DB_I(1) : DB_NULL),
		NULL, NULL);

	if (!e)
		c->made->token_id = (int64_t)db_insert_id(db);
	return e;
}

static enum err add(struct db *db, struct creation *c)
{
	size_t n = strlen(c->name);
	enum err e;

	if ((e = db_run(db, Q_TOKEN_FREE_NAME, DB_ARGS(DB_S(c->name)), NULL,
		     NULL)))
		return e;
	if ((e = insert(db, c, true)) != E_EXISTS || c->t->name)
		return e;
	/* Nobody chose this name. */
	if ((e = insert(db, c, false)))
		return e;
	snprintf(c->name + n, sizeof(c->name) - n, "-%lld",
		(long long)c->made->token_id);
	return db_run(db, Q_TOKEN_NAME,
		DB_ARGS(DB_S(c->name), DB_I(c->made->token_id)), NULL, NULL);
}

static enum err bind_cameras(struct db *db, struct creation *c)
{
	struct db_rows rows;
	enum err e;

	for (size_t i = 0; i < c->t->cameras_n; i++) {
		const char *code = c->t->camera[i];

		if ((e = db_run(db, Q_CAMERA_ID, DB_ARGS(DB_S(code)), &c->arena,
			     &rows)))
			return e;
		if (!rows.n) {
			snprintf(c->fault->why, sizeof(c->fault->why),
				"names \"%.120s\", which is not registered",
				code);
			return wrong(c->fault, "cameras");
		}
		e = db_run(db, Q_TOKEN_CAMERA_ADD,
			DB_ARGS(DB_I(c->made->token_id), DB_I(rows.cell[0].i)),
			NULL, NULL);
		if (e && e != E_EXISTS) /* named twice */
			return e;
	}
	return E_OK;
}

static enum err create(struct db *db, struct creation *c)
{
	enum err e;

	if (c->t->name) {
		snprintf(c->name, sizeof(c->name), "%s", c->t->name);
	} else {
		text_clear(&c->detail);
		scopes_text(&c->detail, c->t->scopes);
		snprintf(c->name, sizeof(c->name), "%s", c->detail.at);
	}
	if ((e = db_begin(db)))
		return e;
	if (!(e = add(db, c)) && !(e = bind_cameras(db, c))) {
		describe(c);
		e = c->detail.full ? E_NOMEM
				   : audit_add(db, c->by, "token.create",
					     c->name, c->detail.at);
	}
	if (!e)
		return db_commit(db);
	db_rollback(db);
	return e;
}

/* A new secret; its hash goes to the database. */
static void make_secret(struct token_made *made, unsigned char hash[TOKEN_HASH])
{
	token_make(made->text);
	token_hash(made->text, strlen(made->text), hash);
}

enum err token_create(struct db *db, const struct token_new *t,
	const struct audit_by *by, struct token_made *made,
	struct token_fault *f)
{
	struct creation c = {.t = t, .by = by, .made = made, .fault = f};
	enum err e;

	*f = (struct token_fault){.member = NULL};
	if ((e = check(t, f)))
		return e;
	make_secret(made, c.hash);
	arena_init(&c.arena, ARENA);
	text_init(&c.detail, DETAIL_MAX);
	for (int tries = 0; tries < TRIES; tries++)
		if ((e = create(db, &c)) != E_BUSY)
			break;
	text_free(&c.detail);
	arena_reset(&c.arena);
	if (e)
		token_wipe(made->text, sizeof(made->text));
	return e;
}

/* ---- rotating, revoking ---- */

/* Columns of Q_TOKEN_LOCK. */
enum { L_NAME, L_HASH, L_SCOPES, L_EXPIRES, L_REVOKED, L_EXPIRED, L_HOLDS };

struct change {
	int64_t token_id, overlap_s;
	const struct audit_by *by;
	struct token_made *made;
	struct token_old *old;
	struct token_fault *fault;
	struct arena arena;
	const struct db_cell *row; /* of Q_TOKEN_LOCK */
	unsigned char hash[TOKEN_HASH];
};

/* Locks the token's row until the transaction ends. */
static enum err lock(struct db *db, struct change *c)
{
	struct db_rows rows;
	enum err e = db_run(
		db, Q_TOKEN_LOCK, DB_ARGS(DB_I(c->token_id)), &c->arena, &rows);

	if (e)
		return e;
	if (!rows.n)
		return E_NOT_FOUND;
	c->row = rows.cell;
	memcpy(c->old->hash, c->row[L_HASH].s.at, TOKEN_HASH);
	c->old->was_revoked = c->row[L_REVOKED].i;
	return E_OK;
}

static enum err end_it(struct db *db, const struct change *c)
{
	if (c->overlap_s)
		return db_run(db, Q_TOKEN_OVERLAP,
			DB_ARGS(DB_I(c->overlap_s), DB_I(c->token_id)), NULL,
			NULL);
	return db_run(
		db, Q_TOKEN_REVOKE, DB_ARGS(DB_I(c->token_id)), NULL, NULL);
}

static enum err add_successor(struct db *db, struct change *c)
{
	const struct db_cell *r = c->row;
	char detail[160];
	enum err e;

	if ((e = db_run(db, Q_TOKEN_ADD,
		     DB_ARGS(r[L_NAME],
			     DB_SN((const char *)c->hash, TOKEN_HASH),
			     r[L_SCOPES], r[L_EXPIRES], DB_I(1)),
		     NULL, NULL)))
		return e;
	c->made->token_id = (int64_t)db_insert_id(db);
	if ((e = db_run(db, Q_TOKEN_CAMERAS_COPY,
		     DB_ARGS(DB_I(c->made->token_id), DB_I(c->token_id)), NULL,
		     NULL)))
		return e;
	snprintf(detail, sizeof(detail),
		"{\"id\":%lld,\"replaces\":%lld,\"overlap_s\":%lld}",
		(long long)c->made->token_id, (long long)c->token_id,
		(long long)c->overlap_s);
	return audit_add(db, c->by, "token.rotate", r[L_NAME].s.at, detail);
}

static enum err rotate(struct db *db, struct change *c)
{
	const char *why = NULL;
	enum err e;

	if ((e = lock(db, c)))
		return e;
	if (c->row[L_REVOKED].i)
		why = "was revoked";
	else if (c->row[L_EXPIRED].i)
		why = "has expired";
	else if (!c->row[L_HOLDS].i)
		why = "was rotated already";
	if (why) {
		snprintf(c->fault->why, sizeof(c->fault->why), "%s", why);
		return E_CONFLICT;
	}
	if ((e = end_it(db, c)))
		return e;
	return add_successor(db, c);
}

static enum err revoke(struct db *db, struct change *c)
{
	char detail[64];
	enum err e;

	if ((e = lock(db, c)) || c->old->was_revoked || (e = end_it(db, c)))
		return e;
	snprintf(detail, sizeof(detail), "{\"id\":%lld}",
		(long long)c->token_id);
	return audit_add(
		db, c->by, "token.revoke", c->row[L_NAME].s.at, detail);
}

static enum err carry_out(struct db *db, struct change *c,
	enum err (*change)(struct db *, struct change *))
{
	enum err e = E_BUSY;

	arena_init(&c->arena, ARENA);
	for (int tries = 0; tries < TRIES && e == E_BUSY; tries++) {
		if ((e = db_begin(db)))
			break;
		if (!(e = change(db, c)))
			e = db_commit(db);
		else
			db_rollback(db);
	}
	arena_reset(&c->arena);
	return e;
}

enum err token_rotate(struct db *db, int64_t token_id, int64_t overlap_s,
	const struct audit_by *by, struct token_made *made,
	struct token_old *old, struct token_fault *f)
{
	struct change c = {.token_id = token_id,
		.overlap_s = overlap_s,
		.by = by,
		.made = made,
		.old = old,
		.fault = f};
	enum err e;

	*f = (struct token_fault){.member = NULL};
	if (overlap_s < 0 || overlap_s > TOKEN_OVERLAP_MAX_S) {
		snprintf(f->why, sizeof(f->why),
			"is not from 0 to %d (30 days)", TOKEN_OVERLAP_MAX_S);
		return wrong(f, "overlap_s");
	}
	make_secret(made, c.hash);
	if ((e = carry_out(db, &c, rotate)))
		token_wipe(made->text, sizeof(made->text));
	return e;
}

enum err token_revoke(struct db *db, int64_t token_id,
	const struct audit_by *by, struct token_old *old)
{
	struct change c = {.token_id = token_id, .by = by, .old = old};

	return carry_out(db, &c, revoke);
}
