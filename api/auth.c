// SPDX-License-Identifier: MIT
#include "api/auth.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/api.h"
#include "api/failures.h"
#include "api/field.h"
#include "api/server.h"
#include "common/db/pool.h"
#include "common/token.h"
#include "common/when.h"

enum { USED_EVERY_S = 60, USED_AT_ONCE = 16 };

struct entry {
	unsigned char hash[TOKEN_HASH];
	int64_t good_until_ms; /* 0: empty */
	struct principal who;  /* its texts are the entry's own */
};

/* "last used" is written by the way; nobody waits for it. */
struct used {
	struct pool_job job;
	struct db_cell arg;
	bool busy;
};

struct auth {
	struct api *api;
	struct used used[USED_AT_ONCE];
	struct entry entry[AUTH_ENTRIES];
	struct failures failures;
};

/* What a request waits with. */
struct lookup {
	unsigned char hash[TOKEN_HASH];
	bool cookie;
};

enum err auth_open(struct auth **a, struct api *api)
{
	*a = calloc(1, sizeof(**a));
	if (!*a)
		return E_NOMEM;
	(*a)->api = api;
	failures_init(&(*a)->failures);
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

	if (token_same(e->hash, hash))
		e->good_until_ms = 0;
}

bool auth_is_limited(const struct auth *a, const char *addr)
{
	return failures_count(&a->failures, addr, when_clock_ms()) >=
		a->api->conf.api_auth_failures_max;
}

bool auth_failed(struct auth *a, const char *addr)
{
	return failures_add(&a->failures, addr, when_clock_ms()) >=
		a->api->conf.api_auth_failures_max;
}

uint64_t auth_failures(const struct auth *a)
{
	return a->failures.total;
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

/* Where all of them are busy the next look-up notes it. */
static void note_use(struct auth *a, int64_t token_id)
{
	for (int i = 0; i < USED_AT_ONCE; i++) {
		struct used *u = &a->used[i];

		if (u->busy)
			continue;
		u->arg = DB_I(token_id);
		u->job = (struct pool_job){.stmt = Q_TOKEN_USED,
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
		note_use(r->api->auth, c[0].i);
	return STEP_NEXT;
}

static enum step session_found(struct req *r, struct entry *e)
{
	/* An old cookie is nobody's: adopt() tells what that means. */
	if (!r->rows.n)
		return STEP_NEXT;
	e->who = (struct principal){.known = true,
		.by_cookie = true,
		.scopes = SCOPE_READ | SCOPE_REVIEW | SCOPE_ADMIN,
		.id = r->rows.cell[0].i,
		.name = strdup(r->rows.cell[1].s.at)};
	return e->who.name ? STEP_NEXT : req_fail(r, E_NOMEM);
}

static enum step look_up(struct req *r, const struct lookup *l, void **waiting)
{
	struct lookup *kept = arena_alloc(&r->arena, sizeof(*kept));

	if (!kept)
		return req_fail(r, E_NOMEM);
	*kept = *l;
	*waiting = kept;
	return req_query(r, l->cookie ? Q_SESSION_FIND : Q_TOKEN_FIND,
		DB_ARGS(DB_SN((const char *)kept->hash, TOKEN_HASH)), 1);
}

/* The rows are there. */
static enum step looked_up(struct req *r, void **waiting)
{
	struct lookup *l = *waiting;
	struct entry *e = place(r->api->auth, l->hash), fresh = {0};
	enum step s;

	*waiting = NULL;
	s = l->cookie ? session_found(r, &fresh) : token_found(r, &fresh);
	if (s != STEP_NEXT) {
		free_texts(&fresh.who);
		return s;
	}
	free_texts(&e->who);
	memcpy(fresh.hash, l->hash, TOKEN_HASH);
	fresh.good_until_ms = when_clock_ms() + AUTH_TTL_MS;
	*e = fresh;
	return STEP_NEXT;
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

/* Believed, or looked up; and once that is there, again. */
static enum step find(struct req *r, const struct lookup *l, void **waiting)
{
	const struct lookup *of = *waiting ? *waiting : l;
	struct entry *e = place(r->api->auth, of->hash);
	enum step s = STEP_NEXT;

	if (*waiting)
		s = looked_up(r, waiting);
	else if (e->good_until_ms <= when_clock_ms() ||
		!token_same(e->hash, l->hash))
		return look_up(r, l, waiting);
	return s == STEP_NEXT ? adopt(r, e) : s;
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
		if (!(scopes & SCOPE_UNBOUND) || !r->who.cameras)
			return STEP_NEXT;
		return req_problem(r, 403, "forbidden",
			"this concerns every camera; the token is bound to "
			"some");
	}
	for (unsigned i = 0; i < SCOPES; i++)
		if (scopes & 1u << i)
			n += (size_t)snprintf(wanted + n, sizeof(wanted) - n,
				"%s%s", n ? " or " : "", scope_name[i]);
	return req_problem(r, 403, "forbidden",
		"the token lacks the scope this route wants: %s", wanted);
}

enum step auth_same_origin(struct req *r)
{
	const struct slice *origin = http_find(&r->head, "origin");
	const struct slice *host = http_find(&r->head, "host");
	size_t n;

	if (!origin)
		return STEP_NEXT; /* no browser; the cookie is SameSite */
	n = origin->n;
	if (host && n > host->n + 3 &&
		!strncasecmp(origin->at + n - host->n, host->at, host->n) &&
		!memcmp(origin->at + n - host->n - 3, "://", 3))
		return STEP_NEXT;
	return req_problem(
		r, 403, "cross-origin", "the request comes from another site");
}
