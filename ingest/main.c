// SPDX-License-Identifier: MIT
/*
 * tally-ingest: watches cameras, counts, and posts the counts.
 *
 *	source → slot                                 a thread a camera
 *	slot → engine → tracker → intervals → spool   another a camera
 *	spool → HTTP                                  the poster's thread
 *	HTTP → lines and zones                        a thread of their own
 *	engine → detection records → HTTP             another
 *	picture, boxes, counts → JPEG → HTTP          another, for who watches
 *
 * This thread starts them, waits for signals or their end, and stops them.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/conf.h"
#include "common/log.h"
#include "ingest/fleet.h"
#include "ingest/post.h"
#include "ingest/probe.h"
#include "ingest/report.h"

enum {
	SECOND = 1000000,     /* µs */
	LAST_POST_S = 3,      /* for what waits, when a signal ends us */
	ANSWER_US = 30000000, /* for one answer of the API */
	WAIT_MOST_US = 30000000,
	THREADS = 3 /* that post, that sends records, that fetches drawings */
};

static const char usage[] =
	"tally-ingest: counts people, vehicles and faces in a video\n"
	"\n"
	"usage: tally-ingest --source VIDEO --token-file FILE [options]\n"
	"       tally-ingest --config FILE   with a section [camera \"CODE\"]\n"
	"                                    for each of several cameras\n"
	"       tally-ingest [options] probe CAMERA|VIDEO [PNG]\n"
	"                                    what it offers, and a picture\n"
	"       tally-ingest --status [--config FILE | --spool-dir DIR]\n"
	"                                    how the one that runs there "
	"fares\n";

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

static const struct conf_cli cli = {usage, aliases, ARRAY_LEN(aliases)};

/* All that main holds, for one way out. */
struct ingest {
	int argc;
	char **argv;
	struct conf conf; /* as at the start */
	struct fleet fleet;
	struct spool *spool;
	struct marks *marks;
	struct post_settings post_settings;
	struct post *post;
	struct drawings_settings drawings_settings;
	struct drawings *drawings;
	struct halt drawn_enough;
	struct records_settings records_settings;
	struct records *records;
	struct tell_settings tell_settings;
	struct tell *tell;
	struct report *report;
	struct view_settings view_settings;
	struct view *view;
	pthread_t main;
	enum err post_err;
	bool post_ended, records_ended; /* under fleet.lock */
	bool told_to_end;
};

/* --- start --- */

static enum status open_spool(struct ingest *in)
{
	const char *dir = in->conf.ingest_spool_dir;
	enum err e = spool_open(&in->spool, dir, in->conf.ingest_spool_max);
	struct spool_facts f;

	if (e)
		return e == E_CORRUPT  ? STATUS_SYNC
			: e == E_NOMEM ? STATUS_FAILED
				       : STATUS_SPOOL;
	if (!(in->marks = marks_open(dir)))
		return STATUS_FAILED;
	in->fleet.spool = in->spool;
	in->fleet.marks = in->marks;
	spool_may_drop(in->spool,
		!strcmp(in->conf.ingest_spool_full, "drop_oldest"),
		in->conf.ingest_spool_max_hours * INT64_C(3600000000));
	f = spool_facts_now(in->spool);
	if (f.waiting)
		log_info("spool %s: %llu rows wait from before", dir,
			(unsigned long long)f.waiting);
	return STATUS_OK;
}

static bool is_ours(void *arg, const char *camera)
{
	return fleet_has(arg, camera);
}

static enum status open_post(struct ingest *in)
{
	const struct conf *c = &in->conf;
	enum err e;

	in->post_settings = (struct post_settings){.url = c->ingest_url,
		.ca = c->ingest_ca,
		.token_file = c->ingest_token_file,
		.ours = is_ours,
		.arg = &in->fleet,
		.wait_least_us = SECOND / 4,
		.wait_most_us = WAIT_MOST_US,
		.answer_us = ANSWER_US};
	e = post_open(&in->post, &in->post_settings, in->spool);
	return e == E_OK	 ? STATUS_OK
		: e == E_INVALID ? STATUS_USAGE
				 : STATUS_FAILED;
}

static enum status open_drawings(struct ingest *in)
{
	enum err e;

	in->drawings_settings =
		(struct drawings_settings){.url = in->conf.ingest_url,
			.ca = in->conf.ingest_ca,
			.token_file = in->conf.ingest_token_file,
			.dir = in->conf.ingest_spool_dir,
			.halt = &in->drawn_enough};
	e = drawings_open(&in->drawings, &in->drawings_settings);
	in->fleet.drawings = in->drawings;
	return e == E_OK	 ? STATUS_OK
		: e == E_INVALID ? STATUS_USAGE
				 : STATUS_FAILED;
}

static enum status open_records(struct ingest *in)
{
	const struct conf *c = &in->conf;
	enum err e;

	in->records_settings = (struct records_settings){.url = c->ingest_url,
		.ca = c->ingest_ca,
		.token_file = c->ingest_token_file,
		.max = c->ingest_records_max,
		.wait_least_us = SECOND / 4,
		.wait_most_us = WAIT_MOST_US,
		.answer_us = ANSWER_US,
		.gather_us = SECOND};
	e = records_open(&in->records, &in->records_settings);
	in->fleet.records = in->records;
	return e == E_OK	 ? STATUS_OK
		: e == E_INVALID ? STATUS_USAGE
				 : STATUS_FAILED;
}

/* --- threads --- */

static void camera_ended(void *arg)
{
	struct ingest *in = arg;

	pthread_kill(in->main, SIGUSR1);
}

static void *post_thread(void *arg)
{
	struct ingest *in = arg;

	in->post_err = post_run(in->post);
	pthread_mutex_lock(&in->fleet.lock);
	in->post_ended = true;
	pthread_mutex_unlock(&in->fleet.lock);
	pthread_kill(in->main, SIGUSR1);
	return NULL;
}

static void *records_thread(void *arg)
{
	struct ingest *in = arg;

	records_run(in->records);
	pthread_mutex_lock(&in->fleet.lock);
	in->records_ended = true;
	pthread_mutex_unlock(&in->fleet.lock);
	pthread_kill(in->main, SIGUSR1);
	return NULL;
}

static void *drawings_thread(void *arg)
{
	struct ingest *in = arg;

	drawings_run(in->drawings);
	return NULL;
}

static bool post_has_ended(struct ingest *in)
{
	bool yes;

	pthread_mutex_lock(&in->fleet.lock);
	yes = in->post_ended;
	pthread_mutex_unlock(&in->fleet.lock);
	return yes;
}

/* Both that send. */
static void end_sending(struct ingest *in, int64_t us, bool once)
{
	post_end(in->post, us, once);
	records_end(in->records, us, once);
}

static bool sending_has_ended(struct ingest *in)
{
	bool yes;

	pthread_mutex_lock(&in->fleet.lock);
	yes = in->post_ended && in->records_ended;
	pthread_mutex_unlock(&in->fleet.lock);
	return yes;
}

/* The command line and its files once more.  What is wrong leaves all as it
 * is. */
static void reload(struct ingest *in)
{
	struct conf c;
	char err[512];

	if (conf_again(&c, in->argc, in->argv, &cli, err))
		log_error("settings stay as they are: %s", err);
	else if (fleet_check(&c, true))
		log_error("settings stay as they are");
	else
		fleet_change(&in->fleet, &c);
	conf_free(&c);
}

static void halt(struct ingest *in)
{
	in->told_to_end = true;
	fleet_halt(&in->fleet);
}

/* Until all cameras are through; then gives the poster its time. */
static void wait_for_end(struct ingest *in, const sigset_t *signals)
{
	bool told = false;
	int s;

	while (!fleet_over(&in->fleet) && !sigwait(signals, &s)) {
		if (s == SIGHUP)
			reload(in);
		else if (s != SIGUSR1)
			halt(in);
		/* Rows that cannot leave the spool need not be counted. */
		if (fleet_failed(&in->fleet) || post_has_ended(in))
			halt(in);
	}
	fleet_join(&in->fleet);
	/* Where a signal or a failure ended it, what waits can wait. */
	if (in->told_to_end || in->fleet.status == STATUS_SYNC)
		end_sending(in, LAST_POST_S * SECOND, true);
	else
		end_sending(in,
			in->conf.ingest_drain_timeout_s * INT64_C(1000000),
			false);
	while (!sending_has_ended(in) && !sigwait(signals, &s))
		if (s == SIGINT || s == SIGTERM) {
			end_sending(in, told ? 0 : LAST_POST_S * SECOND, true);
			told = true;
		}
}

static void start_telling(struct ingest *in)
{
	const struct conf *c = &in->conf;

	in->tell_settings = (struct tell_settings){.dir = c->ingest_spool_dir,
		.name = c->ingest_name,
		.fleet = &in->fleet,
		.spool = in->spool,
		.post = in->post,
		.records = in->records};
	in->tell = tell_start(&in->tell_settings);
	if (in->tell)
		in->report = report_start(c->ingest_url, c->ingest_ca,
			c->ingest_token_file, in->tell);
	else
		log_warn("no thread for what --status prints");
}

/* They were told to end, but for that of drawings. */
static void join_threads(struct ingest *in, const pthread_t *thread, int n)
{
	halt_say(&in->drawn_enough);
	for (int i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
}

static bool start_threads(struct ingest *in, pthread_t thread[THREADS])
{
	static void *(*const work[THREADS])(void *) = {
		post_thread, records_thread, drawings_thread};

	for (int i = 0; i < THREADS; i++) {
		if (!pthread_create(&thread[i], NULL, work[i], in))
			continue;
		log_error("a thread does not start");
		end_sending(in, 0, true);
		join_threads(in, thread, i);
		return false;
	}
	return true;
}

static enum status run(struct ingest *in, const sigset_t *signals)
{
	pthread_t threads[THREADS];
	struct spool_facts f;
	enum status s;

	in->main = pthread_self();
	if (!start_threads(in, threads))
		return STATUS_FAILED;
	start_telling(in);
	in->view_settings = (struct view_settings){.url = in->conf.ingest_url,
		.ca = in->conf.ingest_ca,
		.token_file = in->conf.ingest_token_file,
		.drawings = in->drawings};
	in->view = in->fleet.view = view_start(&in->view_settings);
	if ((s = fleet_start(&in->fleet)))
		end_sending(in, 0, true);
	else
		wait_for_end(in, signals);
	view_stop(in->view);
	join_threads(in, threads, THREADS);
	report_stop(in->report);
	tell_stop(in->tell);
	if (s)
		return s;
	if (in->fleet.status == STATUS_SYNC || in->post_err == E_CORRUPT)
		return STATUS_SYNC;
	if (in->post_err)
		return STATUS_SPOOL;
	if (in->fleet.status)
		return in->fleet.status;
	f = spool_facts_now(in->spool);
	if (f.waiting)
		log_warn("spool %s: %llu rows wait for the next start",
			in->conf.ingest_spool_dir,
			(unsigned long long)f.waiting);
	return f.waiting && !in->told_to_end ? STATUS_DRAIN : STATUS_OK;
}

/* --- the whole --- */

/* A line on standard output for each camera, for scripts. */
static void print_totals(struct ingest *in)
{
	struct spool_facts f = spool_facts_now(in->spool);
	struct records_facts r = records_facts_now(in->records);

	for (size_t i = 0; i < in->fleet.n; i++) {
		struct text t;

		text_init(&t, 8192);
		json_open(&t, NULL, '{');
		fleet_totals(&in->fleet, i, &t);
		json_int(
			&t, "stored", (int64_t)post_facts_now(in->post).stored);
		json_int(&t, "waiting", (int64_t)f.waiting);
		json_int(&t, "refused", (int64_t)f.refused);
		json_int(&t, "quarantined", (int64_t)f.quarantined);
		json_int(&t, "records_stored", (int64_t)r.stored);
		json_int(&t, "records_refused", (int64_t)r.refused);
		json_int(&t, "records_dropped", (int64_t)r.dropped);
		json_close(&t, '}');
		if (!t.full)
			puts(t.at);
		text_free(&t);
	}
	fflush(stdout);
}

static enum status start(struct ingest *in)
{
	enum status s;

	fleet_init(&in->fleet, &in->conf);
	halt_init(&in->drawn_enough);
	in->fleet.ended = camera_ended;
	in->fleet.arg = in;
	if (fleet_check(&in->conf, true))
		return STATUS_USAGE;
	if ((s = fleet_open(&in->fleet, &in->conf)) || (s = open_spool(in)))
		return s;
	if ((s = open_post(in)))
		return s;
	if ((s = open_records(in)))
		return s;
	return open_drawings(in);
}

static void stop(struct ingest *in)
{
	post_close(in->post);
	records_close(in->records);
	fleet_fini(&in->fleet);
	drawings_close(in->drawings);
	halt_fini(&in->drawn_enough);
	marks_close(in->marks);
	spool_close(in->spool);
	conf_free(&in->conf);
}

static enum status usage_error(const char *fmt, const char *what)
{
	fprintf(stderr, fmt, what);
	fputs("; --help lists the options\n", stderr);
	return STATUS_USAGE;
}

/* Everybody on the machine can read a command line. */
static bool tells_password(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (address_tells(argv[i]))
			return true;
	return false;
}

static enum status check(const struct conf *c, bool good)
{
	if (fleet_check(c, false) || !good)
		return STATUS_USAGE;
	puts("ok");
	return STATUS_OK;
}

static enum status probe(struct conf *c, int argc, char **argv)
{
	enum status s;

	if (argc < 2 || argc > 3)
		s = usage_error("%s wants a camera's code, a path or an "
				"address, and may name a file",
			"probe");
	else
		s = probe_run(c, argv[1], argc > 2 ? argv[2] : "probe.png");
	conf_free(c);
	return s;
}

/* Takes --status out of the arguments. */
static bool wants_status(int *argc, char **argv)
{
	for (int i = 1; i < *argc; i++)
		if (!strcmp(argv[i], "--status")) {
			memmove(&argv[i], &argv[i + 1],
				(size_t)(*argc - i) * sizeof(*argv));
			--*argc;
			return true;
		}
	return false;
}

int main(int argc, char **argv)
{
	static struct ingest in;
	bool status, only_check;
	enum status s;
	sigset_t signals;
	int i;

	log_open("tally-ingest", LOG_INFO);
	if (tells_password(argc, argv))
		return usage_error("a name or password in an address belongs "
				   "into the configuration%s",
			"");
	status = wants_status(&argc, argv);
	i = conf_main_check(&in.conf, argc, argv, &cli, &only_check);
	if (only_check)
		return (int)check(&in.conf, i >= 0);
	if (i < argc && !strcmp(argv[i], "probe"))
		return (int)probe(&in.conf, argc - i, argv + i);
	if (i < argc)
		return usage_error("unexpected argument \"%s\"", argv[i]);
	if (status) {
		s = tell_print(in.conf.ingest_spool_dir);
		conf_free(&in.conf);
		return (int)s;
	}
	if (!log_choose(in.conf.log_format, in.conf.log_level)) {
		fputs(LOG_CHOICE, stderr);
		conf_free(&in.conf);
		return 2;
	}
	in.argc = argc;
	in.argv = argv;
	/* Every thread inherits the mask; sigwait in this one is where they
	 * arrive. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGUSR1);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	s = start(&in);
	if (s == STATUS_OK) {
		pthread_sigmask(SIG_BLOCK, &signals, NULL);
		s = run(&in, &signals);
		print_totals(&in);
	}
	stop(&in);
	return (int)s;
}
