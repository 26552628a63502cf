// SPDX-License-Identifier: MIT
/*
 * status: how tally-ingest ends.  docs/ingest.md lists the same; scripts rely
 * on the numbers.
 */
#ifndef TALLY_INGEST_STATUS_H
#define TALLY_INGEST_STATUS_H

enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,	     /* out of memory, a thread did not start */
	STATUS_USAGE = 2,	     /* an option or a setting */
	STATUS_SOURCE_MISSING = 3,   /* or not readable */
	STATUS_SOURCE_CORRUPT = 4,   /* no video, damaged, no decoder */
	STATUS_SOURCE_TRUNCATED = 5, /* its end is missing */
	STATUS_MODEL_MISSING = 6,    /* cfg or weights */
	STATUS_MODEL_CORRUPT = 7,    /* truncated, damaged, do not fit */
	STATUS_NAMES = 8,	     /* a names list, missing or damaged */
	STATUS_SPOOL = 9,	     /* cannot be opened, read or written; full
					at the end */
	STATUS_SYNC = 10, /* fsync failed: the disk cannot be trusted */
	STATUS_DRAIN = 11 /* rows were still waiting at the end */
};

#endif
