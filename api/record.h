// SPDX-License-Identifier: MIT
/*
 * record: a detection record on its way in, what was found in one picture: read
 * from JSON, checked, and what is wrong with it.  Pure but for the arena of its
 * batch; one thread at a time.
 */
#ifndef TALLY_API_RECORD_H
#define TALLY_API_RECORD_H

#include "common/arena.h"
#include "common/text.h"

enum {
	RECORDS_MAX = 1000, /* of one request */
	RECORD_BOXES_MAX = 256,
	RECORD_COUNT_MAX = 1000000,
	RECORD_MS_MAX = 3600000,
	RECORD_AHEAD_S = 300,
	RECORD_TIME = 32 /* "20261121090000.123", with room */
};

/* people, vehicle, face */
enum { RECORD_FIGURES = 3 };

struct record {
	const char *camera; /* its code */
	int64_t at_ms;	    /* since 1970, UTC */
	int64_t frame;
	int32_t figure[RECORD_FIGURES]; /* -1: not measured */
	double decode_ms, detect_ms;	/* -1: not told */
	const char *boxes; /* JSON, written the same way every time; NULL: not
			      told */
	unsigned line;
	bool rejected;
	int64_t camera_id;
};

struct record_error {
	unsigned line;
	const char *field, *type, *detail;
};

/* What one request brought. */
struct record_batch {
	struct arena *arena;
	size_t n, errors_n;
	struct record row[RECORDS_MAX];
	struct record_error error[RECORDS_MAX]; /* one a row */
};

/* The record is refused: field and type are static, the detail is copied. */
void record_refuse(struct record_batch *b, struct record *r, const char *field,
	const char *type, const char *fmt, ...) PRINTF(5, 6);

/* One more record, of that line; the batch must have room.  now: seconds. */
struct json;
void record_from_json(struct record_batch *b, const struct json *v,
	unsigned line, int64_t now);
/* One that is no JSON. */
void record_unreadable(
	struct record_batch *b, unsigned line, const char *detail);

/* The milliseconds behind the second of a text that when_parse takes; finer
 * digits are cut. */
int record_ms_of(const char *time);
/* yyyymmddhhmmss.mmm, UTC: how MariaDB takes it. */
char *record_time(char buf[RECORD_TIME], int64_t at_ms);
/* The reverse of the same number times 1000. */
int64_t record_time_from(int64_t number);

#endif
