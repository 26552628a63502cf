// SPDX-License-Identifier: MIT
/*
 * server: the listener, its connections and their deadlines, on one libevent
 * loop.  Bytes go through api/http; whole requests go to api/req.
 *
 * A connection is in one state at a time:
 *
 *	HEAD -> BODY -> BUSY -> SEND -> HEAD (keep-alive)
 *	                          \ -> LINGER -> closed
 *
 * Each state has one absolute deadline; a sweep each second closes what is
 * late.  While a request is BUSY at most one buffer of pipelined bytes is
 * read.  Everything here runs on the loop's thread.
 */
#ifndef TALLY_API_SERVER_H
#define TALLY_API_SERVER_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "api/http.h"
#include "api/req.h"

struct api;
struct server;

enum conn_state {
	CONN_HEAD,   /* waiting for, or reading, a request's head */
	CONN_BODY,   /* authorised; reading the body */
	CONN_BUSY,   /* steps run or wait for the database */
	CONN_SEND,   /* the reply is on its way */
	CONN_LINGER, /* reply sent, draining what still comes, then close */
	CONN_STATES
};

struct conn {
	struct server *server;
	struct conn *next, *prev;
	int fd;
	enum conn_state state;
	int64_t deadline_ms;	 /* monotonic */
	int64_t linger_until_ms; /* the latest that CONN_LINGER may last */
	struct event on_read, on_write;
	bool read_on, write_on;
	bool eof;  /* the client sent its last byte */
	bool gone; /* the socket failed; free when nothing runs */
	bool keep; /* keep-alive after this reply */
	char addr[46];

	char *in;	  /* head, then what follows it */
	size_t in_n, cap; /* bytes in it, its size */
	size_t head_n;	  /* bytes of the current head, at in[0] */
	size_t scanned;
	bool begun; /* the deadline of this head runs */
	struct http_body body;
	bool body_whole; /* no byte of this body is still to come */
	uint64_t body_n; /* bytes of body taken or drained */
	struct req req;

	char *out; /* what send(2) did not take yet */
	size_t out_n, out_sent;
};

struct server_counters {
	uint64_t accepted, refused_full, refused_framing, late, requests;
	uint64_t refused_bodies, refused_replies;
	size_t open;
	size_t body_bytes;  /* bodies in memory now */
	size_t reply_bytes; /* replies that wait for slow readers */
};

/* Binds and listens; serves once the loop runs.  E_IO after saying why. */
MUST enum err server_open(struct server **s, struct api *api);
/* Stops accepting; open connections end with their present reply. */
void server_stop(struct server *s);
bool server_stopping(const struct server *s);
void server_close(struct server *s);
int server_port(const struct server *s);
struct server_counters *server_counters(struct server *s);
const char *server_state_name(enum conn_state state);

/* For api/req: send head and body; takes body (malloc'd, may be NULL). */
void conn_send(struct conn *c, const char *head, size_t head_n, char *body,
	size_t body_n);
/* The request is authorised: read its body. */
void conn_want_body(struct conn *c);
/* The step that waited is done and the client may be gone: frees c then and
 * returns false. */
bool conn_alive(struct conn *c);
/* Monotonic milliseconds. */
int64_t server_clock_ms(void);

#endif
