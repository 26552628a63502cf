// SPDX-License-Identifier: MIT
#include "analytics/user.h"

#include <stdio.h>
#include <string.h>

#include "common/password.h"
#include "common/text.h"
#include "common/utf8.h"

enum { TRIES = 5, ARENA = 256 << 10, DETAIL_MAX = 64 << 10 };

const char *const role_name[ROLE_ADMIN + 1] = {
	"none", "viewer", "reviewer", "admin"};

enum role role_named(const char *name)
{
	for (int i = ROLE_VIEWER; i <= ROLE_ADMIN; i++)
		if (!strcmp(role_name[i], name))
			return (enum role)i;
	return ROLE_NONE;
}

unsigned role_scopes(enum role role)
{
	static const unsigned scopes[] = {[ROLE_VIEWER] = SCOPE_READ,
		[ROLE_REVIEWER] = SCOPE_READ | SCOPE_REVIEW,
		[ROLE_ADMIN] = SCOPE_READ | SCOPE_REVIEW | SCOPE_ADMIN};

	return role <= ROLE_ADMIN ? scopes[role] : 0;
}

bool user_name_ok(const char *name)
{
	size_t n = strlen(name);

	return utf8_shown(name, USER_NAME_MAX, USER_NAME_MAX) &&
		!memchr(name, ' ', n);
}

/* ---- what is wrong ---- */

static enum err wrong(struct user_fault *f, const char *member, const char *why)
{
	f->member = member;
	snprintf(f->why, sizeof(f->why), "%s", why);
	return E_INVALID;
}

static enum err hash_it(
	const char *password, char hash[PASSWORD_TEXT], struct user_fault *f)
{
	enum err e = password_hash(password, strlen(password), hash);
	char why[64];

	if (e != E_INVALID)
		return e;
	snprintf(why, sizeof(why), "has fewer than %d or more than %d bytes",
		PASSWORD_LEAST, PASSWORD_MOST);
	return wrong(f, "password", why);
}

/* ---- one transaction ---- */

struct change {
	const struct user_change *to; /* of one that is new, too */
	char hash[PASSWORD_TEXT];     /* empty: the password stays */
	const struct audit_by *by;
	struct user_fault *fault;
	struct arena arena;
	struct text detail;
	int64_t user_id;
};

static enum err find(struct db *db, struct change *c)
{
	struct db_rows rows;
	enum err e = db_run(
		db, Q_USER_LOCK, DB_ARGS(DB_S(c->to->name)), &c->arena, &rows);

	if (e)
		return e;
	if (!rows.n)
		return E_NOT_FOUND;
	c->user_id = rows.cell[0].i;
	return E_OK;
}

static enum err bind_cameras(struct db *db, struct change *c)
{
	const struct user_change *to = c->to;
	struct db_rows rows;
	char why[USER_WHY];
	enum err e;

	if ((e = db_run(db, Q_USER_CAMERAS_FREE, DB_ARGS(DB_I(c->user_id)),
		     NULL, NULL)))
		return e;
	for (size_t i = 0; i < to->cameras_n; i++) {
		if ((e = db_run(db, Q_CAMERA_ID, DB_ARGS(DB_S(to->camera[i])),
			     &c->arena, &rows)))
			return e;
		if (!rows.n) {
			snprintf(why, sizeof(why),
				"names \"%.120s\", which is not registered",
				to->camera[i]);
			return wrong(c->fault, "cameras", why);
		}
		e = db_run(db, Q_USER_CAMERA_ADD,
			DB_ARGS(DB_I(c->user_id), DB_I(rows.cell[0].i)), NULL,
			NULL);
		if (e && e != E_EXISTS) /* named twice */
			return e;
	}
	return E_OK;
}

/* What is new about it, as JSON. */
static const char *describe(struct change *c)
{
	const struct user_change *to = c->to;

	text_clear(&c->detail);
	json_open(&c->detail, NULL, '{');
	if (to->role)
		json_str(&c->detail, "role", role_name[to->role]);
	if (to->has_disabled)
		json_bool(&c->detail, "disabled", to->disabled);
	if (to->has_cameras && !to->cameras_n)
		json_null(&c->detail, "cameras");
	if (to->cameras_n) {
		json_open(&c->detail, "cameras", '[');
		for (size_t i = 0; i < to->cameras_n; i++)
			json_str(&c->detail, NULL, to->camera[i]);
		json_close(&c->detail, ']');
	}
	json_close(&c->detail, '}');
	return c->detail.full ? NULL : c->detail.at;
}

static enum err log_out(struct db *db, const struct change *c)
{
	const char *keep = (const char *)c->to->keep;

	return db_run(db, Q_USER_LOG_OUT,
		DB_ARGS(DB_I(c->user_id),
			keep ? DB_SN(keep, TOKEN_HASH) : DB_S("")),
		NULL, NULL);
}

static enum err add(struct db *db, struct change *c)
{
	enum err e = db_run(db, Q_USER_ADD,
		DB_ARGS(DB_S(c->to->name), DB_S(c->hash), DB_I(c->to->role)),
		NULL, NULL);

	if (e)
		return e;
	c->user_id = (int64_t)db_insert_id(db);
	if ((e = bind_cameras(db, c)))
		return e;
	return audit_add(db, c->by, "user.create", c->to->name, describe(c));
}

static enum err set_password(struct db *db, struct change *c)
{
	enum err e = db_run(db, Q_USER_PASSWORD,
		DB_ARGS(DB_S(c->hash), DB_I(c->user_id)), NULL, NULL);

	if (e || (e = log_out(db, c)))
		return e;
	return audit_add(db, c->by, "user.password", c->to->name, NULL);
}

static enum err set_rest(struct db *db, struct change *c)
{
	const struct user_change *to = c->to;
	enum err e = E_OK;

	if (to->role)
		e = db_run(db, Q_USER_ROLE,
			DB_ARGS(DB_I(to->role), DB_I(c->user_id)), NULL, NULL);
	if (!e && to->has_disabled)
		e = db_run(db, Q_USER_DISABLE,
			DB_ARGS(DB_I(to->disabled), DB_I(c->user_id)), NULL,
			NULL);
	if (!e && to->has_disabled && to->disabled)
		e = log_out(db, c);
	if (!e && to->has_cameras)
		e = bind_cameras(db, c);
	return e ? e
		 : audit_add(db, c->by, "user.change", to->name, describe(c));
}

static enum err alter(struct db *db, struct change *c)
{
	const struct user_change *to = c->to;
	enum err e = find(db, c);

	if (!e && *c->hash)
		e = set_password(db, c);
	if (!e && (to->role || to->has_disabled || to->has_cameras))
		e = set_rest(db, c);
	return e;
}

static enum err take_away(struct db *db, struct change *c)
{
	enum err e = find(db, c);

	if (e ||
		(e = db_run(db, Q_USER_REMOVE, DB_ARGS(DB_I(c->user_id)), NULL,
			 NULL)))
		return e;
	return audit_add(db, c->by, "user.remove", c->to->name, NULL);
}

static enum err carry_out(struct db *db, struct change *c,
	enum err (*step)(struct db *, struct change *))
{
	enum err e = E_BUSY;

	arena_init(&c->arena, ARENA);
	text_init(&c->detail, DETAIL_MAX);
	for (int tries = 0; tries < TRIES && e == E_BUSY; tries++) {
		if ((e = db_begin(db)))
			break;
		if (!(e = step(db, c)))
			e = db_commit(db);
		else
			db_rollback(db);
	}
	text_free(&c->detail);
	arena_reset(&c->arena);
	return e;
}

enum err user_create(struct db *db, const struct user_new *u,
	const struct audit_by *by, struct user_fault *f)
{
	struct user_change to = {.name = u->name,
		.role = u->role,
		.has_cameras = true,
		.camera = u->camera,
		.cameras_n = u->cameras_n};
	struct change c = {.to = &to, .by = by, .fault = f};
	enum err e;

	*f = (struct user_fault){.member = NULL};
	if (!user_name_ok(u->name))
		return wrong(f, "user",
			"is not 1 to 100 bytes of text without blanks and "
			"control characters");
	if ((e = hash_it(u->password, c.hash, f)))
		return e;
	return carry_out(db, &c, add);
}

enum err user_alter(struct db *db, const struct user_change *to,
	const struct audit_by *by, struct user_fault *f)
{
	struct change c = {.to = to, .by = by, .fault = f};
	enum err e = E_OK;

	*f = (struct user_fault){.member = NULL};
	if (to->password && (e = hash_it(to->password, c.hash, f)))
		return e;
	return carry_out(db, &c, alter);
}

enum err user_remove(struct db *db, const char *name, const struct audit_by *by)
{
	struct user_change to = {.name = name};
	struct change c = {.to = &to, .by = by};

	return carry_out(db, &c, take_away);
}
