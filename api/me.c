// SPDX-License-Identifier: MIT
/*
 * GET and DELETE /api/v1/session, DELETE /api/v1/sessions and
 * PUT /api/v1/session/password: who asks, and what is theirs.
 */
#include <string.h>

#include "analytics/user.h"
#include "api/api.h"
#include "api/audit.h"
#include "api/auth.h"
#include "api/body.h"
#include "api/resources.h"
#include "api/session.h"
#include "api/work.h"
#include "common/json.h"
#include "common/password.h"
#include "common/when.h"

/* ---- who ---- */

static void cameras(struct req *r)
{
	if (!r->who.cameras) {
		json_null(&r->out, "cameras");
		return;
	}
	json_open(&r->out, "cameras", '[');
	for (const char *at = r->who.cameras; *at;) {
		size_t n = strcspn(at, "\n");

		json_strn(&r->out, NULL, at, n);
		at += n + (at[n] != '\0');
	}
	json_close(&r->out, ']');
}

enum step session_show(struct req *r)
{
	enum step s = req_no_params(r);
	bool person = r->who.by_cookie;
	char csrf[TOKEN_DERIVED], at[WHEN_TEXT];

	if (s != STEP_NEXT)
		return s;
	json_open(&r->out, NULL, '{');
	json_str(&r->out, "kind", person ? "user" : "token");
	json_str(&r->out, "name", r->who.name);
	json_str(&r->out, "role", person ? role_name[r->who.role] : NULL);
	json_open(&r->out, "scopes", '[');
	for (unsigned i = 0; i < SCOPES; i++)
		if (r->who.scopes & 1u << i)
			json_str(&r->out, NULL, scope_name[i]);
	json_close(&r->out, ']');
	cameras(r);
	json_str(&r->out, "csrf", person && auth_csrf(r, csrf) ? csrf : NULL);
	json_str(&r->out, "session_expires_at",
		person ? when_format(at, r->who.expires_at, 0, true) : NULL);
	json_close(&r->out, '}');
	return req_json(r, 200);
}

/* ---- out ---- */

struct mine {
	unsigned char hash[TOKEN_HASH]; /* of this session */
	const char *current, *password;
	struct auth_try try;
	bool ok; /* the current password is right */
	enum err outcome;
	struct user_fault fault;
};

static enum step open_mine(struct req *r, struct mine **m)
{
	if (!(*m = arena_alloc(&r->arena, sizeof(**m))))
		return req_fail(r, E_NOMEM);
	r->state = *m;
	/* SCOPE_SESSION: there is one. */
	return auth_cookie(r, (*m)->hash) ? STEP_NEXT : req_fail(r, E_CORRUPT);
}

enum step session_leave(struct req *r)
{
	struct mine *m;
	enum step s;

	if ((s = req_no_params(r)) != STEP_NEXT ||
		(s = open_mine(r, &m)) != STEP_NEXT)
		return s;
	return session_end(r, m->hash);
}

enum step sessions_leave(struct req *r)
{
	struct mine *m;
	enum step s;

	if ((s = req_no_params(r)) != STEP_NEXT ||
		(s = open_mine(r, &m)) != STEP_NEXT)
		return s;
	return req_query(
		r, Q_USER_LOG_OUT, DB_ARGS(DB_I(r->who.id), DB_S("")), 2);
}

enum step session_left(struct req *r)
{
	auth_forget_user(r->api->auth, r->who.id);
	session_cookie(r, AUTH_COOKIE, "", 0);
	return req_reply(r, 204, NULL);
}

/* ---- another password ---- */

static void release(struct req *r)
{
	struct mine *m = r->state;

	auth_try_free(r, &m->try);
}

/* On a work thread. */
static enum err change(struct req *r, struct db *db)
{
	struct mine *m = r->state;
	struct audit_by by = audit_who(r);
	struct user_change to = {
		.name = r->who.name, .password = m->password, .keep = m->hash};
	struct db_rows rows = {0};
	const char *stored;
	enum err e = db_run(
		db, Q_USER_FIND, DB_ARGS(DB_S(to.name)), &r->rows_arena, &rows);

	if (e)
		return e;
	stored = rows.n ? rows.cell[1].s.at : NULL;
	m->ok = auth_try_may(&m->try, stored) &&
		password_ok(stored, m->current, strlen(m->current));
	if (!m->ok)
		return E_OK;
	m->outcome = user_alter(db, &to, &by, &m->fault);
	return m->outcome == E_INVALID && m->fault.member ? E_OK : m->outcome;
}

enum step password_change(struct req *r)
{
	enum { CURRENT, PASSWORD };
	struct body_member b[] = {{"current", BODY_TEXT, true, NULL},
		{"password", BODY_TEXT, true, NULL}};
	struct mine *m;
	enum step s;

	if ((s = body_members(r, "a password", b, ARRAY_LEN(b))) != STEP_NEXT ||
		(s = open_mine(r, &m)) != STEP_NEXT)
		return s;
	r->release = release;
	m->current = json_string(b[CURRENT].value);
	m->password = json_string(b[PASSWORD].value);
	s = auth_try_begin(r, &m->try, r->who.name);
	return s == STEP_NEXT ? work_run(r->api->work, r, change) : s;
}

enum step password_changed(struct req *r)
{
	struct mine *m = r->state;
	enum step s = auth_try_ended(r, &m->try, m->ok);

	if (s != STEP_NEXT)
		return s;
	if (!m->ok)
		return body_invalid(r, "current", "is not the password");
	if (m->outcome)
		return body_invalid(r, m->fault.member, m->fault.why);
	auth_forget_user(r->api->auth, r->who.id);
	return req_reply(r, 204, NULL);
}
