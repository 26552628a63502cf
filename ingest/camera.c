// SPDX-License-Identifier: MIT
/*
 * From the top: rows into the spool, the clock, no picture, one picture, the
 * loop.
 */
#include "ingest/camera.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "common/when.h"
#include "ingest/clock.h"
#include "ingest/counter.h"
#include "ingest/detection_record.h"
#include "ingest/feed.h"

enum {
	SECOND = 1000000,  /* µs */
	RETRY_US = SECOND, /* while the spool is full */
	ENGINE_RETRY_US = SECOND / 4,
	ENGINE_TRIES = 20,
	IDLE_US = SECOND / 2 /* without a picture, to end an interval */
};

struct camera_run {
	struct counter counter;
	struct shapes shapes;
	uint64_t shapes_seen;
	struct detections found;
	struct text row, record;
	struct record_pace pace;
	struct feed *feed;
	struct canvas *canvas;
	struct eye *eye;
	struct wall_clock wall;
	int64_t at_us;	   /* time of the last picture */
	int64_t resume_us; /* no picture counts before */
	bool any;
	enum status status;
};

/* --- rows --- */

/* Counting stops while the spool is full: what is not kept is not counted. */
static enum err put_row(struct camera *c, const struct row *r)
{
	struct text *t = &c->run->row;
	bool told = false;
	enum err e;

	text_clear(t);
	row_json(t, c->code, r);
	if (t->full)
		return E_NOMEM;
	while ((e = spool_put(c->spool, t->at, t->n, r->end_at)) == E_FULL) {
		if (!told)
			log_error("spool: full: counting stops until rows have "
				  "left it");
		told = true;
		if (halt_wait(c->halt, RETRY_US))
			break;
	}
	if (told && !e)
		log_warn("spool: has room again: counting goes on");
	return e;
}

static bool keep_row(struct camera *c, const struct row *r)
{
	char at[WHEN_TEXT];
	enum err e = put_row(c, r);

	if (e) {
		log_error("camera %s: the row of %s is lost: %s", c->code,
			when_format(at, r->start_at, 0, true), err_text(e));
		c->run->status = e == E_CORRUPT ? STATUS_SYNC
			: e == E_NOMEM		? STATUS_FAILED
						: STATUS_SPOOL;
		return false;
	}
	totals_add(&c->totals, r);
	if (c->report) {
		row_csv(c->report, c->code, r);
		fflush(c->report);
	}
	return true;
}

/* Those of the interval that ended last: lines and zones before the picture,
 * so that a picture's row is the sign of a whole interval. */
static bool keep_rows(struct camera *c)
{
	const struct interval *v = &c->run->counter.interval;

	marks_put(c->marks, c->code, v->done[0].end_at);
	for (size_t i = v->done_n; i-- > 0;)
		if (!keep_row(c, &v->done[i]))
			return false;
	return true;
}

static bool finish_interval(struct camera *c, int64_t at_us)
{
	while (counter_finish(&c->run->counter, at_us))
		if (!keep_rows(c))
			return false;
	return true;
}

/* --- the clock --- */

int64_t camera_wall_clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

/* After the clock went back, or a start in an interval that has its row:
 * counting goes on behind the newest row, so that no two rows overlap.  Rows
 * more than an hour ahead are from a clock that was wrong. */
static void skip_what_is_counted(struct camera *c, int64_t now_us)
{
	int64_t mark = marks_get(c->marks, c->code, now_us / SECOND);
	char at[WHEN_TEXT];

	c->run->resume_us = INT64_MIN;
	if (mark == INT64_MIN || mark <= now_us / SECOND)
		return;
	c->run->resume_us = mark * SECOND;
	log_info("camera %s: counted until %s already: going on from there",
		c->code, when_format(at, mark, 0, true));
}

/* Follows the wall clock.  False: a failure. */
static bool follow_clock(struct camera *c)
{
	struct camera_run *r = c->run;
	int64_t mono = halt_clock_us();
	int64_t step = wall_clock_follow(&r->wall, mono, c->wall_clock_us());

	if (!step)
		return true;
	log_warn("camera %s: the clock was set by %" PRId64 " s", c->code,
		step / SECOND);
	if (step > 0)
		return true;
	if (!finish_interval(c, r->at_us))
		return false;
	counter_forget(&r->counter);
	skip_what_is_counted(c, mono + r->wall.offset_us);
	return true;
}

/* When the picture is, on the clock that rows use.  False: leave it out. */
static bool time_of(struct camera *c, int64_t given_us, int64_t *at_us)
{
	struct camera_run *r = c->run;

	if (c->max) {
		*at_us = c->start_us + given_us;
		return true;
	}
	if (!follow_clock(c))
		return false;
	*at_us = given_us + r->wall.offset_us;
	return *at_us >= r->resume_us &&
		(!r->any || *at_us > r->at_us || !r->counter.interval.running);
}

/* --- no picture --- */

/* Nothing comes: what is over is not kept until something does.  No picture
 * was seen in the interval after it, so that is a gap until one is. */
static bool idle(struct camera *c)
{
	struct camera_run *r = c->run;
	struct interval *v = &r->counter.interval;
	int64_t edge_us;
	bool any;

	if (c->max)
		return true;
	if (!follow_clock(c))
		return false;
	edge_us = v->row[0].end_at * INT64_C(1000000);
	if (!v->running ||
		halt_clock_us() + r->wall.offset_us < edge_us + INTERVAL_GAP_US)
		return true;
	any = counter_finish(&r->counter, edge_us);
	v->running = false;
	return !any || keep_rows(c);
}

/* --- one picture --- */

static enum err find(struct camera *c, const struct frame *f)
{
	struct camera_facts *facts = &c->facts;
	int64_t from, now;
	enum err e;

	gate_enter(c->gate);
	from = halt_clock_us();
	e = c->engine->find(c->engine, f, &c->run->found);
	now = halt_clock_us();
	gate_leave(c->gate);
	if (!e) {
		atomic_fetch_add(&facts->looked, 1);
		atomic_store(&facts->find_us, now - from);
		atomic_store(&facts->last_us, now);
	}
	atomic_store(&facts->dropped,
		c->totals.skipped + feed_about(c->run->feed).skipped);
	return e;
}

/* An engine that has died loses pictures until it is back; a clip on its own
 * clock can wait for it. */
static enum err detect(
	struct camera *c, const struct picture *p, struct frame *f)
{
	enum err e = canvas_draw(c->run->canvas, p, f);

	if (e == E_CORRUPT) {
		c->totals.damaged++;
		return E_BUSY;
	}
	if (!e)
		e = find(c, f);
	for (int i = 0; e == E_BUSY && c->max && i < ENGINE_TRIES; i++) {
		if (halt_wait(c->halt, ENGINE_RETRY_US))
			break;
		e = find(c, f);
	}
	if (e == E_BUSY)
		c->totals.skipped++;
	return e;
}

static void make_record(struct camera *c, const struct picture *p,
	const struct frame *f, int64_t at_us)
{
	struct camera_run *r = c->run;
	const struct picture_facts facts = {.camera = c->code,
		.at_us = at_us,
		.number = picture_number(p),
		.decode_us = picture_decode_us(p),
		.detect_us = atomic_load(&c->facts.find_us),
		.w = f->w,
		.h = f->h,
		.kinds = c->engine->kinds};

	text_clear(&r->record);
	detection_record_json(
		&r->record, &facts, &r->found, &r->counter.tracker);
	if (r->record.full)
		return;
	records_put(c->records, r->record.at, r->record.n);
	c->totals.records++;
}

static bool look_at(struct camera *c, const struct picture *p, int64_t given_us)
{
	struct camera_run *r = c->run;
	struct frame f;
	int64_t at_us;
	enum err e;

	if (!time_of(c, given_us, &at_us))
		return r->status == STATUS_OK && idle(c);
	e = detect(c, p, &f);
	/* What nobody looked at was not watched. */
	if (e == E_BUSY)
		return idle(c);
	if (e) {
		r->status = e == E_NOMEM ? STATUS_FAILED : STATUS_MODEL_CORRUPT;
		return false;
	}
	if (c->drawings &&
		drawings_take(
			c->drawings, c->code, &r->shapes_seen, &r->shapes))
		counter_shapes(&r->counter, &r->shapes);
	while (counter_advance(&r->counter, at_us))
		if (!keep_rows(c))
			return false;
	counter_look(&r->counter, at_us, f.w, f.h, &r->found);
	if (c->records && record_due(&r->pace, at_us))
		make_record(c, p, &f, at_us);
	eye_look(r->eye, &f, at_us, &r->found, &r->counter);
	r->at_us = at_us;
	r->any = true;
	c->totals.pictures++;
	return true;
}

/* --- the loop --- */

static bool turn(struct camera *c)
{
	struct picture *p;
	int64_t at_us;

	switch (feed_take(c->run->feed, IDLE_US, &p, &at_us)) {
	case FEED_PICTURE:
		return look_at(c, p, at_us);
	case FEED_NOTHING:
		return idle(c);
	case FEED_OVER:
		return false;
	}
	return false;
}

/* The last picture stands for its own time, no longer, and not in an interval
 * that it is not in. */
static void finish_last(struct camera *c, int64_t period_us)
{
	struct camera_run *r = c->run;
	int64_t edge_us = r->counter.interval.row[0].end_at * INT64_C(1000000);
	int64_t end_us = r->at_us + period_us;

	finish_interval(c, end_us < edge_us ? end_us : edge_us);
}

static void count(struct camera *c)
{
	struct camera_run *r = c->run;
	struct feed_facts f;

	while (!halt_said(c->halt) && turn(c))
		;
	/* Else the feed may wait long for a picture that is due. */
	if (r->status)
		halt_say(c->halt);
	f = feed_about(r->feed);
	if (r->status == STATUS_OK)
		r->status = f.status;
	if (r->any && r->status != STATUS_SPOOL && r->status != STATUS_SYNC)
		finish_last(c, f.period_us);
	c->totals.skipped += f.skipped;
	c->totals.damaged += f.damaged;
	c->totals.passes = f.passes;
	if (r->status == STATUS_OK && c->max && c->totals.damaged) {
		log_error("camera %s: the source is damaged: %lu pictures lost "
			  "or spoiled, the rest was counted",
			c->code, c->totals.damaged);
		r->status = STATUS_SOURCE_CORRUPT;
	}
}

static void begin(struct camera *c)
{
	struct camera_run *r = c->run;
	int64_t now = halt_clock_us();

	memset(&c->totals, 0, sizeof(c->totals));
	c->totals.kinds = c->engine->kinds;
	text_init(&r->row, 4096);
	text_init(&r->record, DETECTION_RECORD_MAX);
	r->pace.every_frames = c->record_frames;
	r->pace.every_us = c->record_us;
	r->wall.offset_us = c->wall_clock_us() - now;
	r->resume_us = INT64_MIN;
	if (!c->max)
		skip_what_is_counted(c, now + r->wall.offset_us);
}

enum status camera_run(struct camera *c)
{
	struct camera_run *r = calloc(1, sizeof(*r));
	const struct feed_settings feed = {.code = c->code,
		.source = c->source,
		.address = c->address,
		.max = c->max,
		.loops = c->loops,
		.fps = c->fps,
		.stall_us = c->stall_us,
		.retry_most_us = c->retry_most_us,
		.halt = c->halt};
	enum status status = STATUS_FAILED;

	if (!r ||
		counter_init(&r->counter, c->interval_s, c->engine->kinds,
			c->engine->sure)) {
		free(r);
		return STATUS_FAILED;
	}
	c->run = r;
	begin(c);
	r->canvas = canvas_new();
	r->eye = view_eye(c->view, c->code);
	r->feed = feed_start(&feed);
	if (r->canvas && r->feed) {
		count(c);
		status = r->status;
	} else {
		log_error("camera %s: out of memory, or of threads", c->code);
		halt_say(c->halt);
	}
	feed_stop(r->feed);
	canvas_free(r->canvas);
	eye_close(r->eye);
	counter_fini(&r->counter);
	text_free(&r->row);
	text_free(&r->record);
	free(r);
	c->run = NULL;
	return status;
}
