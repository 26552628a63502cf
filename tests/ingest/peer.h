// SPDX-License-Identifier: MIT
/*
 * peer: an API that answers what a test wants, and keeps what it was asked.
 */
#ifndef TALLY_TESTS_INGEST_PEER_H
#define TALLY_TESTS_INGEST_PEER_H

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base.h"

enum { REQUEST_MAX = 70000, REQUESTS = 64 };

/* What the peer answers to its requests, one after the other; the last again
 * and again.  A status of 0 closes the connection without a word. */
struct reply {
	int status;
	const char *headers, *body;
};

/* A peer on a socket that speaks just enough HTTP/1.1. */
static struct {
	int fd, port;
	pthread_t thread;
	const struct reply *replies;
	size_t n_replies;
	char *request[REQUESTS]; /* head and body, under lock until stopped */
	size_t n;
	size_t connections;
} peer;

/* One request into the next place; false when the other side is gone. */
static bool read_request(int c)
{
	char *at = calloc(1, REQUEST_MAX), *body, *length;
	size_t n = 0, want = SIZE_MAX;

	while (n < want && n < REQUEST_MAX - 1) {
		ssize_t k = recv(c, at + n, REQUEST_MAX - 1 - n, 0);

		if (k <= 0) {
			free(at);
			return false;
		}
		n += (size_t)k;
		body = strstr(at, "\r\n\r\n");
		length = strstr(at, "Content-Length: ");
		if (body && !length)
			want = n; /* a GET */
		if (body && length)
			want = (size_t)(body + 4 - at) +
				strtoul(length + 16, NULL, 10);
	}
	if (peer.n < REQUESTS)
		peer.request[peer.n] = at;
	else
		free(at);
	peer.n++;
	return true;
}

static void serve(int c)
{
	while (read_request(c)) {
		size_t i = peer.n - 1 < peer.n_replies ? peer.n - 1
						       : peer.n_replies - 1;
		const struct reply *r = &peer.replies[i];
		char head[400];
		int k;

		if (!r->status)
			return;
		k = snprintf(head, sizeof(head),
			"HTTP/1.1 %d x\r\n%sContent-Length: %zu\r\n\r\n",
			r->status, r->headers ? r->headers : "",
			strlen(r->body));
		send(c, head, (size_t)k, MSG_NOSIGNAL);
		send(c, r->body, strlen(r->body), MSG_NOSIGNAL);
	}
}

static void *peer_thread(void *arg)
{
	int c;

	(void)arg;
	while ((c = accept(peer.fd, NULL, NULL)) >= 0) {
		peer.connections++;
		serve(c);
		close(c);
	}
	return NULL;
}

static void peer_start(const struct reply *replies, size_t n)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(a);

	peer.replies = replies;
	peer.n_replies = n;
	peer.fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(peer.fd, (struct sockaddr *)&a, size), 0);
	ck_assert_int_eq(listen(peer.fd, 4), 0);
	getsockname(peer.fd, (struct sockaddr *)&a, &size);
	peer.port = ntohs(a.sin_port);
	ck_assert_int_eq(
		pthread_create(&peer.thread, NULL, peer_thread, NULL), 0);
}

static void peer_stop(void)
{
	shutdown(peer.fd, SHUT_RDWR);
	pthread_join(peer.thread, NULL);
	close(peer.fd);
}

static bool has(size_t request, const char *what)
{
	return strstr(peer.request[request], what) != NULL;
}

#endif
