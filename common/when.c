// SPDX-License-Identifier: MIT
#include "common/when.h"

#include <string.h>
#include <time.h>

int64_t when_now(void)
{
	return (int64_t)time(NULL);
}

int64_t when_clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t when_clock_ms(void)
{
	return when_clock_us() / 1000;
}

/* Days from 1970-01-01: years begin in March, so that the leap day is last. */
static int64_t days_of(int y, int m, int d)
{
	int64_t years = m > 2 ? y : y - 1;
	int64_t era = (years >= 0 ? years : years - 399) / 400;
	int64_t of_era = years - era * 400;
	int64_t of_year = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
		of_year - 719468;
}

int64_t when_from_civil(const struct civil *c)
{
	return days_of(c->year, c->month, c->day) * DAY_S + c->hour * 3600 +
		c->min * 60 + c->sec;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

struct civil when_to_civil(int64_t at)
{
	int64_t days = floor_div(at, DAY_S), s = at - days * DAY_S;
	int64_t z = days + 719468, era = floor_div(z, 146097);
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	struct civil c;

	c.day = (int)(doy - (153 * mp + 2) / 5 + 1);
	c.month = (int)(mp < 10 ? mp + 3 : mp - 9);
	c.year = (int)(yoe + era * 400 + (c.month <= 2));
	c.hour = (int)(s / 3600);
	c.min = (int)(s / 60 % 60);
	c.sec = (int)(s % 60);
	return c;
}

int when_weekday(int64_t at)
{
	int64_t days = floor_div(at, DAY_S);

	/* 1970-01-01 was a Thursday. */
	return (int)(days + 3 - floor_div(days + 3, 7) * 7) + 1;
}

/* Exactly k digits at s[*i], moving past them; -1 where there are not. */
static int digits(const char *s, size_t n, size_t *i, int k)
{
	int v = 0;

	for (; k > 0; k--, (*i)++) {
		if (*i >= n || s[*i] < '0' || s[*i] > '9')
			return -1;
		v = v * 10 + (s[*i] - '0');
	}
	return v;
}

static bool sign(const char *s, size_t n, size_t *i, char c)
{
	if (*i >= n || s[*i] != c)
		return false;
	(*i)++;
	return true;
}

static int month_days(int y, int m)
{
	static const char days[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (m == 2 && y % 4 == 0 && (y % 100 != 0 || y % 400 == 0))
		return 29;
	return days[m - 1];
}

static bool parse_date(const char *s, size_t n, size_t *i, struct civil *c)
{
	c->year = digits(s, n, i, 4);
	if (c->year < 1 || !sign(s, n, i, '-'))
		return false;
	c->month = digits(s, n, i, 2);
	if (c->month < 1 || c->month > 12 || !sign(s, n, i, '-'))
		return false;
	c->day = digits(s, n, i, 2);
	return c->day >= 1 && c->day <= month_days(c->year, c->month);
}

static bool parse_time(
	const char *s, size_t n, size_t *i, struct civil *c, bool *whole)
{
	c->hour = digits(s, n, i, 2);
	if (c->hour < 0 || c->hour > 23 || !sign(s, n, i, ':'))
		return false;
	c->min = digits(s, n, i, 2);
	if (c->min < 0 || c->min > 59)
		return false;
	if (!sign(s, n, i, ':'))
		return true;
	c->sec = digits(s, n, i, 2);
	if (c->sec < 0 || c->sec > 59)
		return false;
	if (!sign(s, n, i, '.'))
		return true;
	if (digits(s, n, i, 1) < 0)
		return false;
	(*i)--;
	for (; *i < n && s[*i] >= '0' && s[*i] <= '9'; (*i)++)
		if (s[*i] != '0')
			*whole = false;
	return true;
}

static bool parse_offset(const char *s, size_t n, size_t *i, int *offset_s)
{
	int h, m, dir;

	*offset_s = 0;
	if (sign(s, n, i, 'Z') || sign(s, n, i, 'z'))
		return true;
	if (sign(s, n, i, '+'))
		dir = 1;
	else if (sign(s, n, i, '-'))
		dir = -1;
	else
		return false;
	h = digits(s, n, i, 2);
	if (h < 0 || h > 23 || !sign(s, n, i, ':'))
		return false;
	m = digits(s, n, i, 2);
	if (m < 0 || m > 59)
		return false;
	*offset_s = dir * (h * 3600 + m * 60);
	return true;
}

enum err when_parse(const char *s, size_t n, struct when *w)
{
	struct civil c = {0};
	int offset_s;
	size_t i = 0;

	*w = (struct when){.whole = true};
	if (!parse_date(s, n, &i, &c))
		return E_INVALID;
	if (i == n) {
		w->date_only = true;
		w->at = when_from_civil(&c);
		return E_OK;
	}
	if (!sign(s, n, &i, 'T') && !sign(s, n, &i, 't') &&
		!sign(s, n, &i, ' '))
		return E_INVALID;
	if (!parse_time(s, n, &i, &c, &w->whole))
		return E_INVALID;
	w->at = when_from_civil(&c);
	if (i == n)
		return E_OK;
	if (!parse_offset(s, n, &i, &offset_s) || i != n)
		return E_INVALID;
	w->at -= offset_s;
	w->has_offset = true;
	return E_OK;
}

/* What strptime takes, less what hangs on the process. */
#define FORM_LETTERS "%aAbBhCdDeFgGHIjklmMnpPRStTuUVwWyYz"

bool when_form_ok(const char *form)
{
	while ((form = strchr(form, '%'))) {
		form += 1 + strspn(form + 1, "-_0^#"); /* it skips these */
		if (!*form || !strchr(FORM_LETTERS, *form))
			return false;
		form++;
	}
	return true;
}

enum err when_parse_as(const char *s, const char *form, struct when *w)
{
	/* What the form leaves out must not look like something it found. */
	struct tm tm = {.tm_mday = 0, .tm_mon = -1, .tm_year = -10000};
	const char *rest = strptime(s, form, &tm);
	struct civil c = {tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		tm.tm_hour, tm.tm_min, tm.tm_sec};

	*w = (struct when){.whole = true};
	if (!rest || *rest || c.year < 1 || c.year > 9999 || c.month < 1 ||
		c.day < 1 || c.day > month_days(c.year, c.month) || c.sec > 59)
		return E_INVALID;
	w->has_offset = strstr(form, "%z");
	w->at = when_from_civil(&c) - tm.tm_gmtoff;
	return E_OK;
}

/* By hand: a page has thousands of times, and snprintf takes long. */
static char *two(char *to, int n, char behind)
{
	*to++ = (char)('0' + n / 10 % 10);
	*to++ = (char)('0' + n % 10);
	*to++ = behind;
	return to;
}

char *when_format(char buf[WHEN_TEXT], int64_t at, int offset_s, bool utc)
{
	struct civil c = when_to_civil(at + offset_s);
	int abs_min = (offset_s < 0 ? -offset_s : offset_s) / 60;
	char *to = two(buf, c.year / 100, ' ') - 1;

	to = two(to, c.year % 100, '-');
	to = two(to, c.month, '-');
	to = two(to, c.day, 'T');
	to = two(to, c.hour, ':');
	to = two(to, c.min, ':');
	to = two(to, c.sec, 'Z');
	if (!utc || offset_s) {
		to[-1] = offset_s < 0 ? '-' : '+';
		to = two(to, abs_min / 60, ':');
		to = two(to, abs_min % 60, ' ') - 1;
	}
	*to = '\0';
	return buf;
}

int64_t when_number(int64_t at)
{
	struct civil c = when_to_civil(at);

	return ((((c.year * INT64_C(100) + c.month) * 100 + c.day) * 100 +
			c.hour) *
			       100 +
		       c.min) *
		100 +
		c.sec;
}

int64_t when_from_number(int64_t v)
{
	struct civil c = {
		.sec = (int)(v % 100),
		.min = (int)(v / 100 % 100),
		.hour = (int)(v / 10000 % 100),
		.day = (int)(v / 1000000 % 100),
		.month = (int)(v / 100000000 % 100),
		.year = (int)(v / INT64_C(10000000000)),
	};

	return when_from_civil(&c);
}
