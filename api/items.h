// SPDX-License-Identifier: MIT
/*
 * items: what lists and /stream say alike, as JSON.
 */
#ifndef TALLY_API_ITEMS_H
#define TALLY_API_ITEMS_H

#include "common/arena.h"
#include "common/db/stmt.h"
#include "common/text.h"

/* A row as GET /counts lists it; cell: the columns of Q_COUNTS. */
void counts_json(
	struct text *t, const char *camera, const struct db_cell *cell);

/* One as GET /outliers lists it, of Q_OUTLIERS' columns.  Is it at alert
 * level? */
bool outlier_json(struct text *t, struct arena *a, const char *camera,
	const struct db_cell *cell);

#endif
