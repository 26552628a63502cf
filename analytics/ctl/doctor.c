// SPDX-License-Identifier: MIT
/*
 * doctor: `tally doctor`: what an installation needs, a line each.
 */
#include <stdio.h>

#include "analytics/ctl/ctl.h"
#include "common/tz.h"
#include "common/when.h"

enum { CALENDAR_LEAST_DAYS = 400 };

static int judge(bool ok, const char *what, const char *remedy)
{
	if (ok)
		printf("ok    %s\n", what);
	else
		printf("WRONG %s: %s\n", what, remedy);
	return !ok;
}

static int check_zones(struct ctl *ctl)
{
	struct tz *tz;
	char what[160];
	enum err e = tz_load(ctl->conf.site_tz, &tz);

	snprintf(what, sizeof(what), "time zone %s in " TZ_DIR,
		ctl->conf.site_tz);
	tz_free(tz);
	return judge(!e, what, "install tzdata, or correct site.tz");
}

static int check_server(const struct db_cell *c)
{
	int wrong = judge(c[0].i == 1, "innodb_flush_log_at_trx_commit is 1",
		"with another value a stored count may be lost");

	wrong += judge(!c[1].i, "sync_binlog is 1, or there is no binary log",
		"with another value a stored count may be lost");
	wrong += judge(c[2].i == 1, "the event scheduler runs",
		"SET GLOBAL event_scheduler = ON; until then the worker "
		"does its work");
	wrong += judge(c[3].i == 1, "the event tally_minute is there, enabled",
		"run tally migrate");
	return wrong;
}

static int check_calendar(const struct db_cell *end)
{
	int64_t least = when_now() + (int64_t)CALENDAR_LEAST_DAYS * DAY_S;
	bool ok = end->null || end->i >= when_number(least) / 1000000;

	return judge(ok, "the calendar reaches more than 400 days ahead",
		"run tally-worker, which extends it daily");
}

int ctl_doctor(struct ctl *ctl, int argc, char **argv)
{
	struct db_rows rows;
	int wrong;
	enum err e;

	if (!ctl_args(&argc, argv, NULL, 0, (int[2]){0, 0}))
		return CTL_USAGE;
	wrong = check_zones(ctl);
	if ((e = db_run(ctl->db, Q_DOCTOR, NULL, &ctl->arena, &rows)))
		return ctl_status(e, "doctor");
	judge(true, "the server is MariaDB 10.6 or later", "");
	wrong += check_server(rows.cell);
	wrong += check_calendar(&rows.cell[4]);
	printf("rows of new months are stored %s\n",
		rows.cell[6].i ? "page-compressed" : "plain");
	printf("backups: %s\n",
		*ctl->conf.backup_dir ? ctl->conf.backup_dir
				      : "none are made, backup.dir is not set");
	printf("schema version %lld\n", (long long)rows.cell[5].i);
	return wrong ? CTL_FAILED : CTL_OK;
}
