// SPDX-License-Identifier: MIT
/*
 * POST /login and /logout: plain forms, so they work without JavaScript.  A
 * session is 256 random bits in a cookie; the database keeps the hash.
 */
#include "api/session.h"

#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "api/auth.h"
#include "api/body.h"
#include "api/conn.h"
#include "api/resources.h"
#include "api/work.h"
#include "common/password.h"

enum { FORM_MAX = 4096, SESSIONS_MAX = 50, KNOWN_S = 365 * 86400 };

struct login {
	const char *user, *password;
	struct auth_try try;
	char token[TOKEN_TEXT], known[TOKEN_DERIVED];
	bool ok, has_old;
	unsigned char old[TOKEN_HASH]; /* of the session that ends */
};

static void release(struct req *r)
{
	struct login *l = r->state;

	auth_try_free(r, &l->try);
	if (l->password)
		token_wipe((void *)(uintptr_t)l->password, strlen(l->password));
	token_wipe(l->token, sizeof(l->token));
}

enum step login_begin(struct req *r)
{
	struct login *l = arena_alloc(&r->arena, sizeof(*l));
	enum step s = auth_same_origin(r);

	if (!l)
		return req_fail(r, E_NOMEM);
	if (s != STEP_NEXT)
		return s;
	body_open(r, FORM_MAX);
	r->state = l;
	r->release = release;
	return STEP_NEXT;
}

/* ---- in ---- */

/* Columns of Q_USER_FIND. */
enum { U_ID, U_HASH, U_DISABLED, U_SESSIONS };

/* One that was made when less was thought to be enough. */
static enum err renew(struct db *db, const struct login *l,
	const struct db_cell *user, char hash[PASSWORD_TEXT])
{
	enum err e;

	snprintf(hash, PASSWORD_TEXT, "%s", user[U_HASH].s.at);
	if (!password_is_old(hash))
		return E_OK;
	/* One that was long enough then may be too short now. */
	e = password_hash(l->password, strlen(l->password), hash);
	if (e)
		return e == E_INVALID ? E_OK : e;
	return db_run(db, Q_USER_PASSWORD, DB_ARGS(DB_S(hash), user[U_ID]),
		NULL, NULL);
}

static enum err let_in(struct req *r, struct db *db, const struct db_cell *user)
{
	struct login *l = r->state;
	unsigned char hash[TOKEN_HASH];
	char stored[PASSWORD_TEXT];
	int64_t over = user[U_SESSIONS].i - SESSIONS_MAX + 1;
	enum err e;

	if ((e = renew(db, l, user, stored)))
		return e;
	auth_known(l->known, stored);
	token_make(l->token);
	token_hash(l->token, strlen(l->token), hash);
	if (l->has_old)
		e = db_run(db, Q_SESSION_END,
			DB_ARGS(DB_SN((const char *)l->old, TOKEN_HASH)), NULL,
			NULL);
	if (!e && over > 0)
		e = db_run(db, Q_SESSION_TRIM, DB_ARGS(user[U_ID], DB_I(over)),
			NULL, NULL);
	if (!e)
		e = db_run(db, Q_SESSION_PRUNE, NULL, NULL, NULL);
	if (!e)
		e = db_run(db, Q_USER_SEEN, DB_ARGS(user[U_ID]), NULL, NULL);
	return e ? e
		 : db_run(db, Q_SESSION_NEW,
			   DB_ARGS(DB_SN((const char *)hash, TOKEN_HASH),
				   user[U_ID],
				   DB_I(r->api->conf.api_session_hours)),
			   NULL, NULL);
}

/* On a work thread: hashing takes its time, and is meant to, as long where
 * there is nobody of that name. */
static enum err check(struct req *r, struct db *db)
{
	struct login *l = r->state;
	struct db_rows rows = {0};
	const char *stored;
	struct arena a;
	enum err e;

	arena_init(&a, 65536);
	e = db_run(db, Q_USER_FIND, DB_ARGS(DB_S(l->user)), &a, &rows);
	stored = !e && rows.n ? rows.cell[U_HASH].s.at : NULL;
	if (!e && auth_try_may(&l->try, stored))
		l->ok = password_ok(stored, l->password, strlen(l->password)) &&
			!rows.cell[U_DISABLED].i;
	if (l->ok)
		e = let_in(r, db, rows.cell);
	arena_reset(&a);
	return e;
}

enum step login_check(struct req *r)
{
	struct login *l = r->state;
	struct query form;
	char why[QUERY_WHY];
	enum step s;

	if (query_parse(&form, &r->arena,
		    (struct slice){r->body.at ? r->body.at : "", r->body.n},
		    why))
		return req_problem(r, 400, "bad-form", "%s", why);
	l->user = query_get(&form, "user");
	l->password = query_get(&form, "password");
	if (!l->user || !l->password || strlen(l->password) > PASSWORD_MOST)
		return req_redirect(r, "/?login=failed");
	l->has_old = auth_cookie(r, l->old);
	s = auth_try_begin(r, &l->try, l->user);
	return s == STEP_NEXT ? work_run(r->api->work, r, check) : s;
}

void session_cookie(
	struct req *r, const char *name, const char *value, int seconds)
{
	text_printf(&r->headers,
		"Set-Cookie: %s=%s; Path=/; HttpOnly; SameSite=Strict; "
		"Max-Age=%d%s\r\n",
		name, value, seconds, r->conn->https ? "; Secure" : "");
}

enum step login_answer(struct req *r)
{
	struct login *l = r->state;
	enum step s = auth_try_ended(r, &l->try, l->ok);

	if (s != STEP_NEXT)
		return s;
	if (!l->ok)
		return req_redirect(r, "/?login=failed");
	if (l->has_old)
		auth_forget(r->api->auth, l->old);
	session_cookie(r, AUTH_KNOWN_COOKIE, l->known, KNOWN_S);
	session_cookie(r, AUTH_COOKIE, l->token,
		r->api->conf.api_session_hours * 3600);
	return req_redirect(r, "/");
}

/* ---- out ---- */

enum step logout_end(struct req *r)
{
	struct login *l = r->state;
	struct query form;
	char why[QUERY_WHY];
	enum step s;

	if (!auth_cookie(r, l->old))
		return STEP_NEXT;
	if (query_parse(&form, &r->arena,
		    (struct slice){r->body.at ? r->body.at : "", r->body.n},
		    why))
		return req_problem(r, 400, "bad-form", "%s", why);
	s = auth_csrf_is(r, query_get(&form, "csrf"));
	return s == STEP_NEXT ? session_end(r, l->old) : s;
}

enum step session_end(struct req *r, const unsigned char hash[TOKEN_HASH])
{
	return req_query(r, Q_SESSION_END,
		DB_ARGS(DB_SN((const char *)hash, TOKEN_HASH)), 1);
}

enum step logout_answer(struct req *r)
{
	const struct login *l = r->state;

	auth_forget(r->api->auth, l->old);
	session_cookie(r, AUTH_COOKIE, "", 0);
	return req_redirect(r, "/");
}
