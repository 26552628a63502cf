// SPDX-License-Identifier: MIT
/*
 * tally-worker: what must happen outside a request.  The rounds run on a
 * thread of their own, so that SIGTERM and SIGINT end the program at once
 * even while the server is at work for us.
 *
 * Exit status: 0 ended by a signal, 1 cannot start, 2 bad option or setting,
 * 3 the server is not one to work with.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "analytics/backup_due.h"
#include "analytics/worker.h"
#include "common/log.h"
#include "common/token.h"

enum { LAST_ROUND_MS = 500 };

struct rounds {
	struct worker *worker;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop;
	int status;
};

static struct timespec in_ms(clockid_t clock, int64_t ms)
{
	struct timespec t;

	clock_gettime(clock, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

static void *go_round(void *arg)
{
	struct rounds *r = arg;
	struct timespec until;
	int64_t wait_ms = 0;
	enum err e = E_OK;

	pthread_mutex_lock(&r->lock);
	while (!r->stop && !e) {
		pthread_mutex_unlock(&r->lock);
		e = worker_round(r->worker, &wait_ms);
		until = in_ms(CLOCK_MONOTONIC, wait_ms);
		pthread_mutex_lock(&r->lock);
		while (!r->stop && !e &&
			!pthread_cond_timedwait(&r->wake, &r->lock, &until))
			;
	}
	if (e) {
		r->status = 3;
		kill(getpid(), SIGTERM); /* wakes main */
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

static bool start(struct rounds *r, sigset_t *signals, pthread_t *thread)
{
	pthread_condattr_t attr;

	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, signals, NULL);
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->wake, &attr);
	pthread_condattr_destroy(&attr);
	return !pthread_create(thread, NULL, go_round, r);
}

/* true: the thread has ended. */
static bool stop(struct rounds *r, pthread_t thread)
{
	struct timespec until = in_ms(CLOCK_REALTIME, LAST_ROUND_MS);

	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	return !pthread_timedjoin_np(thread, NULL, &until);
}

int main(int argc, char **argv)
{
	static const char usage[] =
		"usage: tally-worker [options]\n\n"
		"Watches the database's event scheduler and does its work "
		"where it does not run;\nkeeps the calendar years ahead; "
		"makes the daily backup.\n";
	struct rounds r = {.status = 0};
	struct conf conf;
	pthread_t thread;
	sigset_t signals;
	int sig;
	int first = conf_main(&conf, argc, argv, usage, NULL, 0);

	log_open("tally-worker", LOG_INFO);
	if (first < argc) {
		fprintf(stderr, "unexpected argument %s\n", argv[first]);
		conf_free(&conf);
		return 2;
	}
	if (backup_conf_fault(&conf)) {
		fprintf(stderr, "%s\n", backup_conf_fault(&conf));
		conf_free(&conf);
		return 2;
	}
	if (!log_choose(conf.log_format, conf.log_level)) {
		fputs(LOG_CHOICE, stderr);
		conf_free(&conf);
		return 2;
	}
	if (token_start() || worker_open(&r.worker, &conf) ||
		!start(&r, &signals, &thread)) {
		log_error("cannot start: out of memory or of threads");
		return 1;
	}
	log_info("started, period %d s", conf.worker_period_s);
	sigwait(&signals, &sig);
	if (!stop(&r, thread)) {
		/* Only the answer is lost: the server ends what it began. */
		log_info("stopped in the middle of a run");
		_exit(0);
	}
	if (!r.status)
		log_info("stopped");
	if (worker_busy(r.worker)) {
		log_info("a backup was on its way: it is left unfinished");
		_exit(r.status);
	}
	worker_close(r.worker);
	conf_free(&conf);
	return r.status;
}
