// SPDX-License-Identifier: MIT
/*
 * Each operation of the connector is one row in op_start and one in op_cont;
 * link_pump is all there is to understand.
 */
#include "common/db/pool.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "common/db/bind.h"
#include "common/db/conn.h"
#include "common/log.h"
#include "common/token.h"
#include "common/when.h"

enum op {
	OP_NONE, /* nothing runs */
	OP_CONNECT,
	OP_PREPARE,
	OP_EXECUTE,
	OP_STORE,
	OP_FOLLOWING /* a CALL's next result */
};

struct link {
	struct pool *pool;
	MYSQL *my; /* NULL: closed */
	MYSQL_STMT *stmt[STMT_COUNT];
	struct event ready;
	enum op op;
	struct pool_job *job;
	int64_t begun_ms; /* the job, on this connection */
	bool taken;	  /* the job's rows are in its arena */
	bool used;	  /* a statement has worked on this connection */
	char password[CONN_PASSWORD_MAX];
	/* what the operations return */
	MYSQL *connected;
	int ret;
};

struct pool {
	struct event_base *base;
	struct db_account account;
	struct event kick, sweep;
	struct pool_job *first, *last;
	struct pool_counters count;
	bool down; /* said once, until a connection works again */
	unsigned n;
	struct link link[];
};

enum {
	/* A connection that died while it was idle says so at once; what took
	 * longer is no reason to try again. */
	AGAIN_WITHIN_MS = 1000,
	SWEEP_MS = 500
};

static void on_ready(evutil_socket_t fd, short what, void *arg);

static int op_start(struct link *l)
{
	const struct db_account *a = &l->pool->account;
	const struct stmt_def *def;

	switch (l->op) {
	case OP_NONE:
		break;
	case OP_CONNECT:
		return mysql_real_connect_start(&l->connected, l->my,
			conn_or_null(a->host), a->user, l->password,
			conn_or_null(a->name), a->port, conn_or_null(a->socket),
			0);
	case OP_PREPARE:
		def = &stmt_defs[l->job->stmt];
		return mysql_stmt_prepare_start(&l->ret, l->stmt[l->job->stmt],
			def->text, strlen(def->text));
	case OP_EXECUTE:
		return mysql_stmt_execute_start(&l->ret, l->stmt[l->job->stmt]);
	case OP_STORE:
		return mysql_stmt_store_result_start(
			&l->ret, l->stmt[l->job->stmt]);
	case OP_FOLLOWING:
		return mysql_stmt_next_result_start(
			&l->ret, l->stmt[l->job->stmt]);
	}
	return 0;
}

static int op_cont(struct link *l, int ready)
{
	switch (l->op) {
	case OP_NONE:
		break;
	case OP_CONNECT:
		return mysql_real_connect_cont(&l->connected, l->my, ready);
	case OP_PREPARE:
		return mysql_stmt_prepare_cont(
			&l->ret, l->stmt[l->job->stmt], ready);
	case OP_EXECUTE:
		return mysql_stmt_execute_cont(
			&l->ret, l->stmt[l->job->stmt], ready);
	case OP_STORE:
		return mysql_stmt_store_result_cont(
			&l->ret, l->stmt[l->job->stmt], ready);
	case OP_FOLLOWING:
		return mysql_stmt_next_result_cont(
			&l->ret, l->stmt[l->job->stmt], ready);
	}
	return 0;
}

static void link_close(struct link *l)
{
	if (!l->my)
		return;
	for (int i = 0; i < STMT_COUNT; i++) {
		if (l->stmt[i])
			mysql_stmt_close(l->stmt[i]);
		l->stmt[i] = NULL;
	}
	mysql_close(l->my);
	l->my = NULL;
	l->used = false;
	l->pool->count.open--;
	token_wipe(l->password, sizeof(l->password));
}

/* The job has its outcome; the link takes the next from the queue. */
static bool job_end(struct link *l, enum err e)
{
	struct pool *p = l->pool;
	struct pool_job *job = l->job;

	l->op = OP_NONE;
	l->job = NULL;
	p->count.busy--;
	p->count.queries++;
	p->count.failed += e != E_OK;
	job->done(job, e);
	event_active(&p->kick, EV_TIMEOUT, 0);
	return false;
}

/* Runs the job from the start of what this link lacks. */
static bool job_begin(struct link *l)
{
	struct pool_job *job = l->job;

	l->taken = false;
	if (!l->my) {
		l->my = conn_new(&l->pool->account, true);
		if (!l->my)
			return job_end(l, E_NOMEM);
		l->pool->count.open++;
		l->pool->count.connects++;
		if (conn_password(&l->pool->account, l->password)) {
			link_close(l);
			return job_end(l, E_DB_GONE);
		}
		l->op = OP_CONNECT;
		return true;
	}
	if (!l->stmt[job->stmt]) {
		l->stmt[job->stmt] = mysql_stmt_init(l->my);
		if (!l->stmt[job->stmt])
			return job_end(l, E_NOMEM);
		l->op = OP_PREPARE;
		return true;
	}
	if (stmt_bind(l->stmt[job->stmt], job->stmt, job->args))
		return job_end(l, E_INVALID);
	l->op = OP_EXECUTE;
	return true;
}

/* Of the statement, or, once until it works again, of the connection. */
static void tell(struct link *l, unsigned number, const char *words, bool gone)
{
	if (!gone)
		log_error("%s: %s (%u)", stmt_defs[l->job->stmt].name, words,
			number);
	else if (!l->pool->down)
		log_warn("database: %s (%u)", words, number);
	l->pool->down |= gone;
}

/* The server said no, or nothing at all. */
static bool op_failed(struct link *l, unsigned number, const char *words)
{
	enum err e = conn_meaning(number);
	bool was_used = l->used;

	if (l->op == OP_CONNECT)
		e = E_DB_GONE;
	log_request(l->job->request);
	tell(l, number, words, e == E_DB_GONE);
	log_request(NULL);
	if (e == E_DB_GONE) {
		l->pool->count.lost += was_used;
		link_close(l);
		/* A connection that worked may have died of old age. */
		if (was_used && !l->job->again &&
			when_clock_ms() - l->begun_ms < AGAIN_WITHIN_MS) {
			l->job->again = true;
			return job_begin(l);
		}
		return job_end(l, e);
	}
	if (l->op == OP_PREPARE) {
		mysql_stmt_close(l->stmt[l->job->stmt]);
		l->stmt[l->job->stmt] = NULL;
	}
	return job_end(l, e);
}

static bool connected(struct link *l)
{
	char why[200], words[CONN_WORDS];

	token_wipe(l->password, sizeof(l->password));
	if (!l->connected)
		return op_failed(l, mysql_errno(l->my),
			conn_words(l->my, &l->pool->account, words));
	if (conn_check(l->my, &l->pool->account, why)) {
		log_error("database: %s", why);
		link_close(l);
		return job_end(l, E_DB_GONE);
	}
	if (l->pool->down)
		log_info("database: connected");
	l->pool->down = false;
	return job_begin(l);
}

static bool executed(struct link *l)
{
	MYSQL_STMT *st = l->stmt[l->job->stmt];

	if (mysql_stmt_field_count(st)) {
		l->op = OP_STORE;
		return true;
	}
	if (mysql_stmt_more_results(st)) {
		l->op = OP_FOLLOWING;
		return true;
	}
	l->used = true;
	return job_end(l, E_OK);
}

static bool stored(struct link *l)
{
	struct pool_job *job = l->job;
	MYSQL_STMT *st = l->stmt[job->stmt];
	enum err e = E_OK;

	if (!l->taken && job->rows)
		e = stmt_store(
			st, job->stmt, job->arena, POOL_ROWS_MAX, job->rows);
	l->taken = true;
	mysql_stmt_free_result(st);
	if (e) {
		/* Results may still be in the pipe: start afresh. */
		link_close(l);
		return job_end(l, e);
	}
	if (mysql_stmt_more_results(st)) {
		l->op = OP_FOLLOWING;
		return true;
	}
	l->used = true;
	return job_end(l, E_OK);
}

/* The operation ended.  True when another is to start. */
static bool op_next(struct link *l)
{
	if (l->op == OP_CONNECT)
		return connected(l);
	if (l->ret) {
		MYSQL_STMT *st = l->stmt[l->job->stmt];
		unsigned number = mysql_stmt_errno(st);
		char words[256];

		strncpy(words, mysql_stmt_error(st), sizeof(words) - 1);
		words[sizeof(words) - 1] = '\0';
		return op_failed(l, number, words);
	}
	switch (l->op) {
	case OP_PREPARE:
		return job_begin(l);
	case OP_EXECUTE:
	case OP_FOLLOWING:
		return executed(l);
	case OP_STORE:
		return stored(l);
	case OP_NONE:
	case OP_CONNECT:
		break;
	}
	return false;
}

/* Waits for what the connector wants: the descriptor may have changed. */
static void link_arm(struct link *l, int want)
{
	struct timeval tv, *timeout = NULL;
	short what = 0;

	if (want & MYSQL_WAIT_READ)
		what |= EV_READ;
	if (want & MYSQL_WAIT_WRITE)
		what |= EV_WRITE;
	if (want & MYSQL_WAIT_TIMEOUT) {
		unsigned ms = mysql_get_timeout_value_ms(l->my);

		tv.tv_sec = ms / 1000;
		tv.tv_usec = ms % 1000 * 1000;
		timeout = &tv;
	}
	event_assign(&l->ready, l->pool->base,
		what ? mysql_get_socket(l->my) : -1, what, on_ready, l);
	event_add(&l->ready, timeout);
}

/* ready: MYSQL_WAIT_ bits that came, 0 to start l->op. */
static void link_pump(struct link *l, int ready)
{
	int want = ready ? op_cont(l, ready) : op_start(l);

	while (want == 0 && op_next(l))
		want = op_start(l);
	if (want)
		link_arm(l, want);
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	int ready = 0;

	(void)fd;
	if (what & EV_READ)
		ready |= MYSQL_WAIT_READ;
	if (what & EV_WRITE)
		ready |= MYSQL_WAIT_WRITE;
	if (what & EV_TIMEOUT)
		ready |= MYSQL_WAIT_TIMEOUT;
	link_pump(arg, ready);
}

/* Gives waiting jobs to idle links, open ones first. */
static void on_kick(evutil_socket_t fd, short what, void *arg)
{
	struct pool *p = arg;

	(void)fd;
	(void)what;
	while (p->first) {
		struct link *idle = NULL;
		struct pool_job *job = p->first;

		for (unsigned i = 0; i < p->n; i++) {
			struct link *l = &p->link[i];

			if (!l->job && (!idle || (l->my && !idle->my)))
				idle = l;
		}
		if (!idle)
			return;
		p->first = job->next;
		if (!p->first)
			p->last = NULL;
		p->count.waiting--;
		p->count.busy++;
		idle->job = job;
		idle->begun_ms = when_clock_ms();
		if (job_begin(idle))
			link_pump(idle, 0);
	}
}

/* A database that hangs holds every link for a while: whoever waited for one
 * too long gets an answer all the same. */
static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct pool *p = arg;
	int64_t since = when_clock_ms() - POOL_WAIT_MS;

	(void)fd;
	(void)what;
	while (p->first && p->first->since_ms <= since) {
		struct pool_job *job = p->first;

		p->first = job->next;
		if (!p->first)
			p->last = NULL;
		p->count.waiting--;
		p->count.late++;
		job->done(job, E_TIMEOUT);
	}
}

enum err pool_submit(struct pool *p, struct pool_job *job)
{
	if (p->count.waiting >= POOL_WAITING_MAX) {
		p->count.refused_full++;
		return E_FULL;
	}
	job->next = NULL;
	job->again = false;
	job->since_ms = when_clock_ms();
	if (p->last)
		p->last->next = job;
	else
		p->first = job;
	p->last = job;
	p->count.waiting++;
	event_active(&p->kick, EV_TIMEOUT, 0);
	return E_OK;
}

enum err pool_open(struct pool **out, struct event_base *base,
	const struct db_account *a, unsigned connections)
{
	struct timeval often = {0, SWEEP_MS * 1000};
	struct pool *p;

	p = calloc(1, sizeof(*p) + connections * sizeof(p->link[0]));
	*out = p;
	if (!p)
		return E_NOMEM;
	p->base = base;
	p->account = *a;
	p->n = connections;
	for (unsigned i = 0; i < connections; i++)
		p->link[i].pool = p;
	event_assign(&p->kick, base, -1, 0, on_kick, p);
	event_assign(&p->sweep, base, -1, EV_PERSIST, on_sweep, p);
	event_add(&p->sweep, &often);
	return E_OK;
}

void pool_close(struct pool *p)
{
	if (!p)
		return;
	event_del(&p->kick);
	event_del(&p->sweep);
	for (unsigned i = 0; i < p->n; i++) {
		if (p->link[i].job) {
			event_del(&p->link[i].ready);
			/* Closing wants to read what is still to come. */
			shutdown(mysql_get_socket(p->link[i].my), SHUT_RDWR);
		}
		link_close(&p->link[i]);
	}
	free(p);
}

struct pool_counters pool_counters(const struct pool *p)
{
	return p->count;
}
