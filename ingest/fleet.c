// SPDX-License-Identifier: MIT
/*
 * From the top: checking settings, opening a camera, its thread, starting and
 * stopping, change.
 */
#include "ingest/fleet.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/client.h"
#include "common/log.h"
#include "common/utf8.h"
#include "common/when.h"

enum {
	SECOND = 1000000,
	WINDOW_US = 10 * SECOND /* that fleet_tell averages over */
};

struct member {
	struct fleet *fleet;
	struct conf own;
	struct address address;
	struct camera camera;
	struct halt halt;
	pthread_t thread;
	bool started;
	bool ended; /* under halt.lock */
	enum status status;
	/* Of fleet_tell: where its window of time began, and what it saw. */
	int64_t window_us;
	uint64_t window_looked;
	double fps;
};

/* --- settings --- */

/* One camera's settings looked at, and where faults go. */
struct look {
	const struct conf *all, *own;
	bool in_log;
	unsigned faults;
};

static void fault(struct look *l, const char *key, const char *what)
{
	const char *code = l->own ? l->own->ingest_camera : NULL;
	bool single = !l->all->cameras || !code;
	char where[300], line[700];

	conf_where(l->all, code, "ingest", key, where);
	snprintf(line, sizeof(line), "%s%s%s%s%s: %.200s", where,
		single ? "" : "camera ", single ? "" : code,
		single ? "ingest." : ": ", key, what);
	if (l->in_log)
		log_error("%s", line);
	else
		fprintf(stderr, "%s\n", line);
	l->faults++;
}

static void check_code(struct look *l)
{
	const char *code = l->own->ingest_camera;

	if (utf8_check(code, strlen(code)) != strlen(code))
		fault(l, "camera", "is not UTF-8");
	for (; *code; code++)
		if ((unsigned char)*code < 0x20 || *code == 0x7f) {
			fault(l, "camera", "holds a control byte");
			return;
		}
}

/* The first line of a file that only its owner need read. */
static enum err read_password(const char *path, char to[128], char why[200])
{
	FILE *f;
	size_t n;

	to[0] = '\0';
	if (!*path)
		return E_OK;
	if (!(f = fopen(path, "re"))) {
		snprintf(why, 200, "%s", strerror(errno));
		return E_INVALID;
	}
	n = fread(to, 1, 127, f);
	fclose(f);
	to[n] = '\0';
	to[strcspn(to, "\r\n")] = '\0';
	if (*to)
		return E_OK;
	snprintf(why, 200, "holds no password");
	return E_INVALID;
}

static void check_address(struct look *l, struct address *a)
{
	const struct conf *c = l->own;
	char password[128], why[200];

	if (read_password(c->ingest_password_file, password, why)) {
		fault(l, "password_file", why);
		return;
	}
	if (address_parse(a, c->ingest_source, c->ingest_user, password, why))
		fault(l, "source", why);
	else if (address_live(a) && !strcmp(c->ingest_speed, "max"))
		fault(l, "speed", "max is for files and folders");
	explicit_bzero(password, sizeof(password));
}

static void check_start(struct look *l)
{
	const char *text = l->own->ingest_start;
	struct when w;

	if (!*text)
		return;
	if (strcmp(l->own->ingest_speed, "max"))
		fault(l, "start", "needs speed = max");
	else if (strcmp(text, "recorded") &&
		(when_parse(text, strlen(text), &w) || !w.has_offset ||
			!w.whole))
		fault(l, "start",
			"is neither recorded nor an RFC 3339 time with an "
			"offset, in whole seconds");
}

static void engine_fault(void *arg, const char *key, const char *what)
{
	fault(arg, key, what);
}

static unsigned check_camera(const struct conf *all, const struct conf *own,
	bool in_log, struct address *a)
{
	struct look l = {.all = all, .own = own, .in_log = in_log};

	check_code(&l);
	check_address(&l, a);
	check_start(&l);
	if (3600 % own->ingest_interval_s)
		fault(&l, "interval_s", "does not divide an hour");
	if (strcmp(own->ingest_speed, "real") &&
		strcmp(own->ingest_speed, "max"))
		fault(&l, "speed", "is neither real nor max");
	/* A picture stands for two seconds at most. */
	if (own->ingest_fps > 0 && own->ingest_fps < 0.5)
		fault(&l, "fps", "is neither 0 nor from 0.5");
	engine_check(own, engine_fault, &l);
	return l.faults;
}

unsigned fleet_look(const struct conf *own, struct address *a)
{
	return check_camera(own, own, true, a);
}

/* Where rows go, and by which token.  Asks nobody. */
static void check_sending(struct look *l)
{
	const struct conf *c = l->all;
	struct client_settings s = {
		.url = c->ingest_url, .ca = c->ingest_ca, .answer_us = SECOND};
	struct client *client;
	char why[CLIENT_WHY];
	enum err e = client_open(&client, &s, why);

	if (e) {
		fault(l, e == E_IO ? "ca" : "url", why);
	} else if (!*c->ingest_token_file) {
		fault(l, "token_file", "none is set");
	} else if (client_token(
			   client, c->ingest_token_file, "ingest_token", why)) {
		fault(l, "token_file", why);
	}
	client_close(client);
}

unsigned fleet_check(const struct conf *c, bool in_log)
{
	struct look l = {.all = c, .in_log = in_log};
	struct conf own;

	check_sending(&l);

	if (strcmp(c->ingest_spool_full, "wait") &&
		strcmp(c->ingest_spool_full, "drop_oldest"))
		fault(&l, "spool_full", "is neither wait nor drop_oldest");
	if (c->ingest_name[strspn(c->ingest_name, FLEET_NAME_LETTERS)])
		fault(&l, "name", "is not of letters, digits, ., _ and -");
	if (c->cameras && *c->ingest_source)
		fault(&l, "source",
			"is for one camera, and there are sections [camera]");
	for (size_t i = 0; i < (c->cameras ? c->cameras : 1); i++) {
		struct address a;

		if (conf_camera(c, i, &own)) {
			log_error("out of memory");
			l.faults++;
		} else {
			l.faults += check_camera(c, &own, in_log, &a);
		}
		conf_free(&own);
	}
	return l.faults;
}

/* --- opening a camera --- */

enum status fleet_open_clip(
	struct source **s, const struct address *a, const struct conf *own)
{
	struct stat st;
	enum err e;

	if (!stat(a->url, &st) && S_ISDIR(st.st_mode))
		e = source_open_folder(s, a->url, own->ingest_fps);
	else
		e = source_open(s, a->url);
	switch (e) {
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

static enum status engine_status(enum err e)
{
	switch (e) {
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

enum status fleet_open_engine(struct engine **e, const struct conf *own)
{
	return engine_status(engine_open(e, own));
}

static enum status open_source(struct member *m)
{
	return address_live(&m->address)
		? STATUS_OK
		: fleet_open_clip(&m->camera.source, &m->address, &m->own);
}

static void member_free(struct member *m)
{
	if (!m)
		return;
	if (m->camera.engine)
		m->camera.engine->free(m->camera.engine);
	source_close(m->camera.source);
	if (m->camera.report)
		fclose(m->camera.report);
	halt_fini(&m->halt);
	conf_free(&m->own);
	explicit_bzero(&m->address, sizeof(m->address));
	free(m);
}

static void tell(const struct member *m)
{
	const struct conf *c = &m->own;
	struct source_facts f;

	if (!m->camera.source) {
		log_info("camera %s: %s; engine %s; rows of %d s",
			c->ingest_camera, m->address.shown,
			m->camera.engine->name, c->ingest_interval_s);
		return;
	}
	f = source_about(m->camera.source);
	log_info("camera %s: %s, %d x %d, %.2f pictures/s, %lu pictures; "
		 "engine %s; rows of %d s",
		c->ingest_camera, m->address.shown, f.w, f.h,
		1e6 / (double)f.period_us, f.pictures, m->camera.engine->name,
		c->ingest_interval_s);
}

/* Settings were checked; a file may have changed since. */
static enum status member_open(
	struct fleet *f, const struct conf *c, size_t i, struct member **out)
{
	struct member *m = calloc(1, sizeof(*m));
	enum status s = STATUS_USAGE;

	*out = NULL;
	if (!m)
		return STATUS_FAILED;
	m->fleet = f;
	halt_init(&m->halt);
	if (conf_camera(c, i, &m->own))
		s = STATUS_FAILED;
	else if (!check_camera(c, &m->own, true, &m->address) &&
		!(s = open_source(m)))
		s = engine_status(
			share_open(&f->share, &m->camera.engine, &m->own));
	if (s) {
		member_free(m);
		return s;
	}
	m->camera.code = m->own.ingest_camera;
	m->camera.interval_s = m->own.ingest_interval_s;
	m->camera.max = !strcmp(m->own.ingest_speed, "max");
	m->camera.loops = m->own.ingest_loops;
	if (m->camera.max && !m->camera.loops)
		m->camera.loops = 1;
	m->camera.fps = m->own.ingest_fps;
	m->camera.record_frames = m->own.ingest_record_frames;
	m->camera.record_us = (int64_t)(m->own.ingest_record_s * 1e6);
	m->camera.stall_us = m->own.ingest_stall_s * INT64_C(1000000);
	m->camera.retry_most_us = m->own.ingest_retry_max_s * INT64_C(1000000);
	m->camera.address = &m->address;
	m->camera.wall_clock_us = camera_wall_clock_us;
	m->camera.gate = &f->gate;
	m->camera.halt = &m->halt;
	*out = m;
	return STATUS_OK;
}

/* --- what needs the spool --- */

static enum status start_error(const struct member *m, const char *what)
{
	log_error("camera %s: start: %s", m->own.ingest_camera, what);
	return STATUS_USAGE;
}

/*
 * With speed max the clip has a clock of its own.  It starts where the operator
 * or the clip says, or at the last start of an interval from which the whole
 * clip fits into the past.
 */
static enum status set_start(struct member *m)
{
	const char *text = m->own.ingest_start;
	struct camera *c = &m->camera;
	struct source_facts f = source_about(c->source);
	int64_t length = f.length_us * c->loops;
	int64_t now = when_now(), start, mark;
	char at[WHEN_TEXT];
	struct when w;

	if (*text) {
		if (strcmp(text, "recorded") == 0)
			c->start_us = f.recorded_us;
		else if (when_parse(text, strlen(text), &w))
			return start_error(m, "is no time");
		else
			c->start_us = w.at * SECOND;
		if (c->start_us == INT64_MIN)
			return start_error(m,
				"the file does not say when it was recorded");
		if (c->start_us + length > now * SECOND)
			return start_error(
				m, "lets the clip end in the future");
		return STATUS_OK;
	}
	start = now - (length + SECOND - 1) / SECOND;
	start -= start % c->interval_s;
	c->start_us = start * SECOND;
	mark = marks_get(c->marks, c->code, now);
	if (mark == INT64_MIN || mark <= start)
		return STATUS_OK;
	log_error("camera %s: start: it is counted until %s, and the clip "
		  "would start before; give a start",
		c->code, when_format(at, mark, 0, true));
	return STATUS_USAGE;
}

static enum status open_report(struct member *m)
{
	const char *path = m->own.ingest_report;

	if (!*path)
		return STATUS_OK;
	m->camera.report = fopen(path, "we");
	if (!m->camera.report) {
		log_error("camera %s: report %s: %s", m->own.ingest_camera,
			path, strerror(errno));
		return STATUS_USAGE;
	}
	row_csv_header(m->camera.report);
	return STATUS_OK;
}

/* --- the threads --- */

static void *work(void *arg)
{
	struct member *m = arg;

	m->status = camera_run(&m->camera);
	if (m->status)
		log_error("camera %s: counts no more", m->camera.code);
	pthread_mutex_lock(&m->halt.lock);
	m->ended = true;
	pthread_mutex_unlock(&m->halt.lock);
	m->fleet->ended(m->fleet->arg);
	return NULL;
}

static enum status member_start(struct member *m)
{
	enum status s;

	m->camera.spool = m->fleet->spool;
	m->camera.marks = m->fleet->marks;
	m->camera.drawings = m->fleet->drawings;
	m->camera.records = m->fleet->records;
	m->camera.view = m->fleet->view;
	if ((m->camera.max && (s = set_start(m))) || (s = open_report(m)))
		return s;
	if (pthread_create(&m->thread, NULL, work, m)) {
		log_error("camera %s: its thread does not start",
			m->own.ingest_camera);
		return STATUS_FAILED;
	}
	m->started = true;
	tell(m);
	return STATUS_OK;
}

/* Waits until its rows are in the spool. */
static void member_join(struct member *m)
{
	if (!m->started)
		return;
	pthread_join(m->thread, NULL);
	m->started = false;
	if (!m->fleet->status)
		m->fleet->status = m->status;
}

static bool has_ended(struct member *m)
{
	bool ended;

	pthread_mutex_lock(&m->halt.lock);
	ended = m->ended || !m->started;
	pthread_mutex_unlock(&m->halt.lock);
	return ended;
}

/* --- the whole --- */

void fleet_init(struct fleet *f, const struct conf *c)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned room = c->ingest_detectors ? (unsigned)c->ingest_detectors
		: processors > 1	    ? (unsigned)processors
					    : 1;

	f->n = 0;
	f->status = STATUS_OK;
	pthread_mutex_init(&f->lock, NULL);
	gate_init(&f->gate, room);
	share_init(&f->share, room);
}

void fleet_fini(struct fleet *f)
{
	for (size_t i = 0; i < f->n; i++)
		member_free(f->at[i]);
	f->n = 0;
	share_fini(&f->share);
	gate_fini(&f->gate);
	pthread_mutex_destroy(&f->lock);
}

static void put_at(struct fleet *f, size_t i, struct member *m)
{
	pthread_mutex_lock(&f->lock);
	f->at[i] = m;
	if (i == f->n)
		f->n++;
	pthread_mutex_unlock(&f->lock);
}

static void take_out(struct fleet *f, size_t i)
{
	struct member *m = f->at[i];

	pthread_mutex_lock(&f->lock);
	f->n--;
	memmove(&f->at[i], &f->at[i + 1], (f->n - i) * sizeof(f->at[0]));
	pthread_mutex_unlock(&f->lock);
	member_free(m);
}

/* What is wrong with one must not stop the others. */
static void left_out(struct fleet *f, const char *code, enum status s)
{
	log_error("camera %s: does not run", code);
	if (!f->status)
		f->status = s;
}

enum status fleet_open(struct fleet *f, const struct conf *c)
{
	struct member *m;
	enum status s;

	if (!c->cameras) {
		if (!(s = member_open(f, c, 0, &m)))
			put_at(f, 0, m);
		return s;
	}
	for (size_t i = 0; i < c->cameras; i++)
		if ((s = member_open(f, c, i, &m)))
			left_out(f, c->camera[i], s);
		else
			put_at(f, f->n, m);
	return f->n ? STATUS_OK : f->status;
}

enum status fleet_start(struct fleet *f)
{
	size_t n = f->n;
	enum status s = STATUS_OK;

	for (size_t i = 0; i < f->n;) {
		if (!(s = member_start(f->at[i]))) {
			i++;
			continue;
		}
		if (n > 1)
			left_out(f, f->at[i]->own.ingest_camera, s);
		take_out(f, i);
	}
	return f->n ? STATUS_OK : s;
}

/* The number of the camera with this code in the settings. */
static bool find(const struct conf *c, const char *code, size_t *at)
{
	size_t n = c->cameras ? c->cameras : 1;

	for (*at = 0; *at < n; ++*at)
		if (!strcmp(c->cameras ? c->camera[*at] : c->ingest_camera,
			    code))
			return true;
	return false;
}

/* Whether it can go on under the new settings. */
static bool is_same(struct member *m, const struct conf *c)
{
	struct conf own;
	struct address *a;
	size_t i;
	bool same;

	if (!find(c, m->own.ingest_camera, &i) || has_ended(m))
		return false;
	if (!(a = malloc(sizeof(*a))))
		return true; /* the old settings are better than none */
	/* A password may have changed in its file. */
	same = !conf_camera(c, i, &own) && conf_same_camera(&own, &m->own) &&
		!check_camera(c, &own, true, a) &&
		!strcmp(a->url, m->address.url);
	conf_free(&own);
	explicit_bzero(a, sizeof(*a));
	free(a);
	return same;
}

static bool runs(const struct fleet *f, const char *code)
{
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->at[i]->own.ingest_camera, code))
			return true;
	return false;
}

static void add(struct fleet *f, const struct conf *c, size_t i)
{
	struct member *m;
	enum status s = member_open(f, c, i, &m);

	if (!s && (s = member_start(m)))
		member_free(m);
	if (s)
		left_out(f, c->cameras ? c->camera[i] : c->ingest_camera, s);
	else
		put_at(f, f->n, m);
}

void fleet_change(struct fleet *f, const struct conf *c)
{
	size_t cameras = c->cameras ? c->cameras : 1, kept = 0, at;
	bool goes[CONF_CAMERAS_MAX] = {false};

	/* All that go are told first, so that they end side by side. */
	for (size_t i = 0; i < f->n; i++) {
		goes[i] = !is_same(f->at[i], c);
		if (goes[i])
			halt_say(&f->at[i]->halt);
		kept += !goes[i];
	}
	for (size_t i = f->n; i-- > 0;) {
		if (!goes[i])
			continue;
		member_join(f->at[i]);
		log_info("camera %s: stopped: %s", f->at[i]->own.ingest_camera,
			find(c, f->at[i]->own.ingest_camera, &at)
				? "its settings changed"
				: "it was taken out");
		take_out(f, i);
	}
	for (size_t i = 0; i < cameras; i++)
		if (!runs(f, c->cameras ? c->camera[i] : c->ingest_camera))
			add(f, c, i);
	log_info("settings read anew: %zu cameras go on untouched, %zu run",
		kept, f->n);
}

void fleet_halt(struct fleet *f)
{
	for (size_t i = 0; i < f->n; i++)
		halt_say(&f->at[i]->halt);
}

bool fleet_over(struct fleet *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (!has_ended(f->at[i]))
			return false;
	return true;
}

bool fleet_failed(struct fleet *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (has_ended(f->at[i]) &&
			(f->at[i]->status == STATUS_SPOOL ||
				f->at[i]->status == STATUS_SYNC))
			return true;
	return false;
}

void fleet_join(struct fleet *f)
{
	for (size_t i = 0; i < f->n; i++)
		member_join(f->at[i]);
}

bool fleet_has(struct fleet *f, const char *code)
{
	bool has = false;

	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->n && !has; i++) {
		const char *own = f->at[i]->own.ingest_camera;
		size_t n = strlen(own);

		has = !strncmp(own, code, n) && (!code[n] || code[n] == '/');
	}
	pthread_mutex_unlock(&f->lock);
	return has;
}

/* In thousandths, for the API takes no more digits than a double keeps. */
static void say_real(struct text *t, const char *name, double v)
{
	json_double(t, name, round(v * 1000) / 1000);
}

static void tell_member(struct member *m, struct text *t)
{
	struct camera_facts *f = &m->camera.facts;
	uint64_t looked = atomic_load(&f->looked);
	int64_t now = halt_clock_us(), last = atomic_load(&f->last_us);

	if (!m->window_us || now - m->window_us >= WINDOW_US) {
		if (m->window_us)
			m->fps = (double)(looked - m->window_looked) * 1e6 /
				(double)(now - m->window_us);
		m->window_us = now;
		m->window_looked = looked;
	}
	json_open(t, NULL, '{');
	json_str(t, "camera", m->own.ingest_camera);
	json_str(t, "engine", m->own.ingest_engine);
	json_int(t, "pictures", (int64_t)looked);
	json_int(t, "dropped", (int64_t)atomic_load(&f->dropped));
	say_real(t, "fps", m->fps);
	say_real(t, "detect_ms", (double)atomic_load(&f->find_us) / 1e3);
	if (last)
		json_int(t, "last_picture_s", (now - last) / 1000000);
	else
		json_null(t, "last_picture_s");
	json_close(t, '}');
}

void fleet_tell(struct fleet *f, struct text *t)
{
	json_open(t, "cameras", '[');
	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->n; i++)
		tell_member(f->at[i], t);
	pthread_mutex_unlock(&f->lock);
	json_close(t, ']');
}

void fleet_totals(struct fleet *f, size_t i, struct text *t)
{
	const struct member *m = f->at[i];

	json_str(t, "camera", m->camera.code);
	json_str(t, "engine", m->camera.engine->name);
	totals_json(t, &m->camera.totals);
}
