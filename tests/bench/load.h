// SPDX-License-Identifier: MIT
/*
 * load: a hundred connections that ask the same over HTTP, how long each
 * answer takes, and a bare server to hold that against.  For one benchmark's
 * own file: everything is static.
 */
#ifndef TALLY_TESTS_BENCH_LOAD_H
#define TALLY_TESTS_BENCH_LOAD_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/text.h"

enum {
	CONNECTIONS = 100,
	PACE_MS = 250,
	LATENCIES = 1 << 21,
	HEAD_MAX = 4096,
	CHUNK = 1 << 18
};

struct client {
	int fd;
	bool busy;
	double due, next; /* of the request under way; of the next one */
	char head[HEAD_MAX];
	size_t head_n, body_left;
	bool in_body;
};

struct result {
	double rate, p50, p99, most; /* 1/s, ms */
};

static double latency[LATENCIES];
static size_t latencies;
static char chunk[CHUNK];

static void leave(const char *why)
{
	fprintf(stderr, "bench: %s: %s\n", why,
		errno ? strerror(errno) : "failed");
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- one question at a time ---- */

static int connect_to(int port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		leave("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void send_all(int fd, const char *at, size_t n)
{
	while (n) {
		ssize_t k = send(fd, at, n, MSG_NOSIGNAL);

		if (k <= 0)
			leave("send");
		at += k;
		n -= (size_t)k;
	}
}

/* Status and length of a whole head, which ends with an empty line. */
static int read_head(const char *head, size_t *length)
{
	const char *l = strstr(head, "\r\nContent-Length: ");

	*length = l ? strtoull(l + 18, NULL, 10) : 0;
	return atoi(head + 9);
}

/* The whole reply in *t; its body begins at what is returned. */
static size_t fetch(int port, const char *token, const char *method,
	const char *path, const char *extra, const struct text *body,
	struct text *t)
{
	char head[2048];
	int fd = connect_to(port);
	size_t length, begin = 0;
	int n = snprintf(head, sizeof(head),
		"%s %s HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\n"
		"%sContent-Type: application/json\r\nContent-Length: "
		"%zu\r\n\r\n",
		method, path, token, extra, body ? body->n : 0);

	send_all(fd, head, (size_t)n);
	if (body)
		send_all(fd, body->at, body->n);
	text_clear(t);
	for (length = 1; !begin || t->n < begin + length;) {
		ssize_t k = recv(fd, chunk, sizeof(chunk), 0);
		char *end;

		if (k <= 0)
			leave(path);
		text_add(t, chunk, (size_t)k);
		if (begin || !(end = strstr(t->at, "\r\n\r\n")))
			continue;
		begin = (size_t)(end - t->at) + 4;
		if (read_head(t->at, &length) != 200) {
			fprintf(stderr, "bench: %s: %s\n", path, t->at);
			exit(1);
		}
	}
	close(fd);
	return begin;
}

/* ---- many at once ---- */

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct result summary(double took)
{
	struct result r = {.rate = (double)latencies / took};

	if (!latencies)
		return r;
	qsort(latency, latencies, sizeof(*latency), by_size);
	r.p50 = latency[(latencies - 1) / 2] * 1e3;
	r.p99 = latency[(size_t)((double)(latencies - 1) * 0.99)] * 1e3;
	r.most = latency[latencies - 1] * 1e3;
	return r;
}

static void ask(struct client *c, const char *request, size_t n, double due)
{
	c->busy = true;
	c->due = due;
	c->head_n = 0;
	c->in_body = false;
	send_all(c->fd, request, n);
}

/* Takes what is there.  True when the reply is whole. */
static bool answered(struct client *c)
{
	ssize_t k = recv(c->fd, chunk, sizeof(chunk), 0);
	size_t at = 0, n = (size_t)k, length;
	char *end;

	if (k <= 0)
		leave("recv");
	if (!c->in_body) {
		at = n < HEAD_MAX - 1 - c->head_n ? n
						  : HEAD_MAX - 1 - c->head_n;
		memcpy(c->head + c->head_n, chunk, at);
		c->head[c->head_n + at] = '\0';
		end = strstr(c->head, "\r\n\r\n");
		if (!end) {
			c->head_n += at;
			return false;
		}
		if (read_head(c->head, &length) != 200)
			leave(c->head);
		at = (size_t)(end - c->head) + 4 - c->head_n;
		c->in_body = true;
		c->body_left = length;
	}
	c->body_left -= n - at;
	if (c->body_left)
		return false;
	c->busy = false;
	if (latencies < LATENCIES)
		latency[latencies++] = now() - c->due;
	return true;
}

/* Asks whose time it is; returns how long none is. */
static double ask_due(struct client *c, const char *request, size_t n)
{
	double soon = 1, t = now();

	for (int i = 0; i < CONNECTIONS; i++) {
		if (c[i].busy)
			continue;
		if (c[i].next <= t) {
			ask(&c[i], request, n, c[i].next);
			c[i].next += PACE_MS / 1e3;
		} else if (c[i].next - t < soon) {
			soon = c[i].next - t;
		}
	}
	return soon;
}

static struct result load(
	int port, const char *request, bool paced, double lasts)
{
	static struct client c[CONNECTIONS];
	struct epoll_event ev[CONNECTIONS];
	int ep = epoll_create1(EPOLL_CLOEXEC), open = CONNECTIONS;
	size_t n = strlen(request);
	double begin, end;

	latencies = 0;
	for (int i = 0; i < CONNECTIONS; i++) {
		struct epoll_event e = {
			.events = EPOLLIN, .data.u32 = (unsigned)i};

		c[i].fd = connect_to(port);
		c[i].busy = false;
		if (epoll_ctl(ep, EPOLL_CTL_ADD, c[i].fd, &e))
			leave("epoll");
	}
	begin = now();
	end = begin + lasts;
	for (int i = 0; i < CONNECTIONS; i++) {
		c[i].next = begin + i * PACE_MS / 1e3 / CONNECTIONS;
		if (!paced)
			ask(&c[i], request, n, begin);
	}
	while (open) {
		double wait = paced && now() < end ? ask_due(c, request, n) : 1;
		struct timespec ts = {(time_t)wait,
			(long)((wait - (double)(time_t)wait) * 1e9)};
		int k = epoll_pwait2(ep, ev, CONNECTIONS, &ts, NULL);

		for (int i = 0; i < k; i++) {
			struct client *one = &c[ev[i].data.u32];

			if (!answered(one))
				continue;
			if (!paced && now() < end)
				ask(one, request, n, now());
		}
		if (now() < end)
			continue;
		open = 0;
		for (int i = 0; i < CONNECTIONS; i++)
			open += c[i].busy;
	}
	end = now();
	for (int i = 0; i < CONNECTIONS; i++)
		close(c[i].fd);
	close(ep);
	return summary(end - begin);
}

/* ---- the bare server ---- */

struct peer {
	size_t seen, sent; /* of the end of a head; of the reply */
	bool sending;
};

static void serve_peer(int ep, int fd, struct peer *p, const struct text *reply)
{
	static const char end[] = "\r\n\r\n";
	char in[4096];
	ssize_t k = 0;

	if (!p->sending) {
		k = recv(fd, in, sizeof(in), MSG_DONTWAIT);
		if (k == 0 || (k < 0 && errno != EAGAIN)) {
			close(fd);
			*p = (struct peer){0};
			return;
		}
	}
	for (ssize_t i = 0; i < k; i++)
		p->seen = in[i] == end[p->seen] ? p->seen + 1 : in[i] == '\r';
	if (p->seen == 4) {
		p->seen = p->sent = 0;
		p->sending = true;
	}
	if (!p->sending)
		return;
	k = send(fd, reply->at + p->sent, reply->n - p->sent,
		MSG_NOSIGNAL | MSG_DONTWAIT);
	p->sent += k > 0 ? (size_t)k : 0;
	p->sending = p->sent < reply->n;
	epoll_ctl(ep, EPOLL_CTL_MOD, fd,
		&(struct epoll_event){.events = p->sending ? EPOLLOUT : EPOLLIN,
			.data.fd = fd});
}

/* A process that answers each request with these bytes; its port. */
static int serve_bare(const struct text *reply, pid_t *pid)
{
	static struct peer peer[4096];
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, ep;
	struct epoll_event ev[64];

	if (l < 0 || bind(l, (struct sockaddr *)&at, len) || listen(l, 1024) ||
		getsockname(l, (struct sockaddr *)&at, &len) ||
		(*pid = fork()) < 0)
		leave("bare server");
	if (*pid) {
		close(l);
		return ntohs(at.sin_port);
	}
	ep = epoll_create1(0);
	epoll_ctl(ep, EPOLL_CTL_ADD, l,
		&(struct epoll_event){.events = EPOLLIN, .data.fd = l});
	for (;;) {
		int k = epoll_wait(ep, ev, 64, -1);

		for (int i = 0; i < k; i++) {
			int fd = ev[i].data.fd;

			if (fd != l) {
				serve_peer(ep, fd, &peer[fd], reply);
				continue;
			}
			if ((fd = accept(l, NULL, NULL)) < 0)
				continue;
			setsockopt(
				fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
			epoll_ctl(ep, EPOLL_CTL_ADD, fd,
				&(struct epoll_event){
					.events = EPOLLIN, .data.fd = fd});
		}
	}
}

static void stop(pid_t pid)
{
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
}

#endif
