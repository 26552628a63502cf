// SPDX-License-Identifier: MIT
/*
 * Map of the file: who gives way; states; the socket; input (read, head, body);
 * output; ends and beginnings of a connection.
 */
#include "api/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "api/api.h"
#include "api/server.h"
#include "api/tls.h"
#include "common/when.h"

enum {
	BODY_ROOM = 16384,	/* bytes of input behind the head */
	STREAM_RATE_MIN = 1024, /* bytes a second */
	LINGER_MS = 2000,
	TLS_BYTES = 48 << 10, /* about what OpenSSL holds for one */
	/* What the kernel holds for a viewer is old before it is seen. */
	LIVE_SEND_ROOM = 128 << 10
};

static void conn_input(struct conn *c);

/* ---- who gives way ---- */

/* Does it wait for a client of whom nothing is known, or for nothing at all?
 * Such a one is closed, the longest waiting first, where all places are taken
 * and another client comes. */
static bool gives_way(const struct conn *c)
{
	switch (c->state) {
	case CONN_SHAKE:
	case CONN_HEAD:
	case CONN_LINGER:
		return true;
	case CONN_BODY:
	case CONN_SEND:
		return !c->req.who.known;
	case CONN_BUSY:
	case CONN_LIVE:
	case CONN_FLOW:
		break;
	}
	return false;
}

static void leave_waiters(struct conn *c)
{
	struct server *s = c->server;

	if (!c->waits)
		return;
	*(c->before ? &c->before->after : &s->waits_longest) = c->after;
	*(c->after ? &c->after->before : &s->waits_least) = c->before;
	c->before = c->after = NULL;
	c->waits = false;
}

static void join_waiters(struct conn *c)
{
	struct server *s = c->server;

	c->before = s->waits_least;
	*(c->before ? &c->before->after : &s->waits_longest) = c;
	s->waits_least = c;
	c->waits = true;
}

/* ---- states ---- */

static int64_t after(int64_t now_ms, int seconds)
{
	return now_ms + 1000 * (int64_t)seconds;
}

/* A request has begun to arrive. */
static void begin_head(struct conn *c, int64_t now)
{
	const struct conf *k = &c->server->api->conf;

	c->begun = true;
	c->until_ms = after(now, k->api_request_timeout_s);
	c->deadline_ms = after(now, k->api_head_timeout_s);
}

/* Within the request's own. */
static void set_deadline(struct conn *c, int64_t now, int seconds)
{
	c->deadline_ms = after(now, seconds);
	if (c->deadline_ms > c->until_ms)
		c->deadline_ms = c->until_ms;
}

/* The one door between states. */
static void conn_become(struct conn *c, enum conn_state state)
{
	const struct conf *k = &c->server->api->conf;
	int64_t now = when_clock_ms();

	/* What it waited for the database is not its client's fault. */
	if (c->state == CONN_BUSY)
		c->until_ms += now - c->busy_ms;
	c->state = state;
	leave_waiters(c);
	if (gives_way(c))
		join_waiters(c);
	switch (state) {
	case CONN_SHAKE:
		c->deadline_ms = after(now, k->api_head_timeout_s);
		break;
	case CONN_HEAD:
		begin_head(c, now);
		c->begun = c->in_n > 0;
		if (!c->begun)
			c->deadline_ms = after(now, k->api_idle_timeout_s);
		break;
	case CONN_BODY:
		set_deadline(c, now, k->api_body_timeout_s);
		break;
	case CONN_BUSY:
		/* The database's own deadlines end it. */
		c->deadline_ms = INT64_MAX;
		c->busy_ms = now;
		break;
	case CONN_SEND:
		set_deadline(c, now, k->api_reply_timeout_s);
		break;
	case CONN_LIVE:
		/* Runs while a piece is on its way. */
		c->deadline_ms = INT64_MAX;
		break;
	case CONN_FLOW:
		/* Runs while the socket takes nothing. */
		c->deadline_ms = INT64_MAX;
		break;
	case CONN_LINGER:
		c->linger_until_ms = after(now, k->api_body_timeout_s);
		c->deadline_ms = now + LINGER_MS;
		break;
	}
}

/* The socket tells of what is in it, not of what TLS has taken out. */
static void tell_pending(struct conn *c)
{
	if (c->ssl && c->read_on && tls_pending(c->ssl))
		event_active(&c->on_read, EV_READ, 0);
}

static void reading(struct conn *c, bool on)
{
	if (on == c->read_on)
		return;
	c->read_on = on;
	if (on)
		event_add(&c->on_read, NULL);
	else
		event_del(&c->on_read);
	tell_pending(c);
}

static void writing(struct conn *c, bool on)
{
	if (on == c->write_on)
		return;
	c->write_on = on;
	if (on)
		event_add(&c->on_write, NULL);
	else
		event_del(&c->on_write);
}

/* ---- the socket ---- */

static ssize_t take(struct conn *c, char *buf, size_t n)
{
	return c->ssl ? tls_recv(c->ssl, buf, n) : recv(c->fd, buf, n, 0);
}

static ssize_t give(struct conn *c, struct iovec v[2])
{
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};

	return c->ssl ? tls_send(c->ssl, v) : sendmsg(c->fd, &m, MSG_NOSIGNAL);
}

/* Ends our half alone. */
static void give_end(struct conn *c)
{
	if (c->ssl)
		tls_end(c->ssl);
	shutdown(c->fd, SHUT_WR);
}

/* ---- input ---- */

/* Memory for a head and some body; given back by the sweep while the connection
 * idles. */
static bool have_buffer(struct conn *c)
{
	size_t n = c->server->api->conf.api_head_max + BODY_ROOM;

	if (c->in)
		return true;
	c->in = malloc(n);
	if (!c->in)
		return false;
	c->cap = n;
	c->server->count.buffer_bytes += n;
	return true;
}

static void drop_buffer(struct conn *c)
{
	free(c->in);
	c->server->count.buffer_bytes -= c->cap;
	c->in = NULL;
	c->in_n = c->cap = 0;
}

static void consume(struct conn *c, size_t n)
{
	c->in_n -= n;
	if (c->in_n)
		memmove(c->in, c->in + n, c->in_n);
}

/* A refusal of the framing layer: one reply, then the end. */
static void refuse(struct conn *c, int status, const char *why)
{
	/* What is late or too large has counters of its own. */
	c->server->count.refused_framing += status != 408 && status != 413;
	c->keep = false;
	if (c->state == CONN_HEAD) {
		/* What it still sends is drained, like any refused body. */
		c->body_n = 0;
		c->body_max = c->server->api->conf.api_body_max;
		conn_become(c, CONN_BUSY);
		c->req.head = (struct http_head){0};
		req_init(&c->req);
	}
	req_refuse(&c->req, status, why);
}

static void know_client(struct conn *c)
{
	const struct conf *k = &c->server->api->conf;
	struct proxy_client who = c->peer;

	if (*k->api_trusted_proxies)
		proxy_client(k, &c->req.head, &who);
	memcpy(c->addr, who.addr, sizeof(c->addr));
	c->https = who.https;
}

static void head_input(struct conn *c)
{
	struct server *s = c->server;
	struct http_refusal no = {0};
	struct req *r = &c->req;
	size_t used = 0;
	enum http_step step;

	if (!c->begun)
		begin_head(c, when_clock_ms());
	step = http_head_parse(&r->head, c->in, c->in_n,
		s->api->conf.api_head_max, &c->scanned, &used, &no);
	if (step == HTTP_MORE)
		return;
	if (step == HTTP_REFUSED) {
		refuse(c, no.status, no.why);
		return;
	}
	s->count.requests++;
	know_client(c);
	c->head_n = used;
	c->scanned = 0;
	c->body_n = 0;
	c->body_max = s->api->conf.api_body_max;
	c->stream_until_ms = 0;
	c->body_whole = !r->head.chunked && r->head.length == 0;
	c->keep = r->head.keep_alive && !s->stopping;
	http_body_init(&c->body, &r->head);
	conn_become(c, CONN_BUSY);
	req_begin(r);
}

void conn_want_body(struct conn *c)
{
	static char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct iovec v[2] = {{go_on, sizeof(go_on) - 1}, {NULL, 0}};

	conn_become(c, CONN_BODY);
	/* Twenty-five bytes fit into any socket's buffer; where they do not
	 * the client goes on by itself after a while.  Of TLS, whose record
	 * has begun, that is the end. */
	if (c->req.head.expect_continue && c->in_n == c->head_n &&
		give(c, v) < 0)
		c->gone = c->ssl || (errno != EAGAIN && errno != EWOULDBLOCK);
	reading(c, true);
	/* What came with the head is looked at by conn_input's loop. */
}

void conn_stream(struct conn *c)
{
	const struct conf *k = &c->server->api->conf;

	c->body_max = k->api_stream_max;
	c->stream_until_ms = after(when_clock_ms(), k->api_stream_timeout_s);
	c->until_ms += 1000 * (int64_t)k->api_stream_timeout_s;
}

void conn_pause(struct conn *c)
{
	conn_become(c, CONN_BUSY);
}

bool conn_go_on(struct conn *c)
{
	if (c->body_whole)
		return false;
	conn_become(c, CONN_BODY);
	if (c->deadline_ms > c->stream_until_ms)
		c->deadline_ms = c->stream_until_ms;
	if (!c->eof)
		reading(c, true);
	return true;
}

static void body_ended(struct conn *c)
{
	c->body_whole = true;
	conn_become(c, CONN_BUSY);
	req_body_end(&c->req);
}

/* Who sends buys time with each byte, never more than one deadline's. */
static void put_off(struct conn *c, size_t n)
{
	int64_t most = when_clock_ms() +
		1000 * (int64_t)c->server->api->conf.api_body_timeout_s;

	if (most > c->stream_until_ms)
		most = c->stream_until_ms;
	c->deadline_ms += (int64_t)(n * 1000 / STREAM_RATE_MIN);
	if (c->deadline_ms > most)
		c->deadline_ms = most;
}

/* Feeds what stands behind the head, piece by piece. */
static void body_input(struct conn *c)
{
	struct http_refusal no = {0};
	size_t at = c->head_n, used = 0;
	enum http_step step;

	do {
		struct slice piece = {0};

		step = http_body_next(
			&c->body, c->in + at, c->in_n - at, &used, &piece, &no);
		if (step == HTTP_REFUSED) {
			refuse(c, no.status, no.why);
			return;
		}
		at += used;
		c->body_n += piece.n;
		if (c->body_n > c->body_max) {
			c->server->count.refused_bodies++;
			refuse(c, 413, "the body is over its bound");
			return;
		}
		if (piece.n)
			req_body(&c->req, piece.at, piece.n);
	} while (c->state == CONN_BODY && step == HTTP_MORE && used);
	if (c->state != CONN_BODY && c->state != CONN_BUSY)
		return;
	/* The head stays where it is: slices point into it. */
	memmove(c->in + c->head_n, c->in + at, c->in_n - at);
	c->in_n -= at - c->head_n;
	if (c->state == CONN_BUSY)
		c->body_whole = step == HTTP_DONE;
	else if (step == HTTP_DONE)
		body_ended(c);
	else if (c->stream_until_ms)
		put_off(c, at - c->head_n);
}

/* Works on the bytes that are there until they are used up. */
static void conn_input(struct conn *c)
{
	for (;;) {
		enum conn_state was = c->state;
		size_t had = c->in_n;

		if (c->gone)
			return;
		if (was == CONN_HEAD && c->in_n)
			head_input(c);
		else if (was == CONN_BODY)
			body_input(c);
		if (c->state != CONN_HEAD && c->state != CONN_BODY)
			return;
		if (c->state == was && c->in_n == had)
			break;
	}
	/* Half a request, and no more will come. */
	if (c->eof)
		c->gone = true;
}

/* Reads and forgets, for as long as bytes keep coming.  False at the end. */
static bool linger_input(struct conn *c)
{
	char waste[BODY_ROOM];
	ssize_t n = recv(c->fd, waste, sizeof(waste), 0);

	if (n > 0) {
		c->body_n += (uint64_t)n;
		c->deadline_ms = when_clock_ms() + LINGER_MS;
		if (c->deadline_ms > c->linger_until_ms)
			c->deadline_ms = c->linger_until_ms;
		return c->body_n <= c->body_max;
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void maybe_close(struct conn *c)
{
	if (c->gone && c->state != CONN_BUSY)
		conn_close(c);
}

/* Goes on with the handshake; plain HTTP is told where it has come to. */
static void shake(struct conn *c)
{
	switch (tls_handshake(c->ssl)) {
	case TLS_WANTS_READ:
		writing(c, false);
		return;
	case TLS_WANTS_WRITE:
		writing(c, true);
		return;
	case TLS_DONE:
		writing(c, false);
		conn_become(c, CONN_HEAD);
		return;
	case TLS_PLAIN:
		tls_free(c->ssl);
		c->ssl = NULL;
		c->peer.https = c->https = false;
		conn_become(c, CONN_HEAD);
		refuse(c, 400,
			"this port speaks HTTPS; ask for https:// instead of "
			"http://");
		return;
	case TLS_FAILED:
		c->server->count.refused_tls++;
		c->gone = true;
	}
}

/* Nothing is to be said; the end is heard of here. */
static void flow_input(struct conn *c)
{
	char waste[1024];
	ssize_t n = take(c, waste, sizeof(waste));

	if (n > 0)
		c->body_n += (uint64_t)n;
	c->gone = c->body_n > BODY_ROOM || !n ||
		(n < 0 && errno != EAGAIN && errno != EINTR);
	tell_pending(c);
}

static void on_read(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	ssize_t n;

	(void)fd, (void)what;
	if (c->state == CONN_SHAKE) {
		shake(c);
		tell_pending(c);
		maybe_close(c);
		return;
	}
	if (c->state == CONN_LINGER) {
		if (!linger_input(c))
			conn_close(c);
		return;
	}
	if (c->state == CONN_FLOW) {
		flow_input(c);
		maybe_close(c);
		return;
	}
	if (!have_buffer(c)) {
		conn_close(c);
		return;
	}
	if (c->in_n == c->cap || c->eof) {
		/* Pipelined bytes wait in the socket until there is room. */
		reading(c, false);
		return;
	}
	n = take(c, c->in + c->in_n, c->cap - c->in_n);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			c->gone = true;
	} else if (n == 0) {
		c->eof = true;
		reading(c, false);
		/* A client may close its half and still want the reply. */
		if (c->state == CONN_HEAD || c->state == CONN_BODY ||
			c->state == CONN_LIVE)
			c->gone = true;
	} else {
		c->in_n += (size_t)n;
		if (c->state == CONN_HEAD || c->state == CONN_BODY)
			conn_input(c);
	}
	tell_pending(c);
	maybe_close(c);
}

/* ---- output ---- */

static void drop_out(struct conn *c)
{
	c->server->count.reply_bytes -= c->counted;
	free(c->out);
	blob_drop(c->body_out);
	c->out = NULL;
	c->body_out = NULL;
	c->out_n = c->out_sent = c->body_sent = c->counted = 0;
}

/* The reply left.  Next request, or the end. */
static void sent(struct conn *c)
{
	drop_out(c);
	writing(c, false);
	if (!c->keep) {
		if (c->eof) {
			c->gone = true;
			return;
		}
		/* Close only our half: an unread byte would make the kernel
		 * reset the connection and take the reply with it. */
		give_end(c);
		c->in_n = 0;
		conn_become(c, CONN_LINGER);
		reading(c, true);
		return;
	}
	consume(c, c->head_n);
	c->head_n = 0;
	conn_become(c, CONN_HEAD);
	if (!c->eof)
		reading(c, true);
	else if (!c->in_n)
		c->gone = true;
}

/* Sends on, from what is left of head and body.  True at their end. */
static bool push(struct conn *c)
{
	struct blob *b = c->body_out;
	struct iovec v[2] = {
		{.iov_base = c->out + c->out_sent,
			.iov_len = c->out_n - c->out_sent},
		{.iov_base = b ? b->at + c->body_sent : NULL,
			.iov_len = b ? b->n - c->body_sent : 0},
	};
	ssize_t n = give(c, v);

	if (n < 0) {
		c->gone = errno != EAGAIN && errno != EINTR;
		return false;
	}
	c->out_sent += (size_t)n < v[0].iov_len ? (size_t)n : v[0].iov_len;
	if ((size_t)n > v[0].iov_len)
		c->body_sent += (size_t)n - v[0].iov_len;
	return (size_t)n == v[0].iov_len + v[1].iov_len;
}

/* ---- a reply without an end ---- */

/* One piece after another, as far as the socket takes them. */
static void push_live(struct conn *c)
{
	do {
		drop_out(c);
		c->body_out = c->next_out;
		c->next_out = NULL;
		if (!c->body_out) {
			c->deadline_ms = INT64_MAX;
			writing(c, false);
			return;
		}
		c->deadline_ms = when_clock_ms() +
			1000 *
				(int64_t)c->server->api->conf
					.api_reply_timeout_s;
	} while (push(c));
	if (!c->gone)
		writing(c, true);
}

void conn_live(struct conn *c, const char *head, size_t head_n)
{
	int room = LIVE_SEND_ROOM;

	c->keep = false;
	conn_become(c, CONN_LIVE);
	setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (!c->eof)
		reading(c, true);
	else
		c->gone = true;
	if (!(c->out = malloc(head_n))) {
		c->gone = true;
		return;
	}
	memcpy(c->out, head, head_n);
	c->out_n = head_n;
	writing(c, true);
}

bool conn_live_put(struct conn *c, struct blob *piece)
{
	bool waits = c->next_out != NULL;

	if (c->gone) {
		blob_drop(piece);
		return true;
	}
	blob_drop(c->next_out);
	c->next_out = piece;
	if (!c->write_on)
		push_live(c);
	return !waits;
}

void conn_live_end(struct conn *c)
{
	c->gone = true;
}

static void on_write(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if (c->state == CONN_SHAKE) {
		shake(c);
	} else if (c->state == CONN_LIVE) {
		if (push(c))
			push_live(c);
	} else if (c->state == CONN_FLOW) {
		writing(c, false);
		c->req.flow(&c->req, false);
	} else if (push(c)) {
		sent(c);
		conn_input(c);
	}
	maybe_close(c);
}

/* Keeps what the socket did not take, within the bound of all such replies:
 * clients that do not read must not use up the memory of those who do.  A body
 * that somebody else keeps account of costs nothing here. */
static bool keep_rest(struct conn *c, const char *head, size_t n)
{
	struct server_counters *count = &c->server->count;
	size_t most = c->server->api->conf.api_bodies_max, rest = n;

	if (c->body_out && !c->body_out->account) {
		rest += c->body_out->n;
		blob_fit(c->body_out);
	}
	if (rest > most || count->reply_bytes > most - rest ||
		!server_has_room(c->server, rest)) {
		count->refused_replies++;
		return false;
	}
	if (n && !(c->out = malloc(n)))
		return false;
	if (n)
		memcpy(c->out, head, n);
	c->out_n = n;
	c->counted = rest;
	count->reply_bytes += rest;
	return true;
}

void conn_send(
	struct conn *c, const char *head, size_t head_n, struct blob *body)
{
	struct iovec v[2] = {
		{.iov_base = (void *)(uintptr_t)head, .iov_len = head_n},
		{.iov_base = body ? body->at : NULL,
			.iov_len = body ? body->n : 0},
	};
	size_t done;
	ssize_t n;

	/* The body was not read to its end: what follows is no request. */
	if (!c->body_whole)
		c->keep = false;
	conn_become(c, CONN_SEND);
	c->body_out = body;
	n = c->gone ? -1 : give(c, v);
	if (n < 0 && (c->gone || (errno != EAGAIN && errno != EINTR))) {
		c->gone = true;
		return;
	}
	done = n < 0 ? 0 : (size_t)n;
	if (done == head_n + v[1].iov_len) {
		sent(c);
		return;
	}
	c->body_sent = done > head_n ? done - head_n : 0;
	done = done < head_n ? done : head_n;
	if (keep_rest(c, head + done, head_n - done))
		writing(c, true);
	else
		c->gone = true;
}

void conn_flow(struct conn *c, const char *head, size_t n)
{
	struct iovec v[2] = {
		{.iov_base = (void *)(uintptr_t)head, .iov_len = n}, {0}};
	int room = LIVE_SEND_ROOM;

	c->keep = false;
	c->body_n = 0;
	setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	conn_become(c, CONN_FLOW);
	/* A head fits into any socket's buffer. */
	if (give(c, v) != (ssize_t)n)
		c->gone = true;
	if (!c->eof)
		reading(c, true);
	else
		c->gone = true;
}

ssize_t conn_flow_send(struct conn *c, char *at, size_t n)
{
	struct iovec v[2] = {{.iov_base = at, .iov_len = n}, {0}};
	ssize_t sent = c->gone ? -1 : give(c, v);

	if (sent < 0 && !c->gone && (errno == EAGAIN || errno == EINTR))
		sent = 0;
	c->gone = sent < 0;
	if (sent == (ssize_t)n)
		c->deadline_ms = INT64_MAX;
	else if (sent > 0 || c->deadline_ms == INT64_MAX)
		c->deadline_ms = when_clock_ms() +
			1000 *
				(int64_t)c->server->api->conf
					.api_reply_timeout_s;
	writing(c, sent >= 0 && sent < (ssize_t)n);
	return sent;
}

void conn_flow_end(struct conn *c)
{
	req_end(&c->req);
	c->body_n = 0;
	c->body_max = c->server->api->conf.api_body_max;
	sent(c);
}

/* ---- the end ---- */

/* What it holds from its beginning to its end. */
static size_t own_bytes(const struct server *s)
{
	return sizeof(struct conn) + (s->tls ? TLS_BYTES : 0);
}

void conn_close(struct conn *c)
{
	struct server *s = c->server;

	reading(c, false);
	writing(c, false);
	req_end(&c->req);
	/* A client that waits is told; whether it hears is its own matter. */
	if (c->ssl && c->state == CONN_HEAD)
		tls_end(c->ssl);
	tls_free(c->ssl);
	close(c->fd);
	if (c->prev)
		c->prev->next = c->next;
	else
		s->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
	leave_waiters(c);
	peers_drop(&s->peers, c->origin);
	drop_out(c);
	blob_drop(c->next_out);
	drop_buffer(c);
	free(c);
	s->count.buffer_bytes -= own_bytes(s);
	s->count.open--;
}

bool conn_alive(struct conn *c)
{
	if (c->gone && c->state != CONN_BUSY) {
		conn_close(c);
		return false;
	}
	/* A reply went out from a completion: pipelined bytes are next. */
	if (c->state == CONN_HEAD || c->state == CONN_BODY)
		conn_input(c);
	if (c->gone && c->state != CONN_BUSY) {
		conn_close(c);
		return false;
	}
	return true;
}

void conn_open(struct server *s, int fd, const char *addr, struct peer *origin)
{
	struct conn *c = calloc(1, sizeof(*c));
	int on = 1;

	if (!c || (s->tls && !(c->ssl = tls_begin(s->tls, fd)))) {
		peers_drop(&s->peers, origin);
		free(c);
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->server = s;
	c->fd = fd;
	c->req.conn = c;
	c->req.api = s->api;
	c->origin = origin;
	snprintf(c->peer.addr, sizeof(c->peer.addr), "%s", addr);
	c->peer.https = c->https = c->ssl != NULL;
	memcpy(c->addr, c->peer.addr, sizeof(c->addr));
	event_assign(&c->on_read, s->api->base, fd, EV_READ | EV_PERSIST,
		on_read, c);
	event_assign(&c->on_write, s->api->base, fd, EV_WRITE | EV_PERSIST,
		on_write, c);
	c->next = s->conns;
	if (s->conns)
		s->conns->prev = c;
	s->conns = c;
	s->count.buffer_bytes += own_bytes(s);
	s->count.open++;
	s->count.accepted++;
	conn_become(c, c->ssl ? CONN_SHAKE : CONN_HEAD);
	reading(c, true);
}

static void count_late(struct conn *c)
{
	struct server_counters *count = &c->server->count;
	bool whole = when_clock_ms() >= c->until_ms;

	switch (c->state) {
	case CONN_SHAKE:
		count->late_handshakes++;
		break;
	case CONN_HEAD:
		(*(c->begun ? &count->late_heads : &count->idle))++;
		break;
	case CONN_BODY:
		(*(whole ? &count->late_requests : &count->late_bodies))++;
		break;
	case CONN_SEND:
		(*(whole ? &count->late_requests : &count->late_replies))++;
		break;
	case CONN_FLOW:
		count->cut_streams++;
		count->late_replies++;
		break;
	case CONN_LIVE:
		count->late_replies++;
		break;
	case CONN_LINGER:
	case CONN_BUSY:
		break;
	}
}

void conn_late(struct conn *c)
{
	count_late(c);
	if ((c->state == CONN_HEAD && c->begun) || c->state == CONN_BODY)
		refuse(c, 408, "the request took too long to arrive");
	else
		c->gone = true;
	maybe_close(c);
}

void conn_idle(struct conn *c)
{
	if (c->state == CONN_HEAD && !c->begun)
		drop_buffer(c);
}

void conn_stop(struct conn *c)
{
	char first;

	c->keep = false;
	/* A request that has begun, or lies in the socket, is answered. */
	if (c->state == CONN_HEAD && !c->begun &&
		recv(c->fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) > 0) {
		begin_head(c, when_clock_ms());
	}
	if ((c->state == CONN_HEAD && !c->begun) || c->state == CONN_SHAKE ||
		c->state == CONN_LIVE)
		conn_close(c);
	else if (c->state == CONN_FLOW)
		c->req.flow(&c->req, true);
}
