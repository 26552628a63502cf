// SPDX-License-Identifier: MIT
/*
 * api: what the parts of tally-api share.  One per process, made by main.
 */
#ifndef TALLY_API_API_H
#define TALLY_API_API_H

#include "common/conf.h"
#include "common/db/sync.h"
#include "common/zones.h"

struct event_base;
struct server;
struct pool;
struct committer;
struct work;
struct health;
struct live;
struct known;
struct gather;
struct memo;
struct metrics;
struct auth;
struct failures;
struct pages;
struct idempotency;
struct upload_room;
struct feed;

struct api {
	struct conf conf;
	struct db_account account;
	struct event_base *base;
	unsigned process; /* its number among those on the port, from 0 */
	int listen_fd, port;
	size_t connections_max; /* the setting, or what descriptors allow */
	struct server *server;
	struct pool *pool;	     /* reads, on the loop */
	struct committer *committer; /* counts, a thread */
	struct committer *bulk;	     /* parts of long bodies, another */
	struct work *work;	     /* administration, threads */
	struct work *jobs;	     /* what may take minutes, threads */
	struct health *health;
	struct memo *memo;	 /* replies, on the loop */
	struct known *known;	 /* cameras, on the loop */
	struct gather *gather;	 /* their hours, on the loop */
	struct metrics *metrics; /* shared by the processes on the port */
	struct live *live;	 /* viewers, on the loop */
	struct auth *auth;
	/* Failed authentications by address, name and browser; shared, too. */
	struct failures *failures;
	struct pages *pages;
	struct zones zones;	  /* of the loop */
	struct idempotency *keys; /* of requests on their way */
	struct upload_room *uploads;
	struct feed *feed; /* what /stream tells */
};

#endif
