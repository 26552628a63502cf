// SPDX-License-Identifier: MIT
/* From the top: the queue, ending, one try, the thread. */
#include "ingest/records.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "common/client.h"
#include "common/json.h"
#include "common/log.h"
#include "common/text.h"
#include "ingest/halt.h"

enum {
	SECOND = 1000000,
	BATCH = 500, /* records of a request … */
	BATCH_BYTES = 524288,
	STEP_US = 250000 /* of a wait, to notice that the program ends */
};

struct entry {
	struct entry *next;
	size_t n;
	char at[];
};

struct records {
	const struct records_settings *set;
	struct client *client;
	struct text body;
	size_t taken;	 /* records in it */
	int64_t sent_us; /* when the last request began */
	int64_t wait_us; /* before the next try */
	bool failing, refused_told;

	struct halt ended;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t moved; /* on the monotonic clock */
	struct entry *first, *last;
	struct records_facts facts;
	uint64_t dropped_told;
	bool dropping, ending, once;
	int64_t end_us; /* monotonic */
};

/* --- the queue --- */

static struct entry *take_first(struct records *r)
{
	struct entry *e = r->first;

	if (!e)
		return NULL;
	r->first = e->next;
	if (!r->first)
		r->last = NULL;
	r->facts.waiting--;
	r->facts.bytes -= e->n;
	return e;
}

/* Makes room; tells once that it has to, until some are stored again. */
static bool make_room(struct records *r, size_t n)
{
	bool tell = false;

	while (r->first && r->facts.bytes + n > r->set->max) {
		free(take_first(r));
		r->facts.dropped++;
		tell = !r->dropping;
		r->dropping = true;
	}
	return tell;
}

void records_put(struct records *r, const char *json, size_t n)
{
	struct entry *e = malloc(sizeof(*e) + n);
	bool tell = false;

	if (e) {
		*e = (struct entry){.n = n};
		memcpy(e->at, json, n);
	}
	pthread_mutex_lock(&r->lock);
	if (!e || n > r->set->max) {
		r->facts.dropped++;
		free(e);
	} else {
		tell = make_room(r, n);
		if (r->last)
			r->last->next = e;
		else
			r->first = e;
		r->last = e;
		r->facts.waiting++;
		r->facts.bytes += n;
		pthread_cond_signal(&r->moved);
	}
	pthread_mutex_unlock(&r->lock);
	if (tell)
		log_warn("detection records: more wait than records_max: the "
			 "oldest are dropped");
}

/* Waits until there is a request's worth of them, or the end. */
static void wait_for_some(struct records *r)
{
	int64_t until = r->sent_us + r->set->gather_us;
	struct timespec when = {until / SECOND, until % SECOND * 1000};

	while (!r->ending && !r->first)
		pthread_cond_wait(&r->moved, &r->lock);
	while (!r->ending && r->facts.waiting < BATCH &&
		r->facts.bytes < BATCH_BYTES &&
		pthread_cond_timedwait(&r->moved, &r->lock, &when) == 0)
		;
}

/* Moves the oldest into the body, which is the request then. */
static void take(struct records *r)
{
	text_clear(&r->body);
	text_str(&r->body, "[");
	r->taken = 0;
	pthread_mutex_lock(&r->lock);
	wait_for_some(r);
	while (r->first && r->taken < BATCH &&
		(!r->taken || r->body.n + r->first->n < BATCH_BYTES)) {
		struct entry *e = take_first(r);

		if (r->taken++)
			text_str(&r->body, ",");
		text_add(&r->body, e->at, e->n);
		free(e);
	}
	pthread_mutex_unlock(&r->lock);
	text_str(&r->body, "]");
}

/* --- ending --- */

void records_end(struct records *r, int64_t us, bool once)
{
	pthread_mutex_lock(&r->lock);
	r->ending = true;
	r->once = once;
	r->end_us = halt_clock_us() + us;
	pthread_cond_broadcast(&r->moved);
	pthread_mutex_unlock(&r->lock);
	if (us == 0)
		halt_say(&r->ended);
}

static bool is_ending(struct records *r, bool *once, int64_t *left_us)
{
	bool ending;

	pthread_mutex_lock(&r->lock);
	ending = r->ending;
	*once = r->once;
	*left_us = r->end_us - halt_clock_us();
	pthread_mutex_unlock(&r->lock);
	return ending;
}

static bool out_of_time(void *arg)
{
	struct records *r = arg;
	int64_t left_us;
	bool once;

	return halt_said(&r->ended) ||
		(is_ending(r, &once, &left_us) && left_us <= 0);
}

static enum err load_token(struct records *r, char why[CLIENT_WHY])
{
	return client_token(r->client, r->set->token_file, "ingest_token", why);
}

enum err records_open(struct records **out, const struct records_settings *s)
{
	struct records *r = calloc(1, sizeof(*r));
	struct client_settings c = {.url = s->url,
		.ca = s->ca,
		.answer_us = s->answer_us,
		.ended = out_of_time,
		.arg = r};
	char why[CLIENT_WHY];
	pthread_condattr_t a;
	enum err e;

	*out = NULL;
	if (!r)
		return E_NOMEM;
	r->set = s;
	r->facts.max = s->max;
	halt_init(&r->ended);
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(&r->moved, &a);
	pthread_condattr_destroy(&a);
	text_init(&r->body, 4 * BATCH_BYTES);
	e = client_open(&r->client, &c, why);
	if (!e)
		e = load_token(r, why);
	if (!e) {
		*out = r;
		return E_OK;
	}
	log_error("detection records: %s", why);
	records_close(r);
	return e;
}

void records_close(struct records *r)
{
	if (!r)
		return;
	while (r->first)
		free(take_first(r));
	client_close(r->client);
	text_free(&r->body);
	pthread_cond_destroy(&r->moved);
	pthread_mutex_destroy(&r->lock);
	halt_fini(&r->ended);
	free(r);
}

struct records_facts records_facts_now(struct records *r)
{
	struct records_facts f;

	pthread_mutex_lock(&r->lock);
	f = r->facts;
	pthread_mutex_unlock(&r->lock);
	return f;
}

/* --- one try --- */

static void note_error(struct records *r, const char *why)
{
	pthread_mutex_lock(&r->lock);
	snprintf(r->facts.error, sizeof(r->facts.error), "%s", why);
	pthread_mutex_unlock(&r->lock);
}

static void tell_refused(struct records *r, size_t n, const char *why)
{
	pthread_mutex_lock(&r->lock);
	r->facts.refused += n;
	pthread_mutex_unlock(&r->lock);
	if (!r->refused_told)
		log_warn("detection records: %zu are refused: %s", n, why);
	r->refused_told = true;
}

/* The API has them, or as many as it wants. */
static void note_stored(struct records *r, size_t n)
{
	uint64_t dropped;

	pthread_mutex_lock(&r->lock);
	r->facts.stored += n;
	r->facts.error[0] = '\0';
	dropped = r->facts.dropped - r->dropped_told;
	r->dropped_told = r->facts.dropped;
	r->dropping = false;
	pthread_mutex_unlock(&r->lock);
	if (dropped)
		log_warn("detection records: %llu were dropped",
			(unsigned long long)dropped);
	if (r->failing)
		log_info("detection records: stored again");
	r->failing = false;
	r->wait_us = 0;
}

static size_t number(const struct json *o, const char *name)
{
	return (size_t)json_number(json_member(o, name));
}

/* False: not an answer that accounts for all of them. */
static bool read_stored(struct records *r, struct slice body)
{
	struct json *o;
	const struct json *errors;
	size_t good, bad;
	char why[CLIENT_WHY];

	if (json_parse(body.at, body.n, &o, NULL))
		return false;
	good = number(o, "inserted") + number(o, "duplicate");
	bad = number(o, "rejected");
	if (good + bad != r->taken) {
		json_free(o);
		return false;
	}
	errors = json_member(o, "errors");
	snprintf(why, sizeof(why), "%.180s",
		json_string(json_member(
			errors ? json_first(errors) : NULL, "detail")));
	json_free(o);
	if (bad)
		tell_refused(r, bad, why);
	else
		r->refused_told = false;
	note_stored(r, good);
	return true;
}

/* True: they have left, one way or another. */
static bool try_once(struct records *r, int64_t *after_us)
{
	struct client_answer a;
	char why[CLIENT_WHY] = "out of memory";

	*after_us = 0;
	r->sent_us = halt_clock_us();
	if (!r->body.full &&
		!client_post(r->client, "/api/v1/records?partial=true",
			(struct slice){r->body.at, r->body.n}, &a, why)) {
		*after_us = a.retry_after_us;
		if (a.status == 200 && read_stored(r, a.body))
			return true;
		snprintf(why, sizeof(why),
			a.status == 200 ? "an answer that does not account "
					  "for all of them (HTTP %ld)"
					: "HTTP %ld",
			a.status);
		if (a.status >= 400 && a.status < 500 && a.status != 401 &&
			a.status != 403 && a.status != 408 && a.status != 429) {
			tell_refused(r, r->taken, why);
			return true;
		}
		if (a.status == 401 || a.status == 403)
			(void)!load_token(r, why);
	}
	note_error(r, why);
	if (!r->failing)
		log_warn("detection records: not stored: %s", why);
	r->failing = true;
	return false;
}

/* Doubles the wait; a random share of it keeps many senders apart. */
static int64_t next_wait(struct records *r, int64_t after_us)
{
	uint32_t random = 0;
	int64_t wait;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)halt_clock_us();
	r->wait_us = r->wait_us ? r->wait_us * 2 : r->set->wait_least_us;
	if (r->wait_us > r->set->wait_most_us)
		r->wait_us = r->set->wait_most_us;
	wait = r->wait_us / 2 + (int64_t)(random % 1024) * r->wait_us / 2048;
	return after_us > wait ? after_us : wait;
}

/* --- the thread --- */

/* Before the next try; the end of the program asks for one more at once. */
static void wait_for_try(struct records *r, int64_t wait_us)
{
	int64_t left_us;
	bool once, was_ending = is_ending(r, &once, &left_us);

	for (; wait_us > 0 && !out_of_time(r); wait_us -= STEP_US) {
		halt_wait(&r->ended, wait_us < STEP_US ? wait_us : STEP_US);
		if (!was_ending && is_ending(r, &once, &left_us))
			return;
	}
}

/* False: the time is over, and these are still here. */
static bool send_all(struct records *r)
{
	int64_t after_us, left_us;
	bool once, was_ending = is_ending(r, &once, &left_us);

	while (!try_once(r, &after_us)) {
		if ((was_ending && once) || out_of_time(r))
			return false;
		wait_for_try(r, next_wait(r, after_us));
		if (out_of_time(r))
			return false;
		was_ending = is_ending(r, &once, &left_us);
	}
	return true;
}

static void give_up(struct records *r)
{
	size_t n = r->taken;

	pthread_mutex_lock(&r->lock);
	while (r->first) {
		free(take_first(r));
		n++;
	}
	r->facts.dropped += n;
	pthread_mutex_unlock(&r->lock);
	if (n)
		log_warn("detection records: %zu were not taken, and are lost",
			n);
}

void records_run(struct records *r)
{
	for (;;) {
		take(r);
		/* It waits for one, or for the end. */
		if (!r->taken)
			return;
		if (!send_all(r)) {
			give_up(r);
			return;
		}
		if (out_of_time(r)) {
			r->taken = 0;
			give_up(r);
			return;
		}
	}
}
