// SPDX-License-Identifier: MIT
/*
 * backup: `tally backup`, `backup key`, `backup list`, `backup verify`, and
 * `tally restore`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/backup.h"
#include "analytics/backup_due.h"
#include "analytics/ctl/ctl.h"
#include "common/token.h"
#include "common/when.h"

/* The sentence in why is all there is to say. */
static int told(enum err e, const char *command, const char *why)
{
	if (!e)
		return CTL_OK;
	ctl_say("%s: %s", command, *why ? why : err_text(e));
	return e == E_DB_GONE ? CTL_NO_DATABASE : CTL_FAILED;
}

static void say_facts(const struct backup_facts *f)
{
	char at[WHEN_TEXT];

	printf("schema %s as of %s: %llu rows of %llu tables; %llu bytes, "
	       "%lld ms\n",
		f->schema, when_format(at, f->taken_at, 0, true),
		(unsigned long long)f->rows, (unsigned long long)f->tables,
		(unsigned long long)f->bytes, (long long)f->ms);
}

int ctl_backup_key(struct ctl *ctl, int argc, char **argv)
{
	char why[SEAL_WHY], path[4200];
	struct conf c = ctl->conf;
	enum err e;

	if (!ctl_args(&argc, argv, NULL, 0, (int[2]){1, 1}))
		return CTL_USAGE;
	if ((e = seal_make_keys(argv[0], why)))
		return told(e, "backup key", why);
	printf("%s      the secret key, to restore with.  Whoever loses it "
	       "loses every backup:\n"
	       "        keep it away from the backups, and a second copy off "
	       "this machine\n"
	       "%s.pub  the public key, to back up with: [backup] public_key\n",
		argv[0], argv[0]);
	snprintf(path, sizeof(path), "%s.pub", argv[0]);
	c.backup_public_key = path;
	if (*c.backup_dir &&
		backup_key_inside(&c, c.backup_dir, (char[4200]){0}))
		ctl_say("warning: the secret key lies in the folder of the "
			"backups: who takes them has it, too");
	return CTL_OK;
}

/* A failure of the note does not make a backup bad, but must be known. */
static void note(struct ctl *ctl, int64_t start, const struct backup_facts *f,
	const char *error)
{
	enum err e = db_run(ctl->db, Q_BACKUP_NOTE,
		DB_ARGS(DB_S("request"), DB_I(start), DB_I(f->taken_at),
			DB_S(f->file), DB_I((int64_t)f->bytes),
			DB_I((int64_t)f->tables), DB_I((int64_t)f->rows),
			error ? DB_S(error) : DB_NULL),
		NULL, NULL);

	if (e)
		ctl_say("backup: the database could not be told of it: %s",
			err_text(e));
}

static int make(struct ctl *ctl, const char *dir, unsigned keep)
{
	const struct conf *c = &ctl->conf;
	struct db_account a =
		db_account_of(c, c->database_user, c->database_password_file);
	char why[SEAL_WHY] = "", path[4200];
	int64_t start = when_now();
	struct backup_facts made;
	enum err e;

	if (backup_key_inside(c, dir, path))
		ctl_say("warning: the secret key %s lies in the folder of the "
			"backups: who takes them has it, too",
			path);
	e = backup_make(c, &a, dir, keep, &made, why);
	/* One elsewhere is the administrator's own, not the daily one. */
	if (keep && e != E_BUSY && e != E_DB_GONE)
		note(ctl, start, &made, e ? why : NULL);
	if (e)
		return told(e, "backup", why);
	printf("%s/%s\n", dir, made.file);
	say_facts(&made);
	return CTL_OK;
}

int ctl_backup(struct ctl *ctl, int argc, char **argv)
{
	struct ctl_option o[] = {
		{.name = "--to"}, {.name = "--now", .flag = true}};
	const struct conf *c = &ctl->conf;
	const char *fault = backup_conf_fault(c);
	bool due = true;
	enum err e;

	if (!ctl_args(&argc, argv, o, ARRAY_LEN(o), (int[2]){0, 0}))
		return CTL_USAGE;
	if (!fault && !*c->backup_public_key)
		fault = "backup.public_key is wanted: `tally backup key FILE` "
			"makes it";
	if (!fault && !o[0].n && !*c->backup_dir)
		fault = "where to?  Set backup.dir, or give --to DIR";
	if (fault) {
		ctl_say("backup: %s", fault);
		return CTL_USAGE;
	}
	if (o[0].n)
		return make(ctl, o[0].value[0], 0);
	/* Whoever asks each day whether it is due is missed when it is not. */
	if (!o[1].n &&
		((e = db_run(ctl->db, Q_BACKUP_WANT, DB_ARGS(DB_I(1)), NULL,
			  NULL)) ||
			(e = backup_is_due(
				 ctl->db, c, false, &ctl->arena, &due))))
		return ctl_status(e, "backup");
	if (!due) {
		puts("today's backup is there; --now makes another");
		return CTL_OK;
	}
	return make(ctl, c->backup_dir, (unsigned)c->backup_keep);
}

int ctl_backup_list(struct ctl *ctl, int argc, char **argv)
{
	struct ctl_option o[] = {{.name = "--in"}};
	char why[SEAL_WHY], at[WHEN_TEXT];
	struct backup_file *files;
	const char *dir;
	enum err e;
	size_t n;

	if (!ctl_args(&argc, argv, o, ARRAY_LEN(o), (int[2]){0, 0}))
		return CTL_USAGE;
	dir = o[0].n ? o[0].value[0] : ctl->conf.backup_dir;
	if (!*dir) {
		ctl_say("backup list: where?  Set backup.dir, or give --in "
			"DIR");
		return CTL_USAGE;
	}
	e = backup_list(
		dir, ctl->conf.database_name, &ctl->arena, &files, &n, why);
	if (e)
		return told(e, "backup list", why);
	puts("taken at\tbytes\tfile");
	for (size_t i = 0; i < n; i++)
		printf("%s\t%lld\t%s/%s\n",
			when_format(at, files[i].taken_at, 0, true),
			(long long)files[i].bytes, dir, files[i].name);
	return CTL_OK;
}

/* --key FILE, into key.  false: said, *status. */
static bool load_key(const struct ctl_option *o, const char *command,
	unsigned char key[SEAL_KEY], int *status)
{
	char why[SEAL_WHY];
	enum err e;

	if (!o->n) {
		ctl_say("%s wants --key FILE, the secret key", command);
		*status = CTL_USAGE;
		return false;
	}
	if ((e = seal_load_key(o->value[0], true, key, why))) {
		*status = told(e, command, why);
		return false;
	}
	return true;
}

int ctl_backup_verify(struct ctl *ctl, int argc, char **argv)
{
	struct ctl_option o[] = {{.name = "--key"}};
	unsigned char key[SEAL_KEY];
	char why[SEAL_WHY] = "";
	struct backup_facts facts;
	int status;
	enum err e;

	(void)ctl;
	if (!ctl_args(&argc, argv, o, ARRAY_LEN(o), (int[2]){1, 1}))
		return CTL_USAGE;
	if (!load_key(&o[0], "backup verify", key, &status))
		return status;
	e = backup_verify(argv[0], key, false, &facts, why);
	token_wipe(key, sizeof(key));
	if (e)
		return told(e, "backup verify", why);
	printf("whole: ");
	say_facts(&facts);
	return CTL_OK;
}

int ctl_restore(struct ctl *ctl, int argc, char **argv)
{
	struct ctl_option o[] = {{.name = "--key"}, {.name = "--into"},
		{.name = "--replace", .flag = true}};
	struct conf c = ctl->conf;
	unsigned char key[SEAL_KEY];
	char why[SEAL_WHY] = "";
	struct backup_facts facts;
	struct db_account a;
	int status;
	enum err e;

	if (!ctl_args(&argc, argv, o, ARRAY_LEN(o), (int[2]){1, 1}))
		return CTL_USAGE;
	if (!load_key(&o[0], "restore", key, &status))
		return status;
	if (o[1].n)
		c.database_name = o[1].value[0];
	a = db_account_of(&c, c.database_user, c.database_password_file);
	e = backup_restore(&c, &a, argv[0], key, o[2].n, &facts, why);
	token_wipe(key, sizeof(key));
	if (e)
		return told(e, "restore", why);
	printf("restored into the database %s, up to date\n", c.database_name);
	say_facts(&facts);
	if (*c.database_host)
		puts("the programs' accounts on this server are yours to make: "
		     "tally migrate prints how");
	printf("now recount it: tally --set database.name=%s verify\n",
		c.database_name);
	return CTL_OK;
}
