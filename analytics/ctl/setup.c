// SPDX-License-Identifier: MIT
/*
 * setup: `tally config` and `tally migrate`.
 */
#include <stdio.h>
#include <string.h>

#include "analytics/ctl/ctl.h"
#include "analytics/migrate.h"

int ctl_config(struct ctl *ctl, int argc, char **argv)
{
	(void)ctl;
	if (argc != 1 || strcmp(argv[0], "--defaults")) {
		ctl_say("config wants --defaults and nothing else");
		return CTL_USAGE;
	}
	conf_print_defaults(stdout);
	return CTL_OK;
}

int ctl_migrate(struct ctl *ctl, int argc, char **argv)
{
	const struct conf *c = &ctl->conf;
	struct migrate_report r;
	struct db_account a;
	enum err e;

	if (!ctl_args(&argc, argv, NULL, 0, (int[2]){0, 0}))
		return CTL_USAGE;
	a = db_account_of(c, c->database_user, c->database_password_file);
	if ((e = migrate(c, &a, &r)))
		return e == E_DB_GONE || e == E_REFUSED ? CTL_NO_DATABASE
							: CTL_FAILED;
	printf("schema %s: %u migrations (%u new), %u objects; rows are stored "
	       "%s\n",
		c->database_name, r.migrations, r.applied, r.objects, r.pages);
	if (r.accounts)
		return CTL_OK;
	printf("\nThe programs' accounts on this server are yours to make; "
	       "run as its administrator:\n\n");
	return ctl_status(migrate_print_accounts(c), "grants");
}
