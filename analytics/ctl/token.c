// SPDX-License-Identifier: MIT
/*
 * token: `tally token create | list | rotate | revoke`.
 */
#include "analytics/token.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/ctl/ctl.h"

enum { TOKENS_MAX = 100000 };

static bool read_scopes(const char *list, unsigned *scopes)
{
	for (;; list++) {
		size_t n = strcspn(list, ",");
		unsigned one = scope_named(list, n);

		if (!one) {
			ctl_say("--scope: \"%.*s\" is none of ingest, read, "
				"review, admin",
				(int)n, list);
			return false;
		}
		*scopes |= one;
		list += n;
		if (!*list)
			return true;
	}
}

/* "90d" or "12h" in seconds; 0 for all else. */
static int64_t read_span(const char *s, int64_t most)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(s, &end, 10);
	if (*s < '0' || *s > '9' || errno || n > most / 3600 ||
		(strcmp(end, "d") != 0 && strcmp(end, "h") != 0))
		return 0;
	return (int64_t)n * (*end == 'd' ? DAY_S : 3600);
}

/* "90d", "12h", or an instant with its offset. */
static bool read_expiry(const char *s, int64_t *at)
{
	int64_t span = read_span(s, (int64_t)TOKEN_DAYS_MAX * DAY_S);
	struct when w;

	if (span) {
		*at = when_now() + span;
	} else if (!when_parse(s, strlen(s), &w) && w.has_offset && w.at) {
		*at = w.at;
	} else {
		ctl_say("--expires: \"%s\" is neither a number of days like "
			"90d nor a time with its offset from UTC",
			s);
		return false;
	}
	return true;
}

/* What was refused, by the option that said it. */
static int refused(const struct token_fault *f)
{
	bool cameras = !strcmp(f->member, "cameras");

	ctl_say("%s %s",
		cameras					   ? "--camera"
			: !strcmp(f->member, "name")	   ? "--name"
			: !strcmp(f->member, "scopes")	   ? "--scope"
			: !strcmp(f->member, "expires_at") ? "--expires"
							   : "--overlap",
		f->why);
	return cameras ? CTL_FAILED : CTL_USAGE;
}

int ctl_token_create(struct ctl *ctl, int argc, char **argv)
{
	enum { SCOPE, NAME, EXPIRES, CAMERA };
	struct ctl_option o[] = {{.name = "--scope"}, {.name = "--name"},
		{.name = "--expires"}, {.name = "--camera", .many = true}};
	struct token_new t = {0};
	struct token_made made;
	struct token_fault fault;
	enum err e;

	if (!ctl_args(&argc, argv, o, ARRAY_LEN(o), (int[2]){0, 0}))
		return CTL_USAGE;
	if (!o[SCOPE].n) {
		ctl_say("token create wants --scope: a list of ingest, read, "
			"review, admin");
		return CTL_USAGE;
	}
	t.name = o[NAME].n ? o[NAME].value[0] : NULL;
	if (!read_scopes(o[SCOPE].value[0], &t.scopes) ||
		(o[EXPIRES].n &&
			!read_expiry(o[EXPIRES].value[0], &t.expires_at)))
		return CTL_USAGE;
	for (unsigned i = 0; i < o[CAMERA].n; i++)
		t.camera[t.cameras_n++] = o[CAMERA].value[i];
	e = token_create(ctl->db, &t, &ctl->by, &made, &fault);
	if (e == E_INVALID && fault.member)
		return refused(&fault);
	if (e == E_EXISTS) {
		ctl_say("a valid token is named %s: rotate or revoke that one, "
			"or take another name",
			t.name);
		return CTL_FAILED;
	}
	if (!e)
		puts(made.text);
	token_wipe(made.text, sizeof(made.text));
	return ctl_status(e, "token create");
}

/* The instant of a cell, or a word where it is NULL. */
static const char *instant(
	char buf[WHEN_TEXT], const struct db_cell *c, const char *none)
{
	if (c->null)
		return none;
	return when_format(buf, when_from_number(c->i), 0, true);
}

/* Lines of a cell with commas between, or a word where it is NULL. */
static void print_lines(const struct db_cell *c, const char *none)
{
	const char *s = c->null ? none : c->s.at;

	for (; *s; s++)
		putchar(*s == '\n' ? ',' : *s);
}

int ctl_token_list(struct ctl *ctl, int argc, char **argv)
{
	enum {
		ID,
		NAME,
		SCOPES_AT,
		CAMERAS,
		CREATED,
		EXPIRES,
		REVOKED,
		USED,
		STATE
	};
	char expires[WHEN_TEXT], used[WHEN_TEXT];
	struct db_rows rows;
	enum err e;

	if (!ctl_args(&argc, argv, NULL, 0, (int[2]){0, 0}))
		return CTL_USAGE;
	if ((e = db_run(ctl->db, Q_TOKENS, DB_ARGS(DB_I(0), DB_I(TOKENS_MAX)),
		     &ctl->arena, &rows)))
		return ctl_status(e, "token list");
	puts("id\tname\tscopes\tcameras\tstate\texpires\tlast used");
	for (size_t i = 0; i < rows.n; i++) {
		const struct db_cell *c = &rows.cell[i * rows.cols];

		printf("%lld\t%s\t", (long long)c[ID].i, c[NAME].s.at);
		print_lines(&c[SCOPES_AT], "");
		putchar('\t');
		print_lines(&c[CAMERAS], "all");
		printf("\t%s\t%s\t%s\n", c[STATE].s.at,
			instant(expires, &c[EXPIRES], "never"),
			instant(used, &c[USED], "never"));
	}
	return CTL_OK;
}

/* The ids that an argument means, in rows with Q_TOKEN_NAMED's columns: the id
 * itself, or those that were not revoked of that name. */
static enum err find(struct ctl *ctl, const char *arg, struct db_rows *rows)
{
	if (arg[strspn(arg, "0123456789")])
		return db_run(ctl->db, Q_TOKEN_NAMED, DB_ARGS(DB_S(arg)),
			&ctl->arena, rows);
	*rows = (struct db_rows){.n = 1, .cols = 2};
	rows->cell = arena_alloc(&ctl->arena, 2 * sizeof(*rows->cell));
	if (!rows->cell)
		return E_NOMEM;
	rows->cell[0] = DB_I(strtoll(arg, NULL, 10));
	rows->cell[1] = DB_I(1);
	return E_OK;
}

static int none_valid(const char *arg)
{
	ctl_say("no valid token %s", arg);
	return CTL_FAILED;
}

int ctl_token_rotate(struct ctl *ctl, int argc, char **argv)
{
	struct ctl_option o[] = {{.name = "--overlap"}};
	struct token_made made;
	struct token_old old;
	struct token_fault fault = {.member = NULL};
	struct db_rows rows;
	int64_t overlap_s = 0;
	size_t i = 0;
	enum err e;

	if (!ctl_args(&argc, argv, o, ARRAY_LEN(o), (int[2]){1, 1}))
		return CTL_USAGE;
	if (o[0].n &&
		!(overlap_s = read_span(o[0].value[0], TOKEN_OVERLAP_MAX_S))) {
		ctl_say("--overlap: \"%s\" is no span like 1h or 7d, up to 30d",
			o[0].value[0]);
		return CTL_USAGE;
	}
	if ((e = find(ctl, argv[0], &rows)))
		return ctl_status(e, "token rotate");
	while (i < rows.n && !rows.cell[i * 2 + 1].i)
		i++;
	if (i == rows.n)
		return none_valid(argv[0]);
	e = token_rotate(ctl->db, rows.cell[i * 2].i, overlap_s, &ctl->by,
		&made, &old, &fault);
	if (e == E_INVALID && fault.member)
		return refused(&fault);
	if (e == E_NOT_FOUND)
		return none_valid(argv[0]);
	if (e == E_CONFLICT) {
		ctl_say("token %s %s", argv[0], fault.why);
		return CTL_FAILED;
	}
	if (!e)
		puts(made.text);
	token_wipe(made.text, sizeof(made.text));
	return ctl_status(e, "token rotate");
}

/* By name: also one that was rotated and still works for a while. */
int ctl_token_revoke(struct ctl *ctl, int argc, char **argv)
{
	struct token_old old;
	struct db_rows rows;
	size_t ended = 0;
	enum err e;

	if (!ctl_args(&argc, argv, NULL, 0, (int[2]){1, 1}))
		return CTL_USAGE;
	e = find(ctl, argv[0], &rows);
	for (size_t i = 0; i < rows.n && !e; i++) {
		e = token_revoke(ctl->db, rows.cell[i * 2].i, &ctl->by, &old);
		ended += !e && !old.was_revoked;
	}
	if (e == E_NOT_FOUND || (!e && !ended))
		return none_valid(argv[0]);
	return ctl_status(e, "token revoke");
}
