// SPDX-License-Identifier: MIT
/*
 * From the top: rows into the spool, clocks and pace, one picture, one pass,
 * the loop.
 */
#include "ingest/camera.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "common/when.h"
#include "ingest/counter.h"

enum {
	SECOND = 1000000,	/* µs */
	LATE_US = 2 * SECOND,	/* behind the clip: go on from here */
	CLOCK_STEP_US = SECOND, /* a clock that was set, not slewed */
	SLEW_US = 1000,		/* to follow the clock by, each picture */
	RETRY_US = SECOND,	/* while the spool is full */
	ENGINE_RETRY_US = SECOND / 4,
	ENGINE_TRIES = 20
};

static const int64_t hour_us = INT64_C(3600000000);

struct camera_run {
	struct counter counter;
	struct detections found;
	struct text row;
	int64_t base_us;     /* of the passes before this one */
	int64_t origin_us;   /* monotonic time of the first picture */
	int64_t wall_us;     /* wall clock minus monotonic clock */
	int64_t at_us;	     /* time of the last picture */
	int64_t resume_us;   /* no picture counts before */
	int64_t last_pts_us; /* in this pass */
	unsigned long damaged_seen;
	bool late_told, any;
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

/* --- clocks and pace --- */

static int64_t wall_clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

/* Waits until the picture is due.  False where it is too late to look at. */
static bool keep_pace(struct camera *c, int64_t due_us)
{
	struct camera_run *r = c->run;
	int64_t late = halt_clock_us() - due_us;

	if (late < 0) {
		halt_wait(c->halt, -late);
		return true;
	}
	if (late > LATE_US) {
		r->origin_us += late;
		if (!r->late_told)
			log_warn("camera %s: %" PRId64 " ms behind the clip: "
				 "the clip waits",
				c->code, late / 1000);
		r->late_told = true;
		return true;
	}
	return late <= source_about(c->source).period_us;
}

/* After the clock went back, or a start in an interval that has its row:
 * counting goes on behind the newest row, so that no two rows overlap.  Rows
 * more than an hour ahead are from a clock that was wrong. */
static void skip_what_is_counted(struct camera *c, int64_t now_us)
{
	int64_t mark = spool_facts_now(c->spool).mark;
	char at[WHEN_TEXT];

	c->run->resume_us = INT64_MIN;
	if (mark == INT64_MIN || mark <= now_us / SECOND ||
		mark * SECOND - now_us > hour_us)
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
	int64_t off = wall_clock_us() - mono - r->wall_us;

	if (off > -CLOCK_STEP_US && off < CLOCK_STEP_US) {
		r->wall_us += off > SLEW_US ? SLEW_US
			: off < -SLEW_US    ? -SLEW_US
					    : off;
		return true;
	}
	log_warn("camera %s: the clock was set by %" PRId64 " s", c->code,
		off / SECOND);
	r->wall_us += off;
	if (off > 0)
		return true;
	if (!finish_interval(c, r->at_us))
		return false;
	counter_forget(&r->counter);
	skip_what_is_counted(c, mono + r->wall_us);
	return true;
}

/* When the picture is, on the clock that rows use.  False: leave it out. */
static bool time_of(struct camera *c, const struct frame *f, int64_t *at_us)
{
	struct camera_run *r = c->run;
	int64_t due;

	if (c->max) {
		*at_us = c->start_us + r->base_us + f->pts_us;
		return true;
	}
	if (!keep_pace(c, r->origin_us + r->base_us + f->pts_us)) {
		c->totals.skipped++;
		return false;
	}
	if (halt_said(c->halt) || !follow_clock(c))
		return false;
	due = r->origin_us + r->base_us + f->pts_us;
	*at_us = due + r->wall_us;
	return *at_us >= r->resume_us &&
		(!r->any || *at_us > r->at_us || !r->counter.interval.running);
}

/* --- pictures --- */

/* An engine that has died loses pictures until it is back; a clip on its own
 * clock can wait for it. */
static enum err find(struct camera *c, const struct frame *f)
{
	enum err e = c->engine->find(c->engine, f, &c->run->found);

	for (int i = 0; e == E_BUSY && c->max && i < ENGINE_TRIES; i++) {
		if (halt_wait(c->halt, ENGINE_RETRY_US))
			break;
		e = c->engine->find(c->engine, f, &c->run->found);
	}
	return e;
}

static bool look_at(struct camera *c, const struct frame *f)
{
	struct camera_run *r = c->run;
	int64_t at_us;
	enum err e;

	r->last_pts_us = f->pts_us;
	if (!time_of(c, f, &at_us))
		return r->status == STATUS_OK;
	e = find(c, f);
	/* What nobody looked at was not watched. */
	if (e == E_BUSY) {
		c->totals.skipped++;
		return true;
	}
	if (e) {
		r->status = STATUS_MODEL_CORRUPT;
		return false;
	}
	while (counter_advance(&r->counter, at_us))
		if (!keep_rows(c))
			return false;
	counter_look(&r->counter, at_us, f->w, f->h, &r->found);
	r->at_us = at_us;
	r->any = true;
	c->totals.pictures++;
	return true;
}

/* Damage is told when it changes, not each time the clip comes round. */
static void tell_damage(struct camera *c, unsigned long before)
{
	unsigned long now = source_damaged(c->source) - before;
	char words[200];

	c->totals.damaged += now;
	if (now != c->run->damaged_seen && now && !c->max) {
		source_words(words);
		log_warn("camera %s: the source is damaged: %lu pictures of "
			 "this pass lost or spoiled: %s",
			c->code, now, words);
	}
	c->run->damaged_seen = now;
}

/* One pass of the clip; false once it is over. */
static bool play(struct camera *c)
{
	struct camera_run *r = c->run;
	unsigned long before = source_damaged(c->source);
	struct frame f;
	enum err e;

	while (!halt_said(c->halt)) {
		if ((e = source_read(c->source, &f)))
			break;
		if (!look_at(c, &f))
			return false;
	}
	tell_damage(c, before);
	if (halt_said(c->halt))
		return false;
	if (e != E_NOT_FOUND) {
		r->status =
			e == E_NOMEM ? STATUS_FAILED : STATUS_SOURCE_CORRUPT;
		return false;
	}
	r->base_us += r->last_pts_us + source_about(c->source).period_us;
	c->totals.passes++;
	if (c->loops && c->totals.passes >= (unsigned long)c->loops)
		return false;
	if (source_rewind(c->source)) {
		r->status = STATUS_SOURCE_CORRUPT;
		return false;
	}
	return true;
}

enum status camera_run(struct camera *c)
{
	struct camera_run *r = calloc(1, sizeof(*r));
	enum status status;

	if (!r ||
		counter_init(&r->counter, c->interval_s, c->engine->kinds, 0)) {
		free(r);
		return STATUS_FAILED;
	}
	c->run = r;
	memset(&c->totals, 0, sizeof(c->totals));
	c->totals.kinds = c->engine->kinds;
	text_init(&r->row, 4096);
	r->origin_us = halt_clock_us();
	r->wall_us = wall_clock_us() - r->origin_us;
	r->resume_us = INT64_MIN;
	if (!c->max)
		skip_what_is_counted(c, r->origin_us + r->wall_us);
	while (play(c))
		;
	/* The last picture stands for its own time, no longer. */
	if (r->any && r->status != STATUS_SPOOL && r->status != STATUS_SYNC)
		finish_interval(
			c, r->at_us + source_about(c->source).period_us);
	status = r->status;
	if (status == STATUS_OK && c->max && c->totals.damaged) {
		char words[200];

		source_words(words);
		log_error("camera %s: the source is damaged: %lu pictures lost "
			  "or spoiled, the rest was counted: %s",
			c->code, c->totals.damaged, words);
		status = STATUS_SOURCE_CORRUPT;
	}
	counter_fini(&r->counter);
	text_free(&r->row);
	free(r);
	c->run = NULL;
	return status;
}
