// SPDX-License-Identifier: MIT
/*
 * POST /api/v1/counts: a row, an array of rows, or CSV; and their outcome.
 */
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "api/audit.h"
#include "api/auth.h"
#include "api/body.h"
#include "api/counts.h"
#include "api/field.h"
#include "api/resources.h"
#include "api/server.h"
#include "common/json.h"
#include "common/tz.h"

enum {
	REST_MAX = 128 << 10, /* a piece of body is smaller */
	LIVE_ROWS_MAX = 100   /* of a request; more are a backlog's */
};

static void post_release(struct req *r)
{
	struct post *p = r->state;

	idempotency_leave(&p->key);
	server_counters(r->conn->server)->body_bytes -= p->charged;
	arena_reset(&p->rows);
	report_free(&p->before);
	charset_close(p->charset);
	text_free(&p->utf8);
	text_free(&p->rest);
	text_free(&p->json);
	tz_free(p->tz);
}

static enum step read_flag(
	struct req *r, const char *name, const char *v, bool *flag)
{
	*flag = !strcmp(v, "true");
	if (!*flag && strcmp(v, "false") != 0)
		return req_problem(r, 400, "bad-parameter",
			"%s is neither true nor false", name);
	return STEP_NEXT;
}

/* ?partial= ?parts= ?on_conflict= ?tz= ?fold= ?camera= */
static enum step read_params(struct req *r, struct post *p)
{
	static const char *const known[] = {
		"partial", "parts", "on_conflict", "tz", "fold", "camera"};
	const char *v = query_unknown(&r->query, known, ARRAY_LEN(known));
	bool parts = true;
	enum step s;

	if (v)
		return req_problem(r, 400, "unknown-parameter",
			"the parameter %.60s is not known", v);
	if ((v = query_repeated(&r->query, NULL, 0)))
		return req_problem(
			r, 400, "bad-parameter", "%s is there twice", v);
	if ((v = query_get(&r->query, "partial")) &&
		(s = read_flag(r, "partial", v, &p->job.partial)) != STEP_NEXT)
		return s;
	if ((v = query_get(&r->query, "parts")) &&
		(s = read_flag(r, "parts", v, &parts)) != STEP_NEXT)
		return s;
	p->whole = !parts;
	if ((v = query_get(&r->query, "on_conflict"))) {
		p->job.replace = !strcmp(v, "replace");
		if (!p->job.replace && strcmp(v, "refuse") != 0)
			return req_problem(r, 400, "bad-parameter",
				"on_conflict is neither refuse nor replace");
	}
	if ((v = query_get(&r->query, "fold"))) {
		if (!strcmp(v, "first"))
			p->times.fold = FOLD_FIRST;
		else if (!strcmp(v, "second"))
			p->times.fold = FOLD_SECOND;
		else if (strcmp(v, "refuse") != 0)
			return req_problem(r, 400, "bad-parameter",
				"fold is none of first, second and refuse");
	}
	p->job.fold = p->times.fold;
	if (!(v = query_get(&r->query, "tz")))
		return STEP_NEXT;
	if (!strcmp(v, "camera"))
		p->times.camera_tz = true;
	else if (tz_load(v, &p->tz))
		return req_problem(r, 400, "bad-parameter",
			"tz is neither camera nor the name of a time zone");
	p->times.tz = p->tz;
	return STEP_NEXT;
}

/* The names that newline-delimited JSON goes by. */
static bool is_ndjson(const struct media *m)
{
	return media_is(m, "application/x-ndjson") ||
		media_is(m, "application/ndjson") ||
		media_is(m, "application/jsonl");
}

static enum step open_text(struct req *r, struct post *p, bool csv)
{
	if (csv)
		p->csv = arena_alloc(&r->arena, sizeof(*p->csv));
	else
		p->ndjson = arena_alloc(&r->arena, sizeof(*p->ndjson));
	if (p->csv)
		count_csv_init(p->csv, &p->batch, &p->times,
			query_get(&r->query, "camera"),
			r->api->conf.api_default_camera);
	else if (p->ndjson)
		count_ndjson_init(p->ndjson, &p->batch, &p->times);
	else
		return req_fail(r, E_NOMEM);
	text_init(&p->utf8, REST_MAX);
	conn_stream(r->conn);
	return STEP_NEXT;
}

static enum step bad_charset(struct req *r)
{
	return req_problem(r, 415, "unsupported-charset",
		"the body must be UTF-8; CSV may be CP949 or EUC-KR where "
		"Content-Type says so");
}

static enum step read_charset(
	struct req *r, struct post *p, struct slice charset, bool csv)
{
	enum err e = csv ? charset_open(&p->charset, charset) : E_NOT_FOUND;

	if (e == E_NOT_FOUND)
		return bad_charset(r);
	return e ? req_fail(r, e) : STEP_NEXT;
}

static enum step read_type(struct req *r, struct post *p)
{
	const struct slice *v = http_find(&r->head, "content-type");
	struct media m = {0};
	enum step s;
	bool csv;

	if (field_encoded(&r->head))
		return req_problem(r, 415, "unsupported-encoding",
			"a body with Content-Encoding is not accepted");
	if (v && v->n && !field_media(*v, &m))
		return req_problem(r, 415, "unsupported-type",
			"Content-Type is not well-formed");
	csv = media_is(&m, "text/csv");
	if (!media_is_utf8(&m) &&
		(s = read_charset(r, p, m.charset, csv)) != STEP_NEXT)
		return s;
	if (csv || is_ndjson(&m))
		return open_text(r, p, csv);
	if (m.type.n && !media_is(&m, "application/json") &&
		!media_is(&m, "application/x-www-form-urlencoded"))
		return req_problem(r, 415, "unsupported-type",
			"Content-Type is none of application/json, text/csv "
			"and application/x-ndjson");
	return STEP_NEXT;
}

static enum step open_post(struct req *r)
{
	struct post *p = arena_alloc(&r->arena, sizeof(*p));
	enum step s;

	if (!p)
		return req_fail(r, E_NOMEM);
	arena_init(&p->rows, REQ_ARENA);
	report_init(&p->before);
	text_init(&p->rest, REST_MAX);
	r->state = p;
	r->release = post_release;
	p->batch.arena = &p->rows;
	text_init(&p->json, r->api->conf.api_body_max);
	if ((s = read_params(r, p)) != STEP_NEXT ||
		(s = read_type(r, p)) != STEP_NEXT)
		return s;
	return idempotency_begin(r, &p->key);
}

enum step counts_begin(struct req *r)
{
	struct post *p = r->state;

	return p ? idempotency_found(r, &p->key) : open_post(r);
}

/* Nothing of the batch was stored; the parts before are. */
static enum step refuse(struct req *r, const struct post *p, int status,
	const char *slug, const char *why)
{
	char detail[400];

	snprintf(detail, sizeof(detail), "%.300s", why);
	if (p->before.parts)
		snprintf(detail, sizeof(detail),
			"%.300s; the rows up to line %u are stored", why,
			p->before.line);
	req_problem_open(r, status, slug, detail);
	report_write(&r->out, &p->before, &p->batch, true);
	return req_problem_end(r, status);
}

enum step counts_unreadable(struct req *r, struct post *p, unsigned line,
	const char *slug, const char *why)
{
	count_fault(&p->batch, line, "", "unreadable", why);
	return refuse(r, p, 422, slug, why);
}

enum step counts_charge(struct req *r, struct post *p)
{
	return body_charge(r, &p->charged,
		p->json.cap + p->rows.used + p->before.errors.cap);
}

enum step counts_body(struct req *r, const char *at, size_t n)
{
	struct post *p = r->state;

	if (idempotency_body(&p->key, at, n))
		return STEP_NEXT;
	if (p->csv || p->ndjson)
		return counts_text_take(r, at, n);
	/* A known length is asked for once, so that nothing is copied. */
	if (!p->json.cap && r->head.has_length)
		text_reserve(&p->json, (size_t)r->head.length);
	text_add(&p->json, at, n);
	if (p->json.full)
		return req_problem(r, 413, "too-large",
			"the body is over %zu bytes",
			r->api->conf.api_body_max);
	return counts_charge(r, p);
}

static enum step json_refused(
	struct req *r, struct post *p, enum json_fault f, size_t at)
{
	static const struct {
		int status;
		const char *why;
	} as[] = {
		[JSON_EMPTY] = {400, "the body is empty"},
		[JSON_NOT_UTF8] = {400, "the body is not UTF-8"},
		[JSON_SYNTAX] = {400, "the body is not JSON (RFC 8259)"},
		[JSON_DEPTH] = {400, "the JSON is nested too deeply"},
		[JSON_MANY] = {413, "the JSON holds too many values"},
		[JSON_NUL] = {422, "a text holds U+0000 or half a surrogate"},
	};
	char why[120];

	if (f == JSON_MEMORY)
		return req_fail(r, E_NOMEM);
	snprintf(why, sizeof(why), "%s (byte %zu)", as[f].why, at);
	if (as[f].status == 422)
		return counts_unreadable(r, p, 0, "bad-text", why);
	return req_problem(r, as[f].status,
		as[f].status == 413 ? "too-many-rows" : "not-json", "%s", why);
}

static enum step from_json(struct req *r, struct post *p)
{
	struct json *root;
	size_t at = 0;
	enum json_fault f;
	char none[1] = "";
	unsigned line = 0;
	bool many = false;

	f = json_parse_wide(
		p->json.at ? p->json.at : none, p->json.n, &root, &at);
	if (f)
		return json_refused(r, p, f, at);
	if (json_type(root) == JSON_ARRAY) {
		for (const struct json *v = json_first(root); v && !many;
			v = json_next(v)) {
			many = line >= COUNT_ROWS_MAX;
			if (!many)
				count_from_json(
					&p->batch, v, ++line, &p->times);
		}
	} else {
		p->batch.single = true;
		p->job.partial = false;
		count_from_json(&p->batch, root, 1, &p->times);
	}
	json_free(root);
	if (many)
		return req_problem(r, 413, "too-many-rows",
			"more than %d rows in one request", COUNT_ROWS_MAX);
	return STEP_NEXT;
}

static void post_done(struct commit_job *job, enum err e)
{
	req_resume(job->ctx, e);
}

/* A token that is bound to cameras writes to no other. */
static enum step check_cameras(struct req *r, struct post *p)
{
	char why[80];

	for (size_t i = 0; i < p->batch.n && r->who.cameras; i++) {
		const struct count *c = &p->batch.row[i];

		if (!c->camera || principal_covers(&r->who, c->camera))
			continue;
		snprintf(why, sizeof(why),
			"the token is not for the camera of line %u", c->line);
		return p->before.parts
			? refuse(r, p, 403, "forbidden", why)
			: req_problem(r, 403, "forbidden", "%s", why);
	}
	return STEP_NEXT;
}

bool counts_refused(const struct post *p)
{
	return p->batch.errors_n && !p->job.partial;
}

/* Live rows do not queue behind a backlog: behind the parts of a long body, or
 * many rows of a spool. */
static bool is_live(const struct post *p)
{
	return !p->waits && !p->before.parts && p->batch.n <= LIVE_ROWS_MAX;
}

enum step counts_submit(struct req *r, struct post *p)
{
	enum step s;
	enum err e;

	if (p->rows.full)
		return req_fail(r, E_TOO_BIG);
	if ((s = check_cameras(r, p)) != STEP_NEXT)
		return s;
	if (counts_refused(p))
		return counts_reply(r, p);
	p->job.batch = &p->batch;
	p->job.by = audit_who(r);
	p->job.done = post_done;
	p->job.ctx = r;
	p->job.request = r->id;
	e = committer_submit(
		is_live(p) ? r->api->committer : r->api->bulk, &p->job);
	return e ? req_fail(r, e) : STEP_WAIT;
}

static void write_reply(const struct post *p, struct text *to)
{
	json_open(to, NULL, '{');
	report_write(to, &p->before, &p->batch, false);
	json_close(to, '}');
}

static void reply_of(const struct commit_job *job, struct text *to)
{
	const struct req *r = job->ctx;

	write_reply(r->state, to);
}

enum step counts_commit(struct req *r)
{
	struct post *p = r->state;
	enum step s = idempotency_end(r, &p->key);

	if (s == STEP_NEXT)
		s = p->csv || p->ndjson ? counts_text_end(r) : from_json(r, p);
	if (s != STEP_NEXT)
		return s;
	/* The last part; for the key's sake one without rows, too. */
	if (!p->batch.n && !p->key.on)
		return counts_reply(r, p);
	if (p->key.on) {
		p->job.key = &p->key.key;
		p->job.reply = reply_of;
	}
	return counts_submit(r, p);
}

enum step counts_reply(struct req *r, struct post *p)
{
	const struct count_error *first = p->batch.error;
	int status = 422;

	if (!counts_refused(p)) {
		write_reply(p, &r->out);
		return req_json(r, 200);
	}
	for (size_t i = 1; i < p->batch.errors_n; i++)
		if (p->batch.error[i].line < first->line)
			first = &p->batch.error[i];
	if (p->batch.single && !strcmp(first->type, "conflict"))
		status = 409;
	return refuse(r, p, status, status == 409 ? "conflict" : "rows-refused",
		first->detail);
}

enum step counts_answer(struct req *r)
{
	struct post *p = r->state;

	return p->key.key.taken ? idempotency_ask(r, &p->key)
				: counts_reply(r, p);
}

/* Another process was first with the same key. */
enum step counts_kept(struct req *r)
{
	struct post *p = r->state;

	return idempotency_answer(r, &p->key);
}
