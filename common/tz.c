// SPDX-License-Identifier: MIT
/*
 * Map: the footer's rule (POSIX TZ), the file, then what is asked of a zone.
 */
#include "common/tz.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/when.h"

enum { FILE_MAX = 1 << 20, HEADER = 44, REACH_S = 2 * DAY_S };

/* A day of the year at which a rule changes the clock. */
struct rule_day {
	char kind; /* 'J' 1 to 365 without 29 February, 'n' 0 to 365, 'M' */
	int month, week, day;
	int time_s; /* local time of the change */
};

struct rule {
	bool set, has_dst;
	int std_s, dst_s; /* offsets */
	struct rule_day start, end;
};

struct tz {
	char name[TZ_NAME_MAX + 1];
	size_t n;    /* changes in the table */
	int64_t *at; /* when */
	int *off;    /* to which offset */
	int first;   /* the offset before the first */
	struct rule rule;
};

/* ---- POSIX TZ, as RFC 9636 section 3.3.1 extends it */

static bool number(const char **s, int least, int most, int *v)
{
	long n = 0;

	if (!isdigit((unsigned char)**s))
		return false;
	while (isdigit((unsigned char)**s) && n <= most)
		n = n * 10 + *(*s)++ - '0';
	*v = (int)n;
	return n >= least && n <= most;
}

/* [+-]hh[:mm[:ss]] */
static bool clock_time(const char **s, int *seconds)
{
	int sign = 1, h, m = 0, sec = 0;

	if (**s == '+' || **s == '-')
		sign = *(*s)++ == '-' ? -1 : 1;
	if (!number(s, 0, 167, &h))
		return false;
	if (**s == ':' && ((*s)++, !number(s, 0, 59, &m)))
		return false;
	if (**s == ':' && ((*s)++, !number(s, 0, 59, &sec)))
		return false;
	*seconds = sign * (h * 3600 + m * 60 + sec);
	return true;
}

static bool abbreviation(const char **s)
{
	const char *from = *s;

	if (**s == '<') {
		while (**s && **s != '>')
			(*s)++;
		return *(*s)++ == '>';
	}
	while (isalpha((unsigned char)**s))
		(*s)++;
	return *s - from >= 3;
}

static bool rule_day(const char **s, struct rule_day *d)
{
	d->time_s = 2 * 3600;
	if (**s == 'M') {
		d->kind = *(*s)++;
		if (!number(s, 1, 12, &d->month) || *(*s)++ != '.' ||
			!number(s, 1, 5, &d->week) || *(*s)++ != '.' ||
			!number(s, 0, 6, &d->day))
			return false;
	} else if (**s == 'J') {
		d->kind = *(*s)++;
		if (!number(s, 1, 365, &d->day))
			return false;
	} else {
		d->kind = 'n';
		if (!number(s, 0, 365, &d->day))
			return false;
	}
	return **s != '/' || ((*s)++, clock_time(s, &d->time_s));
}

static bool parse_rule(const char *s, struct rule *r)
{
	memset(r, 0, sizeof(*r));
	if (!*s)
		return true;
	r->set = true;
	if (!abbreviation(&s) || !clock_time(&s, &r->std_s))
		return false;
	r->std_s = -r->std_s; /* POSIX counts westwards */
	if (!*s)
		return true;
	r->has_dst = true;
	if (!abbreviation(&s))
		return false;
	r->dst_s = r->std_s + 3600;
	if (*s != ',') {
		if (!clock_time(&s, &r->dst_s))
			return false;
		r->dst_s = -r->dst_s;
	}
	return *s++ == ',' && rule_day(&s, &r->start) && *s++ == ',' &&
		rule_day(&s, &r->end) && !*s;
}

static int64_t date(int year, int month, int day)
{
	struct civil c = {.year = year, .month = month, .day = day};

	return when_from_civil(&c);
}

/* Local time, read as UTC, at which the rule changes the clock in a year. */
static int64_t change_in(const struct rule_day *d, int year)
{
	bool leap = (year % 4 == 0 && year % 100) || year % 400 == 0;
	int64_t at;
	int weekday, days;

	if (d->kind == 'n')
		return date(year, 1, 1) + (int64_t)d->day * DAY_S + d->time_s;
	if (d->kind == 'J')
		return date(year, 1, 1) +
			(int64_t)(d->day - 1 + (leap && d->day > 59)) * DAY_S +
			d->time_s;
	at = date(year, d->month, 1);
	weekday = when_weekday(at) % 7; /* 0 = Sunday, as the rule counts */
	days = (d->day - weekday + 7) % 7 + (d->week - 1) * 7;
	while (when_to_civil(at + (int64_t)days * DAY_S).month != d->month)
		days -= 7; /* week 5 is the last one */
	return at + (int64_t)days * DAY_S + d->time_s;
}

struct change {
	int64_t at;
	int off;
};

enum { RULE_CHANGES = 8 };

/* Where a summer ends as the next begins, the beginning comes last and so
 * holds. */
static bool before(
	const struct rule *r, const struct change *a, const struct change *b)
{
	return a->at < b->at || (a->at == b->at && a->off != r->dst_s);
}

/* The rule's changes of the years around an instant, in order. */
static void changes_around(
	const struct rule *r, int64_t at, struct change c[RULE_CHANGES])
{
	int year = when_to_civil(at).year - 1;

	if (year < 1)
		year = 1;
	for (int i = 0; i < RULE_CHANGES; i += 2, year++) {
		c[i].at = change_in(&r->end, year) - r->dst_s;
		c[i].off = r->std_s;
		c[i + 1].at = change_in(&r->start, year) - r->std_s;
		c[i + 1].off = r->dst_s;
	}
	for (int i = 1; i < RULE_CHANGES; i++) {
		struct change x = c[i];
		int k = i;

		for (; k && !before(r, &c[k - 1], &x); k--)
			c[k] = c[k - 1];
		c[k] = x;
	}
}

static int rule_offset(const struct rule *r, int64_t at)
{
	struct change c[RULE_CHANGES];
	int off = r->std_s;

	if (!r->has_dst)
		return r->std_s;
	changes_around(r, at, c);
	for (int i = 0; i < RULE_CHANGES && c[i].at <= at; i++)
		off = c[i].off;
	return off;
}

/* ---- the file */

static int64_t big_endian(const unsigned char *p, int bytes)
{
	uint64_t v = p[0] & 0x80 && bytes < 8 ? UINT64_MAX : 0;

	for (int i = 0; i < bytes; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

/* The counts of a header, in the order of the file. */
struct counts {
	size_t isut, isstd, leap, time, type, character;
};

static bool read_header(
	const unsigned char *p, size_t n, char *version, struct counts *c)
{
	if (n < HEADER || memcmp(p, "TZif", 4))
		return false;
	*version = (char)p[4];
	c->isut = (size_t)big_endian(p + 20, 4);
	c->isstd = (size_t)big_endian(p + 24, 4);
	c->leap = (size_t)big_endian(p + 28, 4);
	c->time = (size_t)big_endian(p + 32, 4);
	c->type = (size_t)big_endian(p + 36, 4);
	c->character = (size_t)big_endian(p + 40, 4);
	return c->isut <= n && c->isstd <= n && c->leap <= n && c->time <= n &&
		c->type <= 256 && c->type && c->character <= n;
}

static size_t block_size(const struct counts *c, size_t width)
{
	return c->time * width + c->time + c->type * 6 + c->character +
		c->leap * (width + 4) + c->isstd + c->isut;
}

static enum err read_block(const unsigned char *p, const struct counts *c,
	size_t width, struct tz *tz)
{
	const unsigned char *index = p + c->time * width,
			    *types = index + c->time;

	tz->at = calloc(c->time + 1, sizeof(*tz->at));
	tz->off = calloc(c->time + 1, sizeof(*tz->off));
	if (!tz->at || !tz->off)
		return E_NOMEM;
	tz->first = (int)big_endian(types, 4);
	for (size_t i = 0; i < c->time; i++) {
		int64_t at = big_endian(p + i * width, (int)width);

		if (index[i] >= c->type || (i && at <= tz->at[i - 1]))
			return E_CORRUPT;
		tz->at[i] = at;
		tz->off[i] = (int)big_endian(types + 6 * index[i], 4);
		if (abs(tz->off[i]) > REACH_S)
			return E_CORRUPT;
	}
	tz->n = c->time;
	return E_OK;
}

static enum err parse(const unsigned char *p, size_t n, struct tz *tz)
{
	char version, footer[256];
	struct counts c;
	size_t skip, width = 4;
	const unsigned char *end;
	enum err e;

	/* A file without the magic is no zone at all. */
	if (n < 4 || memcmp(p, "TZif", 4))
		return E_NOT_FOUND;
	if (!read_header(p, n, &version, &c))
		return E_CORRUPT;
	if (version >= '2') {
		skip = HEADER + block_size(&c, 4);
		if (skip > n || !read_header(p + skip, n - skip, &version, &c))
			return E_CORRUPT;
		p += skip;
		n -= skip;
		width = 8;
	}
	skip = HEADER + block_size(&c, width);
	if (skip > n)
		return E_CORRUPT;
	if ((e = read_block(p + HEADER, &c, width, tz)))
		return e;
	if (width == 4)
		return E_OK;
	p += skip;
	n -= skip;
	if (n < 2 || *p != '\n' || !(end = memchr(p + 1, '\n', n - 1)) ||
		(size_t)(end - p) > sizeof(footer))
		return E_CORRUPT;
	snprintf(footer, sizeof(footer), "%.*s", (int)(end - p - 1),
		(const char *)p + 1);
	return parse_rule(footer, &tz->rule) ? E_OK : E_CORRUPT;
}

bool tz_name_ok(const char *name)
{
	size_t n = strlen(name);

	return n && n <= TZ_NAME_MAX && isalpha((unsigned char)*name) &&
		strspn(name,
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			"0123456789_+-/") == n &&
		name[n - 1] != '/' && !strstr(name, "//") &&
		strncmp(name, "posix/", 6) && strncmp(name, "right/", 6) &&
		strcmp(name, "posixrules") && strcmp(name, "localtime");
}

static enum err read_file(const char *name, unsigned char **p, size_t *n)
{
	char path[sizeof(TZ_DIR) + 1 + TZ_NAME_MAX];
	struct stat st;
	ssize_t got = 0;
	enum err e = E_OK;
	int fd;

	snprintf(path, sizeof(path), TZ_DIR "/%s", name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)) < 0)
		return errno == ENOENT || errno == ENOTDIR ? E_NOT_FOUND : E_IO;
	*p = NULL;
	if (fstat(fd, &st))
		e = E_IO;
	else if (!S_ISREG(st.st_mode))
		e = E_NOT_FOUND;
	else if (st.st_size > FILE_MAX)
		e = E_CORRUPT;
	else if (!(*p = malloc((size_t)st.st_size + 1)))
		e = E_NOMEM;
	else if ((got = read(fd, *p, (size_t)st.st_size)) < 0)
		e = E_IO;
	*n = got > 0 ? (size_t)got : 0;
	close(fd);
	return e;
}

enum err tz_load(const char *name, struct tz **tz)
{
	unsigned char *p = NULL;
	size_t n;
	enum err e;

	*tz = NULL;
	if (!tz_name_ok(name))
		return E_NOT_FOUND;
	if (!(e = read_file(name, &p, &n)) && !(*tz = calloc(1, sizeof(**tz))))
		e = E_NOMEM;
	if (!e)
		e = parse(p, n, *tz);
	if (!e)
		snprintf((*tz)->name, sizeof((*tz)->name), "%s", name);
	free(p);
	if (e) {
		tz_free(*tz);
		*tz = NULL;
	}
	return e;
}

void tz_free(struct tz *tz)
{
	if (!tz)
		return;
	free(tz->at);
	free(tz->off);
	free(tz);
}

/* ---- what is asked */

const char *tz_name(const struct tz *tz)
{
	return tz->name;
}

/* How many changes of the table are not after `at`. */
static size_t passed(const struct tz *tz, int64_t at)
{
	size_t lo = 0, hi = tz->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (tz->at[mid] <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int tz_offset(const struct tz *tz, int64_t at)
{
	size_t k = passed(tz, at);

	if (k == tz->n && tz->rule.set)
		return rule_offset(&tz->rule, at);
	return k ? tz->off[k - 1] : tz->first;
}

int64_t tz_next_change(const struct tz *tz, int64_t at)
{
	struct change c[RULE_CHANGES];
	int off = tz_offset(tz, at);

	/* Changes of the table may change the name alone. */
	for (size_t k = passed(tz, at); k < tz->n; k++)
		if (tz_offset(tz, tz->at[k]) != off)
			return tz->at[k];
	if (!tz->rule.set || !tz->rule.has_dst)
		return TZ_NEVER;
	if (tz->n && at < tz->at[tz->n - 1])
		at = tz->at[tz->n - 1];
	changes_around(&tz->rule, at, c);
	for (int i = 0; i < RULE_CHANGES; i++)
		if (c[i].at > at && tz_offset(tz, c[i].at) != off)
			return c[i].at;
	return TZ_NEVER;
}

int tz_local(const struct tz *tz, int64_t local, int64_t out[2])
{
	int64_t from = local - REACH_S, to;
	int n = 0;

	for (; from <= local + REACH_S && n < 2; from = to) {
		int64_t at = local - tz_offset(tz, from);

		to = tz_next_change(tz, from);
		if (at >= from && at < to)
			out[n++] = at;
		if (to == TZ_NEVER)
			break;
	}
	return n;
}

int64_t tz_day_start(const struct tz *tz, int year, int month, int day)
{
	int64_t midnight = date(year, month, day), from = midnight - REACH_S;

	for (;;) {
		int64_t to = tz_next_change(tz, from),
			at = midnight - tz_offset(tz, from);

		if (at < from)
			at = from;
		if (at < to)
			return at;
		from = to;
	}
}
