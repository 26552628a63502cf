// SPDX-License-Identifier: MIT
/*
 * audit: `tally audit`: who changed what, newest first.
 */
#include <stdio.h>
#include <stdlib.h>

#include "analytics/ctl/ctl.h"
#include "common/when.h"

enum { LIMIT = 100, LIMIT_MAX = 100000 };

static const char *text_of(const struct db_cell *c)
{
	return c->null ? "" : c->s.at;
}

static void print(const struct db_cell *c)
{
	enum {
		ID,
		AT,
		KIND,
		ACTOR_ID,
		ACTOR,
		ADDRESS,
		ACTION,
		SUBJECT,
		DETAIL
	};
	char at[WHEN_TEXT];

	printf("%s\t%s ", when_format(at, when_from_number(c[AT].i), 0, true),
		c[KIND].s.at);
	if (!c[ACTOR_ID].null)
		printf("%lld ", (long long)c[ACTOR_ID].i);
	printf("%s\t%s\t%s\t%s\t%s\n", c[ACTOR].s.at, text_of(&c[ADDRESS]),
		c[ACTION].s.at, text_of(&c[SUBJECT]), text_of(&c[DETAIL]));
}

int ctl_audit(struct ctl *ctl, int argc, char **argv)
{
	struct ctl_option o[] = {{.name = "--limit"}};
	struct db_rows rows;
	long limit = LIMIT;
	char *end = NULL;
	enum err e;

	if (!ctl_args(&argc, argv, o, ARRAY_LEN(o), (int[2]){0, 0}))
		return CTL_USAGE;
	if (o[0].n)
		limit = strtol(o[0].value[0], &end, 10);
	if (limit < 1 || limit > LIMIT_MAX || (end && *end)) {
		ctl_say("--limit wants a number from 1 to %d", LIMIT_MAX);
		return CTL_USAGE;
	}
	if ((e = db_run(ctl->db, Q_AUDIT,
		     DB_ARGS(DB_I(INT64_MAX), DB_S(""), DB_S(""), DB_S(""),
			     DB_S(""), DB_I(limit)),
		     &ctl->arena, &rows)))
		return ctl_status(e, "audit");
	puts("at\twho\taddress\taction\tsubject\tdetail");
	for (size_t i = 0; i < rows.n; i++)
		print(&rows.cell[i * rows.cols]);
	return CTL_OK;
}
