// SPDX-License-Identifier: MIT
/*
 * conf: the settings of all programs, from an ini file and the command line.
 *
 *	# comment          ; comment
 *	[section]
 *	key = value        (blanks around the value are dropped; no quoting)
 *
 * Lives as long as the process; read-only after start, so any thread may read.
 */
#ifndef TALLY_COMMON_CONF_H
#define TALLY_COMMON_CONF_H

#include <stdio.h>

#include "common/base.h"

#define CONF_STR  const char *
#define CONF_INT  int
#define CONF_BOOL bool
#define CONF_REAL double
#define CONF_SIZE size_t

/* conf.api_port is [api] port. */
struct conf {
#define OPT(section, key, type, def, least, most, what) \
	CONF_##type section##_##key;
#include "common/options.def"
#undef OPT
};

/* All settings at their defaults. */
void conf_init(struct conf *c);
void conf_free(struct conf *c);

/*
 * Reads the file over what c holds.  On failure err says what is wrong with
 * file, line and key (at most 511 bytes): E_IO, E_SYNTAX, E_NOT_FOUND (unknown
 * section or key), E_INVALID (value).
 */
MUST enum err conf_read(struct conf *c, const char *path, char err[512]);

/* One setting, "section.key=value", as from --set; errors as above. */
MUST enum err conf_set(struct conf *c, const char *assignment, char err[512]);

/* The commented sample file with every default. */
void conf_print_defaults(FILE *f);

/*
 * The command line that all programs share:
 *
 *	--config FILE   --set section.key=value   --check   --help   --version
 *
 * and the aliases the program names, each standing for a setting
 * ("--source" for "ingest.source"); "--x VALUE" and "--x=VALUE" both.  Fills c.
 * Ends the process itself: 0 after --check, --help and --version; 2 with one
 * line that names the option, or file and line.  Returns the index of the
 * first argument that is no option.
 */
struct conf_alias {
	const char *option;  /* "--source" */
	const char *setting; /* "ingest.source" */
	const char *value;   /* fixed value of an option without one, or NULL */
};
int conf_main(struct conf *c, int argc, char **argv, const char *usage,
	const struct conf_alias *aliases, size_t n);

#endif
