// SPDX-License-Identifier: MIT
/*
 * reload: the settings again, after SIGHUP: those that may change while
 * requests are served are taken, of the others a line says that they want a
 * restart.  A file that is wrong changes nothing.  Loop thread only.
 */
#ifndef TALLY_API_RELOAD_H
#define TALLY_API_RELOAD_H

#include "api/api.h"

struct reload {
	int argc;
	char **argv;
	struct conf_cli cli;
};

void reload_settings(struct api *api, const struct reload *how);

#endif
