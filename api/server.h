// SPDX-License-Identifier: MIT
/*
 * server: the listener, and the sweep over its connections (api/conn.h) that
 * holds their deadlines, on one libevent loop.  The loop's thread only.
 */
#ifndef TALLY_API_SERVER_H
#define TALLY_API_SERVER_H

#include "api/conn.h"
#include "api/peers.h"

struct api;
struct tls;

struct server_counters {
	uint64_t accepted, refused_full, refused_framing, requests;
	uint64_t refused_bodies, refused_replies, refused_tls;
	uint64_t records;	  /* of detection, stored */
	uint64_t refused_address; /* it had its share of connections */
	uint64_t gave_way;	  /* closed for somebody else's sake */
	uint64_t no_descriptors;  /* times that none was left to accept with */
	/* Cut at their deadlines; idle: nothing was asked. */
	uint64_t late_handshakes, late_heads, late_bodies, late_replies;
	uint64_t late_requests, idle;
	uint64_t live_frames, live_unwanted; /* taken; of these not kept */
	uint64_t live_refused_frames, live_refused_viewers;
	uint64_t live_dropped; /* for viewers who took a newer one */
	uint64_t refused_streams, cut_streams; /* clients of /stream */
	size_t streams;			       /* of them there are */
	size_t open;
	size_t buffer_bytes;  /* what connections hold to read with */
	size_t request_bytes; /* what requests hold besides their bodies */
	size_t stream_bytes;  /* clients of /stream */
	uint64_t refused_memory;
	size_t body_bytes;  /* bodies in memory now */
	size_t reply_bytes; /* replies that wait for slow readers */
};

struct server {
	struct api *api;
	int fd;
	struct tls *tls; /* NULL: plain HTTP */
	int spare; /* a descriptor to refuse with when there is no other */
	struct event on_accept, on_pause, on_sweep;
	struct conn *conns;
	struct conn *waits_longest, *waits_least; /* of those who give way */
	struct peers peers;
	size_t peak; /* of server_memory, since it was given back */
	struct server_counters count;
	bool stopping;
	bool accept_failing; /* said once until an accept works again */
};

/* Binds and listens: api->listen_fd, api->port.  E_IO or E_INVALID after saying
 * why. */
MUST enum err server_listen(struct api *api);
/* Serves what comes there once the loop runs; closes api->listen_fd.
 * E_INVALID after saying why. */
MUST enum err server_open(struct server **s, struct api *api);
/* Reads certificate and key again, for connections to come; says how it went.
 * Where they are no good those that were there stay. */
void server_reload(struct server *s);
/* Stops accepting; open connections end with their present reply. */
void server_stop(struct server *s);
bool server_stopping(const struct server *s);
void server_close(struct server *s);
struct server_counters *server_counters(struct server *s);
/* The bytes that api.memory_max bounds; are there n more of them? */
size_t server_memory(const struct server *s);
bool server_has_room(const struct server *s, size_t n);

#endif
