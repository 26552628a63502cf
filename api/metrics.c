// SPDX-License-Identifier: MIT
/*
 * Map of the file: the memory; figures of this process; requests; the text
 * format; the steps of GET /metrics.
 */
#include "api/metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "api/allow.h"
#include "api/api.h"
#include "api/auth.h"
#include "api/commit.h"
#include "api/gather.h"
#include "api/health.h"
#include "api/ingests.h"
#include "api/live.h"
#include "api/memo.h"
#include "api/resources.h"
#include "api/routes.h"
#include "api/server.h"
#include "api/upload.h"
#include "api/work.h"
#include "common/log.h"
#include "common/version.h"
#include "common/when.h"

enum {
	STATUS_FIRST = 200,
	STATUS_LAST = 599,
	LABELS_MAX = 512,
	CAMERAS_MAX = 1000,
	ANSWER_MAX = 8 << 20
};

/* ---- the memory ---- */

struct route_metrics {
	_Atomic uint64_t status[STATUS_LAST - STATUS_FIRST + 1];
	struct histogram us;
};

struct process_metrics {
	_Atomic uint64_t figure[FIGURES];
	struct metrics_commit commit[METRICS_COMMITTERS];
};

struct metrics {
	size_t bytes; /* of all this */
	unsigned processes;
	struct process_metrics *process;
	/* By the place in routes[]; one more for what is no route's. */
	struct route_metrics route[];
};

enum err metrics_open(
	struct metrics **out, const struct api *api, unsigned processes)
{
	struct slice bad = allow_fault(api->conf.api_metrics_from);
	size_t head = sizeof(struct metrics) +
		(routes_n + 1) * sizeof(struct route_metrics);
	size_t bytes = head + processes * sizeof(struct process_metrics);
	struct metrics *m;

	*out = NULL;
	if (bad.n) {
		log_error("api.metrics_from: \"%.*s\" is no address or network",
			(int)bad.n, bad.at);
		return E_INVALID;
	}
	m = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		// cppcheck-suppress invalidFunctionArg
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED)
		return E_NOMEM;
	m->bytes = bytes;
	m->processes = processes;
	m->process = (void *)((char *)m + head);
	*out = m;
	return E_OK;
}

void metrics_close(struct metrics *m)
{
	if (m)
		munmap(m, m->bytes);
}

void metrics_begin(struct metrics *m, unsigned process)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	memset(&m->process[process], 0, sizeof(m->process[process]));
	m->process[process].figure[FIGURE_STARTED] =
		(uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct metrics_commit *metrics_commit_of(
	struct api *api, enum metrics_committer which)
{
	return &api->metrics->process[api->process].commit[which];
}

/* ---- figures of this process ---- */

static void put(struct api *api, enum figure f, uint64_t v)
{
	struct metrics *m = api->metrics;

	atomic_store_explicit(
		&m->process[api->process].figure[f], v, memory_order_relaxed);
}

static uint64_t get(const struct metrics *m, unsigned process, enum figure f)
{
	return atomic_load_explicit(
		&m->process[process].figure[f], memory_order_relaxed);
}

static void put_server(struct api *api)
{
	const struct server_counters *s = server_counters(api->server);

	put(api, FIGURE_CONNECTIONS, s->open);
	put(api, FIGURE_CONNECTIONS_MAX, (uint64_t)api->connections_max);
	put(api, FIGURE_ACCEPTED, s->accepted);
	put(api, FIGURE_REQUESTS, s->requests);
	put(api, FIGURE_REFUSED_CONNECTIONS, s->refused_full);
	put(api, FIGURE_REFUSED_FRAMING, s->refused_framing);
	put(api, FIGURE_STREAMS, s->streams);
	put(api, FIGURE_STREAMS_MAX, (uint64_t)api->conf.api_streams_max);
	put(api, FIGURE_REFUSED_STREAMS, s->refused_streams);
	put(api, FIGURE_CUT_STREAMS, s->cut_streams);
	put(api, FIGURE_REFUSED_TLS, s->refused_tls);
	put(api, FIGURE_REFUSED_BODIES, s->refused_bodies);
	put(api, FIGURE_REFUSED_REPLIES, s->refused_replies);
	put(api, FIGURE_REFUSED_ADDRESSES, s->refused_address);
	put(api, FIGURE_GAVE_WAY, s->gave_way);
	put(api, FIGURE_NO_DESCRIPTORS, s->no_descriptors);
	put(api, FIGURE_LATE_HANDSHAKES, s->late_handshakes);
	put(api, FIGURE_LATE_HEADS, s->late_heads);
	put(api, FIGURE_LATE_BODIES, s->late_bodies);
	put(api, FIGURE_LATE_REPLIES, s->late_replies);
	put(api, FIGURE_LATE_REQUESTS, s->late_requests);
	put(api, FIGURE_IDLE, s->idle);
	put(api, FIGURE_AUTH_FAILURES, auth_failures(api->auth));
	put(api, FIGURE_MEMORY, server_memory(api->server));
	put(api, FIGURE_MEMORY_MAX, api->conf.api_memory_max);
	put(api, FIGURE_REFUSED_MEMORY, s->refused_memory);
	put(api, FIGURE_BODY_BYTES, s->body_bytes);
	put(api, FIGURE_REPLY_BYTES, s->reply_bytes);
	put(api, FIGURE_BODIES_MAX, api->conf.api_bodies_max);
}

static void put_writes(struct api *api)
{
	struct commit_counters w = commit_counters(api->committer);
	struct commit_counters b = commit_counters(api->bulk);

	put(api, FIGURE_WRITES, w.waiting);
	put(api, FIGURE_WRITES_MAX, COMMIT_WAITING_MAX);
	put(api, FIGURE_BULK_WRITES, b.waiting);
	put(api, FIGURE_BULK_WRITES_MAX, COMMIT_WAITING_MAX);
	put(api, FIGURE_ROWS, w.rows);
	put(api, FIGURE_BULK_ROWS, b.rows);
	put(api, FIGURE_TURNS, w.turns);
	put(api, FIGURE_BULK_TURNS, b.turns);
	put(api, FIGURE_ALONE, w.alone);
	put(api, FIGURE_BULK_ALONE, b.alone);
	put(api, FIGURE_FAILED, w.failed);
	put(api, FIGURE_BULK_FAILED, b.failed);
	put(api, FIGURE_REFUSED_WRITES, w.refused_full + b.refused_full);
	put(api, FIGURE_LATE_WRITES, w.late + b.late);
	put(api, FIGURE_RECORDS, server_counters(api->server)->records);
}

static void put_reads(struct api *api)
{
	struct pool_counters q = pool_counters(api->pool);
	struct memo_counters c = memo_counters(api->memo);

	put(api, FIGURE_READS, q.waiting + gather_waiting(api->gather));
	put(api, FIGURE_READS_MAX, POOL_WAITING_MAX);
	put(api, FIGURE_REFUSED_READS, q.refused_full);
	put(api, FIGURE_LATE_READS, q.late);
	put(api, FIGURE_POOL_OPEN, q.open);
	put(api, FIGURE_POOL_BUSY, q.busy);
	put(api, FIGURE_POOL_MAX, (uint64_t)api->conf.api_db_connections);
	put(api, FIGURE_CONNECTS, q.connects);
	put(api, FIGURE_QUERIES, q.queries);
	put(api, FIGURE_QUERIES_FAILED, q.failed);
	put(api, FIGURE_CACHE_ENTRIES, c.entries);
	put(api, FIGURE_CACHE_BYTES, c.bytes);
	put(api, FIGURE_CACHE_MAX, api->conf.api_cache_max);
	put(api, FIGURE_CACHE_HITS, c.hits);
	put(api, FIGURE_CACHE_MISSES, c.misses);
	put(api, FIGURE_REFUSED_CACHE, c.refused);
}

static void put_work(struct api *api)
{
	const struct upload_room *room = api->uploads;
	struct work_counters w = work_counters(api->work);
	struct work_counters j = work_counters(api->jobs);
	struct work_counters f = work_counters(room->work);

	put(api, FIGURE_WORK, w.waiting);
	put(api, FIGURE_WORK_MAX, WORK_WAITING_MAX);
	put(api, FIGURE_REFUSED_WORK, w.refused_full);
	put(api, FIGURE_JOBS, j.waiting);
	put(api, FIGURE_JOBS_MAX, WORK_WAITING_MAX);
	put(api, FIGURE_REFUSED_JOBS, j.refused_full);
	put(api, FIGURE_FILES, f.waiting);
	put(api, FIGURE_FILES_MAX, WORK_WAITING_MAX);
	put(api, FIGURE_REFUSED_FILES, f.refused_full);
	put(api, FIGURE_UPLOADS, room->open);
	put(api, FIGURE_UPLOADS_MAX, (uint64_t)api->conf.api_uploads_max);
	put(api, FIGURE_UPLOAD_DISK, room->disk);
	put(api, FIGURE_UPLOAD_DISK_MAX, api->conf.api_uploads_disk);
	put(api, FIGURE_REFUSED_UPLOADS, room->refused);
}

static void put_live(struct api *api)
{
	const struct server_counters *s = server_counters(api->server);

	put(api, FIGURE_VIEWERS, live_viewers(api->live));
	put(api, FIGURE_VIEWERS_MAX, (uint64_t)api->conf.api_live_viewers_max);
	put(api, FIGURE_LIVE_BYTES, live_bytes(api->live));
	put(api, FIGURE_FRAMES, s->live_frames);
	put(api, FIGURE_UNWANTED, s->live_unwanted);
	put(api, FIGURE_DROPPED, s->live_dropped);
	put(api, FIGURE_REFUSED_FRAMES, s->live_refused_frames);
	put(api, FIGURE_REFUSED_VIEWERS, s->live_refused_viewers);
}

static uint64_t resident(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long long all, pages = 0;

	if (f && fscanf(f, "%llu %llu", &all, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (!d)
		return 0;
	// cppcheck-suppress readdirCalled
	while (readdir(d))
		n++;
	closedir(d);
	/* Not "." and "..", nor the folder's own. */
	return n - 3;
}

static uint64_t in_ms(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_usec / 1000;
}

static void put_process(struct api *api)
{
	struct rusage used;
	struct rlimit limit;

	put(api, FIGURE_RSS, resident());
	put(api, FIGURE_FDS, descriptors());
	if (!getrlimit(RLIMIT_NOFILE, &limit))
		put(api, FIGURE_FDS_MAX, limit.rlim_cur);
	if (!getrusage(RUSAGE_SELF, &used))
		put(api, FIGURE_CPU,
			in_ms(used.ru_utime) + in_ms(used.ru_stime));
}

void metrics_publish(struct api *api)
{
	put_server(api);
	put_writes(api);
	put_reads(api);
	put_work(api);
	put_live(api);
	put_process(api);
}

enum figure_type { GAUGE, COUNTER, GAUGE_MS, COUNTER_MS };

static const struct figure_row {
	const char *family;
	enum figure_type type;
	const char *label, *member, *help;
} figures[] = {
#define FIGURE(name, family, type, label, member, help) \
	{family, type, label, member, help},
#include "api/figures.def"
#undef FIGURE
};

/* Of all rows from f on with its member, in all processes. */
static uint64_t sum_of(const struct metrics *m, enum figure f)
{
	uint64_t sum = 0;

	for (enum figure i = f; i < FIGURES; i++)
		for (unsigned p = 0; p < m->processes && figures[i].member &&
			!strcmp(figures[i].member, figures[f].member);
			p++)
			sum += get(m, p, i);
	return sum;
}

static bool is_first(enum figure f)
{
	for (enum figure i = 0; i < f; i++)
		if (figures[i].member &&
			!strcmp(figures[i].member, figures[f].member))
			return false;
	return true;
}

void metrics_health(struct text *t, struct api *api)
{
	metrics_publish(api);
	for (enum figure f = 0; f < FIGURES; f++)
		if (figures[f].member && is_first(f))
			json_int(t, figures[f].member,
				(int64_t)sum_of(api->metrics, f));
}

/* ---- requests ---- */

void metrics_count(const struct req *r, int status)
{
	struct metrics *m = r->api->metrics;
	size_t i = r->route ? (size_t)(r->route - routes) : routes_n;
	int64_t us = when_clock_us() - r->begun_us;

	histogram_add(
		&m->route[i].us, &histogram_us, us > 0 ? (uint64_t)us : 0);
	if (status >= STATUS_FIRST && status <= STATUS_LAST)
		atomic_fetch_add_explicit(
			&m->route[i].status[status - STATUS_FIRST], 1,
			memory_order_relaxed);
}

/* ---- the text format ---- */

static void family(
	struct text *t, const char *name, const char *type, const char *help)
{
	text_printf(t, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void value(
	struct text *t, const char *name, const char *labels, double v)
{
	text_printf(t, "%s%s%s%s ", name, *labels ? "{" : "", labels,
		*labels ? "}" : "");
	text_double(t, v);
	text_str(t, "\n");
}

/* name="…", where the text may hold anything. */
static const char *label(char to[LABELS_MAX], const char *name, const char *s)
{
	size_t n = (size_t)snprintf(to, 100, "%s=\"", name);

	for (; *s && n < LABELS_MAX - 4; s++) {
		if (*s == '"' || *s == '\\' || *s == '\n')
			to[n++] = '\\';
		to[n++] = *s == '\n' ? 'n' : *s;
	}
	to[n++] = '"';
	to[n] = '\0';
	return to;
}

static const char *labels_of_route(char to[LABELS_MAX], size_t i)
{
	if (i == routes_n)
		return "route=\"none\",method=\"none\"";
	snprintf(to, LABELS_MAX, "route=\"%s\",method=\"%s\"", routes[i].path,
		http_method_name(routes[i].method));
	return to;
}

static void write_statuses(struct text *t, const struct metrics *m, size_t i)
{
	char to[LABELS_MAX];

	for (int s = STATUS_FIRST; s <= STATUS_LAST; s++) {
		uint64_t n = atomic_load_explicit(
			&m->route[i].status[s - STATUS_FIRST],
			memory_order_relaxed);

		if (n)
			text_printf(t,
				"tally_http_requests_total{%s,"
				"status=\"%d\"} %llu\n",
				labels_of_route(to, i), s,
				(unsigned long long)n);
	}
}

static void write_requests(struct text *t, const struct metrics *m)
{
	char to[LABELS_MAX];

	family(t, "tally_http_requests_total", "counter",
		"Requests that were answered, by the pattern of their route; "
		"none: no route's.");
	for (size_t i = 0; i <= routes_n; i++)
		write_statuses(t, m, i);
	family(t, "tally_http_request_seconds", "histogram",
		"Time from a request's head to its reply.");
	for (size_t i = 0; i <= routes_n; i++)
		for (size_t b = 0; b <= HISTOGRAM_BOUNDS; b++)
			if (m->route[i].us.n[b]) {
				histogram_write(t, &m->route[i].us,
					&histogram_us,
					"tally_http_request_seconds",
					labels_of_route(to, i));
				break;
			}
}

static void write_commits(struct text *t, const struct metrics *m)
{
	static const char *const name[] = {"rows", "bulk"};
	char to[64];

	family(t, "tally_commit_rows", "histogram",
		"Rows of each transaction.");
	for (unsigned p = 0; p < m->processes; p++)
		for (int c = 0; c < METRICS_COMMITTERS; c++) {
			snprintf(to, sizeof(to),
				"process=\"%u\",committer=\"%s\"", p, name[c]);
			histogram_write(t, &m->process[p].commit[c].rows,
				&histogram_rows, "tally_commit_rows", to);
		}
	family(t, "tally_commit_seconds", "histogram",
		"Time of each transaction, its COMMIT included.");
	for (unsigned p = 0; p < m->processes; p++)
		for (int c = 0; c < METRICS_COMMITTERS; c++) {
			snprintf(to, sizeof(to),
				"process=\"%u\",committer=\"%s\"", p, name[c]);
			histogram_write(t, &m->process[p].commit[c].us,
				&histogram_us, "tally_commit_seconds", to);
		}
}

static void write_figure(struct text *t, const struct metrics *m, enum figure f)
{
	bool ms = figures[f].type == GAUGE_MS || figures[f].type == COUNTER_MS;
	const char *own = figures[f].label;
	char to[LABELS_MAX];

	for (unsigned p = 0; p < m->processes; p++) {
		snprintf(to, sizeof(to), "process=\"%u\"%s%s", p,
			own ? "," : "", own ? own : "");
		value(t, figures[f].family, to,
			(double)get(m, p, f) / (ms ? 1000.0 : 1.0));
	}
}

static void write_figures(struct text *t, const struct metrics *m)
{
	for (enum figure f = 0; f < FIGURES; f++) {
		if (figures[f].help)
			family(t, figures[f].family,
				figures[f].type == COUNTER ||
						figures[f].type == COUNTER_MS
					? "counter"
					: "gauge",
				figures[f].help);
		write_figure(t, m, f);
	}
}

/* ---- GET /metrics ---- */

/* Columns of Q_METRICS_JOBS. */
enum { J_NAME, J_RUN, J_OK, J_ERROR, J_FAILURES };

/* What the database is asked, one after another. */
enum { ASK_JOBS, ASK_INGESTS, ASK_CAMERAS, ASKS };
static const enum stmt question[ASKS] = {
	[ASK_JOBS] = Q_METRICS_JOBS,
	[ASK_INGESTS] = Q_INGESTS,
	[ASK_CAMERAS] = Q_INGEST_CAMERAS,
};

struct scrape {
	struct pool_job job;
	struct db_rows rows[ASKS];
	unsigned asked;
	/* What the health question said. */
	bool up;
	int64_t lag_s, dirty;
};

enum step metrics_begin_scrape(struct req *r)
{
	struct scrape *s = arena_alloc(&r->arena, sizeof(*s));
	const struct db_cell *c = health_row(r);

	if (!s)
		return req_fail(r, E_NOMEM);
	r->state = s;
	s->up = c != NULL;
	if (c) {
		s->lag_s = c[H_LAG].i;
		s->dirty = c[H_DIRTY].i;
	}
	return STEP_NEXT;
}

static void told(struct pool_job *job, enum err e)
{
	/* Without these there is the rest. */
	if (e)
		*job->rows = (struct db_rows){0};
	req_resume(job->ctx, E_OK);
}

enum step metrics_ask(struct req *r)
{
	struct scrape *s = r->state;

	if (!s->up || s->asked == ASKS)
		return STEP_NEXT;
	s->job = (struct pool_job){.stmt = question[s->asked],
		.arena = &r->rows_arena,
		.rows = &s->rows[s->asked],
		.done = told,
		.ctx = r};
	s->asked++;
	return pool_submit(health_pool(r->api->health), &s->job) ? STEP_NEXT
								 : STEP_AGAIN;
}

/* A family of figures in the columns of a question's rows. */
struct column {
	unsigned at;
	const char *name, *type, *help;
};

static void write_jobs(struct text *t, const struct db_rows *rows)
{
	static const struct column of[] = {
		{J_RUN, "tally_job_last_run_timestamp_seconds", "gauge",
			"When a job ran, in Unix time."},
		{J_OK, "tally_job_last_success_timestamp_seconds", "gauge",
			"When it last worked."},
		{J_ERROR, "tally_job_last_failure_timestamp_seconds", "gauge",
			"When it last failed."},
		{J_FAILURES, "tally_job_failures", "gauge",
			"Its runs that failed, within a day."},
	};
	char to[LABELS_MAX];

	for (size_t k = 0; k < ARRAY_LEN(of); k++) {
		family(t, of[k].name, of[k].type, of[k].help);
		for (size_t i = 0; i < rows->n; i++) {
			const struct db_cell *c = &rows->cell[i * rows->cols];

			if (!c[of[k].at].null)
				value(t, of[k].name,
					label(to, "job", c[J_NAME].s.at),
					c[of[k].at].d);
		}
	}
}

/* Of two labels. */
static const char *labels_of_ingest(char to[2 * LABELS_MAX],
	const struct db_cell *reporter, const struct db_cell *name)
{
	char one[LABELS_MAX], two[LABELS_MAX];

	snprintf(to, (size_t)2 * LABELS_MAX, "%s,%s",
		label(one, "token", reporter->s.at),
		label(two, "ingest", name->s.at));
	return to;
}

static void write_ingests(struct text *t, const struct db_rows *rows)
{
	static const struct column of[] = {
		{INGESTS_STATE, "tally_ingest_running", "gauge",
			"1 for an ingest that has spoken within a minute."},
		{INGESTS_AGE, "tally_ingest_report_age_seconds", "gauge",
			"Age of what an ingest says."},
		{INGESTS_WAITING, "tally_ingest_spool_rows", "gauge",
			"Rows in its spool."},
		{INGESTS_OLDEST_S, "tally_ingest_spool_oldest_seconds", "gauge",
			"Age of the next in line."},
		{INGESTS_BYTES, "tally_ingest_spool_bytes", "gauge",
			"Bytes of its spool."},
		{INGESTS_BYTES_MAX, "tally_ingest_spool_max_bytes", "gauge",
			"Their bound."},
		{INGESTS_FULL, "tally_ingest_spool_full", "gauge",
			"1 where the last row found no room."},
		{INGESTS_FAILING, "tally_ingest_failing", "gauge",
			"1 where its last try to post failed."},
		{INGESTS_REFUSED, "tally_ingest_rows_refused_total", "counter",
			"Rows that were refused for good."},
		{INGESTS_DAMAGED, "tally_ingest_records_damaged_total",
			"counter", "Records of its spool that were set aside."},
		{INGESTS_GIVEN_UP, "tally_ingest_rows_given_up_total",
			"counter",
			"Rows given up for want of room, or too old."},
		{INGESTS_STORED, "tally_ingest_rows_stored_total", "counter",
			"Rows it has brought in."},
		{INGESTS_PICTURES, "tally_ingest_pictures_total", "counter",
			"Pictures it has looked at."},
		{INGESTS_DROPPED, "tally_ingest_pictures_dropped_total",
			"counter", "Pictures there was no time for."},
	};
	char to[2 * LABELS_MAX];

	for (size_t k = 0; k < ARRAY_LEN(of); k++) {
		family(t, of[k].name, of[k].type, of[k].help);
		for (size_t i = 0; i < rows->n; i++) {
			const struct db_cell *c = &rows->cell[i * rows->cols];
			bool is_state = of[k].at == INGESTS_STATE;

			if (c[of[k].at].null)
				continue;
			value(t, of[k].name,
				labels_of_ingest(to, &c[INGESTS_REPORTER],
					&c[INGESTS_NAME]),
				is_state ? !strcmp(c[of[k].at].s.at, "running")
					 : (double)c[of[k].at].i);
		}
	}
}

static void write_cameras(struct text *t, const struct db_rows *rows)
{
	static const struct column of[] = {
		{INGEST_CAMERA_PICTURES, "tally_camera_pictures_total",
			"counter",
			"Pictures of a camera that its ingest has looked at; "
			"of the first 1000 cameras."},
		{INGEST_CAMERA_DROPPED, "tally_camera_pictures_dropped_total",
			"counter", "Those there was no time for."},
		{INGEST_CAMERA_AGE, "tally_camera_report_age_seconds", "gauge",
			"Age of what its ingest says of it."},
	};
	size_t n = rows->n < CAMERAS_MAX ? rows->n : CAMERAS_MAX;
	char to[LABELS_MAX];

	for (size_t k = 0; k < ARRAY_LEN(of); k++) {
		family(t, of[k].name, of[k].type, of[k].help);
		for (size_t i = 0; i < n; i++) {
			const struct db_cell *c = &rows->cell[i * rows->cols];

			value(t, of[k].name,
				label(to, "camera", c[INGEST_CAMERA_CODE].s.at),
				(double)c[of[k].at].i);
		}
	}
}

static void write_database(struct text *t, const struct req *r)
{
	const struct scrape *s = r->state;

	family(t, "tally_database_up", "gauge",
		"1 where the database answers; without it the rest is about "
		"this API alone.");
	value(t, "tally_database_up", "", s->up);
	if (!s->up)
		return;
	family(t, "tally_roll_up_lag_seconds", "gauge",
		"Age of the oldest mark that is not counted yet.");
	value(t, "tally_roll_up_lag_seconds", "", (double)s->lag_s);
	family(t, "tally_roll_up_dirty_marks", "gauge",
		"Quarter hours that wait to be counted anew.");
	value(t, "tally_roll_up_dirty_marks", "", (double)s->dirty);
	write_jobs(t, &s->rows[ASK_JOBS]);
	write_ingests(t, &s->rows[ASK_INGESTS]);
	write_cameras(t, &s->rows[ASK_CAMERAS]);
}

enum step metrics_answer(struct req *r)
{
	struct metrics *m = r->api->metrics;
	struct text *t = &r->out;

	metrics_publish(r->api);
	t->max = ANSWER_MAX;
	family(t, "tally_build_info", "gauge", "The version, as a label.");
	value(t, "tally_build_info", "version=\"" TALLY_VERSION "\"", 1);
	write_database(t, r);
	write_requests(t, m);
	write_commits(t, m);
	write_figures(t, m);
	text_str(&r->headers, "Cache-Control: no-store\r\n");
	return req_reply(r, 200, "text/plain; version=0.0.4; charset=utf-8");
}
