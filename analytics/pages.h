// SPDX-License-Identifier: MIT
/*
 * pages: whether the tables that grow are stored page-compressed.  That pays
 * only where the file system takes holes out of a file: elsewhere it costs
 * time and saves nothing.  So it is tried, with a small table.
 */
#ifndef TALLY_ANALYTICS_PAGES_H
#define TALLY_ANALYTICS_PAGES_H

#include "common/db/sync.h"

/* Makes tables as the setting page_compression wants them; *said is one line
 * that tells what they are, and why.  Procedures must be in place. */
MUST enum err pages_compress(struct db *db, struct arena *a, const char **said);

#endif
