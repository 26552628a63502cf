// SPDX-License-Identifier: MIT
/* The command line of conf: options over files over defaults. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf.h"
#include "common/version.h"

/* One reading of a command line. */
struct reading {
	struct conf *c;
	const struct conf_cli *cli;
	int argc;
	char **argv;
	int i;
	bool check;	 /* tell every fault, go on */
	unsigned faults; /* told */
	char *err;	 /* 512 bytes, where a fault ends the reading */
};

NORETURN static void help(const struct conf_cli *cli)
{
	fputs(cli->usage, stdout);
	fputs("\n  --config FILE             read settings from FILE\n"
	      "  --set SECTION.KEY=VALUE   set one\n"
	      "  -n, --check               check the settings and leave\n"
	      "  --help, --version\n",
		stdout);
	for (size_t i = 0; i < cli->n; i++) {
		const struct conf_alias *a = &cli->aliases[i];

		printf("  %s%-*s %s%s%s\n", a->option,
			(int)(25 - strlen(a->option)), a->value ? "" : " VALUE",
			a->setting, a->value ? " = " : "",
			a->value ? a->value : "");
	}
	exit(0);
}

/* A fault in how the options are used. */
static enum err misused(struct reading *r, const char *fmt, const char *a)
{
	size_t n;

	snprintf(r->err, 400, fmt, a);
	n = strlen(r->err);
	snprintf(r->err + n, 512 - n, "; --help lists the options");
	return E_SYNTAX;
}

static enum err set(struct reading *r, const char *setting, const char *value)
{
	char joined[5000];
	enum err e;

	snprintf(joined, sizeof(joined), "%s%s%s", setting, value ? "=" : "",
		value ? value : "");
	e = conf_set(r->c, joined, r->err);
	if (!e || !r->check)
		return e;
	fprintf(stderr, "%s\n", r->err);
	r->faults++;
	return E_OK;
}

static enum err read_config(struct reading *r, const char *path)
{
	if (!r->check)
		return conf_read(r->c, path, r->err);
	r->faults += conf_faults(r->c, path, stderr);
	return E_OK;
}

/* The value of the option at r->i: behind '=' or the next argument. */
static enum err value_of(struct reading *r, const char **value)
{
	const char *arg = r->argv[r->i], *eq = strchr(arg, '=');

	if (!eq && r->i + 1 >= r->argc)
		return misused(r, "%.300s wants a value", arg);
	*value = eq ? eq + 1 : r->argv[++r->i];
	return E_OK;
}

static bool is(const char *arg, const char *option)
{
	size_t n = strlen(option);

	return !strncmp(arg, option, n) && (!arg[n] || arg[n] == '=');
}

static enum err read_alias(struct reading *r)
{
	const char *arg = r->argv[r->i], *value;
	enum err e;

	for (size_t k = 0; k < r->cli->n; k++) {
		const struct conf_alias *a = &r->cli->aliases[k];

		if (!is(arg, a->option))
			continue;
		if (!a->value)
			return (e = value_of(r, &value))
				? e
				: set(r, a->setting, value);
		if (strchr(arg, '='))
			return misused(r, "%.300s takes no value", arg);
		return set(r, a->setting, a->value);
	}
	return misused(r, "unknown option %.300s", arg);
}

static enum err read_option(struct reading *r)
{
	const char *arg = r->argv[r->i], *value;
	enum err e;

	if (!strcmp(arg, "--check") || !strcmp(arg, "-n"))
		return E_OK;
	if (is(arg, "--config"))
		return (e = value_of(r, &value)) ? e : read_config(r, value);
	if (is(arg, "--set"))
		return (e = value_of(r, &value)) ? e : set(r, value, NULL);
	if (!strcmp(arg, "--help"))
		help(r->cli);
	if (!strcmp(arg, "--version")) {
		puts(TALLY_VERSION);
		exit(0);
	}
	return read_alias(r);
}

static bool is_option(const struct reading *r)
{
	return r->i < r->argc && r->argv[r->i][0] == '-' && r->argv[r->i][1];
}

static enum err read_all(struct reading *r)
{
	enum err e;

	conf_init(r->c);
	for (r->i = 1; is_option(r); r->i++) {
		if (!strcmp(r->argv[r->i], "--")) {
			r->i++;
			break;
		}
		if ((e = read_option(r)))
			return e;
	}
	return E_OK;
}

int conf_main_check(struct conf *c, int argc, char **argv,
	const struct conf_cli *cli, bool *check)
{
	char err[512];
	struct reading r = {
		.c = c, .cli = cli, .argc = argc, .argv = argv, .err = err};

	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--check") || !strcmp(argv[i], "-n"))
			r.check = true;
	if (read_all(&r)) {
		fprintf(stderr, "%s\n", err);
		exit(2);
	}
	if (check)
		*check = r.check;
	if (r.faults && check)
		return -1;
	if (r.faults)
		exit(2);
	if (r.check && !check) {
		puts("ok");
		exit(0);
	}
	return r.i;
}

int conf_main(struct conf *c, int argc, char **argv, const char *usage,
	const struct conf_alias *aliases, size_t n)
{
	const struct conf_cli cli = {usage, aliases, n};

	return conf_main_check(c, argc, argv, &cli, NULL);
}

enum err conf_again(struct conf *c, int argc, char **argv,
	const struct conf_cli *cli, char err[512])
{
	struct reading r = {
		.c = c, .cli = cli, .argc = argc, .argv = argv, .err = err};

	return read_all(&r);
}
