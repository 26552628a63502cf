// SPDX-License-Identifier: MIT
/*
 * when: instants as seconds since 1970-01-01T00:00:00Z (no leap seconds), the
 * proleptic Gregorian calendar, and their texts.  Pure but for the clocks,
 * when_now and when_clock_ms, when_clock_us.
 */
#ifndef TALLY_COMMON_WHEN_H
#define TALLY_COMMON_WHEN_H

#include "common/base.h"

enum { DAY_S = 86400, WHEN_TEXT = 26 };

struct civil {
	int year;	    /* 1 to 9999 */
	int month, day;	    /* from 1 */
	int hour, min, sec; /* 0 to 23, 59, 59 */
};

/* What a text said. */
struct when {
	int64_t at;	 /* the instant; the local time read as UTC where
			    has_offset is false */
	bool has_offset; /* "Z" or "+09:00" stood there */
	bool whole;	 /* no fraction of a second, or a fraction of zeros */
	bool date_only;	 /* "2026-11-21": midnight, no offset */
};

int64_t when_now(void);
/* Milliseconds, microseconds of a clock that nobody sets, for deadlines. */
int64_t when_clock_ms(void);
int64_t when_clock_us(void);
int64_t when_from_civil(const struct civil *c);
struct civil when_to_civil(int64_t at);
/* 1 = Monday … 7 = Sunday (ISO 8601) */
int when_weekday(int64_t at);

/* RFC 3339, section 5.6; also a blank for "T", seconds left out, no offset,
 * and a date alone.  E_INVALID for all else, a day the month lacks and second
 * 60 included. */
MUST enum err when_parse(const char *s, size_t n, struct when *w);

/* The same of a text in a form of one's own: what strptime takes, %z for the
 * offset.  Not %s, %c, %x and %X, which hang on the process's zone and
 * language: when_form_ok.  A form without a date is E_INVALID for every text.
 */
MUST enum err when_parse_as(const char *s, const char *form, struct when *w);
bool when_form_ok(const char *form);

/* RFC 3339 into buf: "Z" for offset 0 with utc true, else "+hh:mm".
 * offset_s: whole minutes.  Returns buf. */
char *when_format(char buf[WHEN_TEXT], int64_t at, int offset_s, bool utc);

/* yyyymmddhhmmss in UTC: how MariaDB takes a DATETIME as a number. */
int64_t when_number(int64_t at);
/* The reverse; the number must be a valid one. */
int64_t when_from_number(int64_t number);

#endif
