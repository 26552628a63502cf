// SPDX-License-Identifier: MIT
#include "ingest/post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/client.h"
#include "common/json.h"
#include "common/log.h"
#include "common/text.h"
#include "ingest/answer.h"

enum {
	POLL_US = 1000000, /* an empty spool is looked at again */
	TELL_US = 60000000,
	STEP_US = 250000 /* of a wait, to notice that the program ends */
};

struct post {
	const struct post_settings *set;
	struct spool *spool;
	struct client *client;
	struct text body;
	char cause[200]; /* of the last failure, without digits; "": none */
	int64_t wait_us; /* before the next try */
	size_t suspect[SPOOL_LANES]; /* rows with a bad one among them */
	bool fresh_next;	     /* of two lanes */
	bool fruitful; /* rows were stored since one was put behind */
	int64_t camera_told_us;

	struct halt ended;
	pthread_mutex_t lock; /* of the four below */
	struct post_facts facts;
	bool ending, once;
	int64_t end_us; /* monotonic */
};

/* --- ending --- */

void post_end(struct post *p, int64_t us, bool once)
{
	pthread_mutex_lock(&p->lock);
	p->ending = true;
	p->once = once;
	p->end_us = halt_clock_us() + us;
	pthread_mutex_unlock(&p->lock);
	if (us == 0)
		halt_say(&p->ended);
	spool_wake(p->spool);
}

static bool is_ending(struct post *p, bool *once, int64_t *left_us)
{
	bool ending;

	pthread_mutex_lock(&p->lock);
	ending = p->ending;
	*once = p->once;
	*left_us = p->end_us - halt_clock_us();
	pthread_mutex_unlock(&p->lock);
	return ending;
}

static bool out_of_time(struct post *p)
{
	int64_t left_us;
	bool once;

	return halt_said(&p->ended) ||
		(is_ending(p, &once, &left_us) && left_us <= 0);
}

static bool ended(void *arg)
{
	return out_of_time(arg);
}

static enum err load_token(struct post *p, char why[CLIENT_WHY])
{
	return client_token(p->client, p->set->token_file, "ingest_token", why);
}

/* Connects to nothing yet. */
static enum err open_client(struct post *p)
{
	struct client_settings s = {.url = p->set->url,
		.ca = p->set->ca,
		.answer_us = p->set->answer_us,
		.ended = ended,
		.arg = p};
	char why[CLIENT_WHY];
	enum err e = client_open(&p->client, &s, why);

	if (e == E_INVALID)
		log_error("ingest.url: %s", why);
	if (e == E_IO) {
		log_error("ingest.ca: %s", why);
		e = E_INVALID;
	}
	if (!e && (e = load_token(p, why)) == E_INVALID)
		log_error("ingest.token_file %s: %s", p->set->token_file, why);
	return e;
}

enum err post_open(
	struct post **out, const struct post_settings *s, struct spool *spool)
{
	struct post *p;
	enum err e;

	*out = NULL;
	if (!*s->token_file) {
		log_error("ingest.token_file: none is set");
		return E_INVALID;
	}
	if (!(p = calloc(1, sizeof(*p))))
		return E_NOMEM;
	p->set = s;
	p->spool = spool;
	halt_init(&p->ended);
	pthread_mutex_init(&p->lock, NULL);
	text_init(&p->body, SPOOL_BATCH_BYTES * 2);
	if ((e = open_client(p))) {
		post_close(p);
		return e;
	}
	*out = p;
	return E_OK;
}

void post_close(struct post *p)
{
	if (!p)
		return;
	client_close(p->client);
	text_free(&p->body);
	pthread_mutex_destroy(&p->lock);
	halt_fini(&p->ended);
	free(p);
}

struct post_facts post_facts_now(struct post *p)
{
	struct post_facts f;

	pthread_mutex_lock(&p->lock);
	f = p->facts;
	pthread_mutex_unlock(&p->lock);
	return f;
}

static void note(struct post *p, const char *error, size_t stored)
{
	pthread_mutex_lock(&p->lock);
	p->facts.stored += stored;
	snprintf(p->facts.error, sizeof(p->facts.error), "%s", error);
	pthread_mutex_unlock(&p->lock);
}

/* --- one try --- */

/* Rows are JSON objects: one as it is, several as an array. */
static void write_body(struct post *p, const struct spool_batch *b)
{
	text_clear(&p->body);
	if (b->n > 1)
		text_str(&p->body, "[");
	for (size_t i = 0; i < b->n; i++) {
		if (i)
			text_str(&p->body, ",");
		text_add(&p->body, b->row[i].at, b->row[i].n);
	}
	if (b->n > 1)
		text_str(&p->body, "]");
}

static enum answer try_once(struct post *p, const struct spool_batch *b,
	char why[CLIENT_WHY], int64_t *retry_after_us)
{
	struct client_answer a;

	write_body(p, b);
	*retry_after_us = 0;
	snprintf(why, CLIENT_WHY, "out of memory");
	if (p->body.full)
		return ANSWER_LATER;
	if (client_post(p->client, "/api/v1/counts",
		    (struct slice){p->body.at, p->body.n}, &a, why))
		return ANSWER_LATER;
	*retry_after_us = a.retry_after_us;
	return answer_read(a.status, a.body, b->n, why);
}

/* Logs a cause once, until another or none takes its place.  libcurl counts
 * milliseconds in some of its words, so digits do not make a cause. */
static void tell_cause(struct post *p, const char *what, const char *why)
{
	char cause[200];
	size_t n = 0;

	note(p, why, 0);
	for (const char *c = why; *c && n < sizeof(cause) - 1; c++)
		if (strncmp(why, "HTTP", 4) == 0 || *c < '0' || *c > '9')
			cause[n++] = *c;
	cause[n] = '\0';
	if (!strcmp(cause, p->cause))
		return;
	memcpy(p->cause, cause, n + 1);
	log_warn("post %s: %s: %s; %llu rows wait in the spool", p->set->url,
		what, why,
		(unsigned long long)spool_facts_now(p->spool).waiting);
}

static void tell_success(struct post *p)
{
	if (*p->cause)
		log_info("post %s: stored again", p->set->url);
	p->cause[0] = '\0';
	p->wait_us = 0;
}

/* Doubles the wait; a random share of it keeps many senders apart. */
static int64_t next_wait(struct post *p, int64_t retry_after_us)
{
	uint32_t random = 0;
	int64_t wait;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)halt_clock_us();
	p->wait_us = p->wait_us ? p->wait_us * 2 : p->set->wait_least_us;
	if (p->wait_us > p->set->wait_most_us)
		p->wait_us = p->set->wait_most_us;
	wait = p->wait_us / 2 + (int64_t)(random % 1024) * p->wait_us / 2048;
	return wait > retry_after_us ? wait : retry_after_us;
}

/* --- what an answer leads to --- */

/* Whether the row is a configured camera's; rows of one that was renamed
 * must not hold up those that follow. */
static bool is_ours(const struct post *p, struct slice row)
{
	struct json *root;
	bool same;

	if (json_parse(row.at, row.n, &root, NULL))
		return false;
	same = p->set->ours(
		p->set->arg, json_string(json_member(root, "camera")));
	json_free(root);
	return same;
}

/* Rows have left: one bad row among several is looked for in halves. */
static enum err leave(struct post *p, const struct spool_batch *b, size_t n)
{
	size_t *suspect = &p->suspect[b->lane];

	*suspect -= n < *suspect ? n : *suspect;
	return spool_drop(p->spool, b, n);
}

static enum err refuse(
	struct post *p, const struct spool_batch *b, const char *why)
{
	struct text line;
	enum err e;

	text_init(&line, 2 * SPOOL_BATCH_BYTES);
	json_open(&line, NULL, '{');
	json_str(&line, "why", why);
	text_str(&line, ",\"row\":");
	text_add(&line, b->row[0].at, b->row[0].n);
	json_close(&line, '}');
	text_str(&line, "\n");
	e = line.full ? E_NOMEM : spool_refuse(p->spool, line.at, line.n);
	text_free(&line);
	if (e)
		return e;
	log_error("post %s: a row is refused for good and kept in "
		  "refused.ndjson: %s",
		p->set->url, why);
	return leave(p, b, 1);
}

/* A camera that is not registered must not hold up the others: its row goes
 * to the end of the line.  Told once a minute. */
static enum err put_behind(
	struct post *p, const struct spool_batch *b, const char *why)
{
	int64_t now = halt_clock_us();
	enum err e;

	note(p, why, 0);
	if (!p->camera_told_us || now - p->camera_told_us > TELL_US) {
		log_warn("post %s: a camera is refused, its rows wait: %s",
			p->set->url, why);
		p->camera_told_us = now;
	}
	e = spool_put(p->spool, b->row[0].at, b->row[0].n, b->mark[0]);
	if (e == E_FULL)
		return E_OK;
	return e ? e : leave(p, b, 1);
}

static enum err take_lane(
	struct post *p, enum spool_lane lane, struct spool_batch *b)
{
	size_t most =
		p->suspect[lane] ? (p->suspect[lane] + 1) / 2 : SPOOL_BATCH;

	return spool_take(p->spool, lane, most, b);
}

/* What is next: of two lanes each other time the fresh one. */
static enum err take(struct post *p, struct spool_batch *b)
{
	enum spool_lane lane = p->fresh_next ? SPOOL_FRESH : SPOOL_OLD;
	enum err e = take_lane(p, lane, b);

	p->fresh_next = !p->fresh_next;
	if (e || b->n)
		return e;
	return take_lane(p, lane == SPOOL_OLD ? SPOOL_FRESH : SPOOL_OLD, b);
}

/* They are the API's now; where many more wait, fresh ones go beside them. */
static enum err stored(struct post *p, const struct spool_batch *b)
{
	enum err e;

	tell_success(p);
	note(p, "", b->n);
	p->fruitful = true;
	e = leave(p, b, b->n);
	if (!e && spool_facts_now(p->spool).waiting > SPOOL_BATCH)
		e = spool_split(p->spool);
	return e;
}

/* One batch, one answer.  *wait_us: 0, or before the next try. */
static enum err turn(struct post *p, bool *worked, int64_t *wait_us)
{
	struct spool_batch b;
	enum err e = take(p, &b);
	int64_t after_us;
	char why[CLIENT_WHY];

	*worked = true;
	*wait_us = 0;
	if (e || b.n == 0)
		return e;
	switch (try_once(p, &b, why, &after_us)) {
	case ANSWER_STORED:
		return stored(p, &b);
	case ANSWER_CAMERA:
		if (b.n == 1 && is_ours(p, b.row[0])) {
			e = put_behind(p, &b, why);
			if (e || p->fruitful) {
				p->fruitful = false;
				return e;
			}
			break;
		}
		/* fall through */
	case ANSWER_REFUSED:
		if (b.n > 1) {
			p->suspect[b.lane] = b.n;
			/* The same lane again. */
			p->fresh_next = b.lane == SPOOL_FRESH;
			return E_OK;
		}
		e = refuse(p, &b, why);
		if (e != E_FULL && e != E_NOMEM)
			return e;
		tell_cause(p, "no room to keep a refused row", why);
		break;
	case ANSWER_TOKEN:
		tell_cause(p, "the token is refused", why);
		/* Where the file is gone too, the old token is tried again. */
		if (load_token(p, why) == E_NOMEM)
			return E_NOMEM;
		break;
	case ANSWER_LATER:
		tell_cause(p, "not stored", why);
		break;
	}
	*worked = false;
	*wait_us = next_wait(p, after_us);
	return E_OK;
}

/* Before the next try; the end of the program asks for one more at once. */
static void wait_for_try(struct post *p, int64_t wait_us)
{
	int64_t left_us;
	bool once, was_ending = is_ending(p, &once, &left_us);

	for (; wait_us > 0 && !out_of_time(p); wait_us -= STEP_US) {
		halt_wait(&p->ended, wait_us < STEP_US ? wait_us : STEP_US);
		if (!was_ending && is_ending(p, &once, &left_us))
			return;
	}
}

enum err post_run(struct post *p)
{
	int64_t wait_us, left_us;
	bool worked, once, was_ending;
	enum err e;

	for (;;) {
		was_ending = is_ending(p, &once, &left_us);
		if ((e = turn(p, &worked, &wait_us)))
			return e;
		if (was_ending &&
			((!worked && once) ||
				!spool_facts_now(p->spool).waiting))
			return E_OK;
		if (!worked)
			wait_for_try(p, wait_us);
		else
			spool_wait(p->spool, POLL_US);
		if (out_of_time(p))
			return E_OK;
	}
}
