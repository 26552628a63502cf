// SPDX-License-Identifier: MIT
/*
 * tally: the administrator's command.  One table of commands; the rest finds
 * the row that was asked for.
 */
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analytics/ctl/ctl.h"
#include "common/log.h"
#include "common/text.h"
#include "common/token.h"

static const struct ctl_command commands[] = {
	{"migrate", "", "make the schema, or bring it up to date", ctl_migrate},
	{"token create",
		"--scope LIST [--name N] [--expires 90d|TIME] [--camera C]...",
		"issue a token and print it, this once", ctl_token_create},
	{"token list", "", "all tokens, never their secrets", ctl_token_list},
	{"token rotate", "ID|NAME [--overlap 1h|7d]",
		"give a token another secret and print it, this once; the old "
		"one ends now, or after the overlap",
		ctl_token_rotate},
	{"token revoke", "ID|NAME", "end a token", ctl_token_revoke},
	{"audit", "[--limit N]", "who changed what, newest first", ctl_audit},
	{"user add",
		"NAME [--role viewer|reviewer|admin] [--camera C]...\n"
		"        [--password-file F]",
		"add a log-in, a viewer unless told otherwise; the password is "
		"asked for,\n        or comes from F or standard input; an "
		"empty one is made and printed",
		ctl_user_add},
	{"user list", "", "all log-ins", ctl_user_list},
	{"user passwd", "NAME [--password-file F]",
		"give a log-in another password and end its sessions",
		ctl_user_passwd},
	{"user role", "NAME ROLE [--camera C]... [--all-cameras]",
		"change what a log-in may do, and see", ctl_user_role},
	{"user disable", "NAME", "end its sessions and let nobody in by it",
		ctl_user_disable},
	{"user enable", "NAME", "the reverse", ctl_user_enable},
	{"user remove", "NAME", "forget a log-in", ctl_user_remove},
	{"db-user create", "NAME --read|--write --from NETWORK",
		"add an account on the database for somebody who works in SQL, "
		"over TLS from that network (CIDR); its password is printed, "
		"this once",
		ctl_dbuser_create},
	{"db-user list", "", "those accounts", ctl_dbuser_list},
	{"db-user remove", "NAME [--from NETWORK]", "remove one",
		ctl_dbuser_remove},
	{"camera add", "CODE [--name N] [--site S] [--tz ZONE]",
		"register a camera", ctl_camera_add},
	{"camera list", "", "all cameras", ctl_camera_list},
	{"import",
		"FILE [--camera C | --camera-column NAME] [--register]\n"
		"        [--name-column NAME] [--site S] [--camera-tz ZONE]\n"
		"        [--time-column NAME] [--time-format FORM]\n"
		"        [--end-column NAME | --interval 1h]\n"
		"        [--tz camera|UTC|ZONE] [--fold refuse|first|second]\n"
		"        [--people NAME] [--vehicle NAME] ... [--observed_s "
		"NAME]\n"
		"        [--on-conflict refuse|replace|keep] [--strict] "
		"[--dry-run]\n"
		"        [--roll-up] [--all] [--report FILE]",
		"store the rows of a CSV file, plain or .gz", ctl_import},
	{"verify", "[--from DATE] [--to DATE] [--camera C]... [--all]",
		"recount the raw rows and compare every statistic with them",
		ctl_verify},
	{"backup key", "FILE",
		"make the key pair of backups: FILE, the secret one, to "
		"restore with, and FILE.pub",
		ctl_backup_key},
	{"backup list", "[--in DIR]", "the backups that are there",
		ctl_backup_list},
	{"backup verify", "FILE --key FILE",
		"read a whole backup and hold it against itself",
		ctl_backup_verify},
	{"backup", "[--now] [--to DIR]",
		"make the day's backup where it is due; with --now, or into "
		"another folder, in any case",
		ctl_backup},
	{"restore", "FILE --key FILE [--into DATABASE] [--replace]",
		"make the database anew from a backup", ctl_restore},
	{"sample add", "[--weeks N]",
		"add a site with weeks of made-up rows, over HTTP",
		ctl_sample_add},
	{"sample remove", "", "remove that site with all its rows",
		ctl_sample_remove},
	{"setting list", "",
		"what may be changed while all runs, and its value",
		ctl_setting_list},
	{"setting set", "NAME VALUE", "change one", ctl_setting_set},
	{"config", "--defaults", "print the settings and their defaults",
		ctl_config},
	{"doctor", "", "check server, schema and calendar", ctl_doctor},
};

void ctl_say(const char *fmt, ...)
{
	va_list ap;

	fputs("tally: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int ctl_status(enum err e, const char *what)
{
	switch (e) {
	case E_OK:
		return CTL_OK;
	case E_DB_GONE:
	case E_REFUSED:
		return CTL_NO_DATABASE;
	case E_DB:
	case E_TIMEOUT:
	case E_INVALID:
		return CTL_FAILED; /* the log has the server's words */
	case E_NOT_FOUND:
	case E_EXISTS:
	case E_SYNTAX:
	case E_TOO_BIG:
	case E_FULL:
	case E_NOMEM:
	case E_IO:
	case E_CORRUPT:
	case E_NETWORK:
	case E_BUSY:
	case E_CONFLICT:
		break;
	}
	ctl_say("%s: %s", what, err_text(e));
	return CTL_FAILED;
}

static struct ctl_option *option_named(
	struct ctl_option *options, size_t n, const char *arg)
{
	size_t len = strcspn(arg, "=");

	for (size_t i = 0; i < n; i++)
		if (strlen(options[i].name) == len &&
			!strncmp(arg, options[i].name, len))
			return &options[i];
	return NULL;
}

bool ctl_args(int *argc, char **argv, struct ctl_option *options, size_t n,
	int least_most[2])
{
	int left = 0;

	for (int i = 0; i < *argc; i++) {
		struct ctl_option *o;
		const char *eq = strchr(argv[i], '=');

		if (argv[i][0] != '-' || !argv[i][1]) {
			argv[left++] = argv[i];
			continue;
		}
		if (!(o = option_named(options, n, argv[i]))) {
			ctl_say("unknown option %s", argv[i]);
			return false;
		}
		if (o->flag && eq) {
			ctl_say("%s takes no value", o->name);
			return false;
		}
		if (!o->flag && !eq && i + 1 == *argc) {
			ctl_say("%s wants a value", o->name);
			return false;
		}
		if (o->n == (o->many ? CTL_VALUES_MAX : 1)) {
			ctl_say("%s is given too often", o->name);
			return false;
		}
		o->value[o->n++] = o->flag ? "" : eq ? eq + 1 : argv[++i];
	}
	*argc = left;
	if (left > least_most[1]) {
		ctl_say("unexpected argument %s", argv[least_most[1]]);
		return false;
	}
	if (left < least_most[0])
		ctl_say("an argument is missing; tally --help shows which");
	return left >= least_most[0];
}

/* How many words of argv name the command; 0: not this one. */
static int matches(const struct ctl_command *c, int argc, char **argv)
{
	const char *blank = strchr(c->name, ' ');
	size_t n = blank ? (size_t)(blank - c->name) : strlen(c->name);

	if (strlen(argv[0]) != n || strncmp(argv[0], c->name, n))
		return 0;
	if (!blank)
		return 1;
	return argc > 1 && !strcmp(argv[1], blank + 1) ? 2 : 0;
}

static void describe(struct text *t, const struct ctl_command *c)
{
	text_printf(t, "  tally %s%s%s\n        %s\n", c->name,
		*c->args ? " " : "", c->args, c->what);
}

static const char *usage(struct text *t)
{
	text_init(t, 8192);
	text_str(t, "usage: tally [--config FILE] [--set ...] COMMAND\n\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		describe(t, &commands[i]);
	return t->at ? t->at : "";
}

/* Whether the words, all of them, begin its name. */
static bool begins(const struct ctl_command *c, int argc, char **argv)
{
	const char *name = c->name;

	for (int i = 0; i < argc; i++) {
		size_t n = strcspn(name, " ");

		if (strlen(argv[i]) != n || strncmp(argv[i], name, n))
			return false;
		name += n + (name[n] == ' ');
	}
	return true;
}

/* "token --help", "token create --help": of the commands that are meant. */
static bool help_for(int argc, char **argv)
{
	struct text t;
	bool any;
	int words = 0;

	while (words < argc && strcmp(argv[words], "--help") != 0)
		words++;
	if (words == argc)
		return false;
	text_init(&t, 8192);
	for (int n = words < 2 ? words : 2; n > 0 && !t.n; n--)
		for (size_t i = 0; i < ARRAY_LEN(commands); i++)
			if (begins(&commands[i], n, argv))
				describe(&t, &commands[i]);
	if ((any = t.n != 0))
		fputs(t.at, stdout);
	text_free(&t);
	return any;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	bool known = false;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		int words = matches(&commands[i], argc, argv);

		if (words)
			return commands[i].run(ctl, argc - words, argv + words);
		known |= !strncmp(commands[i].name, argv[0], strlen(argv[0])) &&
			commands[i].name[strlen(argv[0])] == ' ';
	}
	if (known && argc > 1)
		ctl_say("unknown command %s %s; tally --help lists them",
			argv[0], argv[1]);
	else if (known)
		ctl_say("%s wants another word; tally --help lists them",
			argv[0]);
	else
		ctl_say("unknown command %s; tally --help lists them", argv[0]);
	return CTL_USAGE;
}

/* Whoever was made root by sudo is root here: the environment proves nothing.
 */
static void name_user(struct audit_by *by, char *buf, size_t n)
{
	struct passwd pw, *found = NULL;

	*by = (struct audit_by){.kind = AUDIT_COMMAND, .name = "?"};
	if (!getpwuid_r(getuid(), &pw, buf, n, &found) && found)
		by->name = pw.pw_name;
}

int main(int argc, char **argv)
{
	struct ctl ctl = {.db = NULL};
	char user[4096];
	struct db_account a;
	struct text help;
	int first, status;

	log_open("tally", LOG_INFO);
	first = conf_main(&ctl.conf, argc, argv, usage(&help), NULL, 0);
	text_free(&help);
	if (first >= argc) {
		ctl_say("a command is wanted; tally --help lists them");
		conf_free(&ctl.conf);
		return CTL_USAGE;
	}
	if (help_for(argc - first, argv + first)) {
		conf_free(&ctl.conf);
		return CTL_OK;
	}
	arena_init(&ctl.arena, 256 << 20);
	name_user(&ctl.by, user, sizeof(user));
	a = db_account_of(&ctl.conf, ctl.conf.database_user,
		ctl.conf.database_password_file);
	if (token_start() || db_open(&ctl.db, &a)) {
		ctl_say("out of memory or of random numbers");
		return CTL_FAILED;
	}
	status = run(&ctl, argc - first, argv + first);
	if (fflush(stdout) || ferror(stdout)) {
		ctl_say("standard output cannot be written");
		status = CTL_FAILED;
	}
	db_close(ctl.db);
	arena_reset(&ctl.arena);
	conf_free(&ctl.conf);
	return status;
}
