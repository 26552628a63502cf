// SPDX-License-Identifier: MIT
/*
 * What is kept of an upload, and the reply: 201, or 422 where nothing was
 * stored because a row is bad and partial=false was asked for.  A file of which
 * nothing could be read leaves nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/audit.h"
#include "api/resources.h"
#include "api/upload.h"
#include "api/work.h"
#include "common/json.h"
#include "common/when.h"

enum { ERRORS_BYTES = 1 << 20, DETAIL_BYTES = 4096 };

/* ---- members ---- */

void upload_write_errors(struct text *t, const struct upload *u)
{
	for (size_t i = 0; i < u->shown_n; i++) {
		json_open(t, NULL, '{');
		json_int(t, "line", u->shown[i].line);
		json_str(t, "field", u->shown[i].field);
		json_str(t, "type", u->shown[i].type);
		json_str(t, "detail", u->shown[i].detail);
		json_close(t, '}');
	}
}

void upload_write_counts(struct text *t, const struct upload *u)
{
	json_int(t, "received", u->received);
	json_int(t, "inserted", u->n[COUNT_INSERTED]);
	json_int(t, "duplicate", u->n[COUNT_DUPLICATE]);
	json_int(t, "replaced", u->n[COUNT_REPLACED]);
	json_int(t, "rejected", u->n[COUNT_REJECTED]);
}

static void write_members(struct req *r, const struct upload *u)
{
	struct text *t = &r->out;
	char buf[WHEN_TEXT], url[80] = "";

	if (upload_rejected_rows(u->rejected))
		snprintf(url, sizeof(url), "/api/v1/uploads/%lld/rejected.csv",
			(long long)u->id);
	json_int(t, "id", u->id);
	json_str(t, "file", u->file);
	json_str(t, "at", when_format(buf, u->at, 0, true));
	json_str(t, "by", r->who.name);
	upload_write_counts(t, u);
	json_open(t, "errors", '[');
	upload_write_errors(t, u);
	json_close(t, ']');
	if (u->unread_line) {
		json_open(t, "unread", '{');
		json_int(t, "line", u->unread_line);
		json_str(t, "detail", u->unread_why);
		json_close(t, '}');
	} else {
		json_null(t, "unread");
	}
	json_str(t, "rejected_url", *url ? url : NULL);
}

/* ---- what is kept, on a work thread ---- */

static const char *format_of(const struct upload *u)
{
	return u->manual ? "form" : u->is_ndjson ? "ndjson" : "csv";
}

/* From which line on it was not stored, and why; line 0: all was. */
struct unread {
	unsigned line;
	const char *why;
};

static enum err add_row(struct req *r, struct db *db, struct unread un,
	const char *errors, size_t kept)
{
	struct upload *u = r->state;
	struct audit_by by = audit_who(r);
	enum err e = db_run(db, Q_UPLOAD_ADD,
		DB_ARGS(DB_S(by.kind == AUDIT_USER ? "user" : "token"),
			DB_I(by.id), DB_S(by.name), DB_S(by.address),
			u->file ? DB_S(u->file) : DB_NULL, DB_S(format_of(u)),
			DB_I((int64_t)u->bytes), DB_I(u->received),
			DB_I(u->n[COUNT_INSERTED]), DB_I(u->n[COUNT_DUPLICATE]),
			DB_I(u->n[COUNT_REPLACED]), DB_I(u->n[COUNT_REJECTED]),
			DB_I((int64_t)kept), un.line ? DB_I(un.line) : DB_NULL,
			un.line ? DB_S(un.why) : DB_NULL, DB_S(errors)),
		NULL, NULL);

	if (!e)
		u->id = (int64_t)db_insert_id(db);
	return e;
}

static enum err put_row(struct upload *u, struct db *db, struct unread un,
	const char *errors, size_t kept)
{
	return db_run(db, Q_UPLOAD_PUT,
		DB_ARGS(DB_I(u->received), DB_I(u->n[COUNT_INSERTED]),
			DB_I(u->n[COUNT_DUPLICATE]), DB_I(u->n[COUNT_REPLACED]),
			DB_I(u->n[COUNT_REJECTED]), DB_I((int64_t)kept),
			un.line ? DB_I(un.line) : DB_NULL,
			un.line ? DB_S(un.why) : DB_NULL, DB_S(errors),
			DB_I(u->id)),
		NULL, NULL);
}

enum err upload_note(struct req *r, struct db *db, unsigned line)
{
	struct upload *u = r->state;
	struct unread un = {line,
		"rows from about here on are on their way, or the upload was "
		"cut off: send the file again"};
	enum err e;

	if (u->noted)
		return put_row(u, db, un, "[]", 0);
	u->at = when_now();
	e = add_row(r, db, un, "[]", 0);
	/* A connection that died while it was idle shows only now. */
	if (e == E_DB_GONE)
		e = add_row(r, db, un, "[]", 0);
	u->noted = !e;
	return e;
}

static enum err add_rejected(struct upload *u, struct db *db)
{
	char *buf = malloc(UPLOAD_PIECE);
	enum err e = buf ? E_OK : E_NOMEM;
	int64_t piece = 0;
	off_t at = 0;
	size_t n = 0;

	while (!e) {
		e = upload_rejected_read(u->rejected, &at, buf, &n);
		if (e || !n)
			break;
		e = db_run(db, Q_UPLOAD_REJECTED_ADD,
			DB_ARGS(DB_I(u->id), DB_I(piece++), DB_SN(buf, n)),
			NULL, NULL);
	}
	free(buf);
	return e;
}

static enum err add_audit(struct req *r, struct db *db)
{
	const struct upload *u = r->state;
	struct audit_by by = audit_who(r);
	struct text t;
	enum err e;

	text_init(&t, DETAIL_BYTES);
	json_open(&t, NULL, '{');
	json_int(&t, "id", u->id);
	upload_write_counts(&t, u);
	json_close(&t, '}');
	e = audit_add(db, &by, "upload.store", u->file, t.at);
	text_free(&t);
	return e;
}

static enum err keep_once(
	struct req *r, struct db *db, const struct text *errors)
{
	struct upload *u = r->state;
	struct unread un = {u->unread_line, u->unread_why};
	size_t kept = upload_rejected_rows(u->rejected);
	enum err e = db_begin(db);

	if (!e)
		e = u->noted ? put_row(u, db, un, errors->at, kept)
			     : add_row(r, db, un, errors->at, kept);
	if (!e)
		e = add_rejected(u, db);
	if (!e)
		e = add_audit(r, db);
	if (!e)
		return db_commit(db);
	db_rollback(db);
	return e;
}

static enum err keep(struct req *r, struct db *db)
{
	struct upload *u = r->state;
	struct text errors;
	enum err e;

	text_init(&errors, ERRORS_BYTES);
	json_open(&errors, NULL, '[');
	upload_write_errors(&errors, u);
	json_close(&errors, ']');
	if (!u->noted)
		u->at = when_now();
	e = errors.full ? E_NOMEM : keep_once(r, db, &errors);
	/* A connection that died while it was idle shows only now. */
	if (e == E_DB_GONE)
		e = keep_once(r, db, &errors);
	text_free(&errors);
	return e;
}

/* ---- the steps ---- */

static bool refused(const struct upload *u)
{
	return u->checking && (u->n[COUNT_REJECTED] || u->unread_line);
}

enum step upload_keep(struct req *r)
{
	struct upload *u = r->state;

	/* A pass that only looks stores nothing. */
	if (refused(u))
		u->n[COUNT_INSERTED] = u->n[COUNT_DUPLICATE] =
			u->n[COUNT_REPLACED] = 0;
	if (!u->unread_line || u->received)
		return work_run(r->api->uploads->work, r, keep);
	upload_fault(u, u->unread_slug[0] == 'u' ? 415 : 422, u->unread_slug,
		"%s", u->unread_why);
	return upload_refuse(r, u);
}

enum step upload_answer(struct req *r)
{
	struct upload *u = r->state;
	bool no = refused(u);

	if (u->html)
		return upload_report(
			r, u, no || (u->manual && u->shown_n) ? 422 : 200);
	if (no) {
		req_problem_open(r, 422, "rows-refused",
			u->shown_n ? u->shown[0].detail : u->unread_why);
		write_members(r, u);
		return req_problem_end(r, 422);
	}
	json_open(&r->out, NULL, '{');
	write_members(r, u);
	json_close(&r->out, '}');
	text_printf(&r->headers,
		"Location: /api/v1/uploads/%lld\r\n"
		"Cache-Control: no-store\r\n",
		(long long)u->id);
	return req_json(r, 201);
}
