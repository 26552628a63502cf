// SPDX-License-Identifier: MIT
/*
 * processes: several of them on one port (api.processes).  The first one
 * listens and serves nobody: it forks the others, which accept from the same
 * socket, passes signals on to them, and puts another in the place of one that
 * died.  docs/decisions/0008-processes.md
 */
#ifndef TALLY_API_PROCESSES_H
#define TALLY_API_PROCESSES_H

#include "api/api.h"

enum { PROCESSES_MAX = 64 };

/* Takes settings again, before the others are told to: whoever is forked later
 * begins with them. */
typedef void (*processes_again_fn)(struct api *api);

/*
 * Before any thread or event base.  Returns in each new process with *process
 * its number, from 0; in the first one when all have ended, with *process
 * PROCESSES_MAX and *status the exit status: 0, or 1 where one could not start.
 */
void processes_run(struct api *api, processes_again_fn take_again,
	unsigned *process, int *status);

#endif
