// SPDX-License-Identifier: MIT
#include "api/req.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "api/access.h"
#include "api/allow.h"
#include "api/api.h"
#include "api/auth.h"
#include "api/blob.h"
#include "api/field.h"
#include "api/memo.h"
#include "api/metrics.h"
#include "api/routes.h"
#include "api/server.h"
#include "api/status.h"
#include "common/json.h"
#include "common/log.h"
#include "common/token.h"
#include "common/when.h"

enum { REPLY_MAX = 64 << 20, HEADERS_MAX = 32768 };

/* ---- replies ---- */

static const char *date_now(void)
{
	static char text[40];
	static time_t of;
	time_t now = time(NULL);
	struct tm tm;

	if (now != of) {
		gmtime_r(&now, &tm);
		strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
		of = now;
	}
	return text;
}

/* HTTP/1.0 wants to be told that it may go on (RFC 9112, section 9.3). */
static const char *connection(const struct req *r)
{
	if (!r->conn->keep)
		return "Connection: close\r\n";
	return r->head.minor ? "" : "Connection: keep-alive\r\n";
}

struct blob *req_body_of(struct req *r)
{
	struct blob *body = NULL;

	if (!r->out.n)
		text_free(&r->out);
	else if (!(body = blob_new(r->out.at, r->out.n)))
		r->conn->gone = true;
	r->out = (struct text){.max = REPLY_MAX};
	return body;
}

enum { HEAD_MAX = HEADERS_MAX + 640 };

/* framing: the line that tells where the body ends, or "". */
static size_t write_head(struct req *r, char head[HEAD_MAX], int status,
	const char *type, const char *framing)
{
	char code[TEXT_NUMBER];
	const char *const parts[] = {
		"HTTP/1.1 ",
		code,
		" ",
		status_text(status),
		"\r\nDate: ",
		date_now(),
		type ? "\r\nContent-Type: " : "",
		type ? type : "",
		"\r\nX-Content-Type-Options: nosniff\r\nX-Request-Id: ",
		r->id,
		"\r\n",
		r->headers.at ? r->headers.at : "",
		r->conn->https
			? "Strict-Transport-Security: max-age=31536000\r\n"
			: "",
		connection(r),
		framing,
		"\r\n",
	};
	size_t n = 0;

	*text_number(code, status) = '\0';
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		size_t k = strlen(parts[i]);

		if (k > HEAD_MAX - n)
			k = HEAD_MAX - n;
		memcpy(head + n, parts[i], k);
		n += k;
	}
	return n;
}

enum step req_reply_blob(
	struct req *r, int status, const char *type, struct blob *body)
{
	struct conn *c = r->conn;
	char head[HEAD_MAX], length[48] = "";
	size_t bytes = body ? body->n : 0, n;

	if (!c->body_whole)
		c->keep = false;
	/* These two have no body by definition (RFC 9110, section 8.6). */
	if (status != 204 && status != 304)
		snprintf(length, sizeof(length), "Content-Length: %zu\r\n",
			bytes);
	n = write_head(r, head, status, type, length);
	/* The client of a HEAD wants the head alone. */
	if (r->head.method == HTTP_HEAD) {
		blob_drop(body);
		body = NULL;
	}
	r->replied = true;
	metrics_count(r, status);
	access_told(r, status, bytes);
	conn_send(c, head, n, body);
	return STEP_DONE;
}

/* The head of a reply that goes on; 0: who asked for no more than that has it.
 */
static size_t begin_reply(
	struct req *r, char *head, const char *type, const char *framing)
{
	size_t n;

	r->conn->keep = false;
	n = write_head(r, head, 200, type, framing);
	metrics_count(r, 200);
	access_told(r, 200, 0);
	if (r->head.method != HTTP_HEAD)
		return n;
	r->replied = true;
	conn_send(r->conn, head, n, NULL);
	return 0;
}

enum step req_live(struct req *r, const char *type, const char *first)
{
	char head[HEAD_MAX + 80];
	size_t n = begin_reply(r, head, type, "");

	if (!n)
		return STEP_DONE;
	n += (size_t)snprintf(head + n, sizeof(head) - n, "%s", first);
	conn_live(r->conn, head, n);
	return STEP_WAIT;
}

enum step req_flow(struct req *r, const char *type)
{
	char head[HEAD_MAX];
	size_t n = begin_reply(r, head, type,
		r->head.minor ? "Transfer-Encoding: chunked\r\n" : "");

	if (n)
		conn_flow(r->conn, head, n);
	return STEP_DONE;
}

enum step req_reply(struct req *r, int status, const char *type)
{
	if (r->out.full || r->headers.full || r->arena.full) {
		text_clear(&r->out);
		text_clear(&r->headers);
		r->arena.full = false;
		return req_problem(r, 413, "too-large",
			"the answer is over its bound; ask for less at once");
	}
	return req_reply_blob(r, status, type, req_body_of(r));
}

enum step req_json(struct req *r, int status)
{
	if (!r->headers.n)
		text_str(&r->headers, "Cache-Control: no-store\r\n");
	return req_reply(r, status, "application/json");
}

enum step req_redirect(struct req *r, const char *to)
{
	text_printf(
		&r->headers, "Location: %s\r\nCache-Control: no-store\r\n", to);
	text_clear(&r->out);
	return req_reply(r, 303, NULL);
}

void req_problem_open(
	struct req *r, int status, const char *slug, const char *detail)
{
	char type[80];

	text_clear(&r->out);
	snprintf(type, sizeof(type), "urn:tally:problem:%s", slug);
	json_open(&r->out, NULL, '{');
	json_str(&r->out, "type", type);
	json_str(&r->out, "title", status_text(status));
	json_int(&r->out, "status", status);
	json_str(&r->out, "detail", detail);
	json_str(&r->out, "request_id", r->id);
}

enum step req_problem_end(struct req *r, int status)
{
	json_close(&r->out, '}');
	text_str(&r->headers, "Cache-Control: no-store\r\n");
	return req_reply(r, status, "application/problem+json");
}

enum step req_problem(
	struct req *r, int status, const char *slug, const char *fmt, ...)
{
	char detail[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	if (r->explain) {
		explain_fn explain = r->explain;

		/* Once: what goes wrong in it is told as usual. */
		r->explain = NULL;
		return explain(r, status, detail);
	}
	req_problem_open(r, status, slug, detail);
	return req_problem_end(r, status);
}

enum step req_no_params(struct req *r)
{
	if (!r->query.n)
		return STEP_NEXT;
	return req_problem(r, 400, "unknown-parameter",
		"the parameter %.60s is not known", r->query.param[0].name);
}

enum step req_seconds(struct req *r, const char *name, int most, int64_t *s)
{
	const char *v = query_get(&r->query, name);
	char *end;
	long n;

	if (!v)
		return STEP_NEXT;
	n = strtol(v, &end, 10);
	if (*v < '0' || *v > '9' || *end || n > most)
		return req_problem(r, 400, "bad-parameter",
			"%s is not from 0 to %d seconds", name, most);
	*s = n;
	return STEP_NEXT;
}

enum step req_fail(struct req *r, enum err e)
{
	struct status_meaning m = status_of(e);

	if (m.status == 503)
		text_str(&r->headers, "Retry-After: 2\r\n");
	return req_problem(r, m.status, m.slug, "%s", m.detail);
}

enum step req_back(struct req *r, unsigned step)
{
	r->at = step - 1;
	return STEP_NEXT;
}

/* ---- asking the database ---- */

static void query_done(struct pool_job *job, enum err e)
{
	req_resume(job->ctx, e);
}

enum step req_query_over(struct req *r, struct pool *pool, enum stmt q,
	const struct db_cell *args, size_t n)
{
	struct db_cell *kept = NULL;
	enum err e;

	if (n && !(kept = arena_alloc(&r->arena, n * sizeof(*kept))))
		return req_fail(r, E_NOMEM);
	if (n)
		memcpy(kept, args, n * sizeof(*kept));
	arena_reset(&r->rows_arena);
	r->rows = (struct db_rows){0};
	r->job = (struct pool_job){.stmt = q,
		.args = kept,
		.arena = &r->rows_arena,
		.rows = &r->rows,
		.done = query_done,
		.ctx = r,
		.request = r->id};
	if ((e = pool_submit(pool, &r->job)))
		return req_fail(r, e);
	return STEP_WAIT;
}

enum step req_query(
	struct req *r, enum stmt q, const struct db_cell *args, size_t n)
{
	return req_query_over(r, r->api->pool, q, args, n);
}

/* ---- the life ---- */

static void hold(struct req *r, size_t bytes)
{
	r->conn->server->count.request_bytes += bytes - r->held;
	r->held = bytes;
}

void req_weigh(struct req *r)
{
	hold(r, r->arena.used + r->rows_arena.used + r->out.cap + r->body_room);
}

void req_end(struct req *r)
{
	hold(r, 0);
	if (r->release) {
		r->release(r);
		r->release = NULL;
	}
	if (r->body.at)
		token_wipe(r->body.at, r->body.cap);
	text_free(&r->body);
	json_free(r->json);
	r->json = NULL;
	memo_end(r);
	text_free(&r->out);
	text_free(&r->headers);
	arena_reset(&r->arena);
	arena_reset(&r->rows_arena);
	r->state = NULL;
}

static enum step run_steps(struct req *r)
{
	enum step s = STEP_NEXT;

	while (r->at < REQ_STEPS && r->route->step[r->at]) {
		s = r->route->step[r->at](r);
		if (s == STEP_NEXT || s == STEP_WAIT)
			r->at++;
		if (s != STEP_NEXT)
			return s;
	}
	/* A route that ends without a reply. */
	return req_fail(r, E_CORRUPT);
}

/* Whoever sets a condition on a write does not want it done unless it holds
 * (RFC 9110, section 13.1); what is written here has no tags to compare. */
static enum step check_conditions(struct req *r)
{
	if (r->head.method == HTTP_GET || r->head.method == HTTP_HEAD ||
		(field_match(&r->head, NULL) &&
			!field_none_match(&r->head, "", true)))
		return STEP_NEXT;
	return req_problem(r, 412, "precondition-failed",
		"what this route writes has no tags; only If-Match: * and "
		"If-None-Match with tags hold");
}

enum step req_changed(struct req *r)
{
	text_clear(&r->headers);
	return req_problem(r, 412, "precondition-failed",
		"what is there now has another tag than If-Match names");
}

static enum step has_begun(struct req *r)
{
	enum step s = check_conditions(r);

	if (s != STEP_NEXT)
		return s;
	if (r->conn->body_whole) {
		r->phase = REQ_STEPS_RUN;
		return run_steps(r);
	}
	if (r->head.has_length && r->head.length > r->conn->body_max) {
		r->conn->server->count.refused_bodies++;
		return req_problem(r, 413, "too-large",
			"the body is over %zu bytes",
			(size_t)r->conn->body_max);
	}
	r->phase = REQ_BODY;
	conn_want_body(r->conn);
	return STEP_WAIT;
}

static enum step run_begin(struct req *r)
{
	enum step s = r->route->begin ? r->route->begin(r) : STEP_NEXT;

	return s == STEP_NEXT ? has_begun(r) : s;
}

static enum step run_auth(struct req *r)
{
	enum step s = STEP_NEXT;

	if (r->route->scope & SCOPE_OR_LISTED &&
		allow_has(r->api->conf.api_metrics_from, r->conn->addr)) {
		r->phase = REQ_BEGIN;
		return run_begin(r);
	}
	if (r->route->scope || r->route->known)
		s = auth_check(r);

	if (s != STEP_NEXT)
		return s;
	if (r->route->scope && (s = auth_need(r, r->route->scope)) != STEP_NEXT)
		return s;
	if ((s = auth_own_page(r)) != STEP_NEXT)
		return s;
	r->phase = REQ_BEGIN;
	return run_begin(r);
}

/* Whatever ran last: an answered request is forgotten. */
static void settle(struct req *r)
{
	log_request(NULL);
	if (r->replied)
		req_end(r);
}

/* Is there memory for it?  What tells how things stand, and pages, which are
 * there already, take next to none. */
static enum step check_memory(struct req *r)
{
	struct server *s = r->conn->server;
	size_t most = r->api->conf.api_memory_max;

	if (r->route->scope & SCOPE_OR_LISTED ||
		(!r->route->scope && !r->route->body) || server_has_room(s, 0))
		return STEP_NEXT;
	memo_shed(r->api->memo, server_memory(s) - most);
	if (server_has_room(s, 0))
		return STEP_NEXT;
	s->count.refused_memory++;
	text_str(&r->headers, "Retry-After: 2\r\n");
	return req_problem(
		r, 503, "busy", "too much is in memory already; try again");
}

static enum step parse_query(struct req *r)
{
	char why[QUERY_WHY];

	if (query_parse(&r->query, &r->arena, r->head.query, why))
		return req_problem(
			r, 400, "bad-query", "query string: %s", why);
	/* An address is kept in histories and logs; a secret must not be. */
	if (query_get(&r->query, "token") ||
		query_get(&r->query, "access_token"))
		return req_problem(r, 400, "token-in-query",
			"a token belongs into the header Authorization, never "
			"into the address; treat this one as known to others");
	return STEP_NEXT;
}

void req_init(struct req *r)
{
	arena_init(&r->arena, REQ_ARENA);
	arena_init(&r->rows_arena, REQ_ARENA);
	text_init(&r->out, REPLY_MAX);
	text_init(&r->headers, HEADERS_MAX);
	text_init(&r->body, 0);
	r->route = NULL;
	r->phase = REQ_AUTH;
	r->begun_us = when_clock_us();
	r->at = 0;
	r->replied = false;
	r->state = NULL;
	r->release = NULL;
	r->flow = NULL;
	r->json = NULL;
	r->memo = NULL;
	r->body_room = 0;
	r->listed = NULL;
	r->explain = NULL;
	r->err = E_OK;
	r->who = (struct principal){0};
	access_id(r);
	r->rows = (struct db_rows){0};
}

void req_begin(struct req *r)
{
	req_init(r);
	log_request(r->id);
	r->explain = route_explain(r);
	if (parse_query(r) == STEP_NEXT && route_find(r) == STEP_NEXT &&
		check_memory(r) == STEP_NEXT)
		run_auth(r);
	settle(r);
}

void req_body(struct req *r, const char *at, size_t n)
{
	log_request(r->id);
	if (r->route->body && r->route->body(r, at, n) == STEP_WAIT)
		conn_pause(r->conn);
	settle(r);
}

void req_body_end(struct req *r)
{
	log_request(r->id);
	r->phase = REQ_STEPS_RUN;
	run_steps(r);
	settle(r);
}

/* What the body's reader waited for is there. */
static void resume_body(struct req *r)
{
	if (r->route->body(r, NULL, 0) != STEP_NEXT || conn_go_on(r->conn))
		return;
	r->phase = REQ_STEPS_RUN;
	run_steps(r);
}

void req_resume(struct req *r, enum err e)
{
	struct conn *c = r->conn;

	log_request(r->id);
	req_weigh(r);
	r->err = e;
	if (e && !r->replied) {
		req_fail(r, e);
	} else if (!r->replied) {
		switch (r->phase) {
		case REQ_AUTH:
			run_auth(r);
			break;
		case REQ_BEGIN:
			run_begin(r);
			break;
		case REQ_BODY:
			resume_body(r);
			break;
		case REQ_STEPS_RUN:
			run_steps(r);
			break;
		}
	}
	settle(r);
	conn_alive(c);
}

void req_refuse(struct req *r, int status, const char *why)
{
	const char *slug = status == 408 ? "timeout"
		: status == 413		 ? "too-large"
					 : "bad-request";

	log_request(r->id);
	req_problem(r, status, slug, "%s", why);
	settle(r);
}

bool principal_covers(const struct principal *p, const char *code)
{
	for (const char *at = p->cameras; at && *at;) {
		const char *end = strchr(at, '\n');
		size_t n = end ? (size_t)(end - at) : strlen(at);

		if (!strncmp(at, code, n) && (!code[n] || code[n] == '/'))
			return true;
		at += n + (end != NULL);
	}
	return !p->cameras;
}
