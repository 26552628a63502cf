// SPDX-License-Identifier: MIT
/*
 * tally-ingest: watches one clip, counts, and posts the counts.
 *
 *	source → engine → tracker → intervals → spool      the camera's thread
 *	spool → HTTP                                       the poster's thread
 *
 * This thread starts both, waits for a signal or their end, and stops them.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/conf.h"
#include "common/log.h"
#include "common/utf8.h"
#include "common/when.h"
#include "ingest/camera.h"
#include "ingest/post.h"

enum {
	SECOND = 1000000,     /* µs */
	LAST_POST_S = 3,      /* for what waits, when a signal ends us */
	ANSWER_US = 30000000, /* for one answer of the API */
	WAIT_MOST_US = 30000000
};

static const char usage[] =
	"tally-ingest: counts people, vehicles and faces in a video\n"
	"\n"
	"usage: tally-ingest --source FILE --token-file FILE [options]\n";

static const struct conf_alias aliases[] = {
	{"--source", "ingest.source", NULL},
	{"--camera", "ingest.camera", NULL},
	{"--interval", "ingest.interval_s", NULL},
	{"--engine", "ingest.engine", NULL},
	{"--models", "ingest.models_dir", NULL},
	{"--url", "ingest.url", NULL},
	{"--token-file", "ingest.token_file", NULL},
	{"--spool-dir", "ingest.spool_dir", NULL},
	{"--speed", "ingest.speed", NULL},
	{"--start", "ingest.start", NULL},
	{"--loops", "ingest.loops", NULL},
	{"--report", "ingest.report", NULL},
};

/* All that main holds, for one way out. */
struct ingest {
	struct conf conf;
	struct halt halt;
	struct camera camera;
	struct post_settings post_settings;
	struct post *post;
	pthread_t main;
	enum status camera_status;
	enum err post_err;
	bool camera_ended, post_ended; /* under halt.lock */
};

static enum status usage_error(const char *setting, const char *what)
{
	log_error("%s: %s", setting, what);
	return STATUS_USAGE;
}

static enum status check_settings(const struct ingest *in)
{
	const struct conf *c = &in->conf;
	const char *code = c->ingest_camera;

	if (3600 % c->ingest_interval_s)
		return usage_error(
			"ingest.interval_s", "does not divide an hour");
	if (strcmp(c->ingest_speed, "real") && strcmp(c->ingest_speed, "max"))
		return usage_error("ingest.speed", "is neither real nor max");
	if (*c->ingest_start && strcmp(c->ingest_speed, "max"))
		return usage_error("ingest.start", "needs ingest.speed = max");
	if (utf8_check(code, strlen(code)) != strlen(code))
		return usage_error("ingest.camera", "is not UTF-8");
	for (; *code; code++)
		if ((unsigned char)*code < 0x20 || *code == 0x7f)
			return usage_error(
				"ingest.camera", "holds a control byte");
	return STATUS_OK;
}

/* --- start --- */

static enum status open_source(struct ingest *in)
{
	switch (source_open(&in->camera.source, in->conf.ingest_source)) {
	case E_OK:
		return STATUS_OK;
	case E_NOT_FOUND:
		return STATUS_SOURCE_MISSING;
	case E_SYNTAX:
		return STATUS_SOURCE_TRUNCATED;
	case E_NOMEM:
		return STATUS_FAILED;
	default: /* what else it says about a file's content */
		return STATUS_SOURCE_CORRUPT;
	}
}

static enum status open_engine(struct ingest *in)
{
	switch (engine_open(&in->camera.engine, &in->conf)) {
	case E_OK:
		return STATUS_OK;
	case E_NOT_FOUND:
		return STATUS_MODEL_MISSING;
	case E_SYNTAX:
		return STATUS_NAMES;
	case E_INVALID:
		return STATUS_USAGE;
	case E_NOMEM:
		return STATUS_FAILED;
	default: /* what else it says about a file's content */
		return STATUS_MODEL_CORRUPT;
	}
}

static enum status open_spool(struct ingest *in)
{
	enum err e = spool_open(&in->camera.spool, in->conf.ingest_spool_dir,
		in->conf.ingest_spool_max);
	struct spool_facts f;

	if (e)
		return e == E_CORRUPT  ? STATUS_SYNC
			: e == E_NOMEM ? STATUS_FAILED
				       : STATUS_SPOOL;
	f = spool_facts_now(in->camera.spool);
	if (f.waiting)
		log_info("spool %s: %llu rows wait from before",
			in->conf.ingest_spool_dir,
			(unsigned long long)f.waiting);
	return STATUS_OK;
}

static enum status open_post(struct ingest *in)
{
	const struct conf *c = &in->conf;
	enum err e;

	in->post_settings = (struct post_settings){.url = c->ingest_url,
		.token_file = c->ingest_token_file,
		.camera = c->ingest_camera,
		.wait_least_us = SECOND / 4,
		.wait_most_us = WAIT_MOST_US,
		.answer_us = ANSWER_US};
	e = post_open(&in->post, &in->post_settings, in->camera.spool);
	return e == E_OK	 ? STATUS_OK
		: e == E_INVALID ? STATUS_USAGE
				 : STATUS_FAILED;
}

/*
 * With speed max the clip has a clock of its own.  It starts where the operator
 * says, or at the last start of an interval from which the whole clip fits
 * into the past.
 */
static enum status set_start(struct ingest *in)
{
	const char *text = in->conf.ingest_start;
	struct camera *c = &in->camera;
	int64_t length = source_about(c->source).length_us * c->loops;
	int64_t now = when_now(), start, mark;
	char at[WHEN_TEXT];
	struct when w;

	if (*text) {
		if (when_parse(text, strlen(text), &w) || !w.has_offset ||
			!w.whole)
			return usage_error("ingest.start",
				"is not an RFC 3339 time with an offset, in "
				"whole seconds");
		if (w.at * SECOND + length > now * SECOND)
			return usage_error("ingest.start",
				"lets the clip end in the future");
		c->start_us = w.at * SECOND;
		return STATUS_OK;
	}
	start = now - (length + SECOND - 1) / SECOND;
	start -= start % c->interval_s;
	c->start_us = start * SECOND;
	mark = spool_facts_now(c->spool).mark;
	if (mark == INT64_MIN || mark <= start || mark > now + c->interval_s)
		return STATUS_OK;
	log_error("ingest.start: the spool had rows until %s, and the clip "
		  "would start before; give a start",
		when_format(at, mark, 0, true));
	return STATUS_USAGE;
}

static enum status open_report(struct ingest *in)
{
	const char *path = in->conf.ingest_report;

	if (!*path)
		return STATUS_OK;
	in->camera.report = fopen(path, "we");
	if (!in->camera.report) {
		log_error("ingest.report %s: %s", path, strerror(errno));
		return STATUS_USAGE;
	}
	row_csv_header(in->camera.report);
	return STATUS_OK;
}

/* --- threads --- */

/* Tells the main thread that one of the two has ended. */
static void *ended(struct ingest *in, bool *which)
{
	pthread_mutex_lock(&in->halt.lock);
	*which = true;
	pthread_mutex_unlock(&in->halt.lock);
	pthread_kill(in->main, SIGUSR1);
	return NULL;
}

static void *camera_thread(void *arg)
{
	struct ingest *in = arg;

	in->camera_status = camera_run(&in->camera);
	return ended(in, &in->camera_ended);
}

static void *post_thread(void *arg)
{
	struct ingest *in = arg;

	in->post_err = post_run(in->post);
	/* Rows that cannot leave the spool need not be counted. */
	if (in->post_err)
		halt_say(&in->halt);
	return ended(in, &in->post_ended);
}

static bool has_ended(struct ingest *in, const bool *which)
{
	bool yes;

	pthread_mutex_lock(&in->halt.lock);
	yes = *which;
	pthread_mutex_unlock(&in->halt.lock);
	return yes;
}

/* Until the camera is through; then gives the poster its time. */
static void wait_for_end(struct ingest *in, const sigset_t *signals)
{
	bool told = false;
	int s;

	while (!has_ended(in, &in->camera_ended) && !sigwait(signals, &s))
		if (s != SIGUSR1)
			halt_say(&in->halt);
	/* Where a signal or a failure ended it, what waits can wait. */
	if (halt_said(&in->halt) || in->camera_status == STATUS_SYNC)
		post_end(in->post, LAST_POST_S * SECOND, true);
	else
		post_end(in->post,
			in->conf.ingest_drain_timeout_s * INT64_C(1000000),
			false);
	while (!has_ended(in, &in->post_ended) && !sigwait(signals, &s))
		if (s != SIGUSR1) {
			post_end(in->post, told ? 0 : LAST_POST_S * SECOND,
				true);
			told = true;
		}
}

static enum status run_threads(struct ingest *in, const sigset_t *signals)
{
	pthread_t camera, post;
	struct spool_facts f;

	in->main = pthread_self();
	if (pthread_create(&camera, NULL, camera_thread, in)) {
		log_error("a thread does not start");
		return STATUS_FAILED;
	}
	if (pthread_create(&post, NULL, post_thread, in)) {
		log_error("a thread does not start");
		halt_say(&in->halt);
		pthread_join(camera, NULL);
		return STATUS_FAILED;
	}
	wait_for_end(in, signals);
	pthread_join(camera, NULL);
	pthread_join(post, NULL);
	if (in->camera_status == STATUS_SYNC || in->post_err == E_CORRUPT)
		return STATUS_SYNC;
	if (in->post_err)
		return STATUS_SPOOL;
	if (in->camera_status)
		return in->camera_status;
	f = spool_facts_now(in->camera.spool);
	if (f.waiting)
		log_warn("spool %s: %llu rows wait for the next start",
			in->conf.ingest_spool_dir,
			(unsigned long long)f.waiting);
	return f.waiting && !halt_said(&in->halt) ? STATUS_DRAIN : STATUS_OK;
}

/* --- the whole --- */

/* One line on standard output, for scripts. */
static void print_totals(const struct ingest *in)
{
	struct spool_facts f = spool_facts_now(in->camera.spool);
	struct text t;

	text_init(&t, 8192);
	json_open(&t, NULL, '{');
	json_str(&t, "camera", in->camera.code);
	json_str(&t, "engine", in->camera.engine->name);
	totals_json(&t, &in->camera.totals);
	json_int(&t, "stored", (int64_t)post_stored(in->post));
	json_int(&t, "waiting", (int64_t)f.waiting);
	json_int(&t, "refused", (int64_t)f.refused);
	json_int(&t, "quarantined", (int64_t)f.quarantined);
	json_close(&t, '}');
	if (!t.full)
		puts(t.at);
	fflush(stdout);
	text_free(&t);
}

static enum status start(struct ingest *in)
{
	const struct conf *c = &in->conf;
	struct source_facts f;
	enum status s;

	in->camera = (struct camera){.code = c->ingest_camera,
		.interval_s = c->ingest_interval_s,
		.max = !strcmp(c->ingest_speed, "max"),
		.loops = c->ingest_loops,
		.halt = &in->halt};
	if (in->camera.max && !in->camera.loops)
		in->camera.loops = 1;
	if ((s = check_settings(in)) || (s = open_source(in)) ||
		(s = open_engine(in)) || (s = open_spool(in)) ||
		(s = open_post(in)) ||
		(in->camera.max && (s = set_start(in))) ||
		(s = open_report(in)))
		return s;
	f = source_about(in->camera.source);
	log_info("camera %s: %s, %d x %d, %.2f pictures/s, %lu pictures; "
		 "engine %s; rows of %d s",
		c->ingest_camera, c->ingest_source, f.w, f.h,
		1e6 / (double)f.period_us, f.pictures, in->camera.engine->name,
		c->ingest_interval_s);
	return STATUS_OK;
}

static void stop(struct ingest *in)
{
	post_close(in->post);
	spool_close(in->camera.spool);
	if (in->camera.engine)
		in->camera.engine->free(in->camera.engine);
	source_close(in->camera.source);
	if (in->camera.report)
		fclose(in->camera.report);
	halt_fini(&in->halt);
	conf_free(&in->conf);
}

int main(int argc, char **argv)
{
	static struct ingest in;
	enum status s;
	sigset_t signals;
	int i;

	log_open("tally-ingest", LOG_INFO);
	i = conf_main(&in.conf, argc, argv, usage, aliases, ARRAY_LEN(aliases));
	if (i < argc) {
		fprintf(stderr,
			"unexpected argument \"%s\"; --help lists the "
			"options\n",
			argv[i]);
		return STATUS_USAGE;
	}
	halt_init(&in.halt);
	/* Every thread inherits the mask; sigwait in this one is where they
	 * arrive. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGUSR1);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	s = start(&in);
	if (s == STATUS_OK) {
		pthread_sigmask(SIG_BLOCK, &signals, NULL);
		s = run_threads(&in, &signals);
		print_totals(&in);
	}
	stop(&in);
	return (int)s;
}
