// SPDX-License-Identifier: MIT
#include "api/gather.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "api/api.h"
#include "api/buckets.h"
#include "api/stats.h"
#include "common/when.h"

enum {
	DATES_EACH = 4, /* of a request: a day or two, where a clock changes */
	DATES_MAX = 64, /* of a statement */
	TEXT_MAX = DATES_MAX * 80,
	ROWS_BYTES = 16 << 20,
	/* Some are asked for while the rows of others become replies. */
	BATCHES = 4,
	ASKING = 2,
	SECOND_LEAST = 6, /* requests, for which a second statement is sent */
	ANSWERS_A_TURN = 2
};

/* A statement and whose questions it asks. */
struct batch {
	struct gather *gather;
	struct pool_job job;
	struct db_cell arg;
	struct text cameras;
	struct arena arena;
	struct db_rows rows;
	struct gather_ask *asks; /* not answered yet */
	struct event answer;
	enum { BATCH_IDLE, BATCH_ASKS, BATCH_ANSWERS } state;
	enum err err;
	size_t at;     /* the rows before it are taken … */
	int64_t place; /* … and the places */
};

struct gather {
	struct api *api;
	struct gather_ask *first, **end; /* who waits */
	unsigned waiting, asking;
	struct event turn_ends;
	struct batch batch[BATCHES];
};

static int64_t dates_of(const struct gather_ask *a)
{
	return (a->last - a->first) / DAY_S + 1;
}

bool gather_fits(int64_t first, int64_t last)
{
	return last >= first && last - first < DATES_EACH * DAY_S;
}

static void soon(struct gather *g)
{
	if (g->first)
		event_active(&g->turn_ends, EV_TIMEOUT, 0);
}

/* The next rows of the batch, which are this one's; what lies out of its range
 * is left out. */
static void take(
	struct batch *b, const struct gather_ask *a, struct db_rows *out)
{
	int64_t from = when_number(a->from), to = when_number(a->to);

	*out = (struct db_rows){.cols = b->rows.cols};
	b->place += dates_of(a);
	for (; b->at < b->rows.n; b->at++) {
		struct db_cell *row = b->rows.cell + b->at * b->rows.cols;

		if (row[C_AT].i >= b->place)
			break;
		/* The camera's place in what its request asked for. */
		row[C_AT].i = 1;
		if (row[C_START].i < from || row[C_START].i >= to)
			continue;
		if (!out->n)
			out->cell = row;
		out->n++;
	}
}

/* Some go on with their rows; the others once the loop has looked at its
 * sockets, so that who comes next does not wait for all of these. */
static void on_answer(evutil_socket_t fd, short what, void *arg)
{
	struct timeval now = {0, 0};
	struct batch *b = arg;

	(void)fd;
	(void)what;
	for (int i = 0; i < ANSWERS_A_TURN && b->asks; i++) {
		struct gather_ask *a = b->asks;
		struct req *r = a->req;

		b->asks = a->next;
		if (!b->err)
			take(b, a, &r->rows);
		req_resume(r, b->err);
	}
	if (b->asks) {
		event_add(&b->answer, &now);
		return;
	}
	arena_reset(&b->arena);
	b->state = BATCH_IDLE;
	soon(b->gather);
}

static void answered(struct pool_job *job, enum err e)
{
	struct timeval now = {0, 0};
	struct batch *b = job->ctx;
	struct gather *g = b->gather;

	b->state = BATCH_ANSWERS;
	b->err = e;
	b->at = 0;
	b->place = 1;
	g->asking--;
	/* Whoever came meanwhile would wait as long for nothing. */
	if (e == E_DB_GONE || e == E_TIMEOUT) {
		*g->end = b->asks;
		b->asks = g->first;
		g->first = NULL;
		g->end = &g->first;
		g->waiting = 0;
	}
	event_add(&b->answer, &now);
	soon(g);
}

/* An array each of the camera, a date and k. */
static void write_dates(struct text *t, const struct gather_ask *a)
{
	for (int64_t date = a->first; date <= a->last; date += DAY_S) {
		text_str(t, t->n ? ",[" : "[[");
		text_int(t, a->camera_id);
		text_add(t, ",", 1);
		text_int(t, bucket_number(date));
		text_add(t, ",", 1);
		text_double(t, a->k);
		text_add(t, "]", 1);
	}
}

/* As many as one statement may have. */
static void fill(struct gather *g, struct batch *b)
{
	struct gather_ask **last = &b->asks;
	int64_t dates = 0;

	text_clear(&b->cameras);
	b->asks = g->first;
	while (*last && (dates += dates_of(*last)) <= DATES_MAX) {
		write_dates(&b->cameras, *last);
		last = &(*last)->next;
		g->waiting--;
	}
	text_add(&b->cameras, "]", 1);
	g->first = *last;
	*last = NULL;
	if (!g->first)
		g->end = &g->first;
}

static void begin(struct gather *g, struct batch *b)
{
	enum err e;

	b->state = BATCH_ASKS;
	g->asking++;
	fill(g, b);
	b->rows = (struct db_rows){0};
	b->arg = DB_SN(b->cameras.at, b->cameras.n);
	b->job = (struct pool_job){.stmt = Q_STATS_HOURS,
		.args = &b->arg,
		.arena = &b->arena,
		.rows = &b->rows,
		.done = answered,
		.ctx = b};
	e = b->cameras.full ? E_NOMEM : pool_submit(g->api->pool, &b->job);
	if (e)
		answered(&b->job, e);
}

/* Fewer wait for the one that runs: alone they would cost the most. */
static bool may_ask(const struct gather *g)
{
	return g->waiting && g->asking < ASKING &&
		(!g->asking || g->waiting >= SECOND_LEAST);
}

/* Once this turn's requests are there: those who ask by then share it. */
static void on_turn_ends(evutil_socket_t fd, short what, void *arg)
{
	struct gather *g = arg;

	(void)fd;
	(void)what;
	for (int i = 0; i < BATCHES && may_ask(g); i++)
		if (g->batch[i].state == BATCH_IDLE)
			begin(g, &g->batch[i]);
}

enum step gather_hours(struct req *r, struct gather_ask *ask)
{
	struct gather *g = r->api->gather;

	ask->req = r;
	ask->next = NULL;
	*g->end = ask;
	g->end = &ask->next;
	g->waiting++;
	soon(g);
	return STEP_WAIT;
}

unsigned gather_waiting(const struct gather *g)
{
	return g->waiting;
}

enum err gather_open(struct gather **out, struct api *api)
{
	struct gather *g = calloc(1, sizeof(*g));

	*out = g;
	if (!g)
		return E_NOMEM;
	g->api = api;
	g->end = &g->first;
	for (int i = 0; i < BATCHES; i++) {
		g->batch[i].gather = g;
		event_assign(&g->batch[i].answer, api->base, -1, 0, on_answer,
			&g->batch[i]);
		arena_init(&g->batch[i].arena, ROWS_BYTES);
		text_init(&g->batch[i].cameras, TEXT_MAX);
	}
	event_assign(&g->turn_ends, api->base, -1, 0, on_turn_ends, g);
	return E_OK;
}

void gather_close(struct gather *g)
{
	if (!g)
		return;
	event_del(&g->turn_ends);
	for (int i = 0; i < BATCHES; i++) {
		event_del(&g->batch[i].answer);
		arena_reset(&g->batch[i].arena);
		text_free(&g->batch[i].cameras);
	}
	free(g);
}
