// SPDX-License-Identifier: MIT
/*
 * bench post: single-row durable POSTs per second at 64 connections, against
 * one connection that inserts the same rows one by one with a commit each,
 * through the same triggers into the same table.  Both in turn, in one run.
 *
 *	post URL TOKEN_FILE CONFIG [SECONDS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analytics/count.h"
#include "common/conf.h"
#include "common/db/sync.h"
#include "common/token.h"
#include "tests/bench/load.h"

enum { CONNECTIONS = 64, ROUNDS = 3 };

/* A camera's own: its next row, and the request that sends it. */
struct sender {
	int64_t row;
	char out[1024];
};

static char token[256];
/* Rows lie in the past, five seconds each, and never twice. */
static int64_t origin;

static int people(int64_t row)
{
	return (int)(row * 7 % 23);
}

static bool next_row(void *ctx, struct client *c)
{
	struct sender *s = (struct sender *)ctx + c->number;
	char a[WHEN_TEXT], b[WHEN_TEXT], body[512];
	int64_t start = origin + s->row * 5;
	int n;

	n = snprintf(body, sizeof(body),
		"{\"camera\":\"bench-%d-%d\",\"start_at\":\"%s\","
		"\"end_at\":\"%s\",\"people\":%d,\"vehicle\":%d,\"face\":1}",
		(int)getpid(), c->number, when_format(a, start, 0, true),
		when_format(b, start + 5, 0, true), people(s->row),
		people(s->row + 1));
	c->out = s->out;
	c->out_n = (size_t)snprintf(s->out, sizeof(s->out),
		"POST /api/v1/counts HTTP/1.1\r\nHost: bench\r\n"
		"Authorization: Bearer %s\r\n"
		"Content-Type: application/json\r\n"
		"Content-Length: %d\r\n\r\n%s",
		token, n, body);
	s->row++;
	return true;
}

/* It must say that one row was inserted. */
static void stored(void *ctx, struct client *c)
{
	(void)ctx;
	if (c->status == 200 && strstr(c->body, "\"inserted\":1,"))
		return;
	fprintf(stderr, "bench post: refused: %s%s\n", c->head, c->body);
	exit(1);
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

static void read_token(const char *file)
{
	FILE *f = fopen(file, "r");

	if (!f || !fgets(token, sizeof(token), f))
		leave(file);
	fclose(f);
	token[strcspn(token, "\r\n")] = '\0';
}

/* The id of the first connection's camera, which is there by now. */
static int64_t find_camera(struct db *db)
{
	struct db_rows rows = {0};
	struct arena a;
	char code[40];
	int64_t id;

	arena_init(&a, 65536);
	snprintf(code, sizeof(code), "bench-%d-0", (int)getpid());
	if (db_run(db, Q_CAMERA_ID, DB_ARGS(DB_S(code)), &a, &rows) || !rows.n)
		leave(code);
	id = rows.cell[0].i;
	arena_reset(&a);
	return id;
}

/* In turns; the ratio of all. */
static double compare(struct load *l, struct db *db, int64_t camera)
{
	double http = 0, single = 0, lasts = l->lasts, x;
	int64_t row = 0;

	for (int i = -1; i < ROUNDS; i++) {
		struct result r;

		/* One round unmeasured: what remembers is warm. */
		l->lasts = i < 0 ? 0.2 : lasts;
		r = load(l);
		/* The same camera's rows, in years that HTTP does not reach. */
		origin -= 2000 * (int64_t)DAY_S;
		x = run_single(db, camera, l->lasts / 2, &row);
		origin += 2000 * (int64_t)DAY_S;
		if (i < 0)
			continue;
		printf("post  %d connections      %9.0f rows/s   "
		       "p50 %.2f ms, p99 %.2f ms\n",
			CONNECTIONS, r.rate, r.p50, r.p99);
		printf("post  1 insert, 1 commit   %9.0f rows/s\n", x);
		http += r.rate;
		single += x;
	}
	return http / single;
}

int main(int argc, char **argv)
{
	static struct sender sender[CONNECTIONS];
	struct load l = {.clients = CONNECTIONS,
		.ask = next_row,
		.told = stored,
		.ctx = sender};
	struct db_account account;
	struct conf conf;
	struct db *db;
	char err[512];

	if (argc < 4 || !strrchr(argv[1], ':')) {
		fputs("usage: post URL TOKEN_FILE CONFIG [SECONDS]\n", stderr);
		return 2;
	}
	read_token(argv[2]);
	conf_init(&conf);
	if (conf_read(&conf, argv[3], err) || token_start()) {
		fprintf(stderr, "%s\n", err);
		return 2;
	}
	account = db_account_of(&conf, "", "");
	origin = when_now() - 400 * (int64_t)DAY_S;
	l.port = atoi(strrchr(argv[1], ':') + 1);
	l.lasts = 0.5; /* cameras are registered */
	load(&l);
	if (db_open(&db, &account))
		leave("database");
	l.lasts = argc > 4 ? atof(argv[4]) : 4;
	printf("post  ratio                %9.2f (at least 5)\n",
		compare(&l, db, find_camera(db)));
	db_close(db);
	conf_free(&conf);
	return 0;
}
