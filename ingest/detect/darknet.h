// SPDX-License-Identifier: MIT
/*
 * darknet: Darknet networks run by Darknet itself, in a child process
 * (darknet_wire.h).  When the child dies or does not answer, the picture is
 * given up and another child is started, at first at once, then after longer
 * and longer waits.
 */
#ifndef TALLY_INGEST_DETECT_DARKNET_H
#define TALLY_INGEST_DETECT_DARKNET_H

#include "ingest/detect/detect.h"
#include "ingest/detect/netfile.h"

struct darknet_settings {
	double threshold; /* 0 to 1 */
	int64_t find_us;  /* for one picture; then the child is ended */
	/* NULL, or an engine for the networks that Darknet cannot run: it works
	 * while the child does. */
	struct engine *beside;
};

/* Takes copies, and beside.  Waits until the child has
 * loaded the networks.  Logs Darknet's words on failure: E_NOT_FOUND (there is
 * no tally-darknet), E_CORRUPT (it does not take the networks), E_NOMEM. */
MUST enum err darknet_open(struct engine **e, const struct net_files *nets,
	size_t n, const struct darknet_settings *s);

#endif
