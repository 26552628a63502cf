// SPDX-License-Identifier: MIT
/*
 * user: `tally user create | password`.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analytics/ctl/ctl.h"
#include "common/password.h"
#include "common/token.h"
#include "common/utf8.h"

enum { USER_NAME_MAX = 100, MADE_LEN = 20, LINE_MAX_BYTES = 1024 };

static bool name_ok(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)name[i] <= ' ' || name[i] == 0x7f)
			n = 0;
	if (n && n <= USER_NAME_MAX && utf8_check(name, n) == n)
		return true;
	ctl_say("a log-in is 1 to %d bytes without blanks and control "
		"characters",
		USER_NAME_MAX);
	return false;
}

/* The first line; "" where there is none.  path NULL: standard input. */
static bool read_line(const char *path, char line[LINE_MAX_BYTES])
{
	FILE *f = path ? fopen(path, "re") : stdin;
	bool ok;

	line[0] = '\0';
	if (!f) {
		ctl_say("--password-file %s: %s", path, strerror(errno));
		return false;
	}
	/* Unbuffered, so that no other copy stays in memory. */
	setvbuf(f, NULL, _IONBF, 0);
	ok = fgets(line, LINE_MAX_BYTES, f) || !ferror(f);
	if (!ok)
		ctl_say("the password cannot be read");
	line[strcspn(line, "\r\n")] = '\0';
	if (path)
		fclose(f);
	return ok;
}

/* Settles the password and its hash.  *made: it was made here. */
static int take_password(
	const char *path, char line[LINE_MAX_BYTES], char *hash, bool *made)
{
	char token[TOKEN_TEXT];
	enum err e;

	if (!path && isatty(STDIN_FILENO))
		fputs("password (an empty line makes one; it is shown): ",
			stderr);
	if (!read_line(path, line))
		return CTL_FAILED;
	if ((*made = !path && !*line)) {
		token_make(token);
		memcpy(line, token + TOKEN_TEXT - 1 - MADE_LEN, MADE_LEN + 1);
		token_wipe(token, sizeof(token));
	}
	e = password_hash(line, strlen(line), hash);
	if (e == E_INVALID) {
		ctl_say("a password has %d to %d bytes", PASSWORD_LEAST,
			PASSWORD_MOST);
		return CTL_FAILED;
	}
	return ctl_status(e, "password");
}

static enum err add(struct db *db, const char *name, const char *hash)
{
	return db_run(
		db, Q_USER_ADD, DB_ARGS(DB_S(name), DB_S(hash)), NULL, NULL);
}

static enum err change(struct db *db, const char *name, const char *hash)
{
	enum err e = db_run(db, Q_USER_PASSWORD,
		DB_ARGS(DB_S(hash), DB_S(name)), NULL, NULL);

	if (e)
		return e;
	if (!db_affected(db))
		return E_NOT_FOUND;
	return db_run(db, Q_USER_LOG_OUT, DB_ARGS(DB_S(name)), NULL, NULL);
}

struct storing {
	enum err (*store)(struct db *db, const char *name, const char *hash);
	const char *action; /* as the audit list calls it */
};

static enum err carry_out(struct ctl *ctl, const struct storing *s,
	const char *name, const char *hash)
{
	enum err e;

	if ((e = db_begin(ctl->db)))
		return e;
	if (!(e = s->store(ctl->db, name, hash)) &&
		!(e = audit_add(ctl->db, &ctl->by, s->action, name, NULL)))
		return db_commit(ctl->db);
	db_rollback(ctl->db);
	return e;
}

static int set_password(
	struct ctl *ctl, int argc, char **argv, const struct storing *s)
{
	struct ctl_option o[] = {{.name = "--password-file"}};
	char line[LINE_MAX_BYTES], hash[PASSWORD_TEXT];
	bool made = false;
	int status;
	enum err e;

	if (!ctl_args(&argc, argv, o, ARRAY_LEN(o), (int[2]){1, 1}) ||
		!name_ok(argv[0]))
		return CTL_USAGE;
	status =
		take_password(o[0].n ? o[0].value[0] : NULL, line, hash, &made);
	if (!status) {
		e = carry_out(ctl, s, argv[0], hash);
		if (!e && made)
			puts(line);
		status = ctl_status(e, argv[0]);
	}
	token_wipe(line, sizeof(line));
	return status;
}

int ctl_user_create(struct ctl *ctl, int argc, char **argv)
{
	return set_password(
		ctl, argc, argv, &(struct storing){add, "user.create"});
}

int ctl_user_password(struct ctl *ctl, int argc, char **argv)
{
	return set_password(
		ctl, argc, argv, &(struct storing){change, "user.password"});
}
