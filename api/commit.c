// SPDX-License-Identifier: MIT
/*
 * Map of the file: preparing a job (cameras, local times, overlaps), writing
 * (shared, alone), the thread and its two queues.
 */
#include "api/commit.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "api/api.h"
#include "api/directory.h"
#include "api/server.h"
#include "api/zones.h"
#include "common/log.h"

enum {
	INSERT_COLUMNS = 4 + COUNT_FIGURES_N,
	BULK_ROWS = 2000,
	KEYS_A_QUERY = 16, /* of Q_COUNT_FIND */
	QUARTER_S = 900,
	TRIES = 5,
	HANG_MS = 1000, /* a loss that took longer to show */
	ROWS_MAX = COMMIT_TURN_ROWS + COUNT_ROWS_MAX
};

struct committer {
	struct api *api;
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
	/* the thread's own */
	struct db *db;
	struct directory *cameras;
	struct zones zones;
	struct count *todo[ROWS_MAX];
	struct db_cell cell[BULK_ROWS * INSERT_COLUMNS];
};

/* ---- preparing ---- */

static int by_key(const void *pa, const void *pb)
{
	const struct count *a = *(struct count *const *)pa;
	const struct count *b = *(struct count *const *)pb;

	if (a->camera_id != b->camera_id)
		return a->camera_id < b->camera_id ? -1 : 1;
	if (a->start_at != b->start_at)
		return a->start_at < b->start_at ? -1 : 1;
	/* Equal keys stay in the order they came in. */
	return a < b ? -1 : a > b;
}

/* Only such rows need the outlier rule, which SQL alone knows. */
static bool is_suspect(
	const struct directory_camera *camera, const struct count *row)
{
	static const enum count_figure judged[] = {F_people, F_vehicle, F_face};

	for (size_t i = 0; i < ARRAY_LEN(judged); i++) {
		int32_t v = row->figure[judged[i]];

		if (v != COUNT_NULL &&
			(v > camera->high[i] || v <= camera->low[i]))
			return true;
	}
	return false;
}

/* Finds the row's camera, and its instants where they were local. */
static enum err resolve(
	struct committer *c, struct commit_job *job, struct count *row)
{
	struct directory_camera *camera;
	const struct tz *tz;
	enum err e = directory_find(c->cameras, row->camera, &camera);

	if (e == E_NOT_FOUND || e == E_INVALID) {
		count_refuse(job->batch, row, "camera", "unknown_camera",
			"camera \"%.60s\" is not registered%s", row->camera,
			e == E_INVALID ? ", and no code can be like that" : "");
		return E_OK;
	}
	if (e)
		return e;
	row->camera_id = camera->camera_id;
	row->suspect = is_suspect(camera, row);
	if (row->start_local || row->end_local) {
		if ((e = zones_find(&c->zones, camera->zone, &tz)))
			return e;
		count_localize(job->batch, row, tz, job->fold);
	}
	/* Each try anew: the first one left no local time behind. */
	if (row->verdict != COUNT_REJECTED)
		count_check_interval(job->batch, row, when_now());
	return E_OK;
}

/* Neighbours of one camera in order of time, a before b. */
static void judge_pair(
	struct commit_job *job, const struct count *a, struct count *b)
{
	if (a->start_at == b->start_at && count_same(a, b))
		b->verdict = COUNT_DUPLICATE;
	else if (a->start_at == b->start_at)
		count_refuse(job->batch, b, "start_at", "conflict",
			"line %u has the same camera and start_at with other "
			"values",
			a->line);
	else if (b->start_at < a->end_at)
		count_refuse(job->batch, b, "start_at", "overlap",
			"the interval overlaps the one of line %u", a->line);
}

static bool overlaps_newest(
	const struct directory_camera *k, const struct count *row)
{
	return k->has_newest && row->start_at != k->newest_start &&
		row->start_at < k->newest_end && k->newest_start < row->end_at;
}

/* E_BUSY: it depends on a row that this turn has not committed yet. */
static enum err judge_newest(
	struct committer *c, struct commit_job *job, struct count *row)
{
	struct directory_camera *k;
	enum err e = directory_find(c->cameras, row->camera, &k);

	if (!e && overlaps_newest(k, row)) {
		if (k->pending)
			return E_BUSY;
		/* Before a refusal, be sure. */
		directory_doubt(c->cameras, row->camera);
		e = directory_find(c->cameras, row->camera, &k);
	}
	if (e)
		return e;
	if (overlaps_newest(k, row))
		count_refuse(job->batch, row, "start_at", "overlap",
			"the interval overlaps the camera's newest row");
	return E_OK;
}

/* The job will be written in this turn: the jobs behind it are judged by its
 * rows too.  Only now, for a job that is refused must leave no trace. */
static enum err announce(
	struct committer *c, struct count *const *row, size_t n)
{
	struct directory_camera *k;
	enum err e;

	for (size_t i = 0; i < n; i++) {
		if ((e = directory_find(c->cameras, row[i]->camera, &k)))
			return e;
		if (k->has_newest && row[i]->start_at <= k->newest_start)
			continue;
		k->has_newest = k->pending = true;
		k->newest_start = row[i]->start_at;
		k->newest_end = row[i]->end_at;
	}
	return E_OK;
}

/* Judges what needs no look at stored rows but the newest.  The rows left to
 * write go to todo[0..*n) in the order of their keys. */
static enum err prepare(struct committer *c, struct commit_job *job,
	struct count **todo, size_t *n)
{
	struct count_batch *b = job->batch;
	const struct count *before = NULL;
	size_t k = 0, kept = 0;
	enum err e;

	/* A second try forgets what the first one found. */
	b->errors_n = job->early_errors_n;
	for (size_t i = 0; i < b->n; i++) {
		struct count *row = &b->row[i];

		if (row->refused_early)
			continue;
		row->verdict = COUNT_UNJUDGED;
		if ((e = resolve(c, job, row)))
			return e;
		if (row->verdict != COUNT_REJECTED)
			todo[k++] = row;
	}
	qsort(todo, k, sizeof(*todo), by_key);
	for (size_t i = 0; i < k; i++) {
		struct count *row = todo[i];

		if (before && before->camera_id == row->camera_id)
			judge_pair(job, before, row);
		if (row->verdict != COUNT_UNJUDGED)
			continue;
		if ((e = judge_newest(c, job, row)))
			return e;
		if (row->verdict != COUNT_UNJUDGED)
			continue;
		before = row;
		todo[kept++] = row;
	}
	*n = b->errors_n && !job->partial ? 0 : kept;
	return announce(c, todo, *n);
}

/* What a job did not write must not count as the newest row. */
static void doubt(struct committer *c, const struct commit_job *job)
{
	for (size_t i = 0; i < job->batch->n; i++)
		if (job->batch->row[i].camera)
			directory_doubt(c->cameras, job->batch->row[i].camera);
}

/* ---- writing ---- */

static struct db_cell figure(int32_t v)
{
	return v == COUNT_NULL ? DB_NULL : DB_I(v);
}

static void fill(struct db_cell *cell, const struct count *r)
{
	int32_t whole = (int32_t)(r->end_at - r->start_at);

	*cell++ = DB_I(r->camera_id);
	*cell++ = DB_I(when_number(r->start_at));
	*cell++ = DB_I(when_number(r->end_at));
	for (int i = 0; i < COUNT_FIGURES_N; i++)
		*cell++ = figure(r->figure[i]);
	*cell = DB_I(r->observed_s == COUNT_NULL ? whole : r->observed_s);
}

/* Marks the quarter hours of the rows for the next roll-up. */
static enum err mark(struct committer *c, struct count *const *row, size_t n)
{
	size_t k = 0;
	enum err e;

	for (size_t i = 0; i < n; i++) {
		int64_t quarter =
			row[i]->start_at - row[i]->start_at % QUARTER_S;
		struct db_cell *cell = &c->cell[2 * k];

		/* In the order of keys, equal marks are neighbours. */
		if (i && row[i - 1]->camera_id == row[i]->camera_id &&
			row[i - 1]->start_at >= quarter)
			continue;
		cell[0] = DB_I(when_number(quarter));
		cell[1] = DB_I(row[i]->camera_id);
		if (++k == BULK_ROWS) {
			if ((e = db_run_bulk(c->db, Q_MARK, c->cell, k)))
				return e;
			k = 0;
		}
	}
	return k ? db_run_bulk(c->db, Q_MARK, c->cell, k) : E_OK;
}

/* Whoever remembers references must know when they change.  Asked inside the
 * transaction: what changes after this look comes after these rows. */
static enum err check_version(
	struct committer *c, struct count *const *row, size_t n)
{
	struct directory_camera *camera;
	struct db_rows rows = {0};
	struct arena a;
	int64_t version = 0;
	enum err e;

	arena_init(&a, 4096);
	e = db_run(c->db, Q_REFERENCE_VERSION, NULL, &a, &rows);
	if (!e && rows.n)
		version = rows.cell[0].i;
	arena_reset(&a);
	if (e || !directory_version(c->cameras, version))
		return e;
	for (size_t i = 0; !e && i < n; i++) {
		e = directory_find(c->cameras, row[i]->camera, &camera);
		if (!e)
			row[i]->suspect = is_suspect(camera, row[i]);
	}
	return e;
}

/* What the trigger does for other writers' rows: marks, and the rule. */
static enum err follow_up(
	struct committer *c, struct count *const *row, size_t n)
{
	enum err e = mark(c, row, n);

	if (!e && n)
		e = check_version(c, row, n);
	for (size_t i = 0; !e && i < n; i++) {
		if (!row[i]->suspect)
			continue;
		fill(c->cell, row[i]);
		e = db_run(c->db, Q_JUDGE, c->cell, NULL, NULL);
	}
	return e;
}

/* Inserts the rows; E_EXISTS when some key is stored already.  The server's
 * number of affected rows is no witness: in a bulk it also counts the outliers
 * that the triggers write. */
static enum err insert(struct committer *c, struct count *const *row, size_t n)
{
	enum err e;

	for (size_t i = 0; i < n;) {
		size_t k = n - i < BULK_ROWS ? n - i : BULK_ROWS;

		for (size_t j = 0; j < k; j++)
			fill(&c->cell[j * INSERT_COLUMNS], row[i + j]);
		if ((e = db_run_bulk(c->db, Q_COUNT_INSERT, c->cell, k)))
			return e;
		i += k;
	}
	return follow_up(c, row, n);
}

static enum err write_shared(struct committer *c, size_t n)
{
	enum err e = db_begin(c->db);

	if (!e)
		e = insert(c, c->todo, n);
	if (!e)
		return db_commit(c->db);
	db_rollback(c->db);
	return e;
}

/* One stored row as Q_COUNT_FIND gives it, against the row that came. */
static void compare(
	struct commit_job *job, struct count *row, const struct db_cell *stored)
{
	struct count s = {.start_at = row->start_at,
		.end_at = when_from_number(stored[2].i)};

	for (int i = 0; i < COUNT_FIGURES_N; i++)
		s.figure[i] = stored[3 + i].null ? COUNT_NULL
						 : (int32_t)stored[3 + i].i;
	s.observed_s = (int32_t)stored[3 + COUNT_FIGURES_N].i;
	if (count_same(row, &s))
		row->verdict = COUNT_DUPLICATE;
	else if (job->replace)
		row->verdict = COUNT_REPLACED;
	else
		count_refuse(job->batch, row, "start_at", "conflict",
			"this camera's row of that start_at is stored with "
			"other values");
}

/* Judges up to KEYS_A_QUERY rows by what is stored. */
static enum err find_stored(struct committer *c, struct commit_job *job,
	struct count **row, size_t n)
{
	struct db_cell key[2 * KEYS_A_QUERY];
	struct db_rows rows = {0};
	struct arena a;
	enum err e;

	for (size_t i = 0; i < KEYS_A_QUERY; i++) {
		const struct count *r = row[i < n ? i : n - 1];

		key[2 * i] = DB_I(r->camera_id);
		key[2 * i + 1] = DB_I(when_number(r->start_at));
	}
	arena_init(&a, 1 << 20);
	e = db_run(c->db, Q_COUNT_FIND, key, &a, &rows);
	for (size_t k = 0; !e && k < rows.n; k++) {
		const struct db_cell *s = &rows.cell[k * rows.cols];

		for (size_t i = 0; i < n; i++)
			if (row[i]->camera_id == s[0].i &&
				when_number(row[i]->start_at) == s[1].i)
				compare(job, row[i], s);
	}
	arena_reset(&a);
	return e;
}

static enum err replace(struct committer *c, const struct count *r)
{
	struct db_cell cell[INSERT_COLUMNS], key[2];

	fill(cell, r);
	memcpy(key, cell, sizeof(key));
	memmove(cell, cell + 2, sizeof(cell) - sizeof(key));
	memcpy(cell + INSERT_COLUMNS - 2, key, sizeof(key));
	return db_run(c->db, Q_COUNT_REPLACE, cell, NULL, NULL);
}

/* Inside a transaction: judges and writes todo[0..n) of one job. */
static enum err write_judged(struct committer *c, struct commit_job *job,
	struct count **todo, size_t n)
{
	struct count **fresh = todo + n;
	size_t fresh_n = 0;
	enum err e;

	for (size_t i = 0; i < n; i += KEYS_A_QUERY)
		if ((e = find_stored(c, job, todo + i,
			     n - i < KEYS_A_QUERY ? n - i : KEYS_A_QUERY)))
			return e;
	if (job->batch->errors_n && !job->partial)
		return E_CONFLICT;
	for (size_t i = 0; i < n; i++) {
		if (todo[i]->verdict == COUNT_REPLACED &&
			(e = replace(c, todo[i])))
			return e;
		if (todo[i]->verdict == COUNT_UNJUDGED)
			fresh[fresh_n++] = todo[i];
	}
	if ((e = insert(c, fresh, fresh_n)))
		return e;
	for (size_t i = 0; i < fresh_n; i++)
		fresh[i]->verdict = COUNT_INSERTED;
	return E_OK;
}

static void bump(struct committer *c, uint64_t *counter, uint64_t n)
{
	pthread_mutex_lock(&c->lock);
	*counter += n;
	pthread_mutex_unlock(&c->lock);
}

static bool late(const struct commit_job *job)
{
	return server_clock_ms() - job->since_ms > COMMIT_WAIT_MS;
}

/* One job in a transaction of its own, as often as it takes. */
static enum err write_alone(struct committer *c, struct commit_job *job)
{
	enum err e = E_OK;
	size_t n = 0;

	bump(c, &c->count.alone, 1);
	for (int try = 0; try < TRIES; try++) {
		if (late(job))
			return E_TIMEOUT;
		doubt(c, job);
		if ((e = prepare(c, job, c->todo, &n)) || !n)
			break;
		if (!(e = db_begin(c->db)))
			e = write_judged(c, job, c->todo, n);
		if (!e)
			e = db_commit(c->db);
		else
			db_rollback(c->db);
		if (e != E_EXISTS && e != E_BUSY)
			break;
		usleep((useconds_t)(1000 << try));
	}
	doubt(c, job);
	return e == E_CONFLICT ? E_OK : e;
}

/* ---- the thread ---- */

/* The turn is over: what the directory holds is stored. */
static void settle(struct committer *c, const struct commit_job *job)
{
	for (size_t i = 0; i < job->batch->n; i++)
		if (job->batch->row[i].camera)
			directory_settle(c->cameras, job->batch->row[i].camera);
}

static void inserted(struct count *const *row, size_t n)
{
	for (size_t i = 0; i < n; i++)
		row[i]->verdict = COUNT_INSERTED;
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
				    : prepare(c, j, c->todo + *n, &k);
		j->outcome = e;
		*n += e ? 0 : k;
	}
	return e == E_DB_GONE ? e : E_OK;
}

/* Writes all jobs of the list; each has its outcome then.  E_DB_GONE: so do
 * all, and the database does not answer. */
static enum err turn(struct committer *c, struct commit_job *jobs)
{
	int64_t begun_ms = server_clock_ms();
	size_t n;
	enum err e;

	e = prepare_all(c, jobs, &n);
	/* A connection may have died while it was idle, which shows at once. */
	if (e == E_DB_GONE && server_clock_ms() - begun_ms < HANG_MS)
		e = prepare_all(c, jobs, &n);
	if (n && !e) {
		qsort(c->todo, n, sizeof(c->todo[0]), by_key);
		e = write_shared(c, n);
	}
	if (!e)
		inserted(c->todo, n);
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
			doubt(c, j);
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
		begun_ms = server_clock_ms();
		e = turn(c, jobs);
		pthread_mutex_lock(&c->lock);
		give_back(c, jobs);
		/* It hangs: who waited meanwhile need not wait once more. */
		if (e && server_clock_ms() - begun_ms > HANG_MS)
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
	job->since_ms = server_clock_ms();
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

enum err committer_open(struct committer **out, struct api *api)
{
	struct committer *c = calloc(1, sizeof(*c));
	struct db_account account;
	enum err e = E_NOMEM;

	*out = c;
	if (!c)
		return E_NOMEM;
	c->api = api;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->more, NULL);
	c->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	account = api->account;
	account.session = stmt_defs[Q_SESSION_BULK].text;
	if (c->wake < 0 || (e = db_open(&c->db, &account)) ||
		(e = directory_open(
			 &c->cameras, c->db, api->conf.api_auto_register)))
		return e;
	event_assign(&c->on_back, api->base, c->wake, EV_READ | EV_PERSIST,
		on_back, c);
	event_add(&c->on_back, NULL);
	c->started = !pthread_create(&c->thread, NULL, run, c);
	return c->started ? E_OK : E_IO;
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
	directory_close(c->cameras);
	zones_free(&c->zones);
	db_close(c->db);
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
