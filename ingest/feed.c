// SPDX-License-Identifier: MIT
/* From the top: the slot, pace, a clip, a camera, the thread. */
#include "ingest/feed.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "ingest/clock.h"
#include "ingest/outage.h"

enum {
	SECOND = 1000000,
	LATE_US = 2 * SECOND /* behind the clip: go on from here */
};

struct feed {
	const struct feed_settings *set;
	pthread_t thread;

	pthread_mutex_t lock; /* of what follows, up to the blank line */
	pthread_cond_t moved; /* on the monotonic clock */
	struct picture *waiting;
	int64_t waiting_at_us;
	bool full, over, left;
	struct feed_facts facts;

	struct picture *taken; /* the taker's */
	struct picture *spare; /* the thread's, as all that follows */
	struct source *source; /* of a camera, while it is connected */
	int64_t next_us;       /* no picture is wanted before, for fps */
	int64_t origin_us;     /* monotonic time of a clip's first picture */
	int64_t base_us;       /* of the passes before this one */
	int64_t last_pts_us;   /* in this pass */
	uint64_t number;       /* of the last picture, from 1 on */
	unsigned long damaged; /* of this pass or connection */
	unsigned long told;    /* the last damage that was logged */
	bool late_told;
};

/* --- the slot --- */

/* Puts the spare picture into the slot.  With max it waits for room; else what
 * is in it gives way. */
static void offer(struct feed *f, int64_t at_us)
{
	struct picture *p = f->spare;

	pthread_mutex_lock(&f->lock);
	while (f->set->max && f->full && !f->left)
		pthread_cond_wait(&f->moved, &f->lock);
	if (f->full)
		f->facts.skipped++;
	f->spare = f->waiting;
	f->waiting = p;
	f->waiting_at_us = at_us;
	f->full = true;
	pthread_cond_broadcast(&f->moved);
	pthread_mutex_unlock(&f->lock);
}

enum feed_answer feed_take(
	struct feed *f, int64_t us, struct picture **p, int64_t *at_us)
{
	int64_t until = halt_clock_us() + us;
	struct timespec when = {until / SECOND, until % SECOND * 1000};
	enum feed_answer a;

	pthread_mutex_lock(&f->lock);
	while (!f->full && !f->over &&
		pthread_cond_timedwait(&f->moved, &f->lock, &when) == 0)
		;
	a = f->full ? FEED_PICTURE : f->over ? FEED_OVER : FEED_NOTHING;
	if (a == FEED_PICTURE) {
		*p = f->waiting;
		f->waiting = f->taken;
		f->taken = *p;
		*at_us = f->waiting_at_us;
		f->full = false;
		pthread_cond_broadcast(&f->moved);
	}
	pthread_mutex_unlock(&f->lock);
	return a;
}

struct feed_facts feed_about(struct feed *f)
{
	struct feed_facts facts;

	pthread_mutex_lock(&f->lock);
	facts = f->facts;
	pthread_mutex_unlock(&f->lock);
	return facts;
}

static void skip(struct feed *f)
{
	pthread_mutex_lock(&f->lock);
	f->facts.skipped++;
	pthread_mutex_unlock(&f->lock);
}

static void fail(struct feed *f, enum status s)
{
	pthread_mutex_lock(&f->lock);
	f->facts.status = s;
	pthread_mutex_unlock(&f->lock);
}

static bool ended(struct feed *f)
{
	bool left;

	pthread_mutex_lock(&f->lock);
	left = f->left;
	pthread_mutex_unlock(&f->lock);
	return left || halt_said(f->set->halt);
}

/* --- pace --- */

/* Whether fps asks for the picture at this time: those nearest to an even
 * beat, whatever the source's own rate. */
static bool is_wanted(struct feed *f, int64_t at_us)
{
	int64_t beat, slack;

	if (f->set->fps <= 0)
		return true;
	beat = (int64_t)(1e6 / f->set->fps);
	slack = f->facts.period_us < beat ? f->facts.period_us / 2 : beat / 2;
	if (at_us < f->next_us - slack && at_us > f->next_us - 2 * beat)
		return false;
	/* After a pause, or a leap, the beat begins anew. */
	if (at_us > f->next_us + beat || at_us < f->next_us - beat)
		f->next_us = at_us;
	f->next_us += beat;
	return true;
}

/* Waits until the picture is due.  False where it is too late to look at. */
static bool keep_pace(struct feed *f, int64_t due_us)
{
	int64_t late = halt_clock_us() - due_us;

	if (late < 0) {
		halt_wait(f->set->halt, -late);
		return true;
	}
	if (late > LATE_US) {
		f->origin_us += late;
		if (!f->late_told)
			log_warn("camera %s: %" PRId64 " ms behind the clip: "
				 "the clip waits",
				f->set->code, late / 1000);
		f->late_told = true;
		return true;
	}
	return late <= f->facts.period_us;
}

/* --- damage --- */

/* Damage is told when it changes, not each time the clip comes round. */
static void tell_damage(struct feed *f, struct source *s)
{
	unsigned long now = source_damaged(s) - f->damaged;
	char words[200];

	f->damaged += now;
	pthread_mutex_lock(&f->lock);
	f->facts.damaged += now;
	pthread_mutex_unlock(&f->lock);
	source_words(words);
	if (now != f->told && now && !f->set->max)
		log_warn("camera %s: the source is damaged: %lu pictures of "
			 "this pass lost or spoiled%s%s",
			f->set->code, now, *words ? ": " : "", words);
	f->told = now;
}

/* --- a clip --- */

static void give(struct feed *f)
{
	int64_t at = f->base_us + f->last_pts_us;

	if (!is_wanted(f, at))
		return;
	if (f->set->max) {
		offer(f, at);
		return;
	}
	if (!keep_pace(f, f->origin_us + at))
		skip(f);
	else if (!halt_said(f->set->halt))
		offer(f, f->origin_us + at);
}

/* One pass; false once it is over. */
static bool play(struct feed *f)
{
	struct source *s = f->set->source;
	enum err e = E_OK;

	while (!ended(f) && !(e = source_next(s, f->spare))) {
		picture_set_number(f->spare, ++f->number);
		f->last_pts_us = picture_pts_us(f->spare);
		give(f);
	}
	tell_damage(f, s);
	if (ended(f))
		return false;
	if (e != E_NOT_FOUND) {
		fail(f, e == E_NOMEM ? STATUS_FAILED : STATUS_SOURCE_CORRUPT);
		return false;
	}
	f->base_us += f->last_pts_us + f->facts.period_us;
	pthread_mutex_lock(&f->lock);
	f->facts.passes++;
	pthread_mutex_unlock(&f->lock);
	if (f->set->loops && f->facts.passes >= (unsigned long)f->set->loops)
		return false;
	if (source_rewind(s)) {
		fail(f, STATUS_SOURCE_CORRUPT);
		return false;
	}
	return true;
}

/* --- a camera --- */

/* Reads until it fails.  The pause before the next try. */
static int64_t read_camera(struct feed *f, struct outage *o)
{
	struct stream_clock clock = {0};
	int64_t began = halt_clock_us(), now = began;
	enum err e = E_OK;

	f->damaged = 0;
	while (!ended(f) && !(e = source_next(f->source, f->spare))) {
		int64_t at;

		picture_set_number(f->spare, ++f->number);
		now = halt_clock_us();
		outage_end(o, now);
		if (now - began > OUTAGE_STEADY_US)
			outage_steady(o);
		at = stream_clock_at(&clock, picture_pts_us(f->spare), now);
		if (is_wanted(f, at))
			offer(f, at);
	}
	tell_damage(f, f->source);
	if (ended(f))
		return 0;
	pthread_mutex_lock(&f->lock);
	f->facts.outages++;
	pthread_mutex_unlock(&f->lock);
	return outage_try(
		o, e == E_NOMEM ? "out of memory" : source_why(f->source), now);
}

static void set_period(struct feed *f, const struct source *s)
{
	pthread_mutex_lock(&f->lock);
	f->facts.period_us = source_about(s).period_us;
	pthread_mutex_unlock(&f->lock);
}

static void watch(struct feed *f)
{
	const struct feed_settings *set = f->set;
	struct outage o = {.code = set->code,
		.shown = set->address->shown,
		.retry_most_us = set->retry_most_us};
	char why[SOURCE_WHY];
	int64_t wait_us;

	while (!ended(f)) {
		if (source_connect(&f->source, set->address, set->halt,
			    set->stall_us, why)) {
			if (ended(f))
				return;
			wait_us = outage_try(&o, why, halt_clock_us());
		} else {
			set_period(f, f->source);
			wait_us = read_camera(f, &o);
			source_close(f->source);
			f->source = NULL;
		}
		halt_wait(set->halt, wait_us);
	}
}

/* --- the thread --- */

static void *work(void *arg)
{
	struct feed *f = arg;

	f->origin_us = halt_clock_us();
	if (f->set->source) {
		f->damaged = source_damaged(f->set->source);
		set_period(f, f->set->source);
		while (play(f))
			;
	} else {
		watch(f);
	}
	pthread_mutex_lock(&f->lock);
	f->over = true;
	pthread_cond_broadcast(&f->moved);
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

static void release(struct feed *f)
{
	picture_free(f->waiting);
	picture_free(f->taken);
	picture_free(f->spare);
	pthread_cond_destroy(&f->moved);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

struct feed *feed_start(const struct feed_settings *s)
{
	struct feed *f = calloc(1, sizeof(*f));
	pthread_condattr_t a;

	if (!f)
		return NULL;
	f->set = s;
	f->facts.period_us = SECOND / 25;
	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->moved, &a);
	pthread_condattr_destroy(&a);
	f->waiting = picture_new();
	f->taken = picture_new();
	f->spare = picture_new();
	if (!f->waiting || !f->taken || !f->spare ||
		pthread_create(&f->thread, NULL, work, f)) {
		release(f);
		return NULL;
	}
	return f;
}

void feed_stop(struct feed *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	f->left = true;
	pthread_cond_broadcast(&f->moved);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->thread, NULL);
	release(f);
}
