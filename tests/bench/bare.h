// SPDX-License-Identifier: MIT
/*
 * bare: one question over HTTP, and a server that answers with the same bytes
 * whatever it is asked.  For one benchmark's own file: everything is static.
 */
#ifndef TALLY_TESTS_BENCH_BARE_H
#define TALLY_TESTS_BENCH_BARE_H

#include <signal.h>
#include <sys/wait.h>

#include "common/text.h"
#include "tests/bench/load.h"

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
