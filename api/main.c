// SPDX-License-Identifier: MIT
/*
 * tally-api: statistics and counts over HTTP, and the dashboard.
 * Exit status: 0 after SIGTERM or SIGINT, 1 when it cannot start, 2 for a
 * wrong option or setting.
 */
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api.h"
#include "api/auth.h"
#include "api/commit.h"
#include "api/failures.h"
#include "api/gather.h"
#include "api/health.h"
#include "api/known.h"
#include "api/live.h"
#include "api/memo.h"
#include "api/metrics.h"
#include "api/pages.h"
#include "api/processes.h"
#include "api/reload.h"
#include "api/server.h"
#include "api/stream.h"
#include "api/upload.h"
#include "api/work.h"
#include "common/db/pool.h"
#include "common/log.h"
#include "common/token.h"

/* Longer than a wait for a lock (Q_SESSION), or that would look like a loss. */
enum { DB_WAIT_S = 8, JOB_WAIT_S = 900 };
/* Besides connections, pool and uploads: committers, threads, their files. */
enum { OWN_DESCRIPTORS = 64 };

static const struct conf_alias aliases[] = {
	{"--listen", "api.listen", NULL},
	{"--port", "api.port", NULL},
	{"--port-file", "api.port_file", NULL},
};

/* All descriptors there may be: for the connections, but for what database,
 * uploads and files need. */
static void raise_limit(struct api *api)
{
	const struct conf *c = &api->conf;
	rlim_t own = OWN_DESCRIPTORS + (rlim_t)c->api_db_connections +
		(rlim_t)c->api_uploads_max;
	rlim_t want = (rlim_t)c->api_connections_max;
	size_t had = api->connections_max;
	struct rlimit l;

	api->connections_max = (size_t)want;
	if (getrlimit(RLIMIT_NOFILE, &l))
		return;
	l.rlim_cur = l.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &l) && getrlimit(RLIMIT_NOFILE, &l))
		return;
	if (l.rlim_cur >= own + want)
		return;
	/* Where there are very few each gets half. */
	api->connections_max = (size_t)(l.rlim_cur > 2 * own ? l.rlim_cur - own
							     : l.rlim_cur / 2);
	if (api->connections_max > want)
		api->connections_max = (size_t)want;
	if (api->connections_max != had)
		log_warn("descriptors: %llu in all leave %zu for clients, not "
			 "%llu as api.connections_max says; raise the limit "
			 "(LimitNOFILE=, ulimit -n)",
			(unsigned long long)l.rlim_cur, api->connections_max,
			(unsigned long long)want);
}

static struct reload reload;

static void on_alarm(int sig)
{
	(void)sig;
	_exit(0);
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct api *api = arg;
	struct timeval drain = {api->conf.api_stop_timeout_s, 0};

	(void)what;
	if (server_stopping(api->server)) {
		log_warn("signal %d again: leaving at once", (int)fd);
		_exit(1);
	}
	log_info("signal %d: finishing what was begun", (int)fd);
	server_stop(api->server);
	/* Whatever hangs then, nothing that was promised waits for it. */
	signal(SIGALRM, on_alarm);
	alarm((unsigned)api->conf.api_stop_timeout_s + 1);
	event_base_loopexit(api->base, &drain);
}

static void take_settings(struct api *api)
{
	reload_settings(api, &reload);
	raise_limit(api);
}

static void on_hup(evutil_socket_t fd, short what, void *arg)
{
	struct api *api = arg;

	(void)fd;
	(void)what;
	take_settings(api);
	server_reload(api->server);
}

/* Leaves as soon as the last connection of a stopping server is gone. */
static void on_idle(evutil_socket_t fd, short what, void *arg)
{
	struct api *api = arg;

	(void)fd;
	(void)what;
	if (server_stopping(api->server) && !server_counters(api->server)->open)
		event_base_loopbreak(api->base);
}

/* Whole or not at all: whoever reads the file may trust it. */
static enum err write_port(const struct api *api)
{
	const char *path = api->conf.api_port_file;
	char next[4200];
	FILE *f;
	bool ok;

	if (!*path)
		return E_OK;
	snprintf(next, sizeof(next), "%s.next", path);
	if (!(f = fopen(next, "we"))) {
		log_error("api.port_file: %s: %s", next, strerror(errno));
		return E_IO;
	}
	ok = fprintf(f, "%d\n", api->port) > 0;
	ok = fclose(f) == 0 && ok;
	if (!ok || rename(next, path)) {
		log_error("api.port_file: %s: %s", path, strerror(errno));
		return E_IO;
	}
	return E_OK;
}

/* Do several processes serve the port? */
static bool shared(const struct api *api)
{
	return api->conf.api_processes > 1;
}

static enum err open_all(struct api *api)
{
	enum err e;

	if (!(api->known = calloc(1, sizeof(*api->known))))
		return E_NOMEM;
	if ((e = pages_open(&api->pages, api)) ||
		(e = auth_open(&api->auth, api)) ||
		(e = pool_open(&api->pool, api->base, &api->account,
			 (unsigned)api->conf.api_db_connections)) ||
		(e = committer_open(&api->committer, api,
			 metrics_commit_of(api, METRICS_ROWS))) ||
		(e = committer_open(&api->bulk, api,
			 metrics_commit_of(api, METRICS_BULK))) ||
		(e = work_open(&api->work, api, DB_WAIT_S)) ||
		(e = work_open(&api->jobs, api, JOB_WAIT_S)) ||
		(e = upload_room_open(&api->uploads, api)) ||
		(e = health_open(&api->health, api)) ||
		(e = memo_open(&api->memo, api)) ||
		(e = gather_open(&api->gather, api)) ||
		(e = live_open(&api->live, api)) ||
		(e = feed_open(&api->feed, api)) ||
		(shared(api) ? E_OK : (e = server_listen(api))) ||
		(e = server_open(&api->server, api)))
		return e;
	return E_OK;
}

static void close_all(struct api *api)
{
	/* Time was up: their clients are not answered any more. */
	if (api->server && server_counters(api->server)->open) {
		committer_interrupt(api->bulk);
		committer_interrupt(api->committer);
	}
	upload_room_close(api->uploads);
	work_close(api->jobs);
	work_close(api->work);
	committer_close(api->bulk);
	committer_close(api->committer);
	health_close(api->health);
	pool_close(api->pool);
	server_close(api->server);
	live_close(api->live);
	feed_close(api->feed);
	stream_close();
	gather_close(api->gather);
	memo_close(api->memo);
	free(api->known);
	auth_close(api->auth);
	pages_close(api->pages);
	zones_free(&api->zones);
}

static enum err serve(struct api *api)
{
	struct event on_term, on_int, hup, idle;
	struct timeval often = {0, 50000};
	enum err e = open_all(api);

	if (e)
		return e;
	evsignal_assign(&on_term, api->base, SIGTERM, on_signal, api);
	evsignal_assign(&on_int, api->base, SIGINT, on_signal, api);
	event_assign(&idle, api->base, -1, EV_PERSIST, on_idle, api);
	evsignal_assign(&hup, api->base, SIGHUP, on_hup, api);
	evsignal_add(&hup, NULL);
	evsignal_add(&on_term, NULL);
	evsignal_add(&on_int, NULL);
	event_add(&idle, &often);
	/* Only now: who reads the port may send a signal. */
	e = shared(api) ? E_OK : write_port(api);
	if (!e) {
		log_info("serving %s port %d%s, up to %zu clients",
			api->conf.api_listen, api->port,
			api->server->tls ? ", TLS" : "", api->connections_max);
		event_base_dispatch(api->base);
	}
	event_del(&idle);
	event_del(&on_int);
	event_del(&on_term);
	event_del(&hup);
	return e;
}

/* One process's life; its exit status. */
static int run(struct api *api)
{
	enum err e;

	if (!(api->base = event_base_new())) {
		log_error("cannot start libevent");
		return 1;
	}
	metrics_begin(api->metrics, api->process);
	api->account = db_account_of(&api->conf, api->conf.api_db_user,
		api->conf.api_db_password_file);
	api->account.timeout_s = DB_WAIT_S;
	e = serve(api);
	close_all(api);
	event_base_free(api->base);
	return e ? 1 : 0;
}

/* The same of one of several, or of their parent. */
static int share(struct api *api)
{
	static char name[32];
	int status = 1;

	if (server_listen(api) || write_port(api))
		return 1;
	processes_run(api, take_settings, &api->process, &status);
	if (api->process == PROCESSES_MAX)
		return status;
	snprintf(name, sizeof(name), "tally-api/%u", api->process);
	log_open(name, LOG_INFO);
	if (!log_choose(api->conf.log_format, api->conf.log_level))
		return 1;
	return run(api);
}

/* What processes share is there before they are. */
static enum err open_shared(struct api *api)
{
	enum err e;

	if ((e = token_start())) {
		log_error("cannot start libsodium");
		return e;
	}
	if ((e = metrics_open(
		     &api->metrics, api, (unsigned)api->conf.api_processes)))
		return e;
	return failures_open(&api->failures);
}

int main(int argc, char **argv)
{
	struct api api = {0};
	int status;

	log_open("tally-api", LOG_INFO);
	reload = (struct reload){argc, argv,
		{"usage: tally-api [options]\n", aliases, ARRAY_LEN(aliases)}};
	if (conf_main(&api.conf, argc, argv, reload.cli.usage, aliases,
		    ARRAY_LEN(aliases)) < argc) {
		fputs("tally-api takes options only; --help lists them\n",
			stderr);
		return 2;
	}
	if (!log_choose(api.conf.log_format, api.conf.log_level)) {
		fputs(LOG_CHOICE, stderr);
		conf_free(&api.conf);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	raise_limit(&api);
	status = open_shared(&api) ? 1 : shared(&api) ? share(&api) : run(&api);
	failures_close(api.failures);
	metrics_close(api.metrics);
	conf_free(&api.conf);
	return status;
}
