// SPDX-License-Identifier: MIT
#include "api/commit.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "api/api.h"
#include "api/metrics.h"
#include "api/writer.h"
#include "common/log.h"
#include "common/when.h"

enum {
	TRIES = 5,
	HANG_MS = 1000, /* a loss that took longer to show */
	REPLY_MAX = 8 << 20
};

struct committer {
	struct api *api;
	struct metrics_commit *metrics;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct commit_job *first, *last; /* waiting */
	struct commit_job *back;	 /* done, newest first */
	bool stop;
	int wake; /* eventfd to the loop */
	struct event on_back;
	struct commit_counters count;
	struct writer w; /* the thread's own */
};

static void bump(struct committer *c, uint64_t *counter, uint64_t n)
{
	pthread_mutex_lock(&c->lock);
	*counter += n;
	pthread_mutex_unlock(&c->lock);
}

/* All or nothing, and nothing it is. */
static bool refused(const struct commit_job *job)
{
	return job->batch->errors_n && !job->partial;
}

static bool late(const struct commit_job *job)
{
	return when_clock_ms() - job->since_ms > COMMIT_WAIT_MS;
}

/* Inside of the transaction: the key of a job whose rows are written. */
static enum err keep_reply(struct committer *c, const struct commit_job *job)
{
	const struct commit_key *k = job->key;
	struct text reply;
	enum err e;

	if (!k || refused(job))
		return E_OK;
	text_init(&reply, REPLY_MAX);
	job->reply(job, &reply);
	e = reply.full ? E_TOO_BIG
		       : db_run(c->w.db, Q_KEY_ADD,
				 DB_ARGS(DB_I(k->token_id), DB_S(k->text),
					 DB_SN((const char *)k->fingerprint,
						 sizeof(k->fingerprint)),
					 DB_SN(reply.at, reply.n)),
				 NULL, NULL);
	text_free(&reply);
	return e;
}

static enum err look_up_key(struct committer *c, struct commit_key *k)
{
	struct db_rows rows = {0};
	struct arena a;
	enum err e;

	arena_init(&a, 4096);
	e = db_run(c->w.db, Q_KEY_TAKEN,
		DB_ARGS(DB_I(k->token_id), DB_S(k->text)), &a, &rows);
	k->taken = !e && rows.n;
	arena_reset(&a);
	return e;
}

/* The end of a transaction of n rows. */
static enum err commit(struct committer *c, size_t n, int64_t begun_us)
{
	enum err e = writer_commit(&c->w);

	if (e)
		return e;
	histogram_add(&c->metrics->rows, &histogram_rows, n);
	histogram_add(&c->metrics->us, &histogram_us,
		(uint64_t)(when_clock_us() - begun_us));
	return E_OK;
}

static enum err write_judged(
	struct committer *c, struct commit_job *job, size_t n)
{
	int64_t begun_us = when_clock_us();
	enum err e = writer_begin(&c->w, 0, true);

	if (!e && job->key)
		e = look_up_key(c, job->key);
	if (!e && job->key && job->key->taken)
		return db_rollback(c->w.db);
	if (!e)
		e = writer_write_judged(&c->w, job, n);
	if (!e)
		e = keep_reply(c, job);
	if (!e)
		e = commit(c, n, begun_us);
	if (e)
		db_rollback(c->w.db);
	return e;
}

/* One job in a transaction of its own, as often as it takes. */
static enum err write_alone(struct committer *c, struct commit_job *job)
{
	enum err e = E_OK;
	size_t n = 0;

	bump(c, &c->count.alone, 1);
	log_request(job->request);
	for (int try = 0; try < TRIES; try++) {
		if (late(job)) {
			e = E_TIMEOUT;
			break;
		}
		writer_doubt(&c->w, job);
		if ((e = writer_judge(&c->w, job, c->w.todo, &n)) ||
			refused(job) || (!n && !job->key))
			break;
		e = write_judged(c, job, n);
		if (e != E_EXISTS && e != E_BUSY)
			break;
		usleep((useconds_t)(1000 << try));
	}
	log_request(NULL);
	writer_doubt(&c->w, job);
	return e == E_CONFLICT ? E_OK : e;
}

/* ---- the thread ---- */

/* The turn is over: what the directory holds is stored. */
static void settle(struct committer *c, const struct commit_job *job)
{
	for (size_t i = 0; i < job->batch->n; i++)
		if (job->batch->row[i].camera)
			directory_settle(
				c->w.cameras, job->batch->row[i].camera);
}

/* E_DB_GONE: the database is not there; the jobs behind did not ask again. */
static enum err prepare_all(
	struct committer *c, struct commit_job *jobs, size_t *n)
{
	enum err e = E_OK;

	*n = 0;
	for (struct commit_job *j = jobs; j; j = j->next) {
		size_t k = 0;

		if (e != E_DB_GONE)
			e = late(j) ? E_TIMEOUT
				: j->check
				? E_BUSY /* alone, then */
				: writer_judge(&c->w, j, c->w.todo + *n, &k);
		j->outcome = e;
		*n += e ? 0 : k;
	}
	return e == E_DB_GONE ? e : E_OK;
}

/* What is to be written of all jobs, in one transaction. */
static enum err write_all(
	struct committer *c, const struct commit_job *jobs, size_t n)
{
	int64_t begun_us = when_clock_us();
	bool keys = false;
	enum err e;

	for (const struct commit_job *j = jobs; j; j = j->next)
		keys |= j->key && !j->outcome && !refused(j);
	if (!n && !keys)
		return E_OK;
	qsort(c->w.todo, n, sizeof(c->w.todo[0]), count_by_key);
	e = writer_begin(&c->w, n, keys);
	for (const struct commit_job *j = jobs; j && !e; j = j->next)
		e = j->outcome ? E_OK : keep_reply(c, j);
	if (!e)
		e = commit(c, n, begun_us);
	if (e)
		db_rollback(c->w.db);
	return e;
}

/* Writes all jobs of the list; each has its outcome then.  E_DB_GONE: so do
 * all, and the database does not answer. */
static enum err turn(struct committer *c, struct commit_job *jobs)
{
	int64_t begun_ms = when_clock_ms();
	size_t n;
	enum err e;

	/* A line is about all of them, unless there is but one. */
	log_request(jobs->next ? NULL : jobs->request);
	e = prepare_all(c, jobs, &n);
	/* A connection may have died while it was idle, which shows at once. */
	if (e == E_DB_GONE && when_clock_ms() - begun_ms < HANG_MS)
		e = prepare_all(c, jobs, &n);
	if (!e)
		e = write_all(c, jobs, n);
	log_request(NULL);
	for (struct commit_job *j = jobs; j; j = j->next) {
		settle(c, j);
		/* Whether a COMMIT that was cut off took place is unknown:
		 * the client sends again, and finds duplicates if it did. */
		if (e == E_DB_GONE)
			j->outcome = e;
		else if (j->outcome == E_TIMEOUT)
			bump(c, &c->count.late, 1);
		else if (j->outcome == E_BUSY || (e && !j->outcome))
			j->outcome = write_alone(c, j);
		if (j->outcome)
			writer_doubt(&c->w, j);
	}
	bump(c, &c->count.turns, 1);
	bump(c, &c->count.rows, n);
	return e == E_DB_GONE ? e : E_OK;
}

/* Takes jobs off the queue, up to a turn's rows. */
static struct commit_job *take(struct committer *c)
{
	struct commit_job *first = c->first, *last = NULL;
	size_t rows = 0;

	while (c->first && rows < COMMIT_TURN_ROWS) {
		last = c->first;
		rows += last->batch->n;
		c->first = last->next;
		c->count.waiting--;
	}
	if (!c->first)
		c->last = NULL;
	if (last)
		last->next = NULL;
	return first;
}

/* With the lock held. */
static void give_back(struct committer *c, struct commit_job *jobs)
{
	struct commit_job *next;

	for (; jobs; jobs = next) {
		next = jobs->next;
		jobs->next = c->back;
		c->back = jobs;
	}
}

static void *run(void *arg)
{
	struct committer *c = arg;

	pthread_mutex_lock(&c->lock);
	for (;;) {
		struct commit_job *jobs;
		int64_t begun_ms;
		enum err e;

		while (!c->first && !c->stop)
			pthread_cond_wait(&c->more, &c->lock);
		if (!c->first)
			break;
		jobs = take(c);
		pthread_mutex_unlock(&c->lock);
		begun_ms = when_clock_ms();
		e = turn(c, jobs);
		pthread_mutex_lock(&c->lock);
		give_back(c, jobs);
		/* It hangs: who waited meanwhile need not wait once more. */
		if (e && when_clock_ms() - begun_ms > HANG_MS)
			while ((jobs = take(c))) {
				for (struct commit_job *j = jobs; j;
					j = j->next)
					j->outcome = e;
				give_back(c, jobs);
			}
		if (eventfd_write(c->wake, 1))
			log_error("committer: cannot wake the loop");
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static void on_back(evutil_socket_t fd, short what, void *arg)
{
	struct committer *c = arg;
	struct commit_job *job, *next;
	eventfd_t n;

	(void)what;
	if (eventfd_read(fd, &n))
		return;
	pthread_mutex_lock(&c->lock);
	job = c->back;
	c->back = NULL;
	pthread_mutex_unlock(&c->lock);
	for (; job; job = next) {
		next = job->next;
		if (job->outcome)
			bump(c, &c->count.failed, 1);
		job->done(job, job->outcome);
	}
}

enum err committer_submit(struct committer *c, struct commit_job *job)
{
	enum err e = E_OK;

	job->next = NULL;
	job->since_ms = when_clock_ms();
	job->early_errors_n = job->batch->errors_n;
	for (size_t i = 0; i < job->batch->n; i++)
		job->batch->row[i].refused_early =
			job->batch->row[i].verdict == COUNT_REJECTED;
	pthread_mutex_lock(&c->lock);
	if (c->count.waiting >= COMMIT_WAITING_MAX) {
		c->count.refused_full++;
		e = E_FULL;
	} else {
		if (c->last)
			c->last->next = job;
		else
			c->first = job;
		c->last = job;
		c->count.waiting++;
		pthread_cond_signal(&c->more);
	}
	pthread_mutex_unlock(&c->lock);
	return e;
}

enum err committer_open(
	struct committer **out, struct api *api, struct metrics_commit *metrics)
{
	struct committer *c = calloc(1, sizeof(*c));
	struct db_account account;
	enum err e = E_NOMEM;

	*out = c;
	if (!c)
		return E_NOMEM;
	c->api = api;
	c->metrics = metrics;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->more, NULL);
	c->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	account = api->account;
	account.session = stmt_defs[Q_SESSION_BULK].text;
	account.lists = true;
	if (c->wake < 0 || (e = db_open(&c->w.db, &account)) ||
		(e = directory_open(
			 &c->w.cameras, c->w.db, api->conf.api_auto_register)))
		return e;
	event_assign(&c->on_back, api->base, c->wake, EV_READ | EV_PERSIST,
		on_back, c);
	event_add(&c->on_back, NULL);
	c->started = !pthread_create(&c->thread, NULL, run, c);
	return c->started ? E_OK : E_IO;
}

void committer_interrupt(struct committer *c)
{
	if (c && c->w.db)
		db_interrupt(c->w.db);
}

void committer_close(struct committer *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_cond_signal(&c->more);
	pthread_mutex_unlock(&c->lock);
	if (c->started) {
		pthread_join(c->thread, NULL);
		on_back(c->wake, 0, c);
		event_del(&c->on_back);
	}
	directory_close(c->w.cameras);
	zones_free(&c->w.zones);
	text_free(&c->w.lists);
	db_close(c->w.db);
	if (c->wake >= 0)
		close(c->wake);
	pthread_cond_destroy(&c->more);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

struct commit_counters commit_counters(struct committer *c)
{
	struct commit_counters k;

	pthread_mutex_lock(&c->lock);
	k = c->count;
	pthread_mutex_unlock(&c->lock);
	return k;
}
