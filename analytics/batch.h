// SPDX-License-Identifier: MIT
/*
 * batch: many rows at once into the database, by the procedure put_batch.
 */
#ifndef TALLY_ANALYTICS_BATCH_H
#define TALLY_ANALYTICS_BATCH_H

#include "analytics/count.h"
#include "common/db/sync.h"

/* A row as count_record's columns, camera_id to observed_s. */
enum { COUNT_CELLS = 4 + COUNT_FIGURES_N };
void count_cells(struct db_cell *cell, const struct count *row);

/* What becomes of a row whose key is stored with other values. */
enum batch_conflict { BATCH_REFUSE, BATCH_REPLACE, BATCH_KEEP };

/*
 * Writes row[0..n) in one transaction and gives each its verdict: inserted,
 * duplicate, replaced, kept (the stored one), or refused in b.  No two have the
 * same camera_id and start_at; they are put into the order of these.  store
 * false: looks only.  What hinders it for a moment it tries again: a dead-lock,
 * or a connection that was lost; where a COMMIT was lost on its way back, rows
 * turn out as duplicates then.  Errors of db_run; nothing is written then, as
 * far as one can know.  Not to be called inside a transaction.
 */
MUST enum err batch_put(struct db *db, struct count_batch *b,
	struct count **row, size_t n, enum batch_conflict conflict, bool store);

#endif
