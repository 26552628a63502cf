// SPDX-License-Identifier: MIT
/*
 * setting: `tally setting list | set`: what administrators may change while
 * everything runs; the table setting of the schema.
 */
#include <stdio.h>

#include "analytics/ctl/ctl.h"
#include "common/text.h"

int ctl_setting_list(struct ctl *ctl, int argc, char **argv)
{
	struct db_rows rows;
	enum err e;

	if (!ctl_args(&argc, argv, NULL, 0, (int[2]){0, 0}))
		return CTL_USAGE;
	if ((e = db_run(ctl->db, Q_SETTINGS, NULL, &ctl->arena, &rows)))
		return ctl_status(e, "setting list");
	puts("setting\tvalue\tkept from");
	for (size_t i = 0; i < rows.n; i++) {
		const struct db_cell *c = &rows.cell[i * rows.cols];

		printf("%s\t%s\t%s\n", c[0].s.at, c[1].s.at,
			c[2].null ? "" : c[2].s.at);
	}
	return CTL_OK;
}

static enum err set(struct ctl *ctl, const char *name, const char *value)
{
	struct text t;
	enum err e;

	text_init(&t, 4096);
	json_open(&t, NULL, '{');
	json_str(&t, "value", value);
	json_close(&t, '}');
	if (!(e = t.full ? E_TOO_BIG : db_begin(ctl->db))) {
		e = db_run(ctl->db, Q_SETTING_SET,
			DB_ARGS(DB_S(value), DB_S(name)), NULL, NULL);
		if (!e)
			e = audit_add(
				ctl->db, &ctl->by, "setting.set", name, t.at);
		if (!e)
			e = db_commit(ctl->db);
		else
			db_rollback(ctl->db);
	}
	text_free(&t);
	return e;
}

int ctl_setting_set(struct ctl *ctl, int argc, char **argv)
{
	struct db_rows rows;
	enum err e;

	if (!ctl_args(&argc, argv, NULL, 0, (int[2]){2, 2}))
		return CTL_USAGE;
	e = db_run(ctl->db, Q_SETTING_FAULT,
		DB_ARGS(DB_S(argv[0]), DB_S(argv[0]), DB_S(argv[1])),
		&ctl->arena, &rows);
	if (e)
		return ctl_status(e, "setting set");
	if (!rows.cell[0].i) {
		ctl_say("setting set: there is no setting \"%s\"; tally "
			"setting list shows them",
			argv[0]);
		return CTL_FAILED;
	}
	if (!rows.cell[1].null) {
		ctl_say("setting set: %s", rows.cell[1].s.at);
		return CTL_FAILED;
	}
	return ctl_status(set(ctl, argv[0], argv[1]), "setting set");
}
