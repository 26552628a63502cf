// SPDX-License-Identifier: MIT
/*
 * Map of the file: a reader of the log: entries, slots, rows, events; the ring;
 * the process's feed.
 */
#include "api/feed.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/items.h"
#include "api/stream.h"
#include "common/when.h"

enum {
	ENTRIES = 50,
	ENTRIES_BYTES = 32 << 20,
	ROWS_BYTES = 8 << 20,
	PIECES_A_LOOK = 20 /* then the others of the loop have their turn */
};
/* Columns of Q_STREAM_READ; of _ROWS and _OUTLIERS behind a list's. */
enum { L_LAST, L_LOST, L_SEQ, L_ROWS, L_RUNS, L_STATE, L_AT, L_CODE };
enum { R_CODE = 16, R_PLACE };
enum { O_SIDE = 0, O_CODE = 30, O_PLACE };

/* ---- a reader: entries ---- */

static void end(struct reader *rd, enum reader_end how)
{
	rd->busy = false;
	/* What was not given is read anew. */
	if (how == READER_FAILED) {
		rd->at = rd->from;
		rd->entry = rd->log.n;
	}
	rd->done(rd->ctx, how);
}

static void ask(struct reader *rd, enum stmt q, size_t args, struct arena *a,
	struct db_rows *rows, void (*done)(struct pool_job *, enum err))
{
	arena_reset(a);
	*rows = (struct db_rows){0};
	rd->job = (struct pool_job){.stmt = q,
		.args = args ? rd->arg : NULL,
		.arena = a,
		.rows = rows,
		.done = done,
		.ctx = rd};
	/* Where there is no room the next look has it, perhaps. */
	if (pool_submit(rd->api->pool, &rd->job))
		end(rd, READER_FAILED);
}

static const struct db_cell *entry(const struct reader *rd)
{
	return &rd->log.cell[rd->entry * rd->log.cols];
}

static void next_entry(struct reader *rd)
{
	rd->entry++;
	rd->run = NULL;
	rd->run_row = rd->entry_row = 0;
}

/* ---- slots ---- */

static void take_state(struct reader *rd, const struct db_cell *c)
{
	/* The camera may be gone. */
	if (!c[L_CODE].null)
		rd->slot[rd->slots++] = (struct reader_slot){.seq = c[L_SEQ].i,
			.state = c[L_STATE].s.at,
			.code = c[L_CODE].s.at,
			.at = when_from_number(c[L_AT].i)};
	rd->at = c[L_SEQ].i;
	next_entry(rd);
}

/* "camera_id start_at step_s rows", as the database's writers made it. */
static void take_runs(struct reader *rd, const struct db_cell *c)
{
	int64_t first = c[L_SEQ].i - FEED_NUMBERS * c[L_ROWS].i + 1;
	char *p;

	if (!rd->run)
		rd->run = c[L_RUNS].s.at;
	while (*rd->run && rd->slots < FEED_ROWS) {
		int64_t camera_id = strtoll(rd->run, &p, 10);
		int64_t start = when_from_number(strtoll(p, &p, 10));
		int64_t step = strtoll(p, &p, 10), n = strtoll(p, &p, 10);

		for (; rd->run_row < n && rd->slots < FEED_ROWS;
			rd->run_row++) {
			int64_t seq = first + FEED_NUMBERS * rd->entry_row++;

			/* Read before, where it begins inside of an entry. */
			if (seq + FEED_NUMBERS - 1 <= rd->at)
				continue;
			rd->slot[rd->slots++] = (struct reader_slot){.seq = seq,
				.camera_id = camera_id,
				.start_at = start + step * rd->run_row};
		}
		if (rd->run_row < n)
			break;
		rd->run_row = 0;
		rd->run = *p ? p + 1 : p;
	}
	if (*rd->run) {
		rd->at = first + FEED_NUMBERS * rd->entry_row - 1;
		return;
	}
	rd->at = c[L_SEQ].i;
	next_entry(rd);
}

static void fill_slots(struct reader *rd)
{
	rd->slots = 0;
	while (rd->entry < rd->log.n && rd->slots < FEED_ROWS) {
		const struct db_cell *c = entry(rd);

		if (c[L_RUNS].null)
			take_state(rd, c);
		else
			take_runs(rd, c);
	}
}

/* [[place, camera_id, start_at], …] of the rows; perhaps of none: what ends
 * always comes from the loop. */
static void write_keys(struct reader *rd)
{
	text_clear(&rd->keys);
	json_open(&rd->keys, NULL, '[');
	for (size_t i = 0; i < rd->slots; i++) {
		const struct reader_slot *s = &rd->slot[i];

		if (s->state)
			continue;
		json_open(&rd->keys, NULL, '[');
		json_int(&rd->keys, NULL, (int64_t)i);
		json_int(&rd->keys, NULL, s->camera_id);
		json_int(&rd->keys, NULL, when_number(s->start_at));
		json_close(&rd->keys, ']');
	}
	json_close(&rd->keys, ']');
}

/* ---- events ---- */

/* Its data is rd->json. */
static void give(struct reader *rd, const char *kind, int64_t seq, bool alert,
	const char *code)
{
	text_clear(&rd->event);
	text_printf(&rd->event, "event: %s\nid: %lld\ndata: ", kind,
		(long long)seq);
	text_add(&rd->event, rd->json.at, rd->json.n);
	text_str(&rd->event, "\n\n");
	if (!rd->event.full)
		rd->take(rd->ctx,
			&(struct feed_event){.seq = seq,
				.alert = alert,
				.code = code,
				.text = rd->event.at,
				.n = rd->event.n});
	text_clear(&rd->json);
}

static void give_state(struct reader *rd, const struct reader_slot *s)
{
	char at[WHEN_TEXT];

	json_open(&rd->json, NULL, '{');
	json_str(&rd->json, "camera", s->code);
	json_str(&rd->json, "state", s->state);
	json_str(&rd->json, "at", when_format(at, s->at, 0, true));
	json_close(&rd->json, '}');
	give(rd, "camera", s->seq, true, s->code);
}

static void give_row(
	struct reader *rd, const struct reader_slot *s, const struct db_cell *c)
{
	counts_json(&rd->json, c[R_CODE].s.at, c);
	give(rd, "count", s->seq, true, c[R_CODE].s.at);
}

static void give_outlier(
	struct reader *rd, const struct reader_slot *s, const struct db_cell *c)
{
	int64_t seq = s->seq + (*c[O_SIDE].s.at == 'h' ? 1 : 2);
	bool alert =
		outlier_json(&rd->json, &rd->rows_arena, c[O_CODE].s.at, c);
	give(rd, "outlier", seq, alert, c[O_CODE].s.at);
}

/* The rows of both questions are in the order of their slots. */
static void give_all(struct reader *rd)
{
	const struct db_rows *rows = &rd->rows, *outliers = &rd->outliers;
	size_t r = 0, o = 0;

	for (size_t i = 0; i < rd->slots; i++) {
		const struct reader_slot *s = &rd->slot[i];

		if (s->state)
			give_state(rd, s);
		/* A row that was deleted since is not there. */
		for (; r < rows->n; r++) {
			const struct db_cell *c = &rows->cell[r * rows->cols];

			if (c[R_PLACE].i > (int64_t)i)
				break;
			give_row(rd, s, c);
		}
		for (; o < outliers->n; o++) {
			const struct db_cell *c =
				&outliers->cell[o * outliers->cols];

			if (c[O_PLACE].i > (int64_t)i)
				break;
			give_outlier(rd, s, c);
		}
	}
	end(rd, READER_MORE);
}

static void on_outliers(struct pool_job *job, enum err e)
{
	if (e)
		end(job->ctx, READER_FAILED);
	else
		give_all(job->ctx);
}

static void on_rows(struct pool_job *job, enum err e)
{
	struct reader *rd = job->ctx;

	if (e)
		end(rd, READER_FAILED);
	else
		ask(rd, Q_STREAM_OUTLIERS, 2, &rd->outliers_arena,
			&rd->outliers, on_outliers);
}

static void on_log(struct pool_job *job, enum err e)
{
	struct reader *rd = job->ctx;
	const struct db_cell *c = rd->log.cell;

	rd->entry = 0;
	rd->run = NULL;
	rd->run_row = rd->entry_row = 0;
	if (e || !rd->log.n) {
		end(rd, READER_FAILED);
		return;
	}
	rd->last = c[L_LAST].i;
	rd->lost = c[L_LOST].i;
	if (c[L_SEQ].null)
		rd->entry = rd->log.n;
	end(rd, c[L_SEQ].null ? READER_END : READER_MORE);
}

void reader_go(struct reader *rd)
{
	rd->busy = true;
	rd->from = rd->at;
	if (rd->entry >= rd->log.n) {
		rd->arg[0] = DB_I(rd->at);
		rd->arg[1] = DB_I(ENTRIES);
		ask(rd, Q_STREAM_READ, 2, &rd->log_arena, &rd->log, on_log);
		return;
	}
	fill_slots(rd);
	rd->rows = rd->outliers = (struct db_rows){0};
	write_keys(rd);
	rd->arg[0] = rd->arg[1] = DB_SN(rd->keys.at, rd->keys.n);
	ask(rd, Q_STREAM_ROWS, 1, &rd->rows_arena, &rd->rows, on_rows);
}

void reader_skip(struct reader *rd, int64_t to)
{
	rd->at = to;
	rd->entry = rd->log.n;
}

void reader_open(struct reader *rd, struct api *api, int64_t at)
{
	rd->api = api;
	rd->at = at;
	arena_init(&rd->log_arena, ENTRIES_BYTES);
	arena_init(&rd->rows_arena, ROWS_BYTES);
	arena_init(&rd->outliers_arena, ROWS_BYTES);
	text_init(&rd->keys, FEED_ROWS * 64);
	text_init(&rd->json, 32768);
	text_init(&rd->event, 65536);
}

void reader_close(struct reader *rd)
{
	arena_reset(&rd->log_arena);
	arena_reset(&rd->rows_arena);
	arena_reset(&rd->outliers_arena);
	text_free(&rd->keys);
	text_free(&rd->json);
	text_free(&rd->event);
}

/* ---- the ring ---- */

struct feed {
	struct api *api;
	struct stream *streams;
	struct event look; /* the timer */
	bool looking, runs;
	int64_t at, from;
	struct feed_event event[FEED_EVENTS];
	size_t first, n, bytes;
	unsigned pieces; /* of this look */
	struct pool_job job;
	struct arena arena;
	struct db_rows rows;
	struct reader reader;
};

static struct feed_event *place(struct feed *f, size_t i)
{
	return &f->event[(f->first + i) % FEED_EVENTS];
}

static void drop_oldest(struct feed *f)
{
	struct feed_event *e = place(f, 0);

	f->from = e->seq;
	f->bytes -= e->n;
	free((void *)(uintptr_t)e->text);
	f->first = (f->first + 1) % FEED_EVENTS;
	f->n--;
}

static void drop_all(struct feed *f)
{
	while (f->n)
		drop_oldest(f);
}

/* The camera's code stands behind the text. */
static void on_event(void *ctx, const struct feed_event *e)
{
	struct feed *f = ctx;
	size_t code_n = strlen(e->code) + 1;
	char *copy;

	if (e->seq <= f->at)
		return;
	while (f->n == FEED_EVENTS || (f->n && f->bytes + e->n > FEED_BYTES))
		drop_oldest(f);
	copy = malloc(e->n + code_n);
	if (!copy) {
		/* As if it had been long ago: the log has it. */
		drop_all(f);
		f->from = e->seq;
		return;
	}
	memcpy(copy, e->text, e->n);
	memcpy(copy + e->n, e->code, code_n);
	*place(f, f->n) = *e;
	place(f, f->n)->text = copy;
	place(f, f->n)->code = copy + e->n;
	f->n++;
	f->bytes += e->n;
}

int64_t feed_from(const struct feed *f)
{
	return f->from;
}

const struct feed_event *feed_next(const struct feed *f, int64_t seq)
{
	size_t low = 0, high = f->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (f->event[(f->first + mid) % FEED_EVENTS].seq > seq)
			high = mid;
		else
			low = mid + 1;
	}
	return low < f->n ? &f->event[(f->first + low) % FEED_EVENTS] : NULL;
}

bool feed_runs(const struct feed *f)
{
	return f->runs;
}

int64_t feed_at(const struct feed *f)
{
	return f->at;
}

/* ---- the process's feed ---- */

static void wait(struct feed *f)
{
	struct timeval later = {0, FEED_LOOK_MS * 1000};

	f->looking = false;
	if (!f->streams) {
		/* Nobody listens: it begins anew with the next one. */
		f->runs = false;
		drop_all(f);
	} else if (!evtimer_pending(&f->look, NULL)) {
		evtimer_add(&f->look, &later);
	}
}

static void tell(struct feed *f)
{
	struct stream *next;

	for (struct stream *s = f->streams; s; s = next) {
		next = s->next;
		stream_more(s);
	}
}

/* Nobody is served by what is that far behind: they ask anew for what is.  So
 * do those who have not heard all that the log has let go. */
static void catch_up(struct feed *f)
{
	struct reader *rd = &f->reader;
	int64_t to = rd->lost;

	if (rd->last - rd->at > (int64_t)FEED_NUMBERS * FEED_BEHIND)
		to = rd->last;
	if (rd->at >= to)
		return;
	drop_all(f);
	reader_skip(rd, to);
	f->at = f->from = to;
	for (struct stream *s = f->streams; s; s = s->next)
		stream_reset(s, to);
}

static void on_piece(void *ctx, enum reader_end how)
{
	struct feed *f = ctx;

	if (how == READER_FAILED) {
		wait(f);
		return;
	}
	f->at = f->reader.at;
	catch_up(f);
	tell(f);
	if (!f->streams || how == READER_END || ++f->pieces > PIECES_A_LOOK)
		wait(f);
	else
		reader_go(&f->reader);
}

/* Where another process does the same this does nothing, and where it failed
 * there is perhaps something to read all the same. */
static void on_numbered(struct pool_job *job, enum err e)
{
	struct feed *f = job->ctx;

	(void)e;
	f->pieces = 0;
	reader_go(&f->reader);
}

static void on_begun(struct pool_job *job, enum err e)
{
	struct feed *f = job->ctx;

	if (e || !f->rows.n) {
		wait(f);
		return;
	}
	f->runs = true;
	drop_all(f);
	f->at = f->from = f->rows.cell[0].i;
	reader_skip(&f->reader, f->at);
	wait(f);
	tell(f);
}

static void submit(struct feed *f, enum stmt q, struct db_rows *rows,
	void (*done)(struct pool_job *, enum err))
{
	arena_reset(&f->arena);
	f->looking = true;
	f->job = (struct pool_job){.stmt = q,
		.arena = &f->arena,
		.rows = rows,
		.done = done,
		.ctx = f};
	if (pool_submit(f->api->pool, &f->job))
		wait(f);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct feed *f = arg;

	(void)fd, (void)what;
	if (f->looking)
		return;
	tell(f);
	if (!f->streams)
		wait(f);
	else if (f->runs)
		submit(f, Q_STREAM_NUMBER, NULL, on_numbered);
	else
		submit(f, Q_STREAM_STATE, &f->rows, on_begun);
}

void feed_join(struct feed *f, struct stream *s)
{
	s->prev = NULL;
	s->next = f->streams;
	if (s->next)
		s->next->prev = s;
	f->streams = s;
	if (!f->looking && !evtimer_pending(&f->look, NULL))
		event_active(&f->look, EV_TIMEOUT, 0);
}

void feed_leave(struct feed *f, struct stream *s)
{
	if (s->prev)
		s->prev->next = s->next;
	else
		f->streams = s->next;
	if (s->next)
		s->next->prev = s->prev;
}

enum err feed_open(struct feed **out, struct api *api)
{
	struct feed *f = calloc(1, sizeof(*f));

	*out = f;
	if (!f)
		return E_NOMEM;
	f->api = api;
	arena_init(&f->arena, 65536);
	reader_open(&f->reader, api, 0);
	f->reader.take = on_event;
	f->reader.done = on_piece;
	f->reader.ctx = f;
	evtimer_assign(&f->look, api->base, on_look, f);
	return E_OK;
}

void feed_close(struct feed *f)
{
	if (!f)
		return;
	event_del(&f->look);
	drop_all(f);
	reader_close(&f->reader);
	arena_reset(&f->arena);
	free(f);
}
