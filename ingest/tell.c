// SPDX-License-Identifier: MIT
#include "ingest/tell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/version.h"
#include "common/when.h"

enum {
	PERIOD_US = 1000000,
	STALE_S = 30, /* a process that hangs says nothing any more */
	NAME_MAX_BYTES = 64
};

struct tell {
	const struct tell_settings *set;
	char *path, *path_new;
	char name[NAME_MAX_BYTES + 1];
	struct halt halt;
	struct text text;
	int64_t started_at;
	pthread_t thread;
	bool told;    /* that the file cannot be written */
	bool stopped; /* the thread */

	pthread_mutex_t lock; /* of the two below */
	struct text report;
	char sign[TELL_SIGN];
};

/* --- saying --- */

static void say_time(struct text *t, const char *name, int64_t at)
{
	char text[WHEN_TEXT];

	json_str(t, name,
		at == INT64_MIN ? NULL : when_format(text, at, 0, true));
}

static void say_spool(struct text *t, struct spool *spool)
{
	struct spool_facts f = spool_facts_now(spool);

	json_open(t, "spool", '{');
	json_int(t, "waiting", (int64_t)f.waiting);
	json_int(t, "fresh", (int64_t)f.fresh);
	/* Marks are the ends of rows. */
	say_time(t, "oldest", f.oldest);
	json_int(t, "bytes", (int64_t)f.bytes);
	json_int(t, "bytes_max", (int64_t)f.max);
	json_bool(t, "full", f.full);
	json_int(t, "refused", (int64_t)f.refused);
	json_int(t, "quarantined", (int64_t)f.quarantined);
	json_int(t, "lost", (int64_t)f.lost);
	json_int(t, "expired", (int64_t)f.expired);
	json_close(t, '}');
}

static void say_post(struct text *t, struct post *post)
{
	struct post_facts f = post_facts_now(post);

	json_open(t, "post", '{');
	json_int(t, "stored", (int64_t)f.stored);
	json_str(t, "error", *f.error ? f.error : NULL);
	json_close(t, '}');
}

static void say_records(struct text *t, struct records *records)
{
	struct records_facts f = records_facts_now(records);

	json_open(t, "records", '{');
	json_int(t, "waiting", (int64_t)f.waiting);
	json_int(t, "bytes", (int64_t)f.bytes);
	json_int(t, "bytes_max", (int64_t)f.max);
	json_int(t, "stored", (int64_t)f.stored);
	json_int(t, "refused", (int64_t)f.refused);
	json_int(t, "dropped", (int64_t)f.dropped);
	json_str(t, "error", *f.error ? f.error : NULL);
	json_close(t, '}');
}

static void say_own(struct tell *t, struct text *to)
{
	json_str(to, "ingest", t->name);
	json_str(to, "version", TALLY_VERSION);
	json_int(to, "up_s", when_now() - t->started_at);
	say_spool(to, t->set->spool);
	say_post(to, t->set->post);
	fleet_tell(t->set->fleet, to);
}

static void say_all(struct tell *t)
{
	text_clear(&t->text);
	json_open(&t->text, NULL, '{');
	say_time(&t->text, "at", when_now());
	json_int(&t->text, "pid", getpid());
	say_own(t, &t->text);
	say_records(&t->text, t->set->records);
	json_close(&t->text, '}');
	text_str(&t->text, "\n");
}

static void say_report(struct tell *t, struct text *to, bool stopped)
{
	text_clear(to);
	json_open(to, NULL, '{');
	json_bool(to, "stopped", stopped);
	say_own(t, to);
	json_close(to, '}');
}

/* What the API should hear of at once. */
static void make_sign(struct tell *t)
{
	struct spool_facts f = spool_facts_now(t->set->spool);
	bool failing = *post_facts_now(t->set->post).error != '\0';

	snprintf(t->sign, sizeof(t->sign), "%d %d %d %llu %llu", f.full,
		failing, f.lost + f.expired > 0, (unsigned long long)f.refused,
		(unsigned long long)f.quarantined);
}

static void say_anew(struct tell *t)
{
	pthread_mutex_lock(&t->lock);
	say_report(t, &t->report, false);
	make_sign(t);
	pthread_mutex_unlock(&t->lock);
}

/* Not synced: after a crash nobody asks for it. */
static bool write_file(struct tell *t)
{
	FILE *f = fopen(t->path_new, "we");
	bool good;

	if (!f)
		return false;
	good = fwrite(t->text.at, 1, t->text.n, f) == t->text.n;
	return !fclose(f) && good && !rename(t->path_new, t->path);
}

static void *tell_thread(void *arg)
{
	struct tell *t = arg;

	do {
		say_anew(t);
		say_all(t);
		if (!t->text.full && write_file(t)) {
			t->told = false;
		} else if (!t->told) {
			log_warn("%s: %s", t->path,
				t->text.full ? "too long" : strerror(errno));
			t->told = true;
		}
	} while (!halt_wait(&t->halt, PERIOD_US));
	return NULL;
}

static void tell_free(struct tell *t)
{
	text_free(&t->text);
	text_free(&t->report);
	pthread_mutex_destroy(&t->lock);
	halt_fini(&t->halt);
	free(t->path);
	free(t->path_new);
	free(t);
}

/* A name of letters, digits, ".", "_" and "-"; the machine's where the settings
 * have none. */
static void choose_name(struct tell *t)
{
	char host[256] = "";

	if (!*t->set->name && gethostname(host, sizeof(host) - 1))
		host[0] = '\0';
	snprintf(t->name, sizeof(t->name), "%.*s", NAME_MAX_BYTES,
		*t->set->name ? t->set->name : host);
	for (char *c = t->name; *c; c++)
		if (!strchr(FLEET_NAME_LETTERS, *c))
			*c = '-';
	if (!*t->name)
		strcpy(t->name, "ingest");
}

struct tell *tell_start(const struct tell_settings *s)
{
	struct tell *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->set = s;
	halt_init(&t->halt);
	pthread_mutex_init(&t->lock, NULL);
	text_init(&t->text, TELL_MAX);
	text_init(&t->report, TELL_MAX);
	t->started_at = when_now();
	choose_name(t);
	if (asprintf(&t->path, "%s/status.json", s->dir) < 0)
		t->path = NULL;
	if (asprintf(&t->path_new, "%s/status.new", s->dir) < 0)
		t->path_new = NULL;
	if (t->path && t->path_new &&
		!pthread_create(&t->thread, NULL, tell_thread, t))
		return t;
	tell_free(t);
	return NULL;
}

bool tell_copy(struct tell *t, struct text *to, char sign[TELL_SIGN])
{
	text_clear(to);
	pthread_mutex_lock(&t->lock);
	text_add(to, t->report.at ? t->report.at : "", t->report.n);
	memcpy(sign, t->sign, TELL_SIGN);
	pthread_mutex_unlock(&t->lock);
	return to->n && !to->full;
}

static void end_thread(struct tell *t)
{
	if (t->stopped)
		return;
	halt_say(&t->halt);
	pthread_join(t->thread, NULL);
	t->stopped = true;
}

void tell_last(struct tell *t, struct text *to)
{
	end_thread(t);
	say_report(t, to, true);
}

void tell_stop(struct tell *t)
{
	if (!t)
		return;
	end_thread(t);
	unlink(t->path);
	tell_free(t);
}

/* --- asking --- */

/* Whether a process holds the spool's lock. */
static bool is_held(const char *dir)
{
	char path[4200];
	bool held;
	int fd;

	snprintf(path, sizeof(path), "%s/lock", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	held = flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
	close(fd);
	return held;
}

enum status tell_print(const char *dir)
{
	char path[4200], line[4096];
	struct stat st;
	FILE *f;
	size_t n;

	if (!is_held(dir)) {
		fprintf(stderr, "no tally-ingest runs on the spool %s\n", dir);
		return STATUS_SPOOL;
	}
	snprintf(path, sizeof(path), "%s/status.json", dir);
	f = fopen(path, "re");
	if (!f || fstat(fileno(f), &st) || time(NULL) - st.st_mtime > STALE_S) {
		fprintf(stderr,
			"the tally-ingest on the spool %s says "
			"nothing of itself\n",
			dir);
		if (f)
			fclose(f);
		return STATUS_SPOOL;
	}
	while ((n = fread(line, 1, sizeof(line), f)) > 0)
		fwrite(line, 1, n, stdout);
	fclose(f);
	return fflush(stdout) ? STATUS_FAILED : STATUS_OK;
}
