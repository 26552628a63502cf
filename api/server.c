// SPDX-License-Identifier: MIT
#include "api/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/allow.h"
#include "api/api.h"
#include "api/live.h"
#include "api/memo.h"
#include "api/metrics.h"
#include "api/tls.h"
#include "api/upload.h"
#include "common/log.h"
#include "common/when.h"

enum { MUCH = 32 << 20 };
enum { ACCEPT_PAUSE_MS = 100, ACCEPTS_A_TURN = 64, LISTEN_MAX = 1024 };

/* The client has no connection yet that a reply could be made for. */
static void refuse(const struct server *s, int fd, const char *why)
{
	char body[256], full[512];
	int n = snprintf(body, sizeof(body),
		"{\"type\":\"urn:tally:problem:busy\","
		"\"title\":\"Service Unavailable\",\"status\":503,"
		"\"detail\":\"%s; try again\"}",
		why);
	int k = snprintf(full, sizeof(full),
		"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\n"
		"Content-Type: application/problem+json\r\n"
		"Content-Length: %d\r\nConnection: close\r\n\r\n%s",
		n, body);
	ssize_t sent = s->tls ? 0 : send(fd, full, (size_t)k, MSG_NOSIGNAL);

	(void)sent; /* with TLS there is nothing to be said it in */
	close(fd);
}

static void refuse_full(struct server *s, int fd)
{
	s->count.refused_full++;
	refuse(s, fd, "too many clients are connected");
}

static void on_pause_over(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)what;
	if (!s->stopping)
		event_add(&s->on_accept, NULL);
}

static void keep_spare(struct server *s)
{
	if (s->spare < 0)
		s->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* By the one descriptor that was kept: who would else hang in the queue. */
static void refuse_by_spare(struct server *s)
{
	int got;

	for (int i = 0; i < ACCEPTS_A_TURN && s->spare >= 0; i++) {
		close(s->spare);
		got = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (got >= 0)
			refuse_full(s, got);
		s->spare = -1;
		keep_spare(s);
		if (got < 0)
			break;
	}
}

/* Out of descriptors: leave the queue alone for a moment, do not spin. */
static void pause_accept(struct server *s)
{
	struct timeval pause = {0, ACCEPT_PAUSE_MS * 1000};

	if (!s->accept_failing)
		log_error("listener: cannot accept: %s", strerror(errno));
	s->accept_failing = true;
	s->count.no_descriptors++;
	refuse_by_spare(s);
	event_del(&s->on_accept);
	event_add(&s->on_pause, &pause);
}

static void write_address(
	char addr[PROXY_ADDRESS], const struct sockaddr_storage *from)
{
	const struct sockaddr_in *v4 = (const void *)from;
	const struct sockaddr_in6 *v6 = (const void *)from;

	if (from->ss_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, addr, PROXY_ADDRESS);
	else
		inet_ntop(AF_INET6, &v6->sin6_addr, addr, PROXY_ADDRESS);
}

static bool gives_way(struct server *s, struct conn *c)
{
	if (!c)
		return false;
	s->count.gave_way++;
	conn_close(c);
	return true;
}

/* Is there a place?  Who waits for nothing leaves his to who comes. */
static bool make_place(struct server *s)
{
	return s->count.open < s->api->connections_max ||
		gives_way(s, s->waits_longest);
}

/* The same among those of one address, of which the one that comes is one. */
static bool make_own_place(struct server *s, const struct peer *of)
{
	struct conn *c = s->waits_longest;

	if (of->n <= (unsigned)s->api->conf.api_address_connections_max)
		return true;
	while (c && c->origin != of)
		c = c->after;
	return gives_way(s, c);
}

static void take(struct server *s, int fd, const struct sockaddr_storage *from)
{
	const struct conf *k = &s->api->conf;
	char addr[PROXY_ADDRESS];
	struct peer *of;

	write_address(addr, from);
	of = peers_add(&s->peers, addr);
	/* Behind a proxy are many. */
	if (of && !allow_has(k->api_trusted_proxies, addr) &&
		!make_own_place(s, of)) {
		s->count.refused_address++;
		refuse(s, fd, "too many connections from this address");
	} else if (!of || !make_place(s)) {
		refuse_full(s, fd);
	} else {
		conn_open(s, fd, addr, of);
		return;
	}
	peers_drop(&s->peers, of);
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;
	/* Where others accept, too, each takes its share. */
	int most = s->api->conf.api_processes > 1 && !s->stopping
		? 1
		: ACCEPTS_A_TURN;

	(void)what;
	for (int i = 0; i < most; i++) {
		struct sockaddr_storage from;
		socklen_t n = sizeof(from);
		int got = accept4(fd, (struct sockaddr *)&from, &n,
			SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (got < 0) {
			if (errno == EMFILE || errno == ENFILE ||
				errno == ENOBUFS || errno == ENOMEM)
				pause_accept(s);
			return;
		}
		s->accept_failing = false;
		take(s, got, &from);
	}
}

/* The allocator keeps what was freed: once it was much, it goes back. */
static void give_back(struct server *s)
{
	size_t now = server_memory(s);

	if (now > s->peak)
		s->peak = now;
	if (s->peak < MUCH || now > s->peak / 2)
		return;
	malloc_trim(0);
	s->peak = now;
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;
	int64_t now = when_clock_ms();
	struct conn *next;

	(void)fd;
	(void)what;
	keep_spare(s);
	give_back(s);
	if (s->api->conf.api_processes > 1)
		metrics_publish(s->api);
	for (struct conn *c = s->conns; c; c = next) {
		next = c->next;
		if (now >= c->deadline_ms)
			conn_late(c);
		else
			conn_idle(c);
	}
}

static bool is_loopback(const struct sockaddr_storage *at)
{
	const struct sockaddr_in *v4 = (const void *)at;
	const struct sockaddr_in6 *v6 = (const void *)at;

	if (at->ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

enum err server_listen(struct api *api)
{
	const struct conf *k = &api->conf;
	struct sockaddr_storage at;
	int n = sizeof(at), on = 1;
	socklen_t len = sizeof(at);

	memset(&at, 0, sizeof(at));
	if (evutil_parse_sockaddr_port(
		    k->api_listen, (struct sockaddr *)&at, &n)) {
		log_error("api.listen: \"%s\" is not an IP address",
			k->api_listen);
		return E_INVALID;
	}
	if (!*k->api_tls_cert && !k->api_plain_http && !is_loopback(&at)) {
		log_error("api.listen: tokens and passwords would cross the "
			  "network at %s in the clear; set api.tls_cert and "
			  "api.tls_key, or api.plain_http = yes",
			k->api_listen);
		return E_INVALID;
	}
	if (at.ss_family == AF_INET)
		((struct sockaddr_in *)&at)->sin_port =
			htons((uint16_t)k->api_port);
	else
		((struct sockaddr_in6 *)&at)->sin6_port =
			htons((uint16_t)k->api_port);
	api->listen_fd = socket(
		at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (api->listen_fd < 0 ||
		setsockopt(api->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on,
			sizeof(on)) ||
		bind(api->listen_fd, (struct sockaddr *)&at, (socklen_t)n) ||
		listen(api->listen_fd, LISTEN_MAX) ||
		getsockname(api->listen_fd, (struct sockaddr *)&at, &len)) {
		log_error("cannot listen on %s port %d: %s", k->api_listen,
			k->api_port, strerror(errno));
		return E_IO;
	}
	api->port = ntohs(at.ss_family == AF_INET
			? ((struct sockaddr_in *)&at)->sin_port
			: ((struct sockaddr_in6 *)&at)->sin6_port);
	return E_OK;
}

enum err server_open(struct server **out, struct api *api)
{
	struct server *s = calloc(1, sizeof(*s));
	struct timeval second = {1, 0};
	enum err e;

	*out = NULL;
	if (!s)
		return E_NOMEM;
	s->api = api;
	s->fd = api->listen_fd;
	s->spare = -1;
	keep_spare(s);
	peers_init(&s->peers);
	if ((e = proxy_check(&api->conf)) ||
		(e = tls_open(&s->tls, &api->conf))) {
		close(s->fd);
		close(s->spare);
		tls_close(s->tls);
		free(s);
		return e;
	}
	event_assign(&s->on_accept, api->base, s->fd, EV_READ | EV_PERSIST,
		on_accept, s);
	event_assign(&s->on_pause, api->base, -1, 0, on_pause_over, s);
	event_assign(&s->on_sweep, api->base, -1, EV_PERSIST, on_sweep, s);
	event_add(&s->on_accept, NULL);
	event_add(&s->on_sweep, &second);
	*out = s;
	return E_OK;
}

void server_reload(struct server *s)
{
	if (s->tls && !tls_reload(s->tls, &s->api->conf))
		log_info("certificate and key were read again");
}

void server_stop(struct server *s)
{
	struct conn *next;

	if (s->stopping)
		return;
	/* Whoever is connected already, as far as the system knows. */
	s->stopping = true;
	for (int i = 0; i < LISTEN_MAX / ACCEPTS_A_TURN; i++)
		on_accept(s->fd, 0, s);
	event_del(&s->on_accept);
	event_del(&s->on_pause);
	close(s->fd);
	s->fd = -1;
	for (struct conn *c = s->conns; c; c = next) {
		next = c->next;
		conn_stop(c);
	}
}

bool server_stopping(const struct server *s)
{
	return s->stopping;
}

void server_close(struct server *s)
{
	struct conn *next;

	if (!s)
		return;
	server_stop(s);
	event_del(&s->on_sweep);
	for (struct conn *c = s->conns; c; c = next) {
		next = c->next;
		conn_close(c);
	}
	tls_close(s->tls);
	if (s->spare >= 0)
		close(s->spare);
	free(s);
}

struct server_counters *server_counters(struct server *s)
{
	return &s->count;
}

size_t server_memory(const struct server *s)
{
	const struct server_counters *c = &s->count;
	const struct api *api = s->api;

	return c->buffer_bytes + c->request_bytes + c->stream_bytes +
		c->body_bytes + c->reply_bytes +
		memo_counters(api->memo).bytes + live_bytes(api->live) +
		api->uploads->open * (size_t)UPLOAD_HOLDS;
}

bool server_has_room(const struct server *s, size_t n)
{
	size_t most = s->api->conf.api_memory_max, now = server_memory(s);

	return n <= most && now <= most - n;
}
