// SPDX-License-Identifier: MIT
/*
 * token: `tally token create | list | revoke`.
 */
#include "common/token.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/ctl/ctl.h"
#include "common/utf8.h"
#include "common/when.h"

enum { NAME_MAX_BYTES = 100, DAYS_MAX = 36500 };

static const int64_t reach_s = (int64_t)DAYS_MAX * DAY_S;

static bool scopes_ok(const char *list)
{
	static const char *const known[] = {
		"ingest", "read", "review", "admin"};

	for (;; list++) {
		size_t n = strcspn(list, ","), i = 0;

		while (i < ARRAY_LEN(known) &&
			(strlen(known[i]) != n || strncmp(known[i], list, n)))
			i++;
		if (i == ARRAY_LEN(known)) {
			ctl_say("--scope: \"%.*s\" is none of ingest, read, "
				"review, admin",
				(int)n, list);
			return false;
		}
		list += n;
		if (!*list)
			return true;
	}
}

/* "90d", "12h", or an instant with its offset; must lie ahead. */
static bool read_expiry(const char *s, int64_t *at)
{
	struct when w;
	char *end;
	long n;

	errno = 0;
	n = strtol(s, &end, 10);
	if (*s >= '0' && *s <= '9' && !errno && n <= DAYS_MAX * 24 &&
		(!strcmp(end, "d") || !strcmp(end, "h"))) {
		*at = when_now() + (int64_t)n * (*end == 'd' ? DAY_S : 3600);
	} else if (!when_parse(s, strlen(s), &w) && w.has_offset) {
		*at = w.at;
	} else {
		ctl_say("--expires: \"%s\" is neither a number of days like "
			"90d nor a time with its offset from UTC",
			s);
		return false;
	}
	if (*at <= when_now() || *at > when_now() + reach_s) {
		ctl_say("--expires: \"%s\" is not in the next hundred years",
			s);
		return false;
	}
	return true;
}

static bool name_ok(const char *name)
{
	size_t n = strlen(name);
	bool digits = strspn(name, "0123456789") == n;

	if (n && n <= NAME_MAX_BYTES && !digits && utf8_check(name, n) == n &&
		strcspn(name,
			"\x01\x02\x03\x04\x05\x06\x07\b\t\n\v\f\r\x0e\x0f"
			"\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a"
			"\x1b\x1c\x1d\x1e\x1f\x7f") == n)
		return true;
	ctl_say("--name: 1 to %d bytes of text without control characters, "
		"not digits alone",
		NAME_MAX_BYTES);
	return false;
}

static enum err bind_cameras(
	struct ctl *ctl, int64_t token_id, const struct ctl_option *cameras)
{
	struct db_rows rows;
	enum err e;

	for (unsigned i = 0; i < cameras->n; i++) {
		e = db_run(ctl->db, Q_CAMERA_ID,
			DB_ARGS(DB_S(cameras->value[i])), &ctl->arena, &rows);
		if (e)
			return e;
		if (!rows.n) {
			ctl_say("--camera: no camera \"%s\"",
				cameras->value[i]);
			return E_INVALID;
		}
		e = db_run(ctl->db, Q_TOKEN_CAMERA_ADD,
			DB_ARGS(DB_I(token_id), DB_I(rows.cell[0].i)), NULL,
			NULL);
		if (e && e != E_EXISTS)
			return e;
	}
	return E_OK;
}

static enum err store(struct ctl *ctl, const struct db_cell *args,
	const struct ctl_option *cameras)
{
	enum err e;

	if ((e = db_begin(ctl->db)))
		return e;
	if (!(e = db_run(ctl->db, Q_TOKEN_ADD, args, NULL, NULL)) &&
		!(e = bind_cameras(
			  ctl, (int64_t)db_insert_id(ctl->db), cameras)))
		return db_commit(ctl->db);
	db_rollback(ctl->db);
	return e;
}

int ctl_token_create(struct ctl *ctl, int argc, char **argv)
{
	enum { SCOPE, NAME, EXPIRES, CAMERA };
	struct ctl_option o[] = {{.name = "--scope"}, {.name = "--name"},
		{.name = "--expires"}, {.name = "--camera", .many = true}};
	unsigned char hash[TOKEN_HASH];
	char text[TOKEN_TEXT];
	const char *name;
	int64_t expires = 0;
	enum err e;

	if (!ctl_args(&argc, argv, o, ARRAY_LEN(o), (int[2]){0, 0}))
		return CTL_USAGE;
	if (!o[SCOPE].n) {
		ctl_say("token create wants --scope: a list of ingest, read, "
			"review, admin");
		return CTL_USAGE;
	}
	name = o[NAME].n ? o[NAME].value[0] : o[SCOPE].value[0];
	if (!scopes_ok(o[SCOPE].value[0]) || !name_ok(name) ||
		(o[EXPIRES].n && !read_expiry(o[EXPIRES].value[0], &expires)))
		return CTL_USAGE;
	token_make(text);
	token_hash(text, strlen(text), hash);
	e = store(ctl,
		DB_ARGS(DB_S(name), DB_SN((const char *)hash, TOKEN_HASH),
			DB_S(o[SCOPE].value[0]),
			expires ? DB_I(when_number(expires)) : DB_NULL),
		&o[CAMERA]);
	if (!e)
		puts(text);
	token_wipe(text, sizeof(text));
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

int ctl_token_list(struct ctl *ctl, int argc, char **argv)
{
	char expires[WHEN_TEXT], used[WHEN_TEXT];
	struct db_rows rows;
	enum err e;

	if (!ctl_args(&argc, argv, NULL, 0, (int[2]){0, 0}))
		return CTL_USAGE;
	if ((e = db_run(ctl->db, Q_TOKENS, NULL, &ctl->arena, &rows)))
		return ctl_status(e, "token list");
	puts("id\tname\tscopes\tcameras\tstate\texpires\tlast used");
	for (size_t i = 0; i < rows.n; i++) {
		const struct db_cell *c = &rows.cell[i * rows.cols];
		const char *state = "valid";

		if (!c[5].null)
			state = "revoked";
		else if (!c[4].null && when_from_number(c[4].i) <= when_now())
			state = "expired";
		printf("%lld\t%s\t%s\t%s\t%s\t%s\t%s\n", (long long)c[0].i,
			c[1].s.at, c[2].s.at, c[3].null ? "all" : c[3].s.at,
			state, instant(expires, &c[4], "never"),
			instant(used, &c[6], "never"));
	}
	return CTL_OK;
}

int ctl_token_revoke(struct ctl *ctl, int argc, char **argv)
{
	struct db_rows rows;
	int64_t id;
	enum err e;

	if (!ctl_args(&argc, argv, NULL, 0, (int[2]){1, 1}))
		return CTL_USAGE;
	id = strspn(argv[0], "0123456789") == strlen(argv[0])
		? strtoll(argv[0], NULL, 10)
		: 0;
	if (!id) {
		e = db_run(ctl->db, Q_TOKEN_NAMED, DB_ARGS(DB_S(argv[0])),
			&ctl->arena, &rows);
		if (e)
			return ctl_status(e, "token revoke");
		if (rows.n > 1) {
			ctl_say("several tokens are named %s: give the id, "
				"`tally token list` shows it",
				argv[0]);
			return CTL_FAILED;
		}
		id = rows.n ? rows.cell[0].i : 0;
	}
	if ((e = db_run(
		     ctl->db, Q_TOKEN_REVOKE, DB_ARGS(DB_I(id)), NULL, NULL)))
		return ctl_status(e, "token revoke");
	if (db_affected(ctl->db) == 1)
		return CTL_OK;
	ctl_say("no valid token %s", argv[0]);
	return CTL_FAILED;
}
