// SPDX-License-Identifier: MIT
/*
 * load: many connections that ask over HTTP, each again as soon as it has its
 * answer or once in a while, and how long each answer takes.  For one
 * benchmark's own file: everything is static.
 */
#ifndef TALLY_TESTS_BENCH_LOAD_H
#define TALLY_TESTS_BENCH_LOAD_H

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/base.h"

enum {
	CLIENTS_MAX = 128,
	LATENCIES = 1 << 21,
	HEAD_MAX = 4096,
	BODY_KEPT = 512,
	CHUNK = 1 << 18
};

/* Where in a reply it is; IN_SIZE to IN_END frame the chunks of a body. */
enum reading { IN_HEAD, IN_BODY, IN_SIZE, IN_CHUNK, IN_CRLF, IN_END };

struct client {
	int number, fd;
	bool busy, blocked; /* blocked: it does not take more for now */
	double due, next;   /* of the request under way; of the next one */
	const char *out;    /* what is left to send */
	size_t out_n;
	enum reading at;
	int status;
	size_t head_n, body_n, left;
	char head[HEAD_MAX], body[BODY_KEPT]; /* the beginning of it */
};

struct load {
	int port, clients;
	double lasts;  /* seconds */
	double pace_s; /* between the questions of one; 0: it asks at once */
	/* What c asks now, which must stay until it is answered.  False: it has
	 * no more to ask. */
	bool (*ask)(void *ctx, struct client *c);
	/* Looks at an answer; NULL: any 200 or 204 will do. */
	void (*told)(void *ctx, struct client *c);
	void *ctx;
};

struct result {
	double rate, p50, p99, most; /* 1/s, ms */
	size_t n;
	double took; /* s */
};

static double latency[LATENCIES];
static size_t latencies; /* the last of them are kept */
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

/* Status and length of a whole head, which ends with an empty line. */
static int read_head(const char *head, size_t *length)
{
	const char *l = strstr(head, "\r\nContent-Length: ");

	*length = l ? strtoull(l + 18, NULL, 10) : 0;
	return atoi(head + 9);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct result summary(double took)
{
	size_t n = latencies < LATENCIES ? latencies : LATENCIES;
	struct result r = {
		.rate = (double)latencies / took, .n = latencies, .took = took};

	if (!n)
		return r;
	qsort(latency, n, sizeof(*latency), by_size);
	r.p50 = latency[(n - 1) / 2] * 1e3;
	r.p99 = latency[(size_t)((double)(n - 1) * 0.99)] * 1e3;
	r.most = latency[n - 1] * 1e3;
	return r;
}

/* Sends what is left of the request, as far as it is taken. */
static void push(int ep, struct client *c)
{
	struct epoll_event e = {.data.u32 = (unsigned)c->number};

	while (c->out_n) {
		ssize_t k = send(
			c->fd, c->out, c->out_n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (k < 0 && errno == EAGAIN)
			break;
		if (k <= 0)
			leave("send");
		c->out += k;
		c->out_n -= (size_t)k;
	}
	if (c->blocked == (c->out_n > 0))
		return;
	c->blocked = c->out_n > 0;
	e.events = c->blocked ? EPOLLIN | EPOLLOUT : EPOLLIN;
	if (epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e))
		leave("epoll");
}

static void ask(const struct load *l, int ep, struct client *c, double due)
{
	if (!l->ask(l->ctx, c)) {
		c->next = HUGE_VAL;
		return;
	}
	c->busy = true;
	c->due = due;
	c->at = IN_HEAD;
	c->head_n = c->body_n = 0;
	push(ep, c);
}

/* A byte of a head.  True when the reply ends with it. */
static bool take_head(struct client *c, char byte)
{
	if (c->head_n == HEAD_MAX - 1)
		leave("a long head");
	c->head[c->head_n++] = byte;
	if (byte != '\n' || c->head_n < 4 ||
		memcmp(c->head + c->head_n - 4, "\r\n\r\n", 4) != 0)
		return false;
	c->head[c->head_n] = '\0';
	c->status = read_head(c->head, &c->left);
	if (c->status == 204 || c->status == 304)
		return true;
	c->at = strstr(c->head, "\r\nTransfer-Encoding: chunked\r\n") ? IN_SIZE
								      : IN_BODY;
	return c->at == IN_BODY && !c->left;
}

/* Takes as much of a body, or of a chunk, as is there. */
static size_t take_body(struct client *c, const char *at, size_t n)
{
	size_t keep = BODY_KEPT - 1 - c->body_n;

	n = n < c->left ? n : c->left;
	keep = n < keep ? n : keep;
	memcpy(c->body + c->body_n, at, keep);
	c->body_n += keep;
	c->body[c->body_n] = '\0';
	c->left -= n;
	return n;
}

/* A byte of what frames a chunk. */
static void take_size(struct client *c, char byte)
{
	static const char digits[] = "0123456789abcdef";
	const char *d = strchr(digits, byte);

	if (byte == '\n')
		c->at = c->left ? IN_CHUNK : IN_END;
	else if (d && byte)
		c->left = c->left * 16 + (size_t)(d - digits);
}

/* Takes what came.  True when the reply is whole. */
static bool take(struct client *c, const char *at, size_t n)
{
	for (size_t k = 1; n; at += k, n -= k, k = 1) {
		switch (c->at) {
		case IN_HEAD:
			if (take_head(c, *at))
				return true;
			break;
		case IN_BODY:
			k = take_body(c, at, n);
			if (!c->left)
				return true;
			break;
		case IN_SIZE:
			take_size(c, *at);
			break;
		case IN_CHUNK:
			k = take_body(c, at, n);
			if (!c->left)
				c->at = IN_CRLF;
			break;
		case IN_CRLF:
			if (*at == '\n')
				c->at = IN_SIZE;
			break;
		case IN_END:
			if (*at == '\n')
				return true;
			break;
		}
	}
	return false;
}

/* True when the reply is whole. */
static bool answered(const struct load *l, struct client *c)
{
	ssize_t k = recv(c->fd, chunk, sizeof(chunk), MSG_DONTWAIT);

	if (k < 0 && errno == EAGAIN)
		return false;
	if (k <= 0)
		leave("recv");
	if (!take(c, chunk, (size_t)k))
		return false;
	c->busy = false;
	latency[latencies++ % LATENCIES] = now() - c->due;
	if (l->told)
		l->told(l->ctx, c);
	else if (c->status != 200 && c->status != 204)
		leave(c->head);
	return true;
}

/* Asks whose time it is; returns how long none is. */
static double ask_due(const struct load *l, int ep, struct client *c)
{
	double soon = 1, t = now();

	for (int i = 0; i < l->clients; i++) {
		double due = c[i].next;

		if (c[i].busy)
			continue;
		if (due <= t) {
			c[i].next += l->pace_s;
			ask(l, ep, &c[i], due);
		} else if (due - t < soon) {
			soon = due - t;
		}
	}
	return soon;
}

static int connect_all(const struct load *l, struct client *c, double begin)
{
	int ep = epoll_create1(EPOLL_CLOEXEC);

	for (int i = 0; i < l->clients; i++) {
		struct epoll_event e = {
			.events = EPOLLIN, .data.u32 = (unsigned)i};

		c[i].number = i;
		c[i].fd = connect_to(l->port);
		c[i].busy = c[i].blocked = false;
		c[i].next = begin + i * l->pace_s / l->clients;
		if (epoll_ctl(ep, EPOLL_CTL_ADD, c[i].fd, &e))
			leave("epoll");
	}
	return ep;
}

/* One turn of the loop. */
static void serve(const struct load *l, int ep, struct client *c, double end)
{
	double wait = l->pace_s > 0 && now() < end ? ask_due(l, ep, c) : 1;
	struct timespec ts = {
		(time_t)wait, (long)((wait - (double)(time_t)wait) * 1e9)};
	struct epoll_event ev[CLIENTS_MAX];
	int k = epoll_pwait2(ep, ev, CLIENTS_MAX, &ts, NULL);

	for (int i = 0; i < k; i++) {
		struct client *one = &c[ev[i].data.u32];

		if (ev[i].events & EPOLLOUT)
			push(ep, one);
		if (!(ev[i].events & ~(unsigned)EPOLLOUT) || !answered(l, one))
			continue;
		if (!(l->pace_s > 0) && now() < end)
			ask(l, ep, one, now());
	}
}

/* Until its time is over, or nobody asks any more; then until each has its
 * answer. */
static struct result load(const struct load *l)
{
	static struct client c[CLIENTS_MAX];
	double begin, end;
	int ep, busy = l->clients;

	latencies = 0;
	ep = connect_all(l, c, now());
	begin = now();
	end = begin + l->lasts;
	for (int i = 0; i < l->clients; i++)
		if (!(l->pace_s > 0))
			ask(l, ep, &c[i], begin);
	while (busy || (l->pace_s > 0 && now() < end)) {
		serve(l, ep, c, end);
		busy = 0;
		for (int i = 0; i < l->clients; i++)
			busy += c[i].busy;
	}
	end = now();
	for (int i = 0; i < l->clients; i++)
		close(c[i].fd);
	close(ep);
	return summary(end - begin);
}

#endif
