// SPDX-License-Identifier: MIT
/*
 * live: who watches which camera in this process.  Pictures come by the relay;
 * each viewer has one on its way and the newest behind it, so that a slow one
 * misses pictures and holds no more memory than a fast one.
 */
#ifndef TALLY_API_LIVE_H
#define TALLY_API_LIVE_H

#include "common/base.h"

struct api;
struct live;
struct relay;

MUST enum err live_open(struct live **l, struct api *api);
/* After the server, whose connections are viewers. */
void live_close(struct live *l);

struct relay *live_relay(struct live *l);
/* How many watch here, or wait for a snapshot. */
size_t live_viewers(const struct live *l);
/* Of pictures that are on their way to them. */
size_t live_bytes(const struct live *l);

#endif
