// SPDX-License-Identifier: MIT
#include "api/work.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "api/api.h"
#include "common/log.h"

struct job {
	struct req *req;
	work_fn fn;
	enum err outcome;
};

struct work {
	pthread_t thread[WORK_THREADS];
	struct db *db[WORK_THREADS]; /* one each */
	unsigned threads_n, running; /* started; numbers given to them */
	pthread_mutex_t lock;
	pthread_cond_t more;
	/* Two rings: what waits and what is done.  A job is in one of them or
	 * with a thread, so both are large enough. */
	struct job in[WORK_WAITING_MAX];
	unsigned in_at, in_n;
	struct job out[WORK_WAITING_MAX + WORK_THREADS];
	unsigned out_n;
	unsigned busy;
	uint64_t refused_full;
	bool stop;
	int wake;
	struct event on_back;
};

static void *run(void *arg)
{
	struct work *w = arg;
	struct db *db;

	pthread_mutex_lock(&w->lock);
	db = w->db[w->running++];
	for (;;) {
		struct job job;

		while (!w->in_n && !w->stop)
			pthread_cond_wait(&w->more, &w->lock);
		if (w->stop)
			break;
		job = w->in[w->in_at];
		w->in_at = (w->in_at + 1) % WORK_WAITING_MAX;
		w->in_n--;
		w->busy++;
		pthread_mutex_unlock(&w->lock);
		log_request(job.req->id);
		job.outcome = job.fn(job.req, db);
		log_request(NULL);
		pthread_mutex_lock(&w->lock);
		w->busy--;
		w->out[w->out_n++] = job;
		if (eventfd_write(w->wake, 1))
			log_error("work: cannot wake the loop");
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void on_back(evutil_socket_t fd, short what, void *arg)
{
	struct work *w = arg;
	struct job job;
	eventfd_t n;

	(void)what;
	if (eventfd_read(fd, &n))
		return;
	pthread_mutex_lock(&w->lock);
	while (w->out_n) {
		job = w->out[--w->out_n];
		pthread_mutex_unlock(&w->lock);
		req_resume(job.req, job.outcome);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
}

static bool has_room(const struct work *w)
{
	return w->in_n + w->busy + w->out_n < WORK_WAITING_MAX;
}

bool work_has_room(struct work *w)
{
	bool room;

	pthread_mutex_lock(&w->lock);
	room = has_room(w);
	pthread_mutex_unlock(&w->lock);
	return room;
}

enum step work_run(struct work *w, struct req *r, work_fn fn)
{
	bool room;

	pthread_mutex_lock(&w->lock);
	room = has_room(w);
	if (room) {
		w->in[(w->in_at + w->in_n++) % WORK_WAITING_MAX] =
			(struct job){.req = r, .fn = fn};
		pthread_cond_signal(&w->more);
	}
	w->refused_full += !room;
	pthread_mutex_unlock(&w->lock);
	return room ? STEP_WAIT : req_fail(r, E_FULL);
}

struct work_counters work_counters(struct work *w)
{
	struct work_counters k;

	pthread_mutex_lock(&w->lock);
	k = (struct work_counters){w->refused_full, w->in_n};
	pthread_mutex_unlock(&w->lock);
	return k;
}

enum err work_open(struct work **out, struct api *api, unsigned timeout_s)
{
	struct work *w = calloc(1, sizeof(*w));
	struct db_account account = api->account;
	enum err e;

	*out = w;
	if (!w)
		return E_NOMEM;
	account.timeout_s = timeout_s;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	w->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->wake < 0)
		return E_IO;
	event_assign(&w->on_back, api->base, w->wake, EV_READ | EV_PERSIST,
		on_back, w);
	event_add(&w->on_back, NULL);
	for (int i = 0; i < WORK_THREADS; i++) {
		if ((e = db_open(&w->db[i], &account)))
			return e;
		if (pthread_create(&w->thread[i], NULL, run, w))
			return E_IO;
		w->threads_n++;
	}
	return E_OK;
}

void work_close(struct work *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->more);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->threads_n; i++)
		db_interrupt(w->db[i]);
	for (unsigned i = 0; i < w->threads_n; i++)
		pthread_join(w->thread[i], NULL);
	for (int i = 0; i < WORK_THREADS; i++)
		db_close(w->db[i]);
	if (w->wake >= 0) {
		if (event_initialized(&w->on_back))
			event_del(&w->on_back);
		close(w->wake);
	}
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
