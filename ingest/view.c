// SPDX-License-Identifier: MIT
/* From the top: eyes, a camera's side; pictures, the thread's side. */
#include "ingest/view.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/client.h"
#include "common/json.h"
#include "common/log.h"
#include "ingest/halt.h"
#include "ingest/scene.h"
#include "ingest/still.h"

enum {
	SECOND = 1000000,
	EVERY_US = SECOND / 5,
	UNWANTED_US = 2 * SECOND, /* until the next try, where nobody watches */
	PAUSE_US = SECOND,	  /* after a failure; doubles up to … */
	PAUSE_MOST_US = 8 * SECOND,
	ANSWER_US = 10 * SECOND,
	CODE_ROOM = 128
};

enum eye_state { EYE_FREE, EYE_FILLING, EYE_FULL, EYE_DRAWING };

struct eye {
	struct view *view;
	struct eye *next;
	const char *code;

	/* The camera's. */
	uint64_t seen;
	bool watched;

	/* Under the view's lock. */
	enum eye_state state;
	int64_t next_us; /* no picture before */

	/* Whose they are the state says. */
	struct scene scene;
	struct frame frame; /* its bgr is bytes */
	uint8_t *bytes;
	size_t room;
};

struct view {
	const struct view_settings *set;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t moved;
	struct eye *eyes;
	_Atomic bool over;

	/* The thread's. */
	struct client *client;
	struct still *still;
	char cause[CLIENT_WHY];
	int64_t pause_us;
};

/* --- eyes --- */

struct eye *view_eye(struct view *v, const char *code)
{
	struct eye *e = v ? calloc(1, sizeof(*e)) : NULL;

	if (!e)
		return NULL;
	e->view = v;
	e->code = code;
	pthread_mutex_lock(&v->lock);
	e->next = v->eyes;
	v->eyes = e;
	pthread_mutex_unlock(&v->lock);
	return e;
}

void eye_close(struct eye *e)
{
	struct view *v;
	struct eye **at;

	if (!e)
		return;
	v = e->view;
	pthread_mutex_lock(&v->lock);
	while (e->state == EYE_DRAWING)
		pthread_cond_wait(&v->moved, &v->lock);
	for (at = &v->eyes; *at != e; at = &(*at)->next)
		;
	*at = e->next;
	pthread_mutex_unlock(&v->lock);
	free(e->bytes);
	free(e);
}

/* A watched camera has room for one picture; one that is not has none. */
static void follow(struct eye *e)
{
	if (!drawings_watched(
		    e->view->set->drawings, e->code, &e->seen, &e->watched) ||
		e->watched)
		return;
	pthread_mutex_lock(&e->view->lock);
	if (e->state != EYE_DRAWING) {
		e->state = EYE_FREE;
		free(e->bytes);
		e->bytes = NULL;
		e->room = 0;
	}
	pthread_mutex_unlock(&e->view->lock);
}

static bool begin(struct eye *e)
{
	int64_t now = halt_clock_us();
	bool yes;

	pthread_mutex_lock(&e->view->lock);
	yes = e->state != EYE_DRAWING && now >= e->next_us;
	if (yes) {
		e->state = EYE_FILLING;
		e->next_us = now + EVERY_US;
	}
	pthread_mutex_unlock(&e->view->lock);
	return yes;
}

static bool copy(struct eye *e, const struct frame *f)
{
	size_t n = (size_t)f->row_bytes * (size_t)f->h;

	if (n > e->room) {
		free(e->bytes);
		e->room = 0;
		/* swscale reads whole vectors. */
		if (!(e->bytes = malloc(n + 64)))
			return false;
		e->room = n;
	}
	memcpy(e->bytes, f->bgr, n);
	e->frame = *f;
	e->frame.bgr = e->bytes;
	return true;
}

void eye_look(struct eye *e, const struct frame *f, int64_t at_us,
	const struct detections *found, const struct counter *c)
{
	bool good;

	if (!e)
		return;
	follow(e);
	if (!e->watched || !begin(e))
		return;
	if ((good = copy(e, f)))
		scene_take(&e->scene, f->w, f->h, at_us, found, c);
	pthread_mutex_lock(&e->view->lock);
	e->state = good ? EYE_FULL : EYE_FREE;
	pthread_cond_broadcast(&e->view->moved);
	pthread_mutex_unlock(&e->view->lock);
}

/* --- pictures --- */

/* The next eye with a picture, which is then the thread's; NULL at the end. */
static struct eye *wait_for_one(struct view *v)
{
	struct eye *e = NULL, **at;

	pthread_mutex_lock(&v->lock);
	while (!v->over) {
		for (e = v->eyes; e && e->state != EYE_FULL; e = e->next)
			;
		if (e)
			break;
		pthread_cond_wait(&v->moved, &v->lock);
	}
	if (e) {
		e->state = EYE_DRAWING;
		/* Behind all others: each gets its turn. */
		for (at = &v->eyes; *at != e; at = &(*at)->next)
			;
		*at = e->next;
		for (; *at; at = &(*at)->next)
			;
		*at = e;
		e->next = NULL;
	}
	pthread_mutex_unlock(&v->lock);
	return e;
}

static void give_back(struct view *v, struct eye *e)
{
	pthread_mutex_lock(&v->lock);
	e->state = EYE_FREE;
	pthread_cond_broadcast(&v->moved);
	pthread_mutex_unlock(&v->lock);
}

/* For the eye of that camera, if it is still there. */
static void put_off(struct view *v, const char *code)
{
	pthread_mutex_lock(&v->lock);
	for (struct eye *e = v->eyes; e; e = e->next)
		if (!strcmp(e->code, code))
			e->next_us = halt_clock_us() + UNWANTED_US;
	pthread_mutex_unlock(&v->lock);
}

static enum err draw(struct view *v, const struct eye *e, struct slice *jpeg)
{
	struct sheet sheet;
	enum err err = still_take(v->still, &e->frame, &sheet);

	if (err)
		return err;
	scene_draw(&sheet, &e->scene, e->code);
	return still_jpeg(v->still, jpeg);
}

/* Says why once, and waits before the next try. */
static void fail(struct view *v, const char *why)
{
	int64_t until;
	struct timespec when;

	v->pause_us = !v->pause_us		  ? PAUSE_US
		: v->pause_us < PAUSE_MOST_US / 2 ? 2 * v->pause_us
						  : PAUSE_MOST_US;
	if (strcmp(v->cause, why) != 0 && !v->over)
		log_warn("live view: %s", why);
	snprintf(v->cause, sizeof(v->cause), "%s", why);
	until = halt_clock_us() + v->pause_us;
	when = (struct timespec){until / SECOND, until % SECOND * 1000};
	pthread_mutex_lock(&v->lock);
	while (!v->over && halt_clock_us() < until)
		pthread_cond_timedwait(&v->moved, &v->lock, &when);
	pthread_mutex_unlock(&v->lock);
}

static bool is_watched(struct slice body)
{
	struct json *root = NULL;
	const struct json *v;
	bool yes;

	if (json_parse(body.at, body.n, &root, NULL))
		return true;
	v = json_member(root, "watched");
	yes = !v || json_type(v) != JSON_BOOL || json_true(v);
	json_free(root);
	return yes;
}

static void post(struct view *v, const char *code, struct slice jpeg)
{
	char path[CODE_ROOM + 64], why[CLIENT_WHY];
	struct client_answer a;

	snprintf(path, sizeof(path), "/api/v1/ingest/frames?camera=%.127s",
		code);
	if (client_post(v->client, path, jpeg, &a, why)) {
		fail(v, why);
		return;
	}
	if (a.status != 200) {
		snprintf(why, sizeof(why), "HTTP %ld", a.status);
		fail(v, why);
		/* It may have been given another. */
		if (client_token(
			    v->client, v->set->token_file, "ingest_token", why))
			fail(v, why);
		return;
	}
	if (*v->cause)
		log_info("live view: the API takes pictures again");
	v->cause[0] = '\0';
	v->pause_us = 0;
	if (!is_watched(a.body))
		put_off(v, code);
}

static void *work(void *arg)
{
	struct view *v = arg;
	struct eye *e;

	while ((e = wait_for_one(v))) {
		char code[CODE_ROOM];
		struct slice jpeg;
		enum err err = draw(v, e, &jpeg);

		/* The camera may end while the picture is on its way. */
		snprintf(code, sizeof(code), "%s", e->code);
		give_back(v, e);
		if (err)
			fail(v, err_text(err));
		else
			post(v, code, jpeg);
	}
	return NULL;
}

static bool is_over(void *arg)
{
	const struct view *v = arg;

	return v->over;
}

static void release(struct view *v)
{
	client_close(v->client);
	still_free(v->still);
	pthread_cond_destroy(&v->moved);
	pthread_mutex_destroy(&v->lock);
	free(v);
}

struct view *view_start(const struct view_settings *s)
{
	struct view *v = calloc(1, sizeof(*v));
	struct client_settings c = {.url = s->url,
		.ca = s->ca,
		.type = "image/jpeg",
		.answer_us = ANSWER_US,
		.ended = is_over,
		.arg = v};
	char why[CLIENT_WHY] = "no thread, or out of memory";
	pthread_condattr_t a;

	if (!v)
		return NULL;
	v->set = s;
	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_mutex_init(&v->lock, NULL);
	pthread_cond_init(&v->moved, &a);
	pthread_condattr_destroy(&a);
	if ((v->still = still_new()) && !client_open(&v->client, &c, why) &&
		!client_token(v->client, s->token_file, "ingest_token", why) &&
		!pthread_create(&v->thread, NULL, work, v))
		return v;
	log_warn("live view: %s: there is none", why);
	release(v);
	return NULL;
}

void view_stop(struct view *v)
{
	if (!v)
		return;
	pthread_mutex_lock(&v->lock);
	v->over = true;
	pthread_cond_broadcast(&v->moved);
	pthread_mutex_unlock(&v->lock);
	pthread_join(v->thread, NULL);
	release(v);
}
