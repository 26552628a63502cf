// SPDX-License-Identifier: MIT
/*
 * POST /api/v1/counts with CSV or NDJSON, read as it arrives.  Up to
 * COUNT_ROWS_MAX rows are one transaction.  Where one more comes, these are
 * handed to the committer as a part of their own, and the client is held back
 * until they are stored: memory does not grow with the body.  A part that is
 * refused ends it; the parts before stay, and sent again they are duplicates.
 */
#include <stdio.h>

#include "api/api.h"
#include "api/counts.h"
#include "api/resources.h"
#include "api/server.h"

static enum count_step read_rows(
	struct post *p, const char *at, size_t n, bool end, size_t *used)
{
	return p->csv ? count_csv_feed(p->csv, at, n, end, used)
		      : count_ndjson_feed(p->ndjson, at, n, end, used);
}

static enum step unreadable(struct req *r, struct post *p)
{
	const struct csv *csv = p->csv ? &p->csv->csv : NULL;
	const char *why = csv ? p->csv->why : p->ndjson->why;
	bool encoding =
		csv ? csv->fault == CSV_ENCODING : p->ndjson->encoding != NULL;

	if (!csv && p->ndjson->memory)
		return req_fail(r, E_NOMEM);
	if (encoding)
		return req_problem(r, 415, "unsupported-charset", "%s", why);
	return counts_unreadable(r, p,
		(unsigned)(csv ? csv->line : p->ndjson->lines.line),
		csv ? "bad-csv" : "bad-ndjson", why);
}

/* A part is to be stored: from here on the next rows wait. */
static enum step part_full(struct req *r, struct post *p)
{
	if (p->whole)
		return req_problem(r, 413, "too-many-rows",
			"more than %d rows in one request", COUNT_ROWS_MAX);
	p->waits = true;
	return counts_submit(r, p);
}

/* The part came back.  STEP_NEXT: it is stored, and the batch is empty. */
static enum step part_done(struct req *r, struct post *p)
{
	p->waits = false;
	if (counts_refused(p))
		return counts_reply(r, p);
	report_add(&p->before, &p->batch);
	arena_reset(&p->rows);
	p->batch = (struct count_batch){.arena = &p->rows};
	return counts_charge(r, p);
}

/* Reads what is there; what waits is kept where it does not lie in rest. */
static enum step take(struct req *r, struct post *p, const char *at, size_t n)
{
	size_t used;

	switch (read_rows(p, at, n, false, &used)) {
	case COUNT_MORE:
		text_clear(&p->rest);
		p->rest_at = 0;
		return counts_charge(r, p);
	case COUNT_FULL:
		if (p->rest.n)
			p->rest_at += used;
		else
			text_add(&p->rest, at + used, n - used);
		return p->rest.full ? req_fail(r, E_NOMEM) : part_full(r, p);
	case COUNT_UNREADABLE:
		break;
	}
	return unreadable(r, p);
}

static enum step malformed(struct req *r, struct post *p)
{
	char why[80];

	snprintf(why, sizeof(why), "byte %llu of the body is not %s",
		(unsigned long long)p->malformed_byte,
		charset_name(p->charset));
	return counts_unreadable(
		r, p, (unsigned)p->csv->csv.line_now, "bad-csv", why);
}

/* Into UTF-8, where it is something else. */
static enum step convert(
	struct req *r, struct post *p, struct slice *s, bool end)
{
	enum err e;

	if (!p->charset)
		return STEP_NEXT;
	text_clear(&p->utf8);
	e = charset_add(
		p->charset, s->at, s->n, end, &p->utf8, &p->malformed_byte);
	p->malformed = e == E_INVALID;
	*s = (struct slice){p->utf8.at, p->utf8.n};
	return p->utf8.full ? req_fail(r, E_NOMEM) : STEP_NEXT;
}

enum step counts_text_take(struct req *r, const char *at, size_t n)
{
	struct post *p = r->state;
	struct slice in = {at, n};
	enum step s;

	if (n) {
		s = convert(r, p, &in, false);
	} else {
		s = part_done(r, p);
		in = (struct slice){
			p->rest.at + p->rest_at, p->rest.n - p->rest_at};
	}
	if (s == STEP_NEXT && (in.n || !n))
		s = take(r, p, in.at, in.n);
	/* What stood before that is read. */
	return s == STEP_NEXT && p->malformed ? malformed(r, p) : s;
}

/* The part before is stored and all bytes are there: the rows that are left. */
static enum step take_end(struct req *r, struct post *p)
{
	struct slice in = {"", 0};
	size_t used;
	enum step s = convert(r, p, &in, true);

	if (s != STEP_NEXT || p->malformed)
		return s == STEP_NEXT ? malformed(r, p) : s;
	switch (read_rows(p, "", 0, true, &used)) {
	case COUNT_MORE:
		return STEP_NEXT;
	case COUNT_FULL:
		return step_again(part_full(r, p));
	case COUNT_UNREADABLE:
		break;
	}
	return unreadable(r, p);
}

enum step counts_text_end(struct req *r)
{
	struct post *p = r->state;
	enum step s;

	if (!r->conn->body_n)
		return req_problem(r, 400, "empty", "the body is empty");
	if (p->waits && (s = part_done(r, p)) != STEP_NEXT)
		return s;
	return take_end(r, p);
}
