// SPDX-License-Identifier: MIT
/*
 * backup_due: when the daily backup's time has come, and the worker's making of
 * it on a thread of its own, so that its other duties go on meanwhile.
 */
#ifndef TALLY_ANALYTICS_BACKUP_DUE_H
#define TALLY_ANALYTICS_BACKUP_DUE_H

#include "common/conf.h"
#include "common/db/sync.h"
#include "common/tz.h"

/* "02:30" as minutes; -1: no time of day.  Pure. */
int backup_minute(const char *at);

/* Has this time of day come in the zone since `last`?  True as well where
 * `last` is yet to come: the clock was wrong then, and nobody waits until it
 * is right.  Pure. */
bool backup_due(const struct tz *tz, int minute, int64_t last, int64_t now);

/* The same of a database: the last good one, or, with since_wanted, since when
 * they are wanted, where that is later.  E_NOT_FOUND: it has no default site.
 */
MUST enum err backup_is_due(struct db *db, const struct conf *c,
	bool since_wanted, struct arena *a, bool *due);

/* What [backup] says makes no sense: why, else NULL. */
const char *backup_conf_fault(const struct conf *c);

struct backup_duty;

/* a: with which account; c and a's texts live longer. */
MUST enum err backup_duty_open(struct backup_duty **d, const struct conf *c,
	const struct db_account *a);
/* Waits for a backup on its way. */
void backup_duty_close(struct backup_duty *d);
bool backup_duty_runs(const struct backup_duty *d);

/* Begins one where it is due, and says in log and database how it ended. */
MUST enum err backup_duty_look(
	struct backup_duty *d, struct db *db, struct arena *a);

#endif
