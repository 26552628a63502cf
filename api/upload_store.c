// SPDX-License-Identifier: MIT
/*
 * The rows of an uploaded file: read by a thread, part by part, and stored by
 * the committer like those of POST /counts.  What POST /counts knows of rows is
 * known here by the same readers and the same committer.
 *
 * With partial=false there is a pass before that stores nothing: each part is
 * judged by the committer, which then rolls back.  What one part may say
 * against another it cannot see; so the rows of a camera must be in the order
 * of time then, and each is held against the last one before its part.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/audit.h"
#include "api/resources.h"
#include "api/upload.h"
#include "api/work.h"
#include "api/writer.h"

enum { STEP_PART = 2, ORDER_PLACES = 1 << 16 };

/* The end of the last row of each camera, in the parts before. */
struct upload_order {
	size_t n;
	struct {
		int64_t camera_id, end_at; /* camera_id 0: empty */
		unsigned line;
	} place[ORDER_PLACES];
};

enum err upload_text_next(struct upload_text *t, uint64_t *byte)
{
	enum err e = E_OK;

	if (!t->piece.n && !t->end) {
		e = upload_reader_next(t->reader, &t->piece, byte);
		t->end = !e && !t->piece.n;
	}
	return e;
}

/* ---- reading, on a work thread ---- */

static void unread(
	struct upload *u, size_t line, const char *slug, const char *why)
{
	u->unread_line = (unsigned)line;
	u->unread_slug = slug;
	snprintf(u->unread_why, sizeof(u->unread_why), "%s", why);
	u->read_out = true;
}

static size_t line_now(const struct upload *u)
{
	return u->is_ndjson ? u->ndjson.lines.line : u->csv.csv.line_now;
}

/* The readers name the place themselves. */
static enum err unreadable(struct upload *u)
{
	bool encoding = u->is_ndjson ? u->ndjson.encoding != NULL
				     : u->csv.csv.fault == CSV_ENCODING;

	if (u->is_ndjson && u->ndjson.memory)
		return E_NOMEM;
	unread(u, u->is_ndjson ? u->ndjson.lines.line : u->csv.csv.line,
		encoding	       ? "unsupported-charset"
			: u->is_ndjson ? "bad-ndjson"
				       : "bad-csv",
		u->is_ndjson ? u->ndjson.why : u->csv.why);
	return E_OK;
}

static enum err text_failed(struct upload *u, enum err e, uint64_t byte)
{
	char why[80];

	/* It was whole a moment ago. */
	if (e != E_INVALID)
		return e == E_CORRUPT ? E_IO : e;
	snprintf(why, sizeof(why), "byte %llu of the file is not CP949",
		(unsigned long long)byte);
	unread(u, line_now(u), "bad-csv", why);
	return E_OK;
}

/* Rows into the batch, until it is full or the text has ended. */
static enum err read_part(struct upload *u)
{
	enum count_step step = COUNT_MORE;
	struct upload_text *t = &u->text;
	uint64_t byte;
	size_t used;
	enum err e;

	while (step == COUNT_MORE && !u->read_out) {
		if ((e = upload_text_next(t, &byte)))
			return text_failed(u, e, byte);
		step = u->is_ndjson ? count_ndjson_feed(&u->ndjson, t->piece.at,
					      t->piece.n, t->end, &used)
				    : count_csv_feed(&u->csv, t->piece.at,
					      t->piece.n, t->end, &used);
		t->piece.at += used;
		t->piece.n -= used;
		u->read_out = step == COUNT_MORE && t->end;
	}
	if (step == COUNT_UNREADABLE)
		return unreadable(u);
	return u->rows.full ? E_TOO_BIG : E_OK;
}

/* A token that is bound to cameras writes to no other. */
static void check_cameras(const struct req *r, struct upload *u)
{
	for (size_t i = 0; i < u->batch.n && r->who.cameras; i++) {
		struct count *c = &u->batch.row[i];

		if (c->verdict != COUNT_REJECTED && c->camera &&
			!principal_covers(&r->who, c->camera))
			count_refuse(&u->batch, c, "camera", "forbidden",
				"the token is not for this camera");
	}
}

/* ---- what became of a part, on a work thread ---- */

static void hold_order(struct upload *u, struct count *c)
{
	struct upload_order *o = u->order;
	size_t i = (size_t)c->camera_id % ORDER_PLACES;

	while (o->place[i].camera_id && o->place[i].camera_id != c->camera_id)
		i = (i + 1) % ORDER_PLACES;
	if (c->start_at < o->place[i].end_at) {
		count_refuse(&u->batch, c, "start_at", "not_in_order",
			"to be stored whole or not at all, the rows of a "
			"camera in a file of more than %d must be in the order "
			"of time: line %u is later",
			COUNT_ROWS_MAX, o->place[i].line);
		return;
	}
	if (!o->place[i].camera_id && o->n + 1 == ORDER_PLACES) {
		count_refuse(&u->batch, c, "camera", "too_many_cameras",
			"more than %d cameras in a file that is to be stored "
			"whole or not at all",
			ORDER_PLACES - 1);
		return;
	}
	o->n += !o->place[i].camera_id;
	o->place[i].camera_id = c->camera_id;
	o->place[i].line = c->line;
}

/* Each row against the parts before; then these know of the part. */
static enum err check_order(struct upload *u)
{
	struct count_batch *b = &u->batch;

	if (!u->order && !(u->order = calloc(1, sizeof(*u->order))))
		return E_NOMEM;
	for (size_t i = 0; i < b->n; i++)
		if (b->row[i].verdict != COUNT_REJECTED)
			hold_order(u, &b->row[i]);
	for (size_t i = 0; i < b->n; i++) {
		const struct count *c = &b->row[i];
		size_t k = (size_t)c->camera_id % ORDER_PLACES;

		if (c->verdict == COUNT_REJECTED)
			continue;
		while (u->order->place[k].camera_id != c->camera_id)
			k = (k + 1) % ORDER_PLACES;
		if (c->end_at > u->order->place[k].end_at)
			u->order->place[k].end_at = c->end_at;
	}
	return E_OK;
}

static int by_line(const void *l, const void *r)
{
	const struct count_error *a = l, *b = r;

	return (a->line > b->line) - (a->line < b->line);
}

static enum err show(struct req *r, struct upload *u)
{
	const struct count_batch *b = &u->batch;

	for (size_t i = 0; i < b->errors_n && u->shown_n < UPLOAD_SHOWN; i++) {
		struct count_error *to = &u->shown[u->shown_n++];

		*to = b->error[i];
		to->field = arena_copy(&r->arena, to->field, strlen(to->field));
		to->detail =
			arena_copy(&r->arena, to->detail, strlen(to->detail));
		if (!to->field || !to->detail)
			return E_NOMEM;
	}
	return E_OK;
}

static enum err note_part(struct req *r, struct upload *u)
{
	struct count_batch *b = &u->batch;
	enum err e = E_OK;

	if (u->checking && (e = check_order(u)))
		return e;
	u->parts++;
	u->received += (int64_t)b->n;
	for (size_t i = 0; i < b->n; i++)
		u->n[b->row[i].verdict]++;
	if (b->errors_n) {
		qsort(b->error, b->errors_n, sizeof(*b->error), by_line);
		if (!(e = show(r, u)))
			e = upload_rejected_add(u);
	}
	arena_reset(&u->rows);
	*b = (struct count_batch){.arena = &u->rows};
	u->committed = false;
	if (e != E_FULL)
		return e;
	upload_fault(u, 507, "disk-full",
		"the server has no room on disk for the bad rows");
	return E_OK;
}

static enum err turn(struct req *r, struct db *db)
{
	struct upload *u = r->state;
	enum err e = u->committed ? note_part(r, u) : E_OK;

	if (!e && !u->fault.status)
		e = read_part(u);
	if (!e)
		check_cameras(r, u);
	if (!e && !u->fault.status && !u->checking && u->batch.n)
		e = upload_note(r, db, u->batch.row[0].line);
	return e;
}

/* ---- the steps ---- */

/* To the file's beginning. */
static enum err begin_pass(struct req *r, struct upload *u)
{
	const char *camera = u->manual ? NULL : u->field[UPLOAD_camera];

	memset(u->n, 0, sizeof(u->n));
	u->received = 0;
	u->parts = 0;
	u->read_out = u->text.end = false;
	u->text.piece = (struct slice){"", 0};
	u->batch = (struct count_batch){.arena = &u->rows};
	u->job.partial = true;
	u->job.check = u->checking;
	if (u->is_ndjson)
		count_ndjson_init(&u->ndjson, &u->batch, &u->times);
	else
		count_csv_init(&u->csv, &u->batch, &u->times, camera,
			r->api->conf.api_default_camera);
	return upload_reader_rewind(u->text.reader);
}

enum step upload_looked(struct req *r)
{
	struct upload *u = r->state;
	enum err e;

	if (u->fault.status)
		return upload_refuse(r, u);
	u->checking = u->whole;
	return (e = begin_pass(r, u)) ? req_fail(r, e) : STEP_NEXT;
}

enum step upload_part(struct req *r)
{
	return work_run(r->api->uploads->work, r, turn);
}

static void committed(struct commit_job *job, enum err e)
{
	req_resume(job->ctx, e);
}

enum step upload_commit(struct req *r)
{
	struct upload *u = r->state;
	enum err e;

	if (u->fault.status)
		return upload_refuse(r, u);
	if (!u->batch.n)
		return STEP_NEXT;
	u->committed = true;
	u->job.batch = &u->batch;
	u->job.by = audit_who(r);
	u->job.done = committed;
	u->job.ctx = r;
	u->job.request = r->id;
	/* Live rows do not queue behind those of a file. */
	e = committer_submit(r->api->bulk, &u->job);
	return e ? req_fail(r, e) : STEP_WAIT;
}

enum step upload_again(struct req *r)
{
	struct upload *u = r->state;
	enum err e;

	if (u->committed)
		return req_back(r, STEP_PART);
	if (!u->checking || u->n[COUNT_REJECTED] || u->unread_line)
		return STEP_NEXT;
	u->checking = false;
	return (e = begin_pass(r, u)) ? req_fail(r, e) : req_back(r, STEP_PART);
}
