// SPDX-License-Identifier: MIT
/*
 * bench post: single-row durable POSTs per second at 64 connections, against
 * one connection that inserts the same rows one by one with a commit each,
 * through the same triggers into the same table.  Both in turn, in one run.
 *
 *	post URL TOKEN_FILE CONFIG [SECONDS]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "analytics/count.h"
#include "common/conf.h"
#include "common/db/sync.h"
#include "common/token.h"

enum { CONNECTIONS = 64, ROUNDS = 3, LATENCIES = 1 << 20 };

struct client {
	int fd;
	int64_t row; /* the next row's number, of this client's camera */
	double sent_at;
	char out[1024];
	size_t out_n, in_n;
	char in[2048];
};

static struct sockaddr_in target;
static char token[256];
static double latency[LATENCIES];
static size_t latencies;
/* Rows lie in the past, five seconds each, and never twice. */
static int64_t origin;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void leave(const char *why)
{
	fprintf(stderr, "bench post: %s: %s\n", why, strerror(errno));
	exit(1);
}

static int people(int64_t row)
{
	return (int)(row * 7 % 23);
}

static void send_next(struct client *c, int camera)
{
	char a[WHEN_TEXT], b[WHEN_TEXT], body[512];
	int64_t start = origin + c->row * 5;
	int n;

	n = snprintf(body, sizeof(body),
		"{\"camera\":\"bench-%d-%d\",\"start_at\":\"%s\","
		"\"end_at\":\"%s\",\"people\":%d,\"vehicle\":%d,\"face\":1}",
		(int)getpid(), camera, when_format(a, start, 0, true),
		when_format(b, start + 5, 0, true), people(c->row),
		people(c->row + 1));
	c->out_n = (size_t)snprintf(c->out, sizeof(c->out),
		"POST /api/v1/counts HTTP/1.1\r\nHost: bench\r\n"
		"Authorization: Bearer %s\r\n"
		"Content-Type: application/json\r\n"
		"Content-Length: %d\r\n\r\n%s",
		token, n, body);
	c->row++;
	c->in_n = 0;
	c->sent_at = now();
	if (send(c->fd, c->out, c->out_n, MSG_NOSIGNAL) != (ssize_t)c->out_n)
		leave("send");
}

/* A whole reply is there: it must say that one row was inserted. */
static bool replied(struct client *c)
{
	const char *body;
	ssize_t n =
		recv(c->fd, c->in + c->in_n, sizeof(c->in) - 1 - c->in_n, 0);

	if (n <= 0)
		leave("recv");
	c->in_n += (size_t)n;
	c->in[c->in_n] = '\0';
	body = strstr(c->in, "\r\n\r\n");
	if (!body || !strchr(body, '}'))
		return false;
	if (!strstr(body, "\"inserted\":1")) {
		fprintf(stderr, "bench post: refused: %s\n", c->in);
		exit(1);
	}
	if (latencies < LATENCIES)
		latency[latencies++] = now() - c->sent_at;
	return true;
}

static double run_http(struct client *c, int n, double seconds)
{
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev[CONNECTIONS];
	double begin = now(), end = begin + seconds;
	size_t done = 0, open = (size_t)n;

	for (int i = 0; i < n; i++) {
		struct epoll_event e = {
			.events = EPOLLIN, .data.u32 = (unsigned)i};

		if (epoll_ctl(ep, EPOLL_CTL_ADD, c[i].fd, &e))
			leave("epoll");
		send_next(&c[i], i);
	}
	while (open) {
		int k = epoll_wait(ep, ev, CONNECTIONS, 5000);

		if (k <= 0)
			leave("epoll_wait");
		for (int i = 0; i < k; i++) {
			unsigned id = ev[i].data.u32;

			if (!replied(&c[id]))
				continue;
			done++;
			if (now() < end)
				send_next(&c[id], (int)id);
			else
				open--;
		}
	}
	close(ep);
	return (double)done / (now() - begin);
}

static double run_single(
	struct db *db, int64_t camera, double seconds, int64_t *row)
{
	double begin = now();
	size_t done = 0;

	while (now() < begin + seconds) {
		int64_t start = origin + *row * 5;
		struct db_cell cell[5 + COUNT_FIGURES_N]; /* detail: NULL */

		for (size_t i = 0; i < ARRAY_LEN(cell); i++)
			cell[i] = DB_NULL;
		cell[0] = DB_I(camera);
		cell[1] = DB_I(when_number(start));
		cell[2] = DB_I(when_number(start + 5));
		cell[3] = DB_I(people(*row));
		cell[4] = DB_I(people(*row + 1));
		cell[5] = DB_I(1);
		cell[3 + COUNT_FIGURES_N] = DB_I(5);
		if (db_run(db, Q_COUNT_INSERT, cell, NULL, NULL))
			leave("insert");
		++*row;
		done++;
	}
	return (double)done / (now() - begin);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double percentile(double p)
{
	if (!latencies)
		return 0;
	qsort(latency, latencies, sizeof(latency[0]), by_size);
	return latency[(size_t)((double)(latencies - 1) * p)] * 1e3;
}

static void connect_to(struct client *c)
{
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 ||
		connect(c->fd, (struct sockaddr *)&target, sizeof(target)))
		leave("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void read_target(const char *url, const char *token_file)
{
	const char *colon = strrchr(url, ':');
	FILE *f = fopen(token_file, "r");

	if (!f || !fgets(token, sizeof(token), f))
		leave(token_file);
	fclose(f);
	token[strcspn(token, "\r\n")] = '\0';
	target.sin_family = AF_INET;
	target.sin_port = htons((uint16_t)atoi(colon ? colon + 1 : "0"));
	target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

int main(int argc, char **argv)
{
	static struct client c[CONNECTIONS];
	struct db_account account;
	struct db_rows rows = {0};
	struct conf conf;
	struct arena a;
	struct db *db;
	char err[512], code[40];
	double seconds, http = 0, single = 0, x;
	int64_t row = 0, camera;

	if (argc < 4) {
		fputs("usage: post URL TOKEN_FILE CONFIG [SECONDS]\n", stderr);
		return 2;
	}
	seconds = argc > 4 ? atof(argv[4]) : 4;
	read_target(argv[1], argv[2]);
	conf_init(&conf);
	if (conf_read(&conf, argv[3], err) || token_start()) {
		fprintf(stderr, "%s\n", err);
		return 2;
	}
	account = db_account_of(&conf, "", "");
	origin = when_now() - 400 * (int64_t)DAY_S;
	for (int i = 0; i < CONNECTIONS; i++)
		connect_to(&c[i]);
	/* One round unmeasured: caches warm, cameras registered. */
	run_http(c, CONNECTIONS, 0.5);
	latencies = 0;
	arena_init(&a, 65536);
	snprintf(code, sizeof(code), "bench-%d-0", (int)getpid());
	if (db_open(&db, &account) ||
		db_run(db, Q_CAMERA_ID, DB_ARGS(DB_S(code)), &a, &rows) ||
		!rows.n)
		leave("database");
	/* The same camera's rows, in years that HTTP does not reach. */
	camera = rows.cell[0].i;
	origin -= 2000 * (int64_t)DAY_S;
	run_single(db, camera, 0.2, &row);
	for (int i = 0; i < ROUNDS; i++) {
		origin += 2000 * (int64_t)DAY_S;
		x = run_http(c, CONNECTIONS, seconds);
		printf("post  %d connections      %9.0f rows/s\n", CONNECTIONS,
			x);
		http += x / ROUNDS;
		origin -= 2000 * (int64_t)DAY_S;
		x = run_single(db, camera, seconds / 2, &row);
		printf("post  1 insert, 1 commit   %9.0f rows/s\n", x);
		single += x / ROUNDS;
	}
	printf("post  ratio                %9.2f (at least 5)\n",
		http / single);
	printf("post  latency              p50 %.2f ms, p99 %.2f ms\n",
		percentile(0.5), percentile(0.99));
	db_close(db);
	arena_reset(&a);
	conf_free(&conf);
	return 0;
}
