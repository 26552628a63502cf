// SPDX-License-Identifier: MIT
/*
 * dbuser: `tally db-user create | list | remove`: accounts on the database for
 * people who work in SQL.
 */
#include <stdio.h>
#include <string.h>

#include "analytics/ctl/ctl.h"
#include "analytics/sqluser.h"
#include "common/token.h"
#include "common/when.h"

/* They are made for later all the same. */
static void warn_of_server(struct ctl *ctl)
{
	struct db_rows rows;

	if (db_run(ctl->db, Q_SERVER_OPEN, NULL, &ctl->arena, &rows) || !rows.n)
		return;
	if (!rows.cell[0].i)
		ctl_say("the server has no certificate (ssl_cert, ssl_key), so "
			"this account cannot log in yet");
	if (rows.cell[1].i)
		ctl_say("the server is off the network (skip_networking), so "
			"this account cannot log in yet");
}

static int create(struct ctl *ctl, const struct sqluser *u)
{
	char password[SQLUSER_PASSWORD] = "";
	enum err e = sqluser_create(ctl->db, &ctl->conf, u, &ctl->by, password);

	if (e == E_EXISTS) {
		ctl_say("the server has an account %s from %s; remove it or "
			"take another name",
			u->name, u->network);
		return CTL_FAILED;
	}
	if (e == E_INVALID)
		return CTL_USAGE;
	if (!e) {
		puts(password);
		warn_of_server(ctl);
	}
	token_wipe(password, sizeof(password));
	return ctl_status(e, "db-user create");
}

/* Its shortest form, or NULL after a line. */
static const char *network_of(struct sqluser *u, const char *from)
{
	char why[200];

	if (!sqluser_network(u, from, why))
		return u->network;
	ctl_say("--from: \"%s\" %s", from, why);
	return NULL;
}

int ctl_dbuser_create(struct ctl *ctl, int argc, char **argv)
{
	enum { READ, WRITE, FROM };
	struct ctl_option o[] = {{.name = "--read", .flag = true},
		{.name = "--write", .flag = true}, {.name = "--from"}};
	struct sqluser u = {0};

	if (!ctl_args(&argc, argv, o, ARRAY_LEN(o), (int[2]){1, 1}))
		return CTL_USAGE;
	if (!o[READ].n && !o[WRITE].n) {
		ctl_say("db-user create wants --read, --write or both");
		return CTL_USAGE;
	}
	if (!o[FROM].n) {
		ctl_say("db-user create wants --from: the network that the "
			"account may come from, like 192.0.2.0/24");
		return CTL_USAGE;
	}
	u.name = argv[0];
	u.rights = (o[READ].n ? SQLUSER_READ : 0u) |
		(o[WRITE].n ? SQLUSER_WRITE : 0u);
	return network_of(&u, o[FROM].value[0]) ? create(ctl, &u) : CTL_USAGE;
}

int ctl_dbuser_list(struct ctl *ctl, int argc, char **argv)
{
	struct db_rows rows;
	enum err e;

	if (!ctl_args(&argc, argv, NULL, 0, (int[2]){0, 0}))
		return CTL_USAGE;
	if ((e = db_run(ctl->db, Q_SQL_USERS, NULL, &ctl->arena, &rows)))
		return ctl_status(e, "db-user list");
	for (size_t i = 0; i < rows.n; i++) {
		const struct db_cell *c = &rows.cell[i * rows.cols];
		char at[WHEN_TEXT];

		printf("%s\t%s\t%s\tcreated %s\n", c[0].s.at, c[2].s.at,
			c[4].s.at,
			when_format(at, when_from_number(c[5].i), 0, true));
	}
	return CTL_OK;
}

int ctl_dbuser_remove(struct ctl *ctl, int argc, char **argv)
{
	struct ctl_option o[] = {{.name = "--from"}};
	struct sqluser u = {0};
	const char *from = NULL;
	enum err e;

	if (!ctl_args(&argc, argv, o, ARRAY_LEN(o), (int[2]){1, 1}))
		return CTL_USAGE;
	if (o[0].n && !(from = network_of(&u, o[0].value[0])))
		return CTL_USAGE;
	e = sqluser_remove(ctl->db, argv[0], from, &ctl->by);
	if (e == E_NOT_FOUND) {
		ctl_say("no account %s%s%s was made by db-user create", argv[0],
			from ? " from " : "", from ? from : "");
		return CTL_FAILED;
	}
	return ctl_status(e, "db-user remove");
}
