// SPDX-License-Identifier: MIT
/*
 * sqlfile: the files under sql/: reading, filling in names, and telling
 * statements apart.  Pure but for sqlfile_read.
 */
#ifndef TALLY_ANALYTICS_SQLFILE_H
#define TALLY_ANALYTICS_SQLFILE_H

#include "common/arena.h"

enum { SQLFILE_MAX = 1 << 20, SQLFILE_NAME_MAX = 120 };

/* Names of a folder's files that end in ".sql", by byte order; none for a
 * folder that is not there.  E_IO (logged), E_TOO_BIG. */
MUST enum err sqlfile_list(
	struct arena *a, const char *folder, const char ***names, size_t *n);

/* The file's text in the arena.  E_IO, E_TOO_BIG; logged with its name. */
MUST enum err sqlfile_read(
	struct arena *a, const char *path, struct slice *text);

/* What "{key}" in a file stands for.  Braces around anything else stay. */
struct sqlfile_word {
	const char *key, *value;
};
MUST enum err sqlfile_fill(struct arena *a, struct slice text,
	const struct sqlfile_word *words, size_t n, struct slice *filled);

/*
 * Cuts the next statement off *rest, up to a ";" that stands outside of
 * quotes and comments.  false: nothing but blanks and comments is left.
 */
bool sqlfile_next(struct slice *rest, struct slice *statement);
/* The line, from 1, that a byte of the text stands in. */
int sqlfile_line(struct slice text, const char *at);

#endif
