// SPDX-License-Identifier: MIT
/*
 * POST /api/v1/counts: a row, an array of rows, or CSV; and their outcome.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "analytics/count_csv.h"
#include "api/api.h"
#include "api/auth.h"
#include "api/commit.h"
#include "api/resources.h"
#include "api/server.h"
#include "common/json.h"
#include "common/tz.h"

struct post {
	struct count_batch batch;
	struct count_times times;
	struct tz *tz; /* of ?tz=, owned */
	struct commit_job job;
	struct count_csv *csv; /* NULL: the body is JSON */
	struct text json;
	bool many;
};

static void post_release(struct req *r)
{
	struct post *p = r->state;

	if (!p)
		return;
	server_counters(r->conn->server)->body_bytes -= p->json.cap;
	text_free(&p->json);
	tz_free(p->tz);
}

/* ?partial= ?on_conflict= ?tz= ?fold= ?camera= */
static enum step read_params(struct req *r, struct post *p)
{
	static const char *const known[] = {
		"partial", "on_conflict", "tz", "fold", "camera"};
	const char *v = query_unknown(&r->query, known, ARRAY_LEN(known));

	if (v)
		return req_problem(r, 400, "unknown-parameter",
			"the parameter %.60s is not known", v);
	if ((v = query_repeated(&r->query, NULL, 0)))
		return req_problem(
			r, 400, "bad-parameter", "%s is there twice", v);
	if ((v = query_get(&r->query, "partial"))) {
		p->job.partial = !strcmp(v, "true");
		if (!p->job.partial && strcmp(v, "false") != 0)
			return req_problem(r, 400, "bad-parameter",
				"partial is neither true nor false");
	}
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

static bool is_type(const struct slice *v, const char *type)
{
	size_t n = strlen(type);

	return v->n >= n && !strncasecmp(v->at, type, n) &&
		(v->n == n || v->at[n] == ';' || v->at[n] == ' ');
}

/* A charset that is named must be the one we read. */
static bool is_utf8(const struct slice *v)
{
	const char *p = v->n ? memmem(v->at, v->n, "charset=", 8) : NULL;

	if (!p)
		return true;
	p += 8;
	if (*p == '"')
		p++;
	return (size_t)(v->at + v->n - p) >= 5 &&
		(!strncasecmp(p, "utf-8", 5) || !strncasecmp(p, "us-as", 5));
}

static enum step read_type(struct req *r, struct post *p)
{
	const struct slice *v = http_find(&r->head, "content-type");
	const struct slice *enc = http_find(&r->head, "content-encoding");
	struct slice none = {"", 0};

	if (!v)
		v = &none;
	if (enc && !(enc->n == 8 && !strncasecmp(enc->at, "identity", 8)))
		return req_problem(r, 415, "unsupported-encoding",
			"a body with Content-Encoding is not accepted");
	if (!is_utf8(v))
		return req_problem(r, 415, "unsupported-charset",
			"the body must be UTF-8");
	if (is_type(v, "text/csv")) {
		p->csv = arena_alloc(&r->arena, sizeof(*p->csv));
		if (!p->csv)
			return req_fail(r, E_NOMEM);
		count_csv_init(p->csv, &p->batch, &p->times,
			query_get(&r->query, "camera"),
			r->api->conf.api_default_camera);
		return STEP_NEXT;
	}
	if (v->n && !is_type(v, "application/json") &&
		!is_type(v, "application/x-www-form-urlencoded"))
		return req_problem(r, 415, "unsupported-type",
			"Content-Type is neither application/json nor "
			"text/csv");
	return STEP_NEXT;
}

enum step counts_begin(struct req *r)
{
	struct post *p = arena_alloc(&r->arena, sizeof(*p));
	enum step s;

	if (!p)
		return req_fail(r, E_NOMEM);
	r->state = p;
	r->release = post_release;
	p->batch.arena = &r->arena;
	text_init(&p->json, r->api->conf.api_body_max);
	if ((s = read_params(r, p)) != STEP_NEXT)
		return s;
	return read_type(r, p);
}

/* A row has one error at most, so lines tell them apart. */
static int by_line(const void *l, const void *r)
{
	const struct count_error *a = l, *b = r;

	return (a->line > b->line) - (a->line < b->line);
}

/* The committer finds its errors in the order of cameras and times. */
static void sort_errors(struct count_batch *b)
{
	if (b->errors_n > 1)
		qsort(b->error, b->errors_n, sizeof(b->error[0]), by_line);
}

/* none: nothing at all was stored. */
static void report(struct text *t, const struct post *p, bool none)
{
	int64_t n[COUNT_REJECTED + 1] = {0};

	for (size_t i = 0; i < p->batch.n; i++)
		n[p->batch.row[i].verdict]++;
	if (none)
		n[COUNT_INSERTED] = n[COUNT_DUPLICATE] = n[COUNT_REPLACED] = 0;
	json_int(t, "received", (int64_t)p->batch.n);
	json_int(t, "inserted", n[COUNT_INSERTED]);
	json_int(t, "duplicate", n[COUNT_DUPLICATE]);
	json_int(t, "replaced", n[COUNT_REPLACED]);
	json_int(t, "rejected", n[COUNT_REJECTED]);
	json_open(t, "errors", '[');
	for (size_t i = 0; i < p->batch.errors_n; i++) {
		const struct count_error *e = &p->batch.error[i];

		json_open(t, NULL, '{');
		json_int(t, "line", e->line);
		json_str(t, "field", e->field);
		json_str(t, "type", e->type);
		json_str(t, "detail", e->detail);
		json_close(t, '}');
	}
	json_close(t, ']');
}

/* The request as a whole is not to be read, from this line on. */
static enum step whole_refused(struct req *r, struct post *p, unsigned line,
	const char *slug, const char *why)
{
	count_fault(&p->batch, line, "", "unreadable", why);
	req_problem_open(r, 422, slug, why);
	report(&r->out, p, true);
	return req_problem_end(r, 422);
}

static enum step csv_refused(struct req *r, struct post *p)
{
	if (!r->conn->body_n)
		return req_problem(r, 400, "empty", "the body is empty");
	if (p->csv->many)
		return req_problem(r, 413, "too-many-rows", "%s", p->csv->why);
	if (p->csv->csv.fault == CSV_ENCODING)
		return req_problem(
			r, 415, "unsupported-charset", "%s", p->csv->why);
	return whole_refused(
		r, p, (unsigned)p->csv->csv.line, "bad-csv", p->csv->why);
}

enum step counts_body(struct req *r, const char *at, size_t n)
{
	struct server_counters *count = server_counters(r->conn->server);
	struct post *p = r->state;
	size_t had = p->json.cap;

	if (p->csv)
		return count_csv_feed(p->csv, at, n, false) ? STEP_NEXT
							    : csv_refused(r, p);
	/* A known length is asked for once, so that nothing is copied. */
	if (!had && r->head.has_length)
		text_reserve(&p->json, (size_t)r->head.length);
	text_add(&p->json, at, n);
	count->body_bytes += p->json.cap - had;
	if (p->json.full)
		return req_problem(r, 413, "too-large",
			"the body is over %zu bytes",
			r->api->conf.api_body_max);
	if (count->body_bytes > r->api->conf.api_bodies_max) {
		text_str(&r->headers, "Retry-After: 1\r\n");
		return req_problem(r, 503, "busy",
			"too many bodies are in memory; try again");
	}
	return STEP_NEXT;
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
		return whole_refused(r, p, 0, "bad-text", why);
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

	f = json_parse_wide(
		p->json.at ? p->json.at : none, p->json.n, &root, &at);
	if (f)
		return json_refused(r, p, f, at);
	if (json_type(root) == JSON_ARRAY) {
		for (const struct json *v = json_first(root); v && !p->many;
			v = json_next(v)) {
			p->many = line >= COUNT_ROWS_MAX;
			if (!p->many)
				count_from_json(
					&p->batch, v, ++line, &p->times);
		}
	} else {
		p->batch.single = true;
		count_from_json(&p->batch, root, 1, &p->times);
	}
	json_free(root);
	if (p->many)
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
	for (size_t i = 0; i < p->batch.n && r->who.cameras; i++) {
		const struct count *c = &p->batch.row[i];

		if (c->camera && !principal_covers(&r->who, c->camera))
			return req_problem(r, 403, "forbidden",
				"the token is not for the camera of line %u",
				c->line);
	}
	return STEP_NEXT;
}

static bool refused(const struct post *p)
{
	return p->batch.errors_n && (!p->job.partial || p->batch.single);
}

static enum step answer(struct req *r);

enum step counts_commit(struct req *r)
{
	struct post *p = r->state;
	enum step s;
	enum err e;

	if (p->csv) {
		if (!count_csv_feed(p->csv, "", 0, true))
			return csv_refused(r, p);
	} else if ((s = from_json(r, p)) != STEP_NEXT) {
		return s;
	}
	if (r->arena.full)
		return req_fail(r, E_TOO_BIG);
	if ((s = check_cameras(r, p)) != STEP_NEXT)
		return s;
	if (!p->batch.n || refused(p))
		return answer(r);
	p->job.batch = &p->batch;
	p->job.done = post_done;
	p->job.ctx = r;
	if ((e = committer_submit(r->api->committer, &p->job)))
		return req_fail(r, e);
	return STEP_WAIT;
}

static enum step answer(struct req *r)
{
	struct post *p = r->state;
	const struct count_error *first = p->batch.error;
	int status = 422;

	sort_errors(&p->batch);
	if (!refused(p)) {
		json_open(&r->out, NULL, '{');
		report(&r->out, p, false);
		json_close(&r->out, '}');
		return req_json(r, 200);
	}
	if (p->batch.single && !strcmp(first->type, "conflict"))
		status = 409;
	req_problem_open(r, status, status == 409 ? "conflict" : "rows-refused",
		first->detail);
	report(&r->out, p, true);
	return req_problem_end(r, status);
}

enum step counts_answer(struct req *r)
{
	return answer(r);
}
