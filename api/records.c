// SPDX-License-Identifier: MIT
/*
 * POST /api/v1/records: a detection record, an array of them, or NDJSON.  Read
 * and stored on a work thread, in one transaction, so that neither the loop nor
 * the committers, which counts wait for, have anything to do with it.
 *
 * The key is the camera and the millisecond: a record whose key is there is a
 * duplicate, whatever else it says, and changes nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analytics/camera.h"
#include "api/api.h"
#include "api/audit.h"
#include "api/body.h"
#include "api/field.h"
#include "api/record.h"
#include "api/resources.h"
#include "api/server.h"
#include "api/work.h"
#include "common/json.h"
#include "common/log.h"
#include "common/when.h"

enum { COLUMNS = 9, BULK = 100, TRIES = 5, BUSY_US = 20000 };

/* What became of the request as a whole, as the thread found it. */
enum outcome {
	RECORDS_STORED,
	RECORDS_REFUSED,
	RECORDS_NOT_JSON,
	RECORDS_TOO_MANY,
	RECORDS_FORBIDDEN
};

/* Taken when the body is there. */
struct room {
	struct record_batch batch;
	struct record *todo[RECORDS_MAX];
	size_t todo_n;
	struct db_cell cell[BULK * COLUMNS];
	char time[BULK][RECORD_TIME];
};

struct posting {
	bool ndjson, partial;
	size_t charged; /* bytes that count as a body in memory */
	struct room *room;
	enum outcome outcome;
	unsigned line; /* RECORDS_FORBIDDEN */
	char why[120]; /* RECORDS_NOT_JSON */
	int64_t inserted;
};

/* ---- the body, on the loop */

static void release(struct req *r)
{
	const struct posting *p = r->state;

	server_counters(r->conn->server)->body_bytes -= p->charged;
}

static enum step read_partial(struct req *r, struct posting *p)
{
	static const char *const known[] = {"partial"};
	const char *v = query_unknown(&r->query, known, ARRAY_LEN(known));

	if (v)
		return req_problem(r, 400, "unknown-parameter",
			"the parameter %.60s is not known", v);
	if ((v = query_repeated(&r->query, NULL, 0)))
		return req_problem(
			r, 400, "bad-parameter", "%s is there twice", v);
	if (!(v = query_get(&r->query, "partial")))
		return STEP_NEXT;
	p->partial = !strcmp(v, "true");
	if (!p->partial && strcmp(v, "false") != 0)
		return req_problem(r, 400, "bad-parameter",
			"partial is neither true nor false");
	return STEP_NEXT;
}

static enum step read_type(struct req *r, struct posting *p)
{
	const struct slice *v = http_find(&r->head, "content-type");
	struct media m = {0};

	if (field_encoded(&r->head))
		return req_problem(r, 415, "unsupported-encoding",
			"a body with Content-Encoding is not accepted");
	if (v && v->n && !field_media(*v, &m))
		return req_problem(r, 415, "unsupported-type",
			"Content-Type is not well-formed");
	if (!media_is_utf8(&m))
		return req_problem(r, 415, "unsupported-charset",
			"the body must be UTF-8");
	p->ndjson = media_is(&m, "application/x-ndjson") ||
		media_is(&m, "application/ndjson") ||
		media_is(&m, "application/jsonl");
	if (!p->ndjson && m.type.n && !media_is(&m, "application/json") &&
		!media_is(&m, "application/x-www-form-urlencoded"))
		return req_problem(r, 415, "unsupported-type",
			"Content-Type is neither application/json nor "
			"application/x-ndjson");
	return STEP_NEXT;
}

enum step records_begin(struct req *r)
{
	struct posting *p = arena_alloc(&r->arena, sizeof(*p));
	enum step s;

	if (!p)
		return req_fail(r, E_NOMEM);
	r->state = p;
	r->release = release;
	body_open(r, r->api->conf.api_body_max);
	r->body_room = 0; /* records_body charges for it */
	req_weigh(r);
	if ((s = read_partial(r, p)) != STEP_NEXT)
		return s;
	return read_type(r, p);
}

enum step records_body(struct req *r, const char *at, size_t n)
{
	struct posting *p = r->state;
	enum step s = body_take(r, at, n);

	if (s != STEP_NEXT)
		return s;
	return body_charge(r, &p->charged, r->body.cap);
}

/* ---- reading it, on a thread */

static const char *json_why(enum json_fault f)
{
	static const char *const why[] = {
		[JSON_EMPTY] = "the body is empty",
		[JSON_NOT_UTF8] = "is not UTF-8",
		[JSON_SYNTAX] = "is not JSON (RFC 8259)",
		[JSON_DEPTH] = "is nested too deeply",
		[JSON_MANY] = "holds too many values",
		[JSON_NUL] = "holds U+0000 or half a surrogate in a text",
	};

	return why[f];
}

static enum err take_json(struct posting *p, char *at, size_t n, int64_t now)
{
	const struct json *v;
	struct json *root;
	unsigned line = 0;
	size_t byte = 0;
	enum json_fault f = json_parse_wide(at, n, &root, &byte);

	if (f == JSON_MEMORY)
		return E_NOMEM;
	if (f) {
		p->outcome =
			f == JSON_MANY ? RECORDS_TOO_MANY : RECORDS_NOT_JSON;
		snprintf(p->why, sizeof(p->why), "the body %s (byte %zu)",
			f == JSON_EMPTY ? "is empty" : json_why(f), byte);
		return E_OK;
	}
	if (json_type(root) != JSON_ARRAY)
		record_from_json(&p->room->batch, root, 1, now);
	else
		for (v = json_first(root); v; v = json_next(v)) {
			if (p->room->batch.n == RECORDS_MAX) {
				p->outcome = RECORDS_TOO_MANY;
				break;
			}
			record_from_json(&p->room->batch, v, ++line, now);
		}
	json_free(root);
	return E_OK;
}

static enum err take_line(
	struct posting *p, char *at, size_t n, unsigned line, int64_t now)
{
	struct json *root;
	char why[120];
	size_t byte = 0;
	enum json_fault f = json_parse_wide(at, n, &root, &byte);

	if (f == JSON_MEMORY)
		return E_NOMEM;
	if (f == JSON_EMPTY)
		return E_OK;
	if (p->room->batch.n == RECORDS_MAX) {
		p->outcome = RECORDS_TOO_MANY;
	} else if (f) {
		snprintf(why, sizeof(why), "the line %s (byte %zu)",
			json_why(f), byte);
		record_unreadable(&p->room->batch, line, why);
	} else {
		record_from_json(&p->room->batch, root, line, now);
	}
	if (!f)
		json_free(root);
	return E_OK;
}

static enum err take_ndjson(struct posting *p, char *at, size_t n, int64_t now)
{
	unsigned line = 0;
	enum err e = E_OK;

	while (!e && n && p->outcome != RECORDS_TOO_MANY) {
		char *lf = memchr(at, '\n', n);
		size_t k = lf ? (size_t)(lf - at) : n;

		e = take_line(p, at, k, ++line, now);
		k += lf != NULL;
		at += k;
		n -= k;
	}
	return e;
}

/* ---- storing it, on a thread */

static int by_camera(const void *pa, const void *pb)
{
	const struct record *a = *(struct record *const *)pa;
	const struct record *b = *(struct record *const *)pb;
	int c = strcmp(a->camera, b->camera);

	if (c)
		return c;
	if (a->at_ms != b->at_ms)
		return a->at_ms < b->at_ms ? -1 : 1;
	/* Equal keys stay in the order they came in: the first is kept. */
	return a < b ? -1 : a > b;
}

/* A token that is bound to cameras writes to no other. */
static void check_bound(const struct req *r, struct posting *p)
{
	for (size_t i = 0; i < p->room->batch.n && r->who.cameras; i++) {
		const struct record *row = &p->room->batch.row[i];

		if (!row->camera || principal_covers(&r->who, row->camera))
			continue;
		p->outcome = RECORDS_FORBIDDEN;
		p->line = row->line;
		return;
	}
}

/* 0 where nobody registered it.  By the first record it may be. */
static enum err find_camera(struct req *r, struct db *db, const char *code,
	int64_t *id, int64_t *retired_at)
{
	struct audit_by by = audit_who(r);
	struct db_rows rows;
	const char *field;
	enum err e;

	*id = 0;
	*retired_at = INT64_MAX;
	if (!camera_code_ok(code, strlen(code)))
		return E_OK;
	for (int try = 0; try < 2; try++) {
		if ((e = db_run(db, Q_RECORD_CAMERA, DB_ARGS(DB_S(code)),
			     &r->rows_arena, &rows)))
			return e;
		if (rows.n) {
			*id = rows.cell[0].i;
			if (!rows.cell[1].null)
				*retired_at = when_from_number(rows.cell[1].i);
			return E_OK;
		}
		if (try || !r->api->conf.api_auto_register)
			return E_OK;
		e = camera_create(db, &(struct camera_new){.code = code}, &by,
			NULL, &field);
		if (e && e != E_EXISTS)
			return e;
		if (!e)
			log_info("camera %s: registered by its first record",
				code);
	}
	return E_OK;
}

/* The rows that can be stored, in the order of their keys. */
static enum err resolve(struct req *r, struct db *db, struct posting *p)
{
	const char *code = "";
	int64_t id = 0, retired_at = INT64_MAX;
	enum err e;

	for (size_t i = 0; i < p->room->batch.n; i++)
		if (!p->room->batch.row[i].rejected)
			p->room->todo[p->room->todo_n++] =
				&p->room->batch.row[i];
	qsort(p->room->todo, p->room->todo_n, sizeof(p->room->todo[0]),
		by_camera);
	for (size_t i = 0; i < p->room->todo_n; i++) {
		struct record *row = p->room->todo[i];

		if (strcmp(code, row->camera) != 0 &&
			(e = find_camera(r, db, row->camera, &id, &retired_at)))
			return e;
		code = row->camera;
		row->camera_id = id;
		if (!id)
			record_refuse(&p->room->batch, row, "camera",
				"unknown_camera",
				"camera \"%.60s\" is not registered", code);
		else if (row->at_ms / 1000 >= retired_at)
			record_refuse(&p->room->batch, row, "camera",
				"retired_camera",
				"camera \"%.60s\" has retired", code);
	}
	return E_OK;
}

static struct db_cell maybe(double v)
{
	return v < 0 ? DB_NULL : DB_D(v);
}

static void fill(struct posting *p, size_t k, const struct record *row)
{
	struct db_cell *c = &p->room->cell[k * COLUMNS];

	*c++ = DB_I(row->camera_id);
	*c++ = DB_S(record_time(p->room->time[k], row->at_ms));
	*c++ = DB_I(row->frame);
	for (int i = 0; i < RECORD_FIGURES; i++)
		*c++ = row->figure[i] < 0 ? DB_NULL : DB_I(row->figure[i]);
	*c++ = maybe(row->decode_ms);
	*c++ = maybe(row->detect_ms);
	*c = row->boxes ? DB_S(row->boxes) : DB_NULL;
}

static enum err insert(struct db *db, struct posting *p)
{
	enum err e = db_begin(db);
	size_t k = 0;

	p->inserted = 0;
	for (size_t i = 0; !e && i < p->room->todo_n; i++) {
		if (!p->room->todo[i]->rejected)
			fill(p, k++, p->room->todo[i]);
		if (k && (k == BULK || i + 1 == p->room->todo_n)) {
			e = db_run_bulk(db, Q_RECORD_ADD, p->room->cell, k);
			p->inserted += (int64_t)db_affected(db);
			k = 0;
		}
	}
	if (!e)
		return db_commit(db);
	db_rollback(db);
	return e;
}

static bool stores(const struct posting *p)
{
	return p->outcome == RECORDS_STORED &&
		(!p->room->batch.errors_n || p->partial);
}

static enum err store(struct req *r, struct db *db)
{
	struct posting *p = r->state;
	int64_t now = when_now();
	enum err e = p->ndjson ? take_ndjson(p, r->body.at, r->body.n, now)
			       : take_json(p, r->body.at, r->body.n, now);

	if (!e && r->arena.full)
		e = E_TOO_BIG;
	if (!e && p->outcome == RECORDS_STORED)
		check_bound(r, p);
	if (!e && stores(p))
		e = resolve(r, db, p);
	if (e)
		return e;
	if (!stores(p)) {
		if (p->outcome == RECORDS_STORED)
			p->outcome = RECORDS_REFUSED;
		return E_OK;
	}
	for (int try = 0; try < TRIES; try++) {
		if ((e = insert(db, p)) != E_BUSY)
			break;
		usleep((useconds_t)(BUSY_US << try));
	}
	return e;
}

enum step records_store(struct req *r)
{
	struct posting *p = r->state;

	if (!r->body.n)
		return req_problem(r, 400, "empty", "the body is empty");
	if (!(p->room = arena_alloc(&r->arena, sizeof(*p->room))))
		return req_fail(r, E_NOMEM);
	p->room->batch.arena = &r->arena;
	return work_run(r->api->work, r, store);
}

/* ---- the reply, on the loop */

static int by_line(const void *pa, const void *pb)
{
	const struct record_error *a = pa, *b = pb;

	return (a->line > b->line) - (a->line < b->line);
}

/* As of POST /counts, where rows may be replaced. */
static void write_report(struct text *t, struct posting *p, bool none)
{
	struct record_batch *b = &p->room->batch;
	int64_t good = (int64_t)(b->n - b->errors_n);

	json_int(t, "received", (int64_t)b->n);
	json_int(t, "inserted", none ? 0 : p->inserted);
	json_int(t, "duplicate", none ? 0 : good - p->inserted);
	json_int(t, "replaced", 0);
	json_int(t, "rejected", (int64_t)b->errors_n);
	json_open(t, "errors", '[');
	for (size_t i = 0; i < b->errors_n; i++) {
		json_open(t, NULL, '{');
		json_int(t, "line", b->error[i].line);
		json_str(t, "field", b->error[i].field);
		json_str(t, "type", b->error[i].type);
		json_str(t, "detail", b->error[i].detail);
		json_close(t, '}');
	}
	json_close(t, ']');
}

enum step records_answer(struct req *r)
{
	struct posting *p = r->state;
	struct record_batch *b = &p->room->batch;

	qsort(b->error, b->errors_n, sizeof(b->error[0]), by_line);
	switch (p->outcome) {
	case RECORDS_STORED:
		server_counters(r->conn->server)->records +=
			(uint64_t)p->inserted;
		json_open(&r->out, NULL, '{');
		write_report(&r->out, p, false);
		json_close(&r->out, '}');
		return req_json(r, 200);
	case RECORDS_REFUSED:
		req_problem_open(r, 422, "rows-refused", b->error[0].detail);
		write_report(&r->out, p, true);
		return req_problem_end(r, 422);
	case RECORDS_NOT_JSON:
		return req_problem(r, 400, "not-json", "%s", p->why);
	case RECORDS_TOO_MANY:
		return req_problem(r, 413, "too-many-rows",
			"more than %d records in one request, or too many "
			"values",
			RECORDS_MAX);
	case RECORDS_FORBIDDEN:
		return req_problem(r, 403, "forbidden",
			"the token is not for the camera of line %u", p->line);
	}
	return req_fail(r, E_CORRUPT);
}
