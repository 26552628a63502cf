// SPDX-License-Identifier: MIT
/*
 * GET /api/v1/stream: what is new as server-sent events (WHATWG HTML, 9.2).
 *
 * Map of the file: what is to be told; catching up; sending; who may still
 * listen; the route.
 */
#include "api/stream.h"

#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/auth.h"
#include "api/conn.h"
#include "api/resources.h"
#include "api/server.h"
#include "common/when.h"

enum {
	BEAT_MS = 15000,
	CHECK_MS = 3000,
	RETRY_MS = 2000,    /* for the client, before it comes again */
	BUFFER = 65536,	    /* of events, then they are sent */
	BODY_MAX = 4 << 20, /* what one piece of the log may make */
	CATCHING_MAX = 4,   /* at a time; the others wait */
	CHUNK_MAX = 32,	    /* a chunk's frame */
	ID_DIGITS = 18
};

/* Nobody on the way keeps or packs it. */
#define FIELDS \
	"Cache-Control: no-store, no-transform\r\nX-Accel-Buffering: no\r\n"

static unsigned catching;    /* the loop's thread alone, both */
static struct stream *ended; /* that wait for their jobs */

/* ---- what is to be told ---- */

static bool wanted(const struct req *r, const char *code)
{
	return principal_covers(&r->who, code) &&
		(!query_get(&r->query, "camera") ||
			query_has(&r->query, "camera", code) ||
			query_has(&r->query, "camera", "*"));
}

static void add(struct stream *s, const struct feed_event *e)
{
	if (e->seq > s->seq && (e->alert || s->all) && wanted(s->r, e->code))
		text_add(&s->body, e->text, e->n);
}

/* A client that comes again begins there, whatever it was told of. */
static void add_id(struct stream *s)
{
	text_printf(&s->body, "id: %lld\n\n", (long long)s->seq);
}

static void add_reset(struct stream *s)
{
	text_printf(&s->body,
		"event: reset\nid: %lld\n"
		"data: {\"detail\":\"what came before is not kept; ask for "
		"it anew\"}\n\n",
		(long long)s->seq);
	s->reset = false;
}

void stream_reset(struct stream *s, int64_t seq)
{
	/* Further on already, by its own reading. */
	if (seq <= s->seq)
		return;
	s->seq = seq;
	s->reset = true;
	if (s->reader)
		reader_skip(s->reader, seq);
}

/* ---- catching up ---- */

static void stop_catching(struct stream *s)
{
	reader_close(s->reader);
	free(s->reader);
	s->reader = NULL;
	catching--;
}

static void free_ended(struct stream *s)
{
	if (s->checking || (s->reader && s->reader->busy))
		return;
	if (s->reader)
		stop_catching(s);
	for (struct stream **p = &ended; *p; p = &(*p)->next)
		if (*p == s) {
			*p = s->next;
			break;
		}
	arena_reset(&s->arena);
	text_free(&s->body);
	text_free(&s->wire);
	free(s);
}

static void on_caught(void *ctx, const struct feed_event *e)
{
	struct stream *s = ctx;

	if (s->r)
		add(s, e);
}

static void on_piece(void *ctx, enum reader_end how)
{
	struct stream *s = ctx;
	struct reader *rd = s->reader;

	if (!s->r) {
		free_ended(s);
		return;
	}
	if (how == READER_FAILED)
		return; /* the next look tries again */
	if (rd->lost > rd->at)
		stream_reset(s, rd->lost);
	else if (s->seq < (how == READER_END ? rd->last : rd->at))
		s->seq = how == READER_END ? rd->last : rd->at;
	stream_more(s);
}

/* Behind the ring: the log's next piece.  False: it comes later. */
static bool catch_up(struct stream *s)
{
	struct reader *rd = s->reader;

	if (rd && rd->busy)
		return false;
	if (!rd && catching >= CATCHING_MAX)
		return false;
	if (!rd) {
		rd = s->reader = calloc(1, sizeof(*rd));
		if (!rd)
			return false;
		catching++;
		reader_open(rd, s->api, s->seq);
		rd->take = on_caught;
		rd->done = on_piece;
		rd->ctx = s;
	}
	reader_go(rd);
	return false;
}

/* ---- sending ---- */

static void take_ring(struct stream *s)
{
	const struct feed *f = s->api->feed;
	const struct feed_event *e;

	while (s->body.n < BUFFER && (e = feed_next(f, s->seq))) {
		add(s, e);
		s->seq = e->seq;
	}
	if (s->body.n < BUFFER && s->seq < feed_at(f))
		s->seq = feed_at(f);
}

static void weigh(struct stream *s, size_t bytes)
{
	server_counters(s->api->server)->stream_bytes += bytes - s->held;
	s->held = bytes;
}

/* HTTP/1.0 knows no chunks: its body ends with the connection. */
static void frame(struct stream *s)
{
	bool chunked = s->r->head.minor;

	if (chunked && s->body.n)
		text_printf(&s->wire, "%zx\r\n", s->body.n);
	if (s->body.n)
		text_add(&s->wire, s->body.at, s->body.n);
	if (chunked && s->body.n)
		text_str(&s->wire, "\r\n");
	if (chunked && s->ending)
		text_str(&s->wire, "0\r\n\r\n");
	s->final = s->ending;
	text_clear(&s->body);
	weigh(s, sizeof(*s) + s->body.cap + s->wire.cap);
	s->beat_ms = when_clock_ms() + BEAT_MS;
}

/* The next buffer is in s->wire, or there is nothing to send. */
static bool fill(struct stream *s)
{
	const struct feed *f = s->api->feed;

	if (s->reader && s->reader->busy && !s->ending)
		return false;
	if (!s->greeted) {
		text_printf(&s->body, "retry: %d\n", RETRY_MS);
		add_id(s);
		s->greeted = true;
	}
	if (s->reset)
		add_reset(s);
	if (!s->ending && feed_runs(f) && !s->body.n) {
		if (s->seq < feed_from(f))
			return catch_up(s);
		if (s->reader)
			stop_catching(s);
		take_ring(s);
	}
	if (!s->body.n && !s->ending && when_clock_ms() >= s->beat_ms) {
		text_str(&s->body, ": still here\n");
		add_id(s);
	}
	if (!s->body.n && !s->ending)
		return false;
	frame(s);
	return true;
}

/* Sends what there is and room for.  The stream may be gone behind it. */
static void pump(struct stream *s)
{
	struct conn *c = s->r->conn;

	for (;;) {
		if (s->sent < s->wire.n) {
			ssize_t n = conn_flow_send(
				c, s->wire.at + s->sent, s->wire.n - s->sent);

			if (n > 0)
				s->sent += (size_t)n;
			if (n < 0 || s->sent < s->wire.n)
				return;
		}
		text_clear(&s->wire);
		s->sent = 0;
		if (s->final) {
			conn_flow_end(c);
			return;
		}
		if (!fill(s))
			return;
		if (s->wire.full) {
			c->gone = true;
			return;
		}
	}
}

/* ---- who may still listen ---- */

static bool same_cameras(const struct stream *s, const struct db_cell *c)
{
	const char *had = s->r->who.cameras;

	return c->null ? !had : had && !strcmp(c->s.at, had);
}

/* Whose rights are others now comes again, and gets what they are. */
static bool holds(const struct stream *s)
{
	const struct principal *who = &s->r->who;
	const struct db_cell *c = s->rows.cell;

	if (!s->rows.n)
		return false;
	if (s->how == Q_SESSION_FIND)
		return c[2].i == who->role && same_cameras(s, &c[3]);
	/* Neither expired nor revoked. */
	return !c[2].i && !c[3].i && c[1].i == (int64_t)who->scopes &&
		same_cameras(s, &c[4]);
}

static void on_checked(struct pool_job *job, enum err e)
{
	struct stream *s = job->ctx;

	s->checking = false;
	if (!s->r) {
		free_ended(s);
		return;
	}
	/* Not to be known is not to be refused: nothing comes then, either. */
	if (!e && !holds(s))
		s->ending = true;
	stream_more(s);
}

static void check(struct stream *s)
{
	int64_t now = when_clock_ms();

	if (s->checking || now < s->check_ms)
		return;
	s->check_ms = now + CHECK_MS;
	arena_reset(&s->arena);
	s->arg[0] = DB_SN((const char *)s->hash, sizeof(s->hash));
	s->arg[1] = DB_I(s->api->conf.api_session_idle_min);
	s->job = (struct pool_job){.stmt = s->how,
		.args = s->arg,
		.arena = &s->arena,
		.rows = &s->rows,
		.done = on_checked,
		.ctx = s};
	s->checking = !pool_submit(s->api->pool, &s->job);
}

void stream_more(struct stream *s)
{
	struct conn *c = s->r->conn;

	check(s);
	pump(s);
	conn_alive(c);
}

/* ---- the route ---- */

static void release(struct req *r)
{
	struct stream *s = r->state;

	feed_leave(s->api->feed, s);
	server_counters(s->api->server)->streams--;
	weigh(s, 0);
	s->r = NULL;
	s->prev = NULL;
	s->next = ended;
	ended = s;
	free_ended(s);
}

static void on_flow(struct req *r, bool stop)
{
	struct stream *s = r->state;

	s->ending |= stop;
	pump(s);
}

void stream_close(void)
{
	while (ended) {
		ended->checking = false;
		if (ended->reader)
			ended->reader->busy = false;
		free_ended(ended);
	}
}

/* The number a client has heard up to; -1: none; -2: it is no number. */
static int64_t told(const struct req *r)
{
	const struct slice *v = http_find(&r->head, "last-event-id");
	const char *p = query_get(&r->query, "last_event_id");
	struct slice s = v ? *v : (struct slice){p, p ? strlen(p) : 0};
	int64_t n = 0;

	if (!s.n)
		return -1;
	if (s.n > ID_DIGITS)
		return -2;
	for (size_t i = 0; i < s.n; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return -2;
		n = 10 * n + (s.at[i] - '0');
	}
	return n;
}

enum step stream_begin(struct req *r)
{
	static const char *const known[] = {"camera", "level", "last_event_id"};
	static const char *const many[] = {"camera"};
	const char *level = query_get(&r->query, "level");
	const char *v;

	if ((v = query_unknown(&r->query, known, ARRAY_LEN(known))))
		return req_problem(r, 400, "unknown-parameter",
			"the parameter %.60s is not known", v);
	if ((v = query_repeated(&r->query, many, ARRAY_LEN(many))))
		return req_problem(
			r, 400, "bad-parameter", "%.60s is there twice", v);
	if (level && strcmp(level, "alert") != 0 && strcmp(level, "all") != 0)
		return req_problem(r, 400, "bad-parameter",
			"level is neither alert nor all");
	if (told(r) == -2)
		return req_problem(
			r, 400, "bad-parameter", "Last-Event-ID is no number");
	return STEP_NEXT;
}

/* What was stored before is not new. */
enum step stream_number(struct req *r)
{
	return req_query(r, Q_STREAM_NUMBER, NULL, 0);
}

enum step stream_ask(struct req *r)
{
	return req_query(r, Q_STREAM_STATE, NULL, 0);
}

static struct stream *open_stream(struct req *r, int64_t last, int64_t lost)
{
	const char *level = query_get(&r->query, "level");
	struct stream *s = calloc(1, sizeof(*s));
	int64_t from = told(r);

	if (!s)
		return NULL;
	s->r = r;
	s->api = r->api;
	s->all = level && !strcmp(level, "all");
	s->reset = from >= 0 && (from < lost || from > last);
	s->seq = from < 0 || s->reset ? last : from;
	text_init(&s->body, BODY_MAX);
	text_init(&s->wire, BODY_MAX + CHUNK_MAX);
	arena_init(&s->arena, 65536);
	s->how = r->who.by_cookie ? Q_SESSION_FIND : Q_TOKEN_FIND;
	auth_hash(r, s->hash); /* the request was let in by it */
	s->check_ms = when_clock_ms() + CHECK_MS;
	return s;
}

enum step stream_start(struct req *r)
{
	struct server_counters *count = server_counters(r->api->server);
	struct stream *s;

	if (r->head.method == HTTP_HEAD) {
		text_str(&r->headers, FIELDS);
		return req_flow(r, "text/event-stream");
	}
	if (!r->rows.n)
		return req_fail(r, E_CORRUPT);
	if (count->streams >= (size_t)r->api->conf.api_streams_max ||
		server_stopping(r->api->server)) {
		count->refused_streams++;
		return req_fail(r, E_FULL);
	}
	if (!(s = open_stream(r, r->rows.cell[0].i, r->rows.cell[1].i)))
		return req_fail(r, E_NOMEM);
	r->state = s;
	r->release = release;
	r->flow = on_flow;
	count->streams++;
	feed_join(r->api->feed, s);
	text_str(&r->headers, FIELDS);
	req_flow(r, "text/event-stream");
	pump(s);
	return STEP_DONE;
}
