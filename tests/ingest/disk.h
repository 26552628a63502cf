// SPDX-License-Identifier: MIT
/*
 * disk: the disk that the spool's tests see (test_spool.c).
 */
#ifndef TALLY_TESTS_INGEST_DISK_H
#define TALLY_TESTS_INGEST_DISK_H

#include <stdbool.h>

/* fsync does nothing, for tests that put thousands of rows. */
extern bool disk_is_careless;

#endif
