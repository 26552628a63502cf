// SPDX-License-Identifier: MIT
/*
 * log: one line per decision on standard error:
 *
 *     2026-11-21T09:00:00Z tally-api warn: database: gone, retrying in 2 s
 *
 * Subject first, then the fact, then numbers with units.  Control bytes in
 * what is logged are shown as '?', so nobody forges a line.  Never pass a
 * token, a password or a URL with credentials.  Thread-safe, one write(2) a
 * line, longer than 1000 bytes is cut.
 */
#ifndef TALLY_COMMON_LOG_H
#define TALLY_COMMON_LOG_H

#include "common/base.h"

enum log_level {
	LOG_DEBUG,
	LOG_INFO, /* an event in the life of the program */
	LOG_WARN, /* we coped */
	LOG_ERROR /* a human must act */
};

/* name: the program's, kept by reference.  Lines below least are dropped. */
void log_open(const char *name, enum log_level least);

void log_at(enum log_level level, const char *fmt, ...) PRINTF(2, 3);

#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)

#endif
