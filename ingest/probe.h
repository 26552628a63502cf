// SPDX-License-Identifier: MIT
/*
 * probe: what a source offers, for who sets up a camera: codec, size, rate,
 * times, and one picture as a PNG with what the engine sees in it.
 */
#ifndef TALLY_INGEST_PROBE_H
#define TALLY_INGEST_PROBE_H

#include "common/conf.h"
#include "ingest/status.h"

/* what: the code of a camera in the settings, a path or an address.  Prints
 * to standard output; faults were logged. */
enum status probe_run(const struct conf *c, const char *what, const char *png);

#endif
