// SPDX-License-Identifier: MIT
#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *log_name = "tally";
static enum log_level log_least = LOG_INFO;

void log_open(const char *name, enum log_level least)
{
	log_name = name;
	log_least = least;
}

void log_at(enum log_level level, const char *fmt, ...)
{
	static const char *const word[] = {"debug", "info", "warn", "error"};
	char line[1024];
	struct timespec now;
	struct tm tm;
	size_t n, head;
	va_list ap;
	int k;

	if (level < log_least)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%SZ ", &tm);
	k = snprintf(line + n, 100, "%s %s: ", log_name, word[level]);
	head = n + (size_t)(k < 100 ? k : 99);
	va_start(ap, fmt);
	k = vsnprintf(line + head, sizeof(line) - head - 1, fmt, ap);
	va_end(ap);
	n = head + (k < 0 ? 0 : (size_t)k);
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	for (size_t i = head; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[n++] = '\n';
	/* A log that cannot be written has nobody to tell. */
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}
