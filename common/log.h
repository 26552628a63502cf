// SPDX-License-Identifier: MIT
/*
 * log: one line per decision on standard error, as text or as JSON:
 *
 *     2026-11-21T09:00:00Z tally-api warn: database: gone, retrying in 2 s
 *     2026-11-21T09:00:00Z tally-api warn [6f1c-2a]: database: gone …
 *     {"at":"2026-11-21T09:00:00.123Z","program":"tally-api","level":"warn",
 *      "request":"6f1c-2a","message":"database: gone …"}
 *
 * Subject first, then the fact, then numbers with units.  Control bytes and
 * what is not UTF-8 are shown as '?', in JSON escaped or as U+FFFD, so nobody
 * forges a line.  Never pass a token, a password or a URL with credentials.
 * Thread-safe, one write(2) a line; a message over 900 bytes is cut.
 */
#ifndef TALLY_COMMON_LOG_H
#define TALLY_COMMON_LOG_H

#include "common/base.h"

enum { LOG_REQUEST_MAX = 64 };

enum log_level {
	LOG_DEBUG,
	LOG_INFO, /* an event in the life of the program */
	LOG_WARN, /* we coped */
	LOG_ERROR /* a human must act */
};

/* name: the program's, kept by reference.  Lines below least are dropped. */
void log_open(const char *name, enum log_level least);
/* "text" or "json"; "debug" … "error": as in [log].  False where one is none of
 * these, and nothing is changed. */
bool log_choose(const char *format, const char *level);
#define LOG_CHOICE \
	"log.format wants text or json, log.level debug, info, warn or " \
	"error\n"

/* The id of the request that this thread works for, for each of its lines;
 * NULL: of none. */
void log_request(const char *id);

void log_at(enum log_level level, const char *fmt, ...) PRINTF(2, 3);

#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)

/* A line of figures: "message: name=value name=value", or members. */
struct log_field {
	const char *name;
	const char *value; /* NULL: left out */
	bool number;	   /* the text is one */
};
void log_fields(const char *message, const struct log_field *f, size_t n);

#endif
