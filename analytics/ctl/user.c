// SPDX-License-Identifier: MIT
/*
 * user: `tally user add | list | passwd | role | disable | enable | remove`.
 */
#include "analytics/user.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "analytics/ctl/ctl.h"
#include "common/password.h"
#include "common/when.h"

enum { MADE_LEN = 20, LINE_MAX_BYTES = 1024, USERS_MAX = 100000 };

/* ---- passwords ---- */

/* The first line; "" where there is none.  Unbuffered, so that no other copy
 * stays in memory. */
static bool read_line(int fd, char line[LINE_MAX_BYTES])
{
	size_t n = 0;
	ssize_t got = 1;

	while (n < LINE_MAX_BYTES - 1 && (got = read(fd, line + n, 1)) == 1 &&
		line[n] != '\n')
		n++;
	line[n] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	return got >= 0;
}

static volatile sig_atomic_t caught;

static void note_signal(int sig)
{
	caught = sig;
}

/* A terminal that is not to show what is typed; whatever ends this, it shows
 * again what is typed later. */
static bool ask(const char *prompt, char line[LINE_MAX_BYTES])
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction now = {.sa_handler = note_signal},
			 old[ARRAY_LEN(signals)];
	struct termios before, silent;
	bool ok;

	if (tcgetattr(STDIN_FILENO, &before))
		return read_line(STDIN_FILENO, line);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &now, &old[i]);
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	fputs(prompt, stderr);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	ok = read_line(STDIN_FILENO, line);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &old[i], NULL);
	if (caught)
		raise(caught);
	return ok && !caught;
}

/* Twice: nobody sees what was typed. */
static bool ask_twice(char line[LINE_MAX_BYTES])
{
	char again[LINE_MAX_BYTES] = "";
	bool same;

	if (!ask("password (an empty line makes one; it is shown): ", line))
		return false;
	if (!*line)
		return true;
	same = ask("the same again: ", again) && !strcmp(line, again);
	token_wipe(again, sizeof(again));
	if (!same)
		ctl_say("the two passwords differ");
	return same;
}

static bool read_file(const char *path, char line[LINE_MAX_BYTES])
{
	FILE *f = fopen(path, "re");
	bool ok = f && read_line(fileno(f), line);

	if (!ok)
		ctl_say("--password-file %s: %s", path, strerror(errno));
	if (f)
		fclose(f);
	return ok;
}

/* Settles the password.  *made: it was made here. */
static bool take_password(
	const struct ctl_option *file, char line[LINE_MAX_BYTES], bool *made)
{
	char token[TOKEN_TEXT];
	bool ok;

	line[0] = '\0';
	*made = false;
	if (file->n)
		return read_file(file->value[0], line);
	ok = isatty(STDIN_FILENO) ? ask_twice(line)
				  : read_line(STDIN_FILENO, line);
	if (!ok || *line)
		return ok;
	*made = true;
	token_make(token);
	memcpy(line, token + TOKEN_TEXT - 1 - MADE_LEN, MADE_LEN + 1);
	token_wipe(token, sizeof(token));
	return true;
}

/* ---- adding, another password ---- */

static int done(enum err e, const struct user_fault *f, const char *name)
{
	if (e != E_INVALID || !f->member)
		return ctl_status(e, name);
	ctl_say("%s %s",
		strcmp(f->member, "cameras") != 0 ? f->member : "--camera",
		f->why);
	return strcmp(f->member, "user") != 0 ? CTL_FAILED : CTL_USAGE;
}

static bool read_role(const char *s, enum role *role)
{
	*role = role_named(s);
	if (!*role)
		ctl_say("\"%s\" is no role: viewer, reviewer or admin", s);
	return *role != ROLE_NONE;
}

int ctl_user_add(struct ctl *ctl, int argc, char **argv)
{
	enum { FILE_OF, ROLE, CAMERA };
	struct ctl_option o[] = {{.name = "--password-file"},
		{.name = "--role"}, {.name = "--camera", .many = true}};
	struct user_new u = {.role = ROLE_VIEWER};
	char line[LINE_MAX_BYTES];
	struct user_fault f;
	bool made;
	enum err e;

	if (!ctl_args(&argc, argv, o, ARRAY_LEN(o), (int[2]){1, 1}) ||
		(o[ROLE].n && !read_role(o[ROLE].value[0], &u.role)))
		return CTL_USAGE;
	if (!take_password(&o[FILE_OF], line, &made))
		return CTL_FAILED;
	u.name = argv[0];
	u.password = line;
	u.camera = o[CAMERA].value;
	u.cameras_n = o[CAMERA].n;
	e = user_create(ctl->db, &u, &ctl->by, &f);
	if (!e && made)
		puts(line);
	token_wipe(line, sizeof(line));
	return done(e, &f, argv[0]);
}

int ctl_user_passwd(struct ctl *ctl, int argc, char **argv)
{
	struct ctl_option o[] = {{.name = "--password-file"}};
	struct user_change c = {.name = NULL};
	char line[LINE_MAX_BYTES];
	struct user_fault f;
	bool made;
	enum err e;

	if (!ctl_args(&argc, argv, o, ARRAY_LEN(o), (int[2]){1, 1}))
		return CTL_USAGE;
	if (!take_password(&o[0], line, &made))
		return CTL_FAILED;
	c.name = argv[0];
	c.password = line;
	e = user_alter(ctl->db, &c, &ctl->by, &f);
	if (!e && made)
		puts(line);
	token_wipe(line, sizeof(line));
	return done(e, &f, argv[0]);
}

/* ---- the rest ---- */

int ctl_user_role(struct ctl *ctl, int argc, char **argv)
{
	enum { CAMERA, ALL };
	struct ctl_option o[] = {{.name = "--camera", .many = true},
		{.name = "--all-cameras", .flag = true}};
	struct user_change c = {.name = NULL};
	struct user_fault f;

	if (!ctl_args(&argc, argv, o, ARRAY_LEN(o), (int[2]){2, 2}) ||
		!read_role(argv[1], &c.role))
		return CTL_USAGE;
	if (o[CAMERA].n && o[ALL].n) {
		ctl_say("--camera and --all-cameras exclude each other");
		return CTL_USAGE;
	}
	c.name = argv[0];
	c.has_cameras = o[CAMERA].n || o[ALL].n;
	c.camera = o[CAMERA].value;
	c.cameras_n = o[CAMERA].n;
	return done(user_alter(ctl->db, &c, &ctl->by, &f), &f, argv[0]);
}

static int set_disabled(struct ctl *ctl, int argc, char **argv, bool disabled)
{
	struct user_change c = {.has_disabled = true, .disabled = disabled};
	struct user_fault f;

	if (!ctl_args(&argc, argv, NULL, 0, (int[2]){1, 1}))
		return CTL_USAGE;
	c.name = argv[0];
	return done(user_alter(ctl->db, &c, &ctl->by, &f), &f, argv[0]);
}

int ctl_user_disable(struct ctl *ctl, int argc, char **argv)
{
	return set_disabled(ctl, argc, argv, true);
}

int ctl_user_enable(struct ctl *ctl, int argc, char **argv)
{
	return set_disabled(ctl, argc, argv, false);
}

int ctl_user_remove(struct ctl *ctl, int argc, char **argv)
{
	if (!ctl_args(&argc, argv, NULL, 0, (int[2]){1, 1}))
		return CTL_USAGE;
	return ctl_status(user_remove(ctl->db, argv[0], &ctl->by), argv[0]);
}

/* The instant of a cell, "never" where it is NULL. */
static const char *instant(char buf[WHEN_TEXT], const struct db_cell *c)
{
	return c->null ? "never"
		       : when_format(buf, when_from_number(c->i), 0, true);
}

int ctl_user_list(struct ctl *ctl, int argc, char **argv)
{
	enum { NAME, ROLE, CAMERAS, CREATED, SEEN, STATE };
	char created[WHEN_TEXT], seen[WHEN_TEXT];
	struct db_rows rows;
	enum err e;

	if (!ctl_args(&argc, argv, NULL, 0, (int[2]){0, 0}))
		return CTL_USAGE;
	if ((e = db_run(ctl->db, Q_USERS, DB_ARGS(DB_S(""), DB_I(USERS_MAX)),
		     &ctl->arena, &rows)))
		return ctl_status(e, "user list");
	puts("name\trole\tcameras\tstate\tcreated\tlast log-in");
	for (size_t i = 0; i < rows.n; i++) {
		const struct db_cell *c = &rows.cell[i * rows.cols];

		printf("%s\t%s\t", c[NAME].s.at, c[ROLE].s.at);
		for (const char *s = c[CAMERAS].null ? "all" : c[CAMERAS].s.at;
			*s; s++)
			putchar(*s == '\n' ? ',' : *s);
		printf("\t%s\t%s\t%s\n", c[STATE].s.at,
			instant(created, &c[CREATED]), instant(seen, &c[SEEN]));
	}
	return CTL_OK;
}
