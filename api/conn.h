// SPDX-License-Identifier: MIT
/*
 * conn: one client's connection.  Bytes go through api/http; whole requests go
 * to api/req.  It is in one state at a time:
 *
 *	HEAD -> BODY -> BUSY -> SEND -> HEAD (keep-alive)
 *	         <------   |      \ -> LINGER -> closed
 *	                   LIVE -> closed
 *
 * and with TLS in SHAKE before the first HEAD.  A reply without an end is LIVE
 * instead of SEND.
 *
 * Each state has one absolute deadline; the server's sweep closes what is
 * late.  While a request is BUSY at most one buffer of bytes is read: a body
 * whose reader waits (conn_pause) holds its client back.  Everything here runs
 * on the loop's thread.
 */
#ifndef TALLY_API_CONN_H
#define TALLY_API_CONN_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include <sys/types.h>

#include "api/blob.h"
#include "api/http.h"
#include "api/proxy.h"
#include "api/req.h"

struct peer;
struct server;
struct ssl_st;

enum conn_state {
	CONN_SHAKE, /* TLS: the handshake */
	CONN_HEAD,  /* waiting for, or reading, a request's head */
	CONN_BODY,  /* authorised; reading the body */
	CONN_BUSY,  /* steps run or wait for the database */
	CONN_SEND,  /* the reply is on its way */
	CONN_LIVE, /* a reply without an end; of its pieces some are left out */
	CONN_FLOW, /* one that leaves nothing out */
	CONN_LINGER /* reply sent, draining what still comes, then close */
};

struct conn {
	struct server *server;
	struct conn *next, *prev;
	int fd;
	struct ssl_st *ssl; /* NULL: plain HTTP */
	enum conn_state state;
	int64_t deadline_ms;	 /* monotonic */
	int64_t until_ms;	 /* of the whole request, but for … */
	int64_t busy_ms;	 /* … CONN_BUSY, which began then */
	int64_t linger_until_ms; /* the latest that CONN_LINGER may last */
	struct event on_read, on_write;
	bool read_on, write_on;
	bool eof;  /* the client sent its last byte */
	bool gone; /* the socket failed; free when nothing runs */
	bool keep; /* keep-alive after this reply */
	/* Among those who give way; before: who waits for longer. */
	struct conn *before, *after;
	bool waits;
	struct peer *origin;	  /* its address's entry; NULL: none */
	struct proxy_client peer; /* the socket's other end */
	/* Of the present request: the client's, maybe behind a proxy. */
	char addr[PROXY_ADDRESS];
	bool https;

	char *in;	  /* head, then what follows it */
	size_t in_n, cap; /* bytes in it, its size */
	size_t head_n;	  /* bytes of the current head, at in[0] */
	size_t scanned;
	bool begun; /* the deadline of this head runs */
	struct http_body body;
	bool body_whole;	 /* no byte of this body is still to come */
	uint64_t body_n;	 /* bytes of body taken or drained */
	uint64_t body_max;	 /* how many there may be */
	int64_t stream_until_ms; /* of a stream: the latest end; else 0 */
	struct req req;

	/* What send(2) did not take yet: of the head, a copy; of the body. */
	char *out;
	size_t out_n, out_sent;
	struct blob *body_out; /* NULL: none */
	size_t body_sent;
	size_t counted; /* bytes of both in server_counters.reply_bytes */
	struct blob *next_out; /* CONN_LIVE: what follows; NULL: nothing yet */
};

/* Takes an accepted socket and its address's entry; closes it where memory is
 * short. */
void conn_open(struct server *s, int fd, const char *addr, struct peer *origin);
/* Ends it and frees c. */
void conn_close(struct conn *c);
/* Its deadline has passed: 408, or the end. */
void conn_late(struct conn *c);
/* Looked at by the sweep: gives memory back that an idle client holds. */
void conn_idle(struct conn *c);
/* The server stops: close it now, or after the present reply. */
void conn_stop(struct conn *c);

/* For api/req: send head and body; takes the reference to body (NULL: none). */
void conn_send(
	struct conn *c, const char *head, size_t head_n, struct blob *body);
/* Instead of that: a reply that goes on until the client leaves, or does not
 * take a piece in api.reply_timeout_s, or conn_live_end.  The request stays,
 * and its release says when it is over; no step may run any more. */
void conn_live(struct conn *c, const char *head, size_t head_n);
/* The next piece, whose memory is somebody's account; takes the reference.  One
 * is on its way and one waits: false where that gave way to this one.  The
 * connection may fail in it: call conn_alive when done. */
bool conn_live_put(struct conn *c, struct blob *piece);
/* It is over; for conn_alive to close. */
void conn_live_end(struct conn *c);
/*
 * For one that leaves nothing out: sends its head, and is FLOW from then on.
 * What follows is sent by conn_flow_send, which returns how much was taken, or
 * -1 at the end; where it was not all, r->flow is called once there is room,
 * for the same bytes again from there.  Who takes nothing for
 * api.reply_timeout_s is cut.  conn_flow_end, once all is sent, ends the reply
 * and the request.
 */
void conn_flow(struct conn *c, const char *head, size_t n);
ssize_t conn_flow_send(struct conn *c, char *at, size_t n);
void conn_flow_end(struct conn *c);
/* The request is authorised: read its body. */
void conn_want_body(struct conn *c);
/* Before that: it is a stream of up to api.stream_max bytes, which its reader
 * does not hold.  Not all of it has to be there within api.body_timeout_s then,
 * but a least rate is asked for, and an end within api.stream_timeout_s. */
void conn_stream(struct conn *c);
/* The body's reader waits; it goes on.  False: the body has ended. */
void conn_pause(struct conn *c);
bool conn_go_on(struct conn *c);
/* The step that waited is done and the client may be gone: frees c then and
 * returns false. */
bool conn_alive(struct conn *c);

#endif
