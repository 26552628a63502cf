// SPDX-License-Identifier: MIT
#include "api/auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "analytics/user.h"
#include "api/api.h"
#include "api/field.h"
#include "api/server.h"
#include "common/db/pool.h"
#include "common/token.h"
#include "common/when.h"

enum { USED_EVERY_S = 60, SEEN_EVERY_S = 30, USED_AT_ONCE = 16 };

struct entry {
	unsigned char hash[TOKEN_HASH];
	int64_t good_until_ms; /* 0: empty */
	struct principal who;  /* its texts are the entry's own */
};

/* "last used" is written by the way; nobody waits for it. */
struct used {
	struct pool_job job;
	struct db_cell arg;
	unsigned char hash[TOKEN_HASH]; /* of a session */
	bool busy;
};

struct auth {
	struct api *api;
	struct used used[USED_AT_ONCE];
	struct entry entry[AUTH_ENTRIES];
	uint64_t era; /* moves with whatever is forgotten */
	uint64_t failed;
	unsigned trying; /* passwords that are being checked */
};

/* What a request waits with. */
struct lookup {
	unsigned char hash[TOKEN_HASH];
	bool cookie;
	uint64_t era;
};

enum err auth_open(struct auth **a, struct api *api)
{
	*a = calloc(1, sizeof(**a));
	if (!*a)
		return E_NOMEM;
	(*a)->api = api;
	return E_OK;
}

static void free_texts(struct principal *who)
{
	free((void *)(uintptr_t)who->name);
	free((void *)(uintptr_t)who->cameras);
	who->name = who->cameras = NULL;
}

void auth_close(struct auth *a)
{
	if (!a)
		return;
	for (int i = 0; i < AUTH_ENTRIES; i++)
		free_texts(&a->entry[i].who);
	free(a);
}

/* Hashes are uniform: any bits choose the place.  A newer token takes it. */
static struct entry *place(struct auth *a, const unsigned char *hash)
{
	return &a->entry[(hash[0] | hash[1] << 8) % AUTH_ENTRIES];
}

void auth_forget(struct auth *a, const unsigned char hash[32])
{
	struct entry *e = place(a, hash);

	a->era++;
	if (token_same(e->hash, hash))
		e->good_until_ms = 0;
}

void auth_forget_user(struct auth *a, int64_t user_id)
{
	a->era++;
	for (int i = 0; i < AUTH_ENTRIES; i++)
		if (a->entry[i].who.by_cookie && a->entry[i].who.id == user_id)
			a->entry[i].good_until_ms = 0;
}

bool auth_is_limited(const struct auth *a, const char *addr)
{
	return failures_count(a->api->failures, addr, when_clock_ms()) >=
		a->api->conf.api_auth_failures_max;
}

bool auth_failed(struct auth *a, const char *addr)
{
	a->failed++;
	return failures_add(a->api->failures, addr, when_clock_ms()) >=
		a->api->conf.api_auth_failures_max;
}

uint64_t auth_failures(const struct auth *a)
{
	return a->failed;
}

static enum step unauthorized(struct req *r, const char *why)
{
	/* RFC 6750, section 3.1: an error is named where a token was there. */
	text_printf(&r->headers,
		"WWW-Authenticate: Bearer realm=\"tally\"%s\r\n",
		http_find(&r->head, "authorization")
			? ", error=\"invalid_token\""
			: "");
	return req_problem(r, 401, "unauthorized", "%s", why);
}

static enum step refused(struct req *r, const char *why)
{
	if (auth_failed(r->api->auth, r->conn->addr)) {
		text_str(&r->headers, "Retry-After: 60\r\n");
		return req_problem(r, 429, "too-many-failures",
			"too many failed authentications from this address");
	}
	return unauthorized(r, why);
}

static void used_done(struct pool_job *job, enum err e)
{
	struct used *u = job->ctx;

	(void)e;
	u->busy = false;
}

/* hash NULL: of the token with this id.  Where all of them are busy the next
 * look-up notes it. */
static void note_use(
	struct auth *a, int64_t token_id, const unsigned char *hash)
{
	for (int i = 0; i < USED_AT_ONCE; i++) {
		struct used *u = &a->used[i];

		if (u->busy)
			continue;
		if (hash)
			memcpy(u->hash, hash, TOKEN_HASH);
		u->arg = hash ? DB_SN((const char *)u->hash, TOKEN_HASH)
			      : DB_I(token_id);
		u->job = (struct pool_job){
			.stmt = hash ? Q_SESSION_USED : Q_TOKEN_USED,
			.args = &u->arg,
			.done = used_done,
			.ctx = u};
		u->busy = !pool_submit(a->api->pool, &u->job);
		return;
	}
}

/* The rows of Q_TOKEN_FIND: id, scopes, expired, revoked, cameras, idle
 * seconds, name. */
static enum step token_found(struct req *r, struct entry *e)
{
	const struct db_cell *c = r->rows.cell;

	if (!r->rows.n)
		return refused(r, "the token is not known");
	if (c[2].i)
		return unauthorized(r, "the token has expired");
	if (c[3].i)
		return unauthorized(r, "the token was revoked");
	e->who = (struct principal){.known = true,
		.id = c[0].i,
		.scopes = (unsigned)c[1].i,
		.name = strdup(c[6].s.at)};
	if (!e->who.name ||
		(!c[4].null && !(e->who.cameras = strdup(c[4].s.at))))
		return req_fail(r, E_NOMEM);
	if (c[5].null || c[5].i >= USED_EVERY_S)
		note_use(r->api->auth, c[0].i, NULL);
	return STEP_NEXT;
}

/* The rows of Q_SESSION_FIND: id, name, role, cameras, idle seconds, end. */
static enum step session_found(
	struct req *r, struct entry *e, const unsigned char *hash)
{
	const struct db_cell *c = r->rows.cell;

	/* An old cookie is nobody's: adopt() tells what that means. */
	if (!r->rows.n)
		return STEP_NEXT;
	e->who = (struct principal){.known = true,
		.by_cookie = true,
		.role = (int)c[2].i,
		.scopes = role_scopes((enum role)c[2].i),
		.id = c[0].i,
		.expires_at = when_from_number(c[5].i),
		.name = strdup(c[1].s.at)};
	if (!e->who.name ||
		(!c[3].null && !(e->who.cameras = strdup(c[3].s.at))))
		return req_fail(r, E_NOMEM);
	if (c[4].i >= SEEN_EVERY_S)
		note_use(r->api->auth, 0, hash);
	return STEP_NEXT;
}

static enum step look_up(struct req *r, const struct lookup *l, void **waiting)
{
	struct lookup *kept = arena_alloc(&r->arena, sizeof(*kept));

	if (!kept)
		return req_fail(r, E_NOMEM);
	*kept = *l;
	kept->era = r->api->auth->era;
	*waiting = kept;
	return req_query(r, l->cookie ? Q_SESSION_FIND : Q_TOKEN_FIND,
		DB_ARGS(DB_SN((const char *)kept->hash, TOKEN_HASH),
			DB_I(r->api->conf.api_session_idle_min)),
		l->cookie ? 2 : 1);
}

bool auth_cookie(const struct req *r, unsigned char hash[32])
{
	const struct slice *v = http_find(&r->head, "cookie");
	struct slice value;

	if (!v || !field_cookie(*v, AUTH_COOKIE, &value))
		return false;
	token_hash(value.at, value.n, hash);
	return true;
}

bool auth_hash(const struct req *r, unsigned char hash[32])
{
	const struct slice *v = http_find(&r->head, "authorization");
	struct slice token;

	if (!v)
		return auth_cookie(r, hash);
	if (!field_bearer(*v, &token))
		return false;
	token_hash(token.at, token.n, hash);
	return true;
}

static bool copy_text(struct req *r, const char **s)
{
	return !*s || (*s = arena_copy(&r->arena, *s, strlen(*s)));
}

/* A copy that lives as long as the request does. */
static enum step adopt(struct req *r, const struct entry *e)
{
	r->who = e->who;
	if (!r->who.known)
		return r->route->scope ? unauthorized(r, "please log in")
				       : STEP_NEXT;
	if (!copy_text(r, &r->who.name) || !copy_text(r, &r->who.cameras))
		return req_fail(r, E_NOMEM);
	return STEP_NEXT;
}

/* The rows are there.  They are not kept where something was forgotten since
 * they were asked for: perhaps this. */
static enum step looked_up(struct req *r, void **waiting)
{
	struct lookup *l = *waiting;
	struct entry *e = place(r->api->auth, l->hash), fresh = {0};
	enum step s;

	*waiting = NULL;
	s = l->cookie ? session_found(r, &fresh, l->hash)
		      : token_found(r, &fresh);
	if (s == STEP_NEXT)
		s = adopt(r, &fresh);
	if (s != STEP_NEXT || l->era != r->api->auth->era) {
		free_texts(&fresh.who);
		return s;
	}
	free_texts(&e->who);
	memcpy(fresh.hash, l->hash, TOKEN_HASH);
	fresh.good_until_ms = when_clock_ms() + AUTH_TTL_MS;
	*e = fresh;
	return STEP_NEXT;
}

/* Believed, or looked up; and once that is there, again. */
static enum step find(struct req *r, const struct lookup *l, void **waiting)
{
	struct entry *e = place(r->api->auth, l->hash);

	if (*waiting)
		return looked_up(r, waiting);
	if (e->good_until_ms <= when_clock_ms() ||
		!token_same(e->hash, l->hash))
		return look_up(r, l, waiting);
	return adopt(r, e);
}

enum step auth_token(struct req *r, struct slice token, void **waiting)
{
	struct lookup l = {0};

	token_hash(token.at, token.n, l.hash);
	return find(r, &l, waiting);
}

enum step auth_check(struct req *r)
{
	const struct slice *v = http_find(&r->head, "authorization");
	struct lookup l = {0};
	struct slice token;

	if (r->state)
		return find(r, &l, &r->state);
	if (v) {
		if (!field_bearer(*v, &token))
			return unauthorized(r,
				"Authorization wants: Bearer "
				"and a token");
		token_hash(token.at, token.n, l.hash);
	} else if (auth_cookie(r, l.hash)) {
		l.cookie = true;
	} else {
		return r->route->scope ? unauthorized(r, "a token is missing")
				       : STEP_NEXT;
	}
	return find(r, &l, &r->state);
}

enum step auth_need(struct req *r, unsigned scopes)
{
	char wanted[64] = "";
	size_t n = 0;

	if (r->who.scopes & scopes) {
		if (scopes & SCOPE_UNBOUND && r->who.cameras)
			return req_problem(r, 403, "forbidden",
				"this concerns every camera; the %s is bound "
				"to some",
				r->who.by_cookie ? "log-in" : "token");
		if (scopes & SCOPE_SESSION && !r->who.by_cookie)
			return req_problem(r, 403, "forbidden",
				"this is for a person who is logged in");
		return STEP_NEXT;
	}
	for (unsigned i = 0; i < SCOPES; i++)
		if (scopes & 1u << i)
			n += (size_t)snprintf(wanted + n, sizeof(wanted) - n,
				"%s%s", n ? " or " : "", scope_name[i]);
	if (r->who.by_cookie)
		return req_problem(r, 403, "forbidden",
			"a %s may not do this; it wants the scope %s",
			role_name[r->who.role], wanted);
	return req_problem(r, 403, "forbidden",
		"the token lacks the scope this route wants: %s", wanted);
}

/* ---- what comes from our own page ---- */

static bool says(const struct slice *v, const char *word)
{
	return v->n == strlen(word) && !memcmp(v->at, word, v->n);
}

enum step auth_same_origin(struct req *r)
{
	const struct slice *origin = http_find(&r->head, "origin");
	const struct slice *host = http_find(&r->head, "host");
	const struct slice *site = http_find(&r->head, "sec-fetch-site");
	size_t n = origin ? origin->n : 0;

	/* None of them: no browser of today; the cookie is SameSite. */
	if (origin &&
		(!host || n <= host->n + 3 ||
			strncasecmp(origin->at + n - host->n, host->at,
				host->n) != 0 ||
			memcmp(origin->at + n - host->n - 3, "://", 3) != 0))
		n = 0;
	/* "none": the address was typed, or chosen from the history. */
	if ((!origin || n) &&
		(!site || says(site, "same-origin") || says(site, "none")))
		return STEP_NEXT;
	return req_problem(
		r, 403, "cross-origin", "the request comes from another site");
}

bool auth_csrf(const struct req *r, char csrf[TOKEN_DERIVED])
{
	const struct slice *v = http_find(&r->head, "cookie");
	struct slice value;

	if (!v || !field_cookie(*v, AUTH_COOKIE, &value))
		return false;
	token_derive(csrf, "tally csrf", value);
	return true;
}

static enum step check_csrf(struct req *r, struct slice claimed)
{
	char csrf[TOKEN_DERIVED];

	if (auth_csrf(r, csrf) && token_is(csrf, claimed))
		return STEP_NEXT;
	return req_problem(r, 403, "csrf",
		"the session's CSRF token is missing or not right: %s",
		r->route->scope ? "send what GET /api/v1/session tells as "
				  "X-CSRF-Token"
				: "load the page again");
}

enum step auth_csrf_is(struct req *r, const char *claimed)
{
	return check_csrf(r,
		(struct slice){
			claimed ? claimed : "", claimed ? strlen(claimed) : 0});
}

enum step auth_own_page(struct req *r)
{
	const struct slice *v = http_find(&r->head, "x-csrf-token");
	enum step s;

	if (!r->who.by_cookie || r->head.method == HTTP_GET ||
		r->head.method == HTTP_HEAD)
		return STEP_NEXT;
	if ((s = auth_same_origin(r)) != STEP_NEXT || !r->route->scope)
		return s;
	return check_csrf(r, v ? *v : (struct slice){"", 0});
}

/* ---- passwords ---- */

static enum step too_many(struct req *r)
{
	text_str(&r->headers, "Retry-After: 60\r\n");
	return req_problem(r, 429, "too-many-failures",
		"too many failed log-ins; try again in a minute");
}

static bool name_is_limited(const struct auth *a, const char *key)
{
	return failures_count(a->api->failures, key, when_clock_ms()) >=
		a->api->conf.api_login_failures_max;
}

enum step auth_try_begin(struct req *r, struct auth_try *t, const char *user)
{
	const struct slice *v = http_find(&r->head, "cookie");
	struct auth *a = r->api->auth;

	*t = (struct auth_try){.known = {"", 0}};
	failures_key(t->key, 'u', (struct slice){user, strlen(user)});
	if (v && field_cookie(*v, AUTH_KNOWN_COOKIE, &t->known)) {
		failures_key(t->known_key, 'k', t->known);
		/* For the thread: the head may move meanwhile. */
		t->known.at = arena_copy(&r->arena, t->known.at, t->known.n);
		if (!t->known.at)
			return req_fail(r, E_NOMEM);
	}
	t->must_know = name_is_limited(a, t->key);
	if (auth_is_limited(a, r->conn->addr) ||
		(t->must_know &&
			(!t->known.n || name_is_limited(a, t->known_key))))
		return too_many(r);
	if (a->trying == AUTH_PASSWORDS_MAX)
		return req_fail(r, E_FULL);
	a->trying += t->begun = true;
	return STEP_NEXT;
}

void auth_try_free(struct req *r, struct auth_try *t)
{
	r->api->auth->trying -= t->begun;
	t->begun = false;
}

void auth_known(char known[TOKEN_DERIVED], const char *stored)
{
	/* Another password, even the same one anew, and it is no longer. */
	token_derive(
		known, "tally known", (struct slice){stored, strlen(stored)});
}

bool auth_try_may(struct auth_try *t, const char *stored)
{
	char known[TOKEN_DERIVED];

	if (stored && t->known.n) {
		auth_known(known, stored);
		t->knows = token_is(known, t->known);
	}
	return t->knows || !t->must_know;
}

enum step auth_try_ended(struct req *r, struct auth_try *t, bool ok)
{
	struct auth *a = r->api->auth;
	const char *key = t->knows ? t->known_key : t->key;
	bool addr, name;

	if (ok)
		return STEP_NEXT;
	addr = auth_failed(a, r->conn->addr);
	name = failures_add(a->api->failures, key, when_clock_ms()) >=
		a->api->conf.api_login_failures_max;
	return addr || name ? too_many(r) : STEP_NEXT;
}
