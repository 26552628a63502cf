// SPDX-License-Identifier: MIT
/*
 * http: the client of bench http, one measurement a run, one line of JSON.
 *
 *	http WHAT WHOSE NAME=NUMBER ...
 *
 * WHAT is asked of WHOSE server on 127.0.0.1 (tally, influxdb, victoria):
 *
 *	post	single rows, each connection those of a camera of its own
 *	bulk	batch rows a request, of all cameras in turns, as a recorder
 *		writes them
 *	read	24 hours of one camera and day, both at random: of Tally and
 *		InfluxDB means and deviations of three metrics, of
 *		VictoriaMetrics means of one
 *	same	the same of Tally with the ETag of the answer before, so that
 *		nothing new is a 304
 *	rows	nothing: the rows of bulk on standard output, as CSV
 *
 *	port= connections= seconds=
 *	at=		Unix time where rows, or days to read, begin
 *	pace_ms=0	between questions of one connection; 0: at once
 *	rows=		of bulk, in all
 *	cameras= step=	how many, and seconds a row
 *	days=		to read from
 *	db=		number of InfluxDB's database
 *	nocache=1	VictoriaMetrics computes each answer
 *
 * The token of Tally is $TALLY_BENCH_TOKEN.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "common/when.h"
#include "tests/bench/load.h"

enum { BATCH = 5000, CAMERAS_MAX = 256, DAYS_MAX = 64, ETAG_MAX = 80 };

enum whose { TALLY, INFLUXDB, VICTORIA };

static const char *const whose_names[] = {"tally", "influxdb", "victoria"};

static struct {
	int64_t port, connections, at, seconds, pace_ms, rows, cameras, step,
		days, db, nocache;
} option = {.connections = 1, .cameras = 64, .step = 10, .days = 1};

static const struct {
	const char *name;
	int64_t *value;
} options[] = {
	{"port", &option.port},
	{"connections", &option.connections},
	{"at", &option.at},
	{"seconds", &option.seconds},
	{"pace_ms", &option.pace_ms},
	{"rows", &option.rows},
	{"cameras", &option.cameras},
	{"step", &option.step},
	{"days", &option.days},
	{"db", &option.db},
	{"nocache", &option.nocache},
};

static enum whose whose;
static const char *token = "";

/* What a connection has to send, and where it is. */
struct sender {
	struct text request, body;
	int64_t row; /* the next one */
	int key;     /* of what it reads: camera and day */
};

static struct sender senders[CLIENTS_MAX];
static char etag[CAMERAS_MAX * DAYS_MAX][ETAG_MAX];

/* ---- rows ---- */

/* Counts that rise and fall with the hour; one in thirteen rows is above mean
 * + 1.5 deviations of its hour. */
static unsigned mixed(int64_t at, int64_t camera)
{
	uint64_t x = (uint64_t)at * 0x9e3779b97f4a7c15U +
		(uint64_t)camera * 0xc2b2ae3d27d4eb4fU;

	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9U;
	return (unsigned)(x >> 33);
}

static void figures(
	int64_t at, int64_t camera, int *people, int *vehicle, int *face)
{
	unsigned x = mixed(at, camera);
	int hour = (int)(at / 3600 % 24), busy = hour < 12 ? hour : 24 - hour;

	*people = busy + (int)(x % 13);
	*vehicle = busy / 2 + (int)(x / 13 % 5);
	*face = (int)(x / 65 % 3);
}

/* Row i of a camera: JSON or CSV for Tally, a line for the others. */
static void add_row(struct text *t, int64_t camera, int64_t i, bool csv)
{
	int64_t at = option.at + i * option.step;
	char a[WHEN_TEXT], b[WHEN_TEXT];
	int p, v, f;

	figures(at, camera, &p, &v, &f);
	if (whose != TALLY) {
		text_printf(t,
			"count,camera=http-%" PRId64
			" people=%di,vehicle=%di,face=%di %" PRId64 "\n",
			camera, p, v, f, at);
		return;
	}
	when_format(a, at, 0, true);
	when_format(b, at + option.step, 0, true);
	text_printf(t,
		csv ? "http-%" PRId64 ",%s,%s,%d,%d,%d\n"
		    : "{\"camera\":\"http-%" PRId64 "\",\"start_at\":\"%s\","
		      "\"end_at\":\"%s\",\"people\":%d,\"vehicle\":%d,"
		      "\"face\":%d}",
		camera, a, b, p, v, f);
}

/* The body as a request of whose it is. */
static void wrap(struct sender *s, const char *type)
{
	text_clear(&s->request);
	if (whose == TALLY)
		text_printf(&s->request,
			"POST /api/v1/counts HTTP/1.1\r\nHost: bench\r\n"
			"Authorization: Bearer %s\r\nContent-Type: %s\r\n",
			token, type);
	else
		text_printf(&s->request,
			"POST /write?db=bench%" PRId64
			"&precision=s HTTP/1.1\r\nHost: bench\r\n",
			option.db);
	text_printf(&s->request, "Content-Length: %zu\r\n\r\n", s->body.n);
	text_add(&s->request, s->body.at, s->body.n);
	if (s->request.full || s->body.full)
		leave("memory");
}

static void send_it(struct client *c, const struct sender *s)
{
	c->out = s->request.at;
	c->out_n = s->request.n;
}

static bool next_row(void *ctx, struct client *c)
{
	struct sender *s = (struct sender *)ctx + c->number;

	text_clear(&s->body);
	add_row(&s->body, c->number, s->row++, false);
	wrap(s, "application/json");
	send_it(c, s);
	return true;
}

static void refused(const struct client *c)
{
	fprintf(stderr, "bench http: refused: %s%s\n", c->head, c->body);
	exit(1);
}

/* Whoever answers otherwise did not store every row. */
static void stored(void *ctx, struct client *c)
{
	char want[40];
	int n = option.rows ? BATCH : 1;

	(void)ctx;
	snprintf(want, sizeof(want), "\"inserted\":%d,", n);
	if (whose == TALLY ? c->status != 200 || !strstr(c->body, want)
			   : c->status != 204)
		refused(c);
}

/* ---- requests made before the time runs ---- */

struct parcel {
	char *at;
	size_t n;
};

static struct parcel *parcels;
static size_t parcels_n, parcel_next;

static void make_parcel(struct parcel *p, int64_t row)
{
	struct sender *s = &senders[0];

	text_clear(&s->body);
	if (whose == TALLY)
		text_str(&s->body,
			"camera,start_at,end_at,people,vehicle,face\n");
	for (int64_t i = row; i < row + BATCH; i++)
		add_row(&s->body, i % option.cameras, i / option.cameras, true);
	wrap(s, "text/csv");
	p->n = s->request.n;
	if (!(p->at = malloc(p->n)))
		leave("memory");
	memcpy(p->at, s->request.at, p->n);
}

static void make_parcels(void)
{
	parcels_n = (size_t)(option.rows / BATCH);
	if (!(parcels = calloc(parcels_n, sizeof(*parcels))))
		leave("memory");
	for (size_t i = 0; i < parcels_n; i++)
		make_parcel(&parcels[i], (int64_t)i * BATCH);
}

static bool next_parcel(void *ctx, struct client *c)
{
	(void)ctx;
	if (parcel_next == parcels_n)
		return false;
	c->out = parcels[parcel_next].at;
	c->out_n = parcels[parcel_next++].n;
	return true;
}

static int print_rows(void)
{
	struct text *t = &senders[0].body;

	for (int64_t i = 0; i < option.rows; i++) {
		text_clear(t);
		add_row(t, i % option.cameras, i / option.cameras, true);
		fwrite(t->at, 1, t->n, stdout);
	}
	return fflush(stdout) ? 1 : 0;
}

/* ---- reading ---- */

static void ask_tally(struct text *t, int64_t camera, int64_t at, int key)
{
	struct civil a = when_to_civil(at), b = when_to_civil(at + DAY_S);

	text_printf(t,
		"GET /api/v1/stats/hour?camera=http-%" PRId64
		"&from=%04d-%02d-%02d&to=%04d-%02d-%02d HTTP/1.1\r\n"
		"Host: bench\r\nAuthorization: Bearer %s\r\n",
		camera, a.year, a.month, a.day, b.year, b.month, b.day, token);
	if (*etag[key])
		text_printf(t, "If-None-Match: %s\r\n", etag[key]);
	text_str(t, "\r\n");
}

static void ask_influxdb(struct text *t, int64_t camera, int64_t at)
{
	text_printf(t,
		"GET /query?db=bench%" PRId64 "&epoch=s&q=SELECT%%20"
		"MEAN(people),STDDEV(people),MEAN(vehicle),STDDEV(vehicle),"
		"MEAN(face),STDDEV(face)%%20FROM%%20count%%20WHERE%%20"
		"camera='http-%" PRId64 "'%%20AND%%20time%%3E=%" PRId64
		"s%%20AND%%20time%%3C%" PRId64
		"s%%20GROUP%%20BY%%20time(1h) HTTP/1.1\r\nHost: bench\r\n\r\n",
		option.db, camera, at, at + DAY_S);
}

/* A window of an hour ends at each of the 24 points, and what begins with the
 * next hour is not in it. */
static void ask_victoria(struct text *t, int64_t camera, int64_t at)
{
	text_printf(t,
		"GET /api/v1/query_range?query=avg_over_time(count_people%%7B"
		"camera%%3D%%22http-%" PRId64 "%%22%%7D%%5B1h%%5D)"
		"&start=%" PRId64 "&end=%" PRId64
		"&step=3600%s HTTP/1.1\r\nHost: bench\r\n\r\n",
		camera, at + 3599, at + DAY_S - 1,
		option.nocache ? "&nocache=1" : "");
}

static bool next_read(void *ctx, struct client *c)
{
	struct sender *s = (struct sender *)ctx + c->number;
	unsigned x = mixed(s->row++, c->number);
	int64_t camera = x % (unsigned)option.cameras, at;

	x /= (unsigned)option.cameras;
	s->key = (int)(camera * option.days + x % (unsigned)option.days);
	at = option.at + (int64_t)(x % (unsigned)option.days) * DAY_S;
	text_clear(&s->request);
	if (whose == TALLY)
		ask_tally(&s->request, camera, at, s->key);
	else if (whose == INFLUXDB)
		ask_influxdb(&s->request, camera, at);
	else
		ask_victoria(&s->request, camera, at);
	send_it(c, s);
	return true;
}

static void keep_etag(void *ctx, struct client *c)
{
	const struct sender *s = (struct sender *)ctx + c->number;
	const char *at = strstr(c->head, "\r\nETag: ");

	if (c->status == 304)
		return;
	if (c->status != 200 || !at)
		refused(c);
	snprintf(etag[s->key], ETAG_MAX, "%.*s", (int)strcspn(at + 8, "\r"),
		at + 8);
}

/* ---- the run ---- */

static void set(const char *argument)
{
	const char *is = strchr(argument, '=');

	for (size_t i = 0; is && i < ARRAY_LEN(options); i++) {
		const char *name = options[i].name;
		char *end;

		if (strlen(name) != (size_t)(is - argument) ||
			strncmp(name, argument, strlen(name)) != 0)
			continue;
		*options[i].value = strtoll(is + 1, &end, 10);
		if (end > is + 1 && !*end)
			return;
	}
	fprintf(stderr, "bench http: %s\n", argument);
	exit(2);
}

static struct load plan(const char *what)
{
	struct load l = {.port = (int)option.port,
		.clients = (int)option.connections,
		.lasts = (double)option.seconds,
		.pace_s = (double)option.pace_ms / 1e3,
		.ctx = senders};

	if (!strcmp(what, "post")) {
		l.ask = next_row;
		l.told = stored;
	} else if (!strcmp(what, "bulk")) {
		l.ask = next_parcel;
		l.told = stored;
		l.lasts = 3600;
		make_parcels();
	} else {
		l.ask = next_read;
		l.told = !strcmp(what, "same") ? keep_etag : NULL;
	}
	return l;
}

static void usage(void)
{
	fputs("usage: http post|bulk|read|same|rows tally|influxdb|victoria "
	      "NAME=NUMBER ...\n",
		stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	struct load l;
	struct result r;

	if (argc < 3)
		usage();
	while (strcmp(whose_names[whose], argv[2]) != 0)
		if (++whose == ARRAY_LEN(whose_names))
			usage();
	for (int i = 3; i < argc; i++)
		set(argv[i]);
	if (option.connections < 1 || option.connections > CLIENTS_MAX ||
		option.cameras < 1 || option.cameras > CAMERAS_MAX ||
		option.days < 1 || option.days > DAYS_MAX)
		usage();
	if (getenv("TALLY_BENCH_TOKEN"))
		token = getenv("TALLY_BENCH_TOKEN");
	for (int i = 0; i < CLIENTS_MAX; i++) {
		text_init(&senders[i].request, 16 << 20);
		text_init(&senders[i].body, 16 << 20);
	}
	if (!strcmp(argv[1], "rows"))
		return print_rows();
	l = plan(argv[1]);
	r = load(&l);
	printf("{\"n\":%zu,\"seconds\":%.3f,\"rate\":%.1f,\"p50\":%.3f,"
	       "\"p99\":%.3f,\"max\":%.3f}\n",
		r.n, r.took, r.rate, r.p50, r.p99, r.most);
	return 0;
}
