// SPDX-License-Identifier: MIT
#include "analytics/pages.h"

#include <string.h>

/* What is tried on the probe, in this order. */
static const enum stmt steps[] = {Q_PROBE_DROP, Q_PROBE_MAKE, Q_PROBE_FILL,
	Q_PROBE_FLUSH, Q_PROBE_UNLOCK};

/* A megabyte of one letter: does it take less than half of that?  A step that
 * fails is logged, and means no. */
static enum err probe(struct db *db, struct arena *a, bool *works)
{
	struct db_rows rows = {0};
	enum err e = E_OK;

	*works = false;
	for (size_t i = 0; !e && i < ARRAY_LEN(steps); i++)
		e = db_run(db, steps[i], NULL, NULL, NULL);
	if (!e)
		e = db_run(db, Q_PROBE_LOOK, NULL, a, &rows);
	*works = !e && rows.n && rows.cell[0].i;
	if (e != E_DB_GONE)
		e = db_run(db, Q_PROBE_DROP, NULL, NULL, NULL);
	return e;
}

enum err pages_compress(struct db *db, struct arena *a, const char **said)
{
	struct db_rows rows;
	const char *wanted;
	bool on;
	enum err e = db_run(db, Q_PAGES_WANTED, NULL, a, &rows);

	if (e)
		return e;
	wanted = rows.cell[0].null ? "auto" : rows.cell[0].s.at;
	on = !strcmp(wanted, "on");
	if (on) {
		*said = "page-compressed, as set";
	} else if (!strcmp(wanted, "off")) {
		*said = "plain, as set";
	} else if (!rows.cell[1].i) {
		*said = "plain: to try page compression takes the rights "
			"RELOAD and PROCESS; or set page_compression";
	} else {
		if ((e = probe(db, a, &on)))
			return e;
		*said = on ? "page-compressed"
			   : "plain: page compression saves nothing on this "
			     "file system";
	}
	return db_run(db, Q_PAGES_COMPRESS, DB_ARGS(DB_I(on)), NULL, NULL);
}
