// SPDX-License-Identifier: MIT
/*
 * POST /login and /logout: plain forms, so they work without JavaScript.  A
 * session is 256 random bits in a cookie; the database keeps the hash.
 */
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "api/auth.h"
#include "api/body.h"
#include "api/resources.h"
#include "api/server.h"
#include "api/work.h"
#include "common/password.h"
#include "common/token.h"

enum { FORM_MAX = 4096 };

struct login {
	const char *user, *password;
	char token[TOKEN_TEXT];
	bool ok;
	unsigned char hash[TOKEN_HASH]; /* of the session that ends */
};

static void release(struct req *r)
{
	struct login *l = r->state;

	if (!l)
		return;
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

/* On a work thread: hashing takes its time, and is meant to. */
static enum err check(struct req *r, struct db *db)
{
	struct login *l = r->state;
	unsigned char hash[TOKEN_HASH];
	struct db_rows rows = {0};
	const char *stored = NULL;
	struct arena a;
	enum err e;

	arena_init(&a, 65536);
	e = db_run(db, Q_USER_FIND, DB_ARGS(DB_S(l->user)), &a, &rows);
	if (!e && rows.n)
		stored = rows.cell[1].s.at;
	if (!e)
		l->ok = password_ok(stored, l->password, strlen(l->password));
	if (!e && l->ok) {
		token_make(l->token);
		token_hash(l->token, strlen(l->token), hash);
		e = db_run(db, Q_SESSION_NEW,
			DB_ARGS(DB_SN((const char *)hash, TOKEN_HASH),
				DB_I(rows.cell[0].i),
				DB_I(r->api->conf.api_session_hours)),
			NULL, NULL);
	}
	if (!e && l->ok)
		e = db_run(db, Q_SESSION_PRUNE, NULL, NULL, NULL);
	arena_reset(&a);
	return e;
}

static enum step limited(struct req *r)
{
	text_str(&r->headers, "Retry-After: 60\r\n");
	return req_problem(r, 429, "too-many-failures",
		"too many failed log-ins from this address; try again in a "
		"minute");
}

enum step login_check(struct req *r)
{
	struct login *l = r->state;
	struct query form;
	char why[QUERY_WHY];

	if (query_parse(&form, &r->arena,
		    (struct slice){r->body.at ? r->body.at : "", r->body.n},
		    why))
		return req_problem(r, 400, "bad-form", "%s", why);
	l->user = query_get(&form, "user");
	l->password = query_get(&form, "password");
	if (!l->user || !l->password || strlen(l->password) > PASSWORD_MOST)
		return req_redirect(r, "/?login=failed");
	if (auth_is_limited(r->api->auth, r->conn->addr))
		return limited(r);
	return work_run(r->api->work, r, check);
}

enum step login_answer(struct req *r)
{
	struct login *l = r->state;

	if (!l->ok)
		return auth_failed(r->api->auth, r->conn->addr)
			? limited(r)
			: req_redirect(r, "/?login=failed");
	text_printf(&r->headers,
		"Set-Cookie: " AUTH_COOKIE
		"=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d\r\n",
		l->token, r->api->conf.api_session_hours * 3600);
	return req_redirect(r, "/");
}

enum step logout_end(struct req *r)
{
	struct login *l = r->state;

	if (!auth_cookie(r, l->hash))
		return STEP_NEXT;
	auth_forget(r->api->auth, l->hash);
	return req_query(r, Q_SESSION_END,
		DB_ARGS(DB_SN((const char *)l->hash, TOKEN_HASH)), 1);
}

enum step logout_answer(struct req *r)
{
	text_str(&r->headers,
		"Set-Cookie: " AUTH_COOKIE
		"=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0\r\n");
	return req_redirect(r, "/");
}
