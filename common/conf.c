// SPDX-License-Identifier: MIT
#include "common/conf.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/version.h"

enum type { STR, INT, BOOL, REAL, SIZE };

struct option {
	const char *section, *key;
	enum type type;
	const char *def;
	double least, most;
	size_t offset;
	const char *what;
};

static const struct option options[] = {
#define OPT(section, key, type, def, least, most, what) \
	{#section, #key, type, def, least, most, \
		offsetof(struct conf, section##_##key), what},
#include "common/options.def"
#undef OPT
};

static bool parse_size(const char *s, size_t *v)
{
	unsigned shift = 0;
	char *end;
	unsigned long long n;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	n = strtoull(s, &end, 10);
	if (*end == 'k')
		shift = 10;
	else if (*end == 'M')
		shift = 20;
	else if (*end == 'G')
		shift = 30;
	if (shift)
		end++;
	if (errno || *end || n > SIZE_MAX >> shift)
		return false;
	*v = (size_t)n << shift;
	return true;
}

static bool parse_bool(const char *s, bool *v)
{
	*v = !strcmp(s, "yes") || !strcmp(s, "on") || !strcmp(s, "true");
	return *v || !strcmp(s, "no") || !strcmp(s, "off") ||
		!strcmp(s, "false");
}

/* Stores the value; NULL, or what was expected instead. */
static const char *store(struct conf *c, const struct option *o, const char *s)
{
	void *at = (char *)c + o->offset;
	size_t size;
	char *end;
	double d;
	char *copy;

	switch (o->type) {
	case STR:
		if ((double)strlen(s) < o->least || (double)strlen(s) > o->most)
			return "text";
		if (!(copy = strdup(s)))
			return "memory";
		free(*(char **)at);
		*(char **)at = copy;
		return NULL;
	case BOOL:
		return parse_bool(s, at) ? NULL : "yes or no";
	case SIZE:
		if (!parse_size(s, &size) || (double)size < o->least ||
			(double)size > o->most)
			return "a size in bytes";
		*(size_t *)at = size;
		return NULL;
	case INT:
	case REAL:
		errno = 0;
		d = strtod(s, &end);
		/* strtod also takes blanks in front, 0x10 and infinity. */
		if (end == s || *end || errno || !(d >= o->least) ||
			!(d <= o->most) || s[strspn(s, "0123456789+-.eE")])
			return "a number";
		if (o->type == REAL) {
			*(double *)at = d;
			return NULL;
		}
		if (d != floor(d))
			return "a whole number";
		*(int *)at = (int)d;
		return NULL;
	}
	return "a known type";
}

void conf_init(struct conf *c)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (store(c, &options[i], options[i].def))
			abort(); /* a default outside its own range */
}

void conf_free(struct conf *c)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (options[i].type == STR)
			free(*(char **)((char *)c + options[i].offset));
	memset(c, 0, sizeof(*c));
}

static bool section_known(const char *section)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (!strcmp(options[i].section, section))
			return true;
	return false;
}

static enum err assign(struct conf *c, const char *section, const char *key,
	const char *value, char err[512])
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		const struct option *o = &options[i];
		const char *wanted;

		if (strcmp(o->section, section) || strcmp(o->key, key))
			continue;
		if (!(wanted = store(c, o, value)))
			return E_OK;
		if (o->type == BOOL)
			snprintf(err, 512, "%s.%s wants %s", section, key,
				wanted);
		else
			snprintf(err, 512,
				"%s.%s wants %s from %.15g to %.15g%s", section,
				key, wanted, o->least, o->most,
				o->type == STR ? " bytes long" : "");
		return E_INVALID;
	}
	snprintf(err, 512, "unknown setting %.100s.%.100s", section, key);
	return E_NOT_FOUND;
}

enum err conf_set(struct conf *c, const char *assignment, char err[512])
{
	const char *eq = strchr(assignment, '='), *dot;
	char section[64], key[64];

	dot = strchr(assignment, '.');
	if (!eq || !dot || dot > eq || dot - assignment > 63 || eq - dot > 63) {
		snprintf(err, 512, "\"%.100s\" is not section.key=value",
			assignment);
		return E_SYNTAX;
	}
	snprintf(section, sizeof(section), "%.*s", (int)(dot - assignment),
		assignment);
	snprintf(key, sizeof(key), "%.*s", (int)(eq - dot - 1), dot + 1);
	return assign(c, section, key, eq + 1, err);
}

static char *trim(char *s)
{
	char *end;

	s += strspn(s, " \t");
	end = s + strlen(s);
	while (end > s && strchr(" \t\r\n", end[-1]))
		*--end = '\0';
	return s;
}

/* One line; section holds the current one. */
static enum err read_line(
	struct conf *c, char *line, char section[64], char err[512])
{
	char *s = trim(line), *eq;
	size_t n = strlen(s);

	if (!n || *s == '#' || *s == ';')
		return E_OK;
	if (*s == '[') {
		if (s[n - 1] != ']' || n < 3 || n > 64) {
			snprintf(err, 512, "\"%.100s\" is not [section]", s);
			return E_SYNTAX;
		}
		s[n - 1] = '\0';
		snprintf(section, 64, "%s", s + 1);
		if (section_known(section))
			return E_OK;
		snprintf(err, 512, "unknown section [%s]", section);
		return E_NOT_FOUND;
	}
	if (!(eq = strchr(s, '='))) {
		snprintf(err, 512, "\"%.100s\" is not key = value", s);
		return E_SYNTAX;
	}
	*eq = '\0';
	if (!*section) {
		snprintf(err, 512, "%.100s stands before any [section]",
			trim(s));
		return E_SYNTAX;
	}
	return assign(c, section, trim(s), trim(eq + 1), err);
}

enum err conf_read(struct conf *c, const char *path, char err[512])
{
	FILE *f = fopen(path, "re");
	char section[64] = "", why[512];
	char *line = NULL;
	size_t cap = 0;
	enum err e = E_OK;
	ssize_t n;

	if (!f) {
		snprintf(err, 512, "%.300s: %s", path, strerror(errno));
		return E_IO;
	}
	for (int no = 1; !e && (n = getline(&line, &cap, f)) >= 0; no++) {
		if (strlen(line) != (size_t)n) {
			snprintf(why, sizeof(why), "holds a NUL byte");
			e = E_SYNTAX;
		} else {
			e = read_line(c, line, section, why);
		}
		if (e)
			snprintf(err, 512, "%.200s:%d: %.280s", path, no, why);
	}
	if (!e && ferror(f)) {
		snprintf(err, 512, "%.300s: cannot be read", path);
		e = E_IO;
	}
	free(line);
	fclose(f);
	return e;
}

void conf_print_defaults(FILE *f)
{
	const char *section = "";

	fputs("# Tally's settings with their defaults; what is left out keeps "
	      "its default.\n"
	      "# Made by `tally config --defaults` from common/options.def.\n",
		f);
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		const struct option *o = &options[i];

		if (strcmp(section, o->section))
			fprintf(f, "\n[%s]\n", o->section);
		section = o->section;
		fprintf(f, "# %s\n%s =%s%s\n", o->what, o->key,
			*o->def ? " " : "", o->def);
	}
}

NORETURN static void usage_error(const char *fmt, const char *a)
{
	fprintf(stderr, fmt, a);
	fputs("; --help lists the options\n", stderr);
	exit(2);
}

NORETURN static void help(
	const char *usage, const struct conf_alias *aliases, size_t n)
{
	fputs(usage, stdout);
	fputs("\n  --config FILE             read settings from FILE\n"
	      "  --set SECTION.KEY=VALUE   set one\n"
	      "  --check                   check the settings and leave\n"
	      "  --help, --version\n",
		stdout);
	for (size_t i = 0; i < n; i++)
		printf("  %s%-*s %s%s%s\n", aliases[i].option,
			(int)(25 - strlen(aliases[i].option)),
			aliases[i].value ? "" : " VALUE", aliases[i].setting,
			aliases[i].value ? " = " : "",
			aliases[i].value ? aliases[i].value : "");
	exit(0);
}

static void set_or_leave(struct conf *c, const char *setting, const char *value)
{
	char err[512], joined[5000];

	snprintf(joined, sizeof(joined), "%s%s%s", setting, value ? "=" : "",
		value ? value : "");
	if (conf_set(c, joined, err)) {
		fprintf(stderr, "%s\n", err);
		exit(2);
	}
}

/* The value of the option at argv[*i]: behind '=' or the next argument. */
static const char *value_of(int argc, char **argv, int *i)
{
	const char *eq = strchr(argv[*i], '=');

	if (eq)
		return eq + 1;
	if (*i + 1 >= argc)
		usage_error("%s wants a value", argv[*i]);
	return argv[++*i];
}

static bool is(const char *arg, const char *option)
{
	size_t n = strlen(option);

	return !strncmp(arg, option, n) && (!arg[n] || arg[n] == '=');
}

int conf_main(struct conf *c, int argc, char **argv, const char *usage,
	const struct conf_alias *aliases, size_t n)
{
	bool check = false;
	char err[512];
	int i;

	conf_init(c);
	for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		size_t k;

		if (!strcmp(argv[i], "--")) {
			i++;
			break;
		}
		for (k = 0; k < n && !is(argv[i], aliases[k].option); k++)
			;
		if (is(argv[i], "--config")) {
			if (conf_read(c, value_of(argc, argv, &i), err)) {
				fprintf(stderr, "%s\n", err);
				exit(2);
			}
		} else if (is(argv[i], "--set")) {
			set_or_leave(c, value_of(argc, argv, &i), NULL);
		} else if (!strcmp(argv[i], "--check")) {
			check = true;
		} else if (!strcmp(argv[i], "--help")) {
			help(usage, aliases, n);
		} else if (!strcmp(argv[i], "--version")) {
			puts(TALLY_VERSION);
			exit(0);
		} else if (k < n && aliases[k].value) {
			if (strchr(argv[i], '='))
				usage_error("%s takes no value", argv[i]);
			set_or_leave(c, aliases[k].setting, aliases[k].value);
		} else if (k < n) {
			set_or_leave(c, aliases[k].setting,
				value_of(argc, argv, &i));
		} else {
			usage_error("unknown option %s", argv[i]);
		}
	}
	if (check) {
		puts("ok");
		exit(0);
	}
	return i;
}
