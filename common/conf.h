// SPDX-License-Identifier: MIT
/*
 * conf: the settings of all programs, from an ini file and the command line.
 *
 *	# comment          ; comment
 *	[section]
 *	key = value        (blanks around the value are dropped; no quoting)
 *	[camera "gate-1"]  settings of [ingest], for one of several cameras
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

enum { CONF_CAMERAS_MAX = 256 };

/* Where a setting was said; in a camera's section, what. */
struct conf_said {
	char *camera; /* code, or NULL */
	const char *section, *key;
	char *value; /* of a camera */
	char *file;  /* NULL: the command line */
	int line;
};

/* conf.api_port is [api] port. */
struct conf {
#define OPT(section, key, type, def, least, most, what) \
	CONF_##type section##_##key;
#include "common/options.def"
#undef OPT
	size_t cameras;
	char *camera[CONF_CAMERAS_MAX]; /* codes of the sections, in order */
	struct conf_said *said;
	size_t said_n, said_cap;
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

/*
 * The settings of camera number i: those of [ingest], with what its section
 * says in their place and its code as ingest_camera.  own is the caller's to
 * free, after a failure too; E_NOMEM.
 */
MUST enum err conf_camera(const struct conf *c, size_t i, struct conf *own);

/* Where it was said: "FILE:LINE: ", or "" for the command line and defaults.
 * A camera's section goes before [ingest]. */
void conf_where(const struct conf *c, const char *camera, const char *section,
	const char *key, char where[300]);

/* Whether a camera with the one works like a camera with the other. */
bool conf_same_camera(const struct conf *a, const struct conf *b);

/*
 * Takes from fresh what differs from c in the sections that are named, where
 * live lists the setting ("api.idle_timeout_s"); told hears of each that
 * differs.  A text that was taken leaves c: nobody else may hold it.
 */
struct conf_live {
	const char *const *section, *const *setting; /* each ended by NULL */
	void (*told)(const char *setting, bool taken);
};
void conf_adopt(
	struct conf *c, struct conf *fresh, const struct conf_live *live);

/* As conf_read, but goes on behind a fault: each is a line on f.  How many. */
unsigned conf_faults(struct conf *c, const char *path, FILE *f);

/* The commented sample file with every default. */
void conf_print_defaults(FILE *f);

/*
 * The command line that all programs share:
 *
 *	--config FILE   --set section.key=value   -n, --check   --help
 *	--version
 *
 * and the aliases the program names, each standing for a setting
 * ("--source" for "ingest.source"); "--x VALUE" and "--x=VALUE" both.  Fills c.
 * Ends the process itself: 0 after --help and --version, and after --check
 * where check is NULL; 2 with a line that names the option, or file and line:
 * one line, with --check one for each fault.  Returns the index of the first
 * argument that is no option.
 */
struct conf_alias {
	const char *option;  /* "--source" */
	const char *setting; /* "ingest.source" */
	const char *value;   /* fixed value of an option without one, or NULL */
};
int conf_main(struct conf *c, int argc, char **argv, const char *usage,
	const struct conf_alias *aliases, size_t n);

/* The same for a program that checks more than values: with --check, *check is
 * set; every fault is told, and where there was one -1 comes back. */
struct conf_cli {
	const char *usage;
	const struct conf_alias *aliases;
	size_t n;
};
int conf_main_check(struct conf *c, int argc, char **argv,
	const struct conf_cli *cli, bool *check);

/* Reads the same command line and its files once more.  c is the caller's to
 * free, after a failure too; err and the errors as of conf_read. */
MUST enum err conf_again(struct conf *c, int argc, char **argv,
	const struct conf_cli *cli, char err[512]);

#endif
