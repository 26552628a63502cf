// SPDX-License-Identifier: MIT
/*
 * GET /api/v1/cameras/{code}/live.mjpeg and …/snapshot.jpg.
 *
 * A request that finds no fresh picture makes the camera wanted, which ingest
 * hears of by its GET /ingest/config, and waits for the first one; so a camera
 * that sends none is a plain 503.  Every few seconds each viewer is asked anew
 * whether it may still watch.
 *
 * Map of the file: viewers, pictures, whether they may, each second, steps.
 */
#include "api/live.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/camera.h"
#include "api/api.h"
#include "api/auth.h"
#include "api/cameras.h"
#include "api/conn.h"
#include "api/relay.h"
#include "api/resources.h"
#include "api/server.h"
#include "common/db/pool.h"
#include "common/token.h"
#include "common/when.h"

enum {
	WAIT_S = 5, /* for the first picture, unless the request says … */
	WAIT_MAX_S = 30,
	STILL_MS = 15000,  /* without a new picture: the view ends */
	CHECK_MS = 4000,   /* may it still watch? */
	UNSURE_MS = 30000, /* the longest that nobody could tell */
	PART_HEAD = 80
};

#define BOUNDARY "tally-picture"
static const char part_head[] =
	"Content-Type: image/jpeg\r\nContent-Length: %zu\r\n\r\n";
static const char part_end[] = "\r\n--" BOUNDARY "\r\n";

struct viewer {
	struct req *req;
	struct viewer *next;
	uint64_t id; /* 0: none yet */
	const char *code;
	unsigned char hash[TOKEN_HASH]; /* of its token or session */
	bool stream, showing;
	int64_t wait_ms, until_ms; /* for the first picture */
	int64_t last_ms, asked_ms; /* last picture; last asked for leave */
	int64_t sure_ms;	   /* when it was answered */
	struct blob *first;
};

struct live {
	struct api *api;
	struct relay *relay;
	struct event tick;
	struct viewer *viewers;
	size_t n, bytes; /* of pictures on their way */
	uint64_t last_id;

	/* The question whether one may still watch. */
	struct pool_job job;
	struct db_cell arg[6];
	struct arena arena;
	struct db_rows rows;
	char code[CAMERA_CODE_MAX + 1];
	unsigned char hash[TOKEN_HASH];
	uint64_t of; /* the viewer */
	bool asking;
};

static struct server_counters *count(struct live *l)
{
	return server_counters(l->api->server);
}

/* ---- viewers ---- */

static void leave(struct req *r)
{
	struct viewer *v = r->state;
	struct live *l = r->api->live;

	for (struct viewer **at = &l->viewers; *at; at = &(*at)->next)
		if (*at == v) {
			*at = v->next;
			l->n--;
			break;
		}
	blob_drop(v->first);
	v->first = NULL;
}

static void join(struct live *l, struct viewer *v)
{
	int64_t now = when_clock_ms();

	v->id = ++l->last_id;
	v->until_ms = now + v->wait_ms;
	v->last_ms = v->asked_ms = v->sure_ms = now;
	v->next = l->viewers;
	l->viewers = v;
	l->n++;
	v->req->release = leave;
	/* Who does not wait takes what is there. */
	if (v->wait_ms)
		relay_want(l->relay, v->code);
}

static size_t watching(const struct live *l, const char *code)
{
	size_t n = 0;

	for (const struct viewer *v = l->viewers; v; v = v->next)
		n += !strcmp(v->code, code);
	return n;
}

/* Its connection is free to go from here on. */
static void end(struct viewer *v)
{
	struct conn *c = v->req->conn;

	conn_live_end(c);
	conn_alive(c);
}

/* ---- pictures ---- */

/* As a part of the reply, the boundary behind it: a browser shows a picture
 * when it has seen its end.  NULL: there is none that is fresh. */
static struct blob *read_part(struct live *l, const char *code)
{
	char head[PART_HEAD], *at;
	struct blob *b;
	size_t n, k;

	if (relay_get(l->relay, code, PART_HEAD, sizeof(part_end), &at, &n))
		return NULL;
	k = (size_t)snprintf(head, sizeof(head), part_head, n);
	memmove(at + k, at + PART_HEAD, n);
	memcpy(at, head, k);
	memcpy(at + k + n, part_end, sizeof(part_end) - 1);
	if (!(b = blob_new(at, k + n + sizeof(part_end) - 1)))
		return NULL;
	b->account = &l->bytes;
	l->bytes += b->n;
	return b;
}

/* The picture alone. */
static struct slice picture_in(const struct blob *part)
{
	const char *at =
		(const char *)memmem(part->at, part->n, "\r\n\r\n", 4) + 4;

	return (struct slice){
		at, (size_t)(part->at + part->n - at) - (sizeof(part_end) - 1)};
}

static void show(struct live *l, struct viewer *v, struct blob *part)
{
	struct conn *c = v->req->conn;

	v->last_ms = when_clock_ms();
	if (v->showing) {
		if (!conn_live_put(c, blob_ref(part)))
			count(l)->live_dropped++;
		conn_alive(c);
	} else if (!v->first) {
		v->first = blob_ref(part);
		req_resume(v->req, E_OK);
	}
}

static void on_picture(void *ctx, const char *code)
{
	struct live *l = ctx;
	struct blob *part;
	struct viewer *next;

	if (!watching(l, code) || !(part = read_part(l, code)))
		return;
	for (struct viewer *v = l->viewers; v; v = next) {
		next = v->next;
		if (!strcmp(v->code, code))
			show(l, v, part);
	}
	blob_drop(part);
}

static void on_watched(void *ctx)
{
	(void)ctx;
	config_wake();
}

/* ---- whether they may ---- */

static void ask_next(struct live *l);

static void answered(struct pool_job *job, enum err e)
{
	struct live *l = job->ctx;
	struct viewer *v = l->viewers;

	l->asking = false;
	while (v && v->id != l->of)
		v = v->next;
	if (v && !e && l->rows.n && l->rows.cell[0].i)
		v->sure_ms = when_clock_ms();
	else if (v && !e && v->showing)
		end(v);
	ask_next(l);
}

/* One question at a time; who was asked about longest ago is next. */
static void ask_next(struct live *l)
{
	int64_t now = when_clock_ms();
	struct viewer *v = NULL;

	for (struct viewer *i = l->viewers; i; i = i->next)
		if (i->showing && now - i->asked_ms >= CHECK_MS &&
			(!v || i->asked_ms < v->asked_ms))
			v = i;
	if (!v || l->asking)
		return;
	v->asked_ms = now;
	l->of = v->id;
	snprintf(l->code, sizeof(l->code), "%s", v->code);
	memcpy(l->hash, v->hash, sizeof(l->hash));
	l->arg[0] = l->arg[2] = l->arg[4] = DB_S(l->code);
	l->arg[1] = l->arg[3] = DB_SN((const char *)l->hash, TOKEN_HASH);
	l->arg[5] = DB_I(l->api->conf.api_session_idle_min);
	arena_reset(&l->arena);
	l->rows = (struct db_rows){0};
	l->job = (struct pool_job){.stmt = Q_LIVE_MAY,
		.args = l->arg,
		.arena = &l->arena,
		.rows = &l->rows,
		.done = answered,
		.ctx = l};
	l->asking = !pool_submit(l->api->pool, &l->job);
}

/* ---- each second ---- */

static void want_all(struct live *l)
{
	for (const struct viewer *v = l->viewers; v; v = v->next) {
		const struct viewer *first = l->viewers;

		while (strcmp(first->code, v->code) != 0)
			first = first->next;
		if (first == v)
			relay_want(l->relay, v->code);
	}
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct live *l = arg;
	bool stopping = server_stopping(l->api->server);
	int64_t now = when_clock_ms();
	struct viewer *next;

	(void)fd, (void)what;
	for (struct viewer *v = l->viewers; v; v = next) {
		next = v->next;
		if (v->showing) {
			if (now - v->last_ms >= STILL_MS ||
				now - v->sure_ms >= UNSURE_MS)
				end(v);
		} else if (now >= v->until_ms || v->req->conn->eof ||
			v->req->conn->gone || stopping) {
			req_resume(v->req, E_OK);
		}
	}
	want_all(l);
	relay_tick(l->relay);
	ask_next(l);
}

enum err live_open(struct live **out, struct api *api)
{
	struct live *l = calloc(1, sizeof(*l));
	struct timeval second = {1, 0};
	struct relay_events on = {
		.picture = on_picture, .watched = on_watched, .ctx = l};
	enum err e;

	*out = l;
	if (!l)
		return E_NOMEM;
	l->api = api;
	arena_init(&l->arena, 4096);
	if ((e = relay_open(&l->relay, api, &on)))
		return e;
	event_assign(&l->tick, api->base, -1, EV_PERSIST, on_tick, l);
	event_add(&l->tick, &second);
	return E_OK;
}

void live_close(struct live *l)
{
	if (!l)
		return;
	if (l->relay)
		event_del(&l->tick);
	relay_close(l->relay);
	arena_reset(&l->arena);
	free(l);
}

struct relay *live_relay(struct live *l)
{
	return l->relay;
}

size_t live_viewers(const struct live *l)
{
	return l->n;
}

size_t live_bytes(const struct live *l)
{
	return l->bytes;
}

/* ---- steps ---- */

static enum step begin(struct req *r, bool stream)
{
	static const char *const known[] = {"wait"};
	struct viewer *v = arena_alloc(&r->arena, sizeof(*v));
	int64_t wait_s = WAIT_S;
	const char *name;
	enum step s;

	if (!v)
		return req_fail(r, E_NOMEM);
	if ((name = query_unknown(&r->query, known, ARRAY_LEN(known))))
		return req_problem(r, 400, "unknown-parameter",
			"the parameter %.60s is not known", name);
	if ((s = req_seconds(r, "wait", WAIT_MAX_S, &wait_s)) != STEP_NEXT ||
		(s = camera_code(r, &v->code)) != STEP_NEXT)
		return s;
	if (!principal_covers(&r->who, v->code))
		return camera_unknown(r, v->code);
	if (!auth_hash(r, v->hash))
		return req_fail(r, E_CORRUPT);
	v->req = r;
	v->stream = stream;
	v->wait_ms = 1000 * wait_s;
	r->state = v;
	return STEP_NEXT;
}

enum step live_begin(struct req *r)
{
	return begin(r, true);
}

enum step snapshot_begin(struct req *r)
{
	return begin(r, false);
}

enum step live_ask(struct req *r)
{
	const struct viewer *v = r->state;

	return req_query(r, Q_LIVE_CAMERA, DB_ARGS(DB_S(v->code)), 1);
}

static enum step too_many(struct req *r, const char *why)
{
	count(r->api->live)->live_refused_viewers++;
	text_str(&r->headers, "Retry-After: 5\r\n");
	return req_problem(r, 503, "busy", "%s", why);
}

enum step live_join(struct req *r)
{
	const struct conf *k = &r->api->conf;
	struct live *l = r->api->live;
	struct viewer *v = r->state;

	if (!r->rows.n)
		return camera_unknown(r, v->code);
	if (!r->rows.cell[0].i)
		return req_problem(r, 409, "conflict",
			"\"%.60s\" is a line or a zone, and has no picture of "
			"its own",
			v->code);
	if (r->rows.cell[1].i)
		return req_problem(r, 409, "conflict",
			"camera \"%.60s\" has retired", v->code);
	if (l->n >= (size_t)k->api_live_viewers_max)
		return too_many(r, "too many watch already; try again");
	if (watching(l, v->code) >= (size_t)k->api_live_camera_max)
		return too_many(
			r, "too many watch this camera already; try again");
	join(l, v);
	v->first = read_part(l, v->code);
	return v->first || !v->wait_ms ? STEP_NEXT : STEP_WAIT;
}

static enum step begin_stream(struct req *r, struct viewer *v)
{
	struct blob *first = v->first;
	enum step s;

	text_str(&r->headers, "Cache-Control: no-store\r\n");
	s = req_live(r, "multipart/x-mixed-replace; boundary=" BOUNDARY,
		"--" BOUNDARY "\r\n");
	if (s == STEP_DONE)
		return s;
	v->showing = true;
	v->first = NULL;
	conn_live_put(r->conn, first);
	return s;
}

enum step live_show(struct req *r)
{
	struct viewer *v = r->state;
	struct slice jpeg;

	if (!v->first) {
		text_str(&r->headers, "Retry-After: 5\r\n");
		return req_problem(r, 503, "no-picture",
			"no ingest sends a picture of camera \"%.60s\" now",
			v->code);
	}
	if (v->stream)
		return begin_stream(r, v);
	jpeg = picture_in(v->first);
	text_add(&r->out, jpeg.at, jpeg.n);
	text_str(&r->headers, "Cache-Control: no-store\r\n");
	return req_reply(r, 200, "image/jpeg");
}
