// SPDX-License-Identifier: MIT
/*
 * counts: the inside of POST /counts, shared by its files:
 *
 *	counts.c	parameters, JSON, the outcome
 *	counts_text.c	CSV and NDJSON, read as they arrive, in parts
 *	report.c	what became of the rows, as the reply says it
 */
#ifndef TALLY_API_COUNTS_H
#define TALLY_API_COUNTS_H

#include "analytics/count_csv.h"
#include "analytics/count_ndjson.h"
#include "api/commit.h"
#include "api/idempotency.h"
#include "api/report.h"
#include "api/req.h"
#include "common/charset.h"

struct post {
	struct arena rows; /* of the batch */
	struct count_batch batch;
	struct count_times times;
	struct tz *tz; /* of ?tz=, owned */
	struct commit_job job;
	struct idempotency key;
	struct text json;
	/* One of them, or neither: the body is JSON. */
	struct count_csv *csv;
	struct count_ndjson *ndjson;
	struct charset *charset; /* of the CSV, where it is not UTF-8 */
	struct text utf8;	 /* what came last, read from it */
	bool malformed;		 /* it is not of that charset, from here on: */
	uint64_t malformed_byte;
	bool whole; /* ?parts=false: never in parts */
	/* What was read, but has to wait until the part before is stored. */
	struct text rest;
	size_t rest_at;
	bool waits;
	struct report before; /* of the parts that are stored */
	size_t charged;	      /* bytes that count as a body in memory */
};

/* Counts what p holds among the bodies in memory.  STEP_NEXT, or a 503. */
enum step counts_charge(struct req *r, struct post *p);
/* Hands the batch to a committer, which calls req_resume.  STEP_WAIT, or what
 * a row that no committer has to see made of it. */
enum step counts_submit(struct req *r, struct post *p);
/* Is what was read so far refused? */
bool counts_refused(const struct post *p);
/* The reply: what was stored, or what was refused. */
enum step counts_reply(struct req *r, struct post *p);
/* The request is not to be read from this line on. */
enum step counts_unreadable(struct req *r, struct post *p, unsigned line,
	const char *slug, const char *why);

/* A route's body and its end for CSV and NDJSON; STEP_NEXT at the end: the last
 * part is in the batch. */
enum step counts_text_take(struct req *r, const char *at, size_t n);
enum step counts_text_end(struct req *r);

#endif
