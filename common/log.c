// SPDX-License-Identifier: MIT
#include "common/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/utf8.h"

enum { MESSAGE_MAX = 900, LINE_MAX = 8192 };

static const char *const level_name[] = {"debug", "info", "warn", "error"};

static const char *log_name = "tally";
static atomic_int log_least = LOG_INFO;
static atomic_bool log_json;
static _Thread_local char request[LOG_REQUEST_MAX + 1];

/* A line in the making.  What does not fit is left out; the end fits. */
struct line {
	char at[LINE_MAX + 8];
	size_t n;
};

void log_open(const char *name, enum log_level least)
{
	log_name = name;
	log_least = least;
}

bool log_choose(const char *format, const char *level)
{
	bool json = !strcmp(format, "json");

	if (!json && strcmp(format, "text") != 0)
		return false;
	for (int i = LOG_DEBUG; i <= LOG_ERROR; i++)
		if (!strcmp(level, level_name[i])) {
			log_json = json;
			log_least = i;
			return true;
		}
	return false;
}

void log_request(const char *id)
{
	size_t n = id ? strnlen(id, LOG_REQUEST_MAX) : 0;

	if (n)
		memcpy(request, id, n);
	request[n] = '\0';
}

static void add(struct line *l, const char *s, size_t n)
{
	if (n > LINE_MAX - l->n)
		n = LINE_MAX - l->n;
	memcpy(l->at + l->n, s, n);
	l->n += n;
}

static void add_str(struct line *l, const char *s)
{
	add(l, s, strlen(s));
}

/* Bytes of the first character of s, or 0 where nobody should see it. */
static size_t shown(const char *s, size_t n)
{
	size_t k = utf8_len(s, n);
	unsigned char c = (unsigned char)*s;

	if ((k == 1 && (c < 0x20 || c == 0x7f)) ||
		(k == 2 && c == 0xc2 && (unsigned char)s[1] < 0xa0))
		return 0;
	return k;
}

static void add_plain(struct line *l, const char *s)
{
	size_t n = strlen(s), k;

	for (; n; s += k ? k : 1, n -= k ? k : 1) {
		k = shown(s, n);
		add(l, k ? s : "?", k ? k : 1);
	}
}

/* A text of JSON with its quotes: whole characters, and never half an escape.
 */
static void add_quoted(struct line *l, const char *s)
{
	size_t n = strlen(s), k;
	char escape[8];

	add_str(l, "\"");
	for (; n && l->n < LINE_MAX - 16; s += k ? k : 1, n -= k ? k : 1) {
		k = shown(s, n);
		if (!k && (unsigned char)*s < 0x80)
			snprintf(escape, sizeof(escape), "\\u%04x",
				(unsigned)(unsigned char)*s);
		if (*s == '"' || *s == '\\')
			add_str(l, "\\");
		if (k)
			add(l, s, k);
		else
			add_str(l,
				(unsigned char)*s < 0x80 ? escape : "\\ufffd");
	}
	add_str(l, "\"");
}

static void begin(struct line *l, enum log_level level)
{
	struct timespec now;
	char when[40];
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	l->n = 0;
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	if (!log_json) {
		add_str(l, when);
		add_str(l, "Z ");
		add_str(l, log_name);
		add_str(l, " ");
		add_str(l, level_name[level]);
		if (*request) {
			add_str(l, " [");
			add_plain(l, request);
			add_str(l, "]");
		}
		add_str(l, ": ");
		return;
	}
	add_str(l, "{\"at\":\"");
	add_str(l, when);
	snprintf(when, sizeof(when),
		".%03ldZ\",\"program\":", now.tv_nsec / 1000000);
	add_str(l, when);
	add_quoted(l, log_name);
	add_str(l, ",\"level\":");
	add_quoted(l, level_name[level]);
	if (*request) {
		add_str(l, ",\"request\":");
		add_quoted(l, request);
	}
	add_str(l, ",\"message\":");
}

static void end(struct line *l)
{
	if (log_json)
		l->at[l->n++] = '}';
	l->at[l->n++] = '\n';
	/* A log that cannot be written has nobody to tell. */
	if (write(STDERR_FILENO, l->at, l->n) < 0)
		return;
}

void log_at(enum log_level level, const char *fmt, ...)
{
	char message[MESSAGE_MAX + 1];
	struct line l;
	va_list ap;

	if ((int)level < log_least)
		return;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	begin(&l, level);
	if (log_json)
		add_quoted(&l, message);
	else
		add_plain(&l, message);
	end(&l);
}

void log_fields(const char *message, const struct log_field *f, size_t n)
{
	struct line l;

	if (LOG_INFO < log_least)
		return;
	begin(&l, LOG_INFO);
	if (log_json)
		add_quoted(&l, message);
	else
		add_plain(&l, message);
	for (size_t i = 0; i < n; i++) {
		if (!f[i].value)
			continue;
		if (!log_json) {
			add_str(&l, i ? " " : ": ");
			add_str(&l, f[i].name);
			add_str(&l, "=");
			add_plain(&l, f[i].value);
			continue;
		}
		add_str(&l, ",\"");
		add_str(&l, f[i].name);
		add_str(&l, "\":");
		if (f[i].number)
			add_str(&l, f[i].value);
		else
			add_quoted(&l, f[i].value);
	}
	end(&l);
}
