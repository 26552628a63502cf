// SPDX-License-Identifier: MIT
/*
 * bench read: statistics read by a hundred connections at once, against the
 * same bytes over bare TCP and the bare statement on the database's socket.
 *
 *	read URL TOKEN_FILE CONFIG [SECONDS]
 *
 * TALLY_READ_TOKEN	token to read with
 * TALLY_INGEST_TOKEN, TALLY_ADMIN_TOKEN
 *			to make rows: a year of hours of one camera, a month of
 *			those of 99 others
 * TALLY_BENCH_DATA=there
 *			reads what is there instead, found through GET /cameras:
 *			365 days of the first camera that has any, 31 days of
 *			all cameras, both up to that camera's newest day
 * TALLY_BUILD		folder of the programs; build
 *
 * It starts two more API processes on the database that CONFIG names: one with
 * the default memory for replies, one with none.  Each question is asked
 *
 *	closed	every connection asks again as soon as it has its answer
 *	paced	every connection asks once in 250 ms, each at its own moment;
 *		what comes late counts from when it was due
 *
 * plain and with gzip: while nothing changes, while stats_version moves once a
 * second, and with no memory for replies.  The client is one thread, so is an
 *API process, and so is the bare server, all on the machine of the database.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/buckets.h"
#include "common/conf.h"
#include "common/db/sync.h"
#include "common/json.h"
#include "common/token.h"
#include "tests/bench/bare.h"

enum { CAMERAS = 100, POST_ROWS = 5000, CONNECTIONS = 100, PACE_MS = 250 };

static double seconds = 1;

static const char *setting(const char *name)
{
	const char *v = getenv(name);

	if (v)
		return v;
	fprintf(stderr, "bench read: %s is not set\n", name);
	exit(2);
}

/* ---- an API of one's own ---- */

static int start_api(const char *config, const char *cache, pid_t *pid)
{
	const char *build = getenv("TALLY_BUILD");
	char program[4096], file[] = "/tmp/tally-read-XXXXXX", line[32] = "";
	int fd = mkstemp(file);

	if (fd < 0 || unlink(file))
		leave(file);
	close(fd);
	snprintf(program, sizeof(program), "%s/tally-api",
		build ? build : "build");
	if ((*pid = fork()) < 0)
		leave("fork");
	if (!*pid) {
		execl(program, program, "--config", config, "--port", "0",
			"--port-file", file, "--set", cache, "--set",
			"api.bodies_max=1G", (char *)NULL);
		_exit(1);
	}
	for (int i = 0; i < 200 && !*line; i++) {
		FILE *f = fopen(file, "r");

		if (f && !fgets(line, sizeof(line), f))
			*line = '\0';
		if (f)
			fclose(f);
		usleep(50000);
	}
	if (!*line)
		leave(program);
	unlink(file);
	return atoi(line);
}

/* ---- data ---- */

static void make_rows(int port, const char *camera, int64_t from, int hours)
{
	struct text body, reply;
	char a[WHEN_TEXT], b[WHEN_TEXT];

	text_init(&body, 8 << 20);
	text_init(&reply, 1 << 20);
	for (int i = 0; i < hours; i++) {
		int64_t at = from + i * (int64_t)3600;

		text_printf(&body,
			"%s{\"camera\":\"%s\",\"start_at\":\"%s\","
			"\"end_at\":\"%s\",\"people\":%d,\"vehicle\":%d,"
			"\"face\":%d,\"people_new\":%d,\"classes\":{\"car\":%d}"
			"}",
			body.n ? "," : "[", camera, when_format(a, at, 0, true),
			when_format(b, at + 3600, 0, true), i * 7919 % 997,
			i * 31 % 89, i % 13, i % 400, i % 80);
		if (i % POST_ROWS != POST_ROWS - 1 && i != hours - 1)
			continue;
		text_str(&body, "]");
		fetch(port, setting("TALLY_INGEST_TOKEN"), "POST",
			"/api/v1/counts", "", &body, &reply);
		text_clear(&body);
	}
	text_free(&body);
	text_free(&reply);
}

static void make_data(int port)
{
	int64_t day = when_now() / DAY_S * DAY_S;
	double begin = now();
	struct text reply;
	char camera[32];

	for (int i = 0; i < CAMERAS; i++) {
		int days = i ? 40 : 400;

		snprintf(camera, sizeof(camera), "read-%03d", i);
		make_rows(port, camera, day - days * (int64_t)DAY_S, days * 24);
	}
	text_init(&reply, 1 << 20);
	fetch(port, setting("TALLY_ADMIN_TOKEN"), "POST",
		"/api/v1/jobs/roll_up", "", NULL, &reply);
	text_free(&reply);
	printf("read  made %d rows of %d cameras in %.0f s\n",
		(400 + 40 * (CAMERAS - 1)) * 24, CAMERAS, now() - begin);
}

/* The "start" of the last item of a reply; false where there is none. */
static bool last_start(struct text *t, size_t begin, struct when *w)
{
	const struct json *v;
	struct json *root;
	const char *s = NULL;

	if (json_parse_wide(t->at + begin, t->n - begin, &root, NULL))
		leave("JSON");
	v = json_first(json_member(root, "items"));
	for (; v; v = json_next(v))
		s = json_string(json_member(v, "start"));
	if (s && when_parse(s, 10, w))
		leave(s);
	json_free(root);
	return s != NULL;
}

/* A camera with statistics, and its newest date. */
static int64_t find_data(int port, const char *token, char camera[128])
{
	struct text t, cameras;
	const struct json *v;
	struct json *root;
	struct when w = {0};
	char path[256];
	size_t begin;

	text_init(&t, 64 << 20);
	text_init(&cameras, 64 << 20);
	begin = fetch(
		port, token, "GET", "/api/v1/cameras", "", NULL, &cameras);
	if (json_parse(cameras.at + begin, cameras.n - begin, &root, NULL))
		leave("JSON");
	v = json_first(json_member(root, "items"));
	for (; v; v = json_next(v)) {
		snprintf(camera, 128, "%s",
			json_string(json_member(v, "camera")));
		snprintf(path, sizeof(path), "/api/v1/stats/month?camera=%s",
			camera);
		begin = fetch(port, token, "GET", path, "", NULL, &t);
		if (last_start(&t, begin, &w))
			break;
	}
	if (!v) {
		fputs("bench read: no camera has statistics\n", stderr);
		exit(1);
	}
	json_free(root);
	snprintf(path, sizeof(path),
		"/api/v1/stats/day?camera=%s&from=%04d-%02d-01", camera,
		when_to_civil(w.at).year, when_to_civil(w.at).month);
	begin = fetch(port, token, "GET", path, "", NULL, &t);
	last_start(&t, begin, &w);
	text_free(&t);
	text_free(&cameras);
	return w.at;
}

/* ---- the bare statement ---- */

/* The cameras as the statements take them; one: that one alone. */
static void batch(struct db *db, const char *one, int64_t from, int64_t to,
	struct text *t)
{
	struct db_rows rows = {0};
	struct arena a;

	arena_init(&a, 64 << 20);
	if (db_run(db, Q_SERIES_ALL, NULL, &a, &rows))
		leave("cameras");
	for (size_t i = 0; i < rows.n; i++) {
		const struct db_cell *c = &rows.cell[i * rows.cols];
		int64_t x, y, m, n;
		struct tz *tz;

		if (one && strcmp(one, c[1].s.at) != 0)
			continue;
		if (tz_load(c[2].s.at, &tz))
			leave(c[2].s.at);
		x = bucket_day(tz, from);
		y = bucket_day(tz, to);
		bucket_months(tz, x, y, &m, &n);
		text_printf(t, "%s[%lld,%lld,%lld,%lld,%lld,%lld,%lld]",
			t->n ? "," : "[", (long long)c[0].i,
			(long long)bucket_number(from),
			(long long)bucket_number(to), (long long)when_number(x),
			(long long)when_number(y), (long long)bucket_number(m),
			(long long)bucket_number(n));
		tz_free(tz);
	}
	text_str(t, "]");
	arena_reset(&a);
}

static struct result bare_sql(struct db *db, enum stmt q, const char *camera,
	int64_t from, int64_t to)
{
	double begin, sent;
	struct text json;

	text_init(&json, 64 << 20);
	batch(db, camera, from, to, &json);
	latencies = 0;
	for (begin = now(); now() < begin + seconds / 2;) {
		struct db_cell args[4] = {
			DB_S(json.at), DB_I(19700101), DB_I(-1), DB_I(10001)};
		struct db_rows rows = {0};
		struct arena a;

		if (q == Q_STATS_PROFILE)
			args[1] = args[0];
		arena_init(&a, 256 << 20);
		sent = now();
		if (db_run(db, q, args, &a, &rows) || !rows.n)
			leave("statement");
		latency[latencies++] = now() - sent;
		arena_reset(&a);
	}
	text_free(&json);
	return summary(now() - begin);
}

/* ---- the table ---- */

static void line(const char *name, struct result r, size_t bytes,
	const struct result *bare)
{
	printf("  %-32s %9.0f /s %8.2f %8.2f %8.2f ms %7.0f MB/s", name, r.rate,
		r.p50, r.p99, r.most, r.rate * (double)bytes / 1e6);
	if (bare)
		printf("  %5.2f of TCP's rate", r.rate / bare->rate);
	putchar('\n');
	fflush(stdout);
}

/* A process that moves the version once a second, as a roll-up does. */
static pid_t move_version(const struct db_account *account)
{
	pid_t pid = fork();
	struct db *db;

	if (pid)
		return pid;
	if (db_open(&db, account))
		_exit(1);
	for (;;) {
		if (db_run(db, Q_STATS_MOVE, NULL, NULL, NULL))
			_exit(1);
		sleep(1);
	}
}

/* A question that all connections ask again and again. */
static bool ask_same(void *ctx, struct client *c)
{
	const char *request = ctx;

	c->out = request;
	c->out_n = strlen(request);
	return true;
}

/* One line: against the API on this port, and the bare server's result. */
static struct result ask_many(const char *name, int port, char *request,
	bool paced, const struct text *reply, const struct result *bare)
{
	struct load l = {.port = port,
		.clients = CONNECTIONS,
		.lasts = seconds / 8,
		.pace_s = paced ? PACE_MS / 1e3 : 0,
		.ask = ask_same,
		.ctx = request};
	struct result r;

	load(&l);
	l.lasts = seconds;
	r = load(&l);
	line(name, r, reply->n, bare);
	return r;
}

static void measure(const int port[2], const struct db_account *account,
	const char *token, const char *path, const struct text *reply, bool gz,
	bool paced)
{
	char request[2048], name[64], *of;
	struct result bare;
	pid_t pid;
	int at = serve_bare(reply, &pid);

	snprintf(request, sizeof(request),
		"GET %s HTTP/1.1\r\nHost: bench\r\n"
		"Authorization: Bearer %s\r\n%s\r\n",
		path, token, gz ? "Accept-Encoding: gzip\r\n" : "");
	of = name +
		snprintf(name, sizeof(name), "%s %s, ",
			paced ? "paced" : "closed", gz ? "gzip" : "plain");
	strcpy(of, "bare TCP");
	bare = ask_many(name, at, request, paced, reply, NULL);
	stop(pid);
	strcpy(of, "remembered");
	ask_many(name, port[0], request, paced, reply, &bare);
	pid = move_version(account);
	strcpy(of, "moved each s");
	ask_many(name, port[0], request, paced, reply, &bare);
	stop(pid);
	strcpy(of, "not remembered");
	ask_many(name, port[1], request, paced, reply, &bare);
}

struct question {
	const char *title, *period;
	enum stmt stmt;
	int days;
	bool all; /* cameras */
};

static const struct question questions[] = {
	{"a year of days of one camera", "day", Q_STATS_DAY, 365, false},
	{"the weekday profile of a year, one camera", "profile",
		Q_STATS_PROFILE, 365, false},
	{"weekdays by month of a year, one camera", "weekday/month",
		Q_STATS_WEEKDAY_MONTH, 365, false},
	{"a month of days of all cameras", "day", Q_STATS_DAY, 31, true},
};

static void put(const struct question *q, const int port[2], struct db *db,
	const struct db_account *account, const char *token, const char *camera,
	int64_t to)
{
	int64_t from = to - q->days * (int64_t)DAY_S;
	struct civil a = when_to_civil(from), b = when_to_civil(to);
	struct text reply[2];
	size_t items = 0;
	char path[512];

	snprintf(path, sizeof(path),
		"/api/v1/stats/%s?camera=%s&from=%04d-%02d-%02d"
		"&to=%04d-%02d-%02d",
		q->period, q->all ? "*" : camera, a.year, a.month, a.day,
		b.year, b.month, b.day);
	for (int g = 0; g < 2; g++) {
		text_init(&reply[g], 256 << 20);
		fetch(port[0], token, "GET", path,
			g ? "Accept-Encoding: gzip\r\n" : "", NULL, &reply[g]);
	}
	for (const char *s = reply[0].at; (s = strstr(s, "\"start\":")); s++)
		items++;
	printf("\nread  %s: %zu items, %zu bytes, %zu with gzip\n"
	       "  %-32s %12s %8s %8s %8s\n",
		q->title, items, reply[0].n, reply[1].n, "", "", "p50", "p99",
		"max");
	line("bare SQL, one connection",
		bare_sql(db, q->stmt, q->all ? NULL : camera, from, to), 0,
		NULL);
	for (int paced = 0; paced < 2; paced++)
		for (int g = 0; g < 2; g++)
			measure(port, account, token, path, &reply[g], g,
				paced);
	text_free(&reply[0]);
	text_free(&reply[1]);
}

int main(int argc, char **argv)
{
	const char *token = setting("TALLY_READ_TOKEN"), *colon;
	const char *data = getenv("TALLY_BENCH_DATA");
	struct db_account account;
	char camera[128], err[512];
	struct conf conf;
	struct db *db;
	pid_t pid[2];
	int port[2];
	int64_t newest;

	if (argc < 4 || !(colon = strrchr(argv[1], ':'))) {
		fputs("usage: read URL TOKEN_FILE CONFIG [SECONDS]\n", stderr);
		return 2;
	}
	seconds = argc > 4 ? atof(argv[4]) : seconds;
	conf_init(&conf);
	if (conf_read(&conf, argv[3], err) || token_start()) {
		fprintf(stderr, "%s\n", err);
		return 2;
	}
	account = db_account_of(&conf, "", "");
	if (db_open(&db, &account))
		leave("database");
	if (!data || strcmp(data, "there") != 0)
		make_data(atoi(colon + 1));
	newest = find_data(atoi(colon + 1), token, camera);
	port[0] = start_api(argv[3], "api.db_connections=4", &pid[0]);
	port[1] = start_api(argv[3], "api.cache_max=0", &pid[1]);
	printf("read  %d connections, %g s each\n", CONNECTIONS, seconds);
	for (size_t i = 0; i < ARRAY_LEN(questions); i++)
		put(&questions[i], port, db, &account, token, camera, newest);
	stop(pid[0]);
	stop(pid[1]);
	db_close(db);
	conf_free(&conf);
	return 0;
}
