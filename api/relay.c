// SPDX-License-Identifier: MIT
/* From the top: names, what is there, what comes in, pictures, the whole. */
#include "api/relay.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "analytics/camera.h"
#include "api/api.h"
#include "common/log.h"

enum {
	WANT_MS = 3000,	 /* touched no longer ago: somebody watches */
	FRESH_MS = 2000, /* a picture that may be shown */
	OLD_MS = 5000,	 /* nobody needs the file */
	WATCHED_MAX = 256,
	NAME = 2 * CAMERA_CODE_MAX + sizeof(".want")
};

struct relay {
	struct api *api;
	struct relay_events on;
	int dir, notes;
	struct event on_note;
	char part[32]; /* this process's file in the making */
	size_t n;
	char code[WATCHED_MAX][CAMERA_CODE_MAX + 1];
	uint64_t version;
	bool any;    /* files were there at the last look */
	bool failed; /* said once until a picture is kept again */
};

/* ---- names ---- */

static bool name_of(char name[NAME], const char *code, const char *suffix)
{
	size_t n = strlen(code);

	if (n > CAMERA_CODE_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		sprintf(name + 2 * i, "%02x", (unsigned char)code[i]);
	strcpy(name + 2 * n, suffix);
	return true;
}

static int digit(char c)
{
	return c >= '0' && c <= '9'    ? c - '0'
		: c >= 'a' && c <= 'f' ? c - 'a' + 10
				       : -1;
}

/* The code of the camera whose file with this suffix it is. */
static bool code_of(
	char code[CAMERA_CODE_MAX + 1], const char *name, const char *suffix)
{
	size_t n = strlen(name), tail = strlen(suffix);

	if (n <= tail || strcmp(name + n - tail, suffix) != 0)
		return false;
	n -= tail;
	if (n % 2 || n / 2 > CAMERA_CODE_MAX)
		return false;
	for (size_t i = 0; i < n; i += 2) {
		int high = digit(name[i]), low = digit(name[i + 1]);

		if (high < 0 || low < 0)
			return false;
		code[i / 2] = (char)(high << 4 | low);
	}
	code[n / 2] = '\0';
	return camera_code_ok(code, n / 2);
}

/* ---- what is there ---- */

static int64_t age_ms(const struct stat *st)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return llabs((now.tv_sec - st->st_mtim.tv_sec) * INT64_C(1000) +
		(now.tv_nsec - st->st_mtim.tv_nsec) / 1000000);
}

/* One file; *n more cameras are watched. */
static void look_at(struct relay *r, const char *name,
	char found[WATCHED_MAX][CAMERA_CODE_MAX + 1], size_t *n)
{
	struct stat st;
	int64_t age;

	if (*name == '.' || fstatat(r->dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return;
	r->any = true;
	age = age_ms(&st);
	if (age > OLD_MS)
		unlinkat(r->dir, name, 0);
	else if (age <= WANT_MS && *n < WATCHED_MAX &&
		code_of(found[*n], name, ".want"))
		++*n;
}

static void look(struct relay *r)
{
	static char found[WATCHED_MAX][CAMERA_CODE_MAX + 1];
	struct dirent **e = NULL;
	int files = scandirat(r->dir, ".", &e, NULL, alphasort);
	size_t n = 0;

	if (files < 0)
		return;
	memset(found, 0, sizeof(found));
	r->any = false;
	for (int i = 0; i < files; i++) {
		look_at(r, e[i]->d_name, found, &n);
		free(e[i]);
	}
	free(e);
	/* Behind the last one a name may lie that was none. */
	memset(found[n], 0, (WATCHED_MAX - n) * sizeof(found[0]));
	if (n == r->n && !memcmp(found, r->code, sizeof(found)))
		return;
	r->n = n;
	memcpy(r->code, found, sizeof(found));
	r->version++;
	r->on.watched(r->on.ctx);
}

void relay_want(struct relay *r, const char *code)
{
	char name[NAME];
	int fd;

	if (!relay_works(r) || !name_of(name, code, ".want"))
		return;
	fd = openat(r->dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || futimens(fd, NULL))
		log_error("live view: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	r->any = true;
}

bool relay_watched(const struct relay *r, const char *code)
{
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->code[i], code))
			return true;
	return false;
}

const char *relay_each(const struct relay *r, size_t i)
{
	return i < r->n ? r->code[i] : NULL;
}

uint64_t relay_version(const struct relay *r)
{
	return r->version;
}

void relay_tick(struct relay *r)
{
	if (relay_works(r) && r->any)
		look(r);
}

/* ---- what comes in ---- */

static void on_note(evutil_socket_t fd, short what, void *arg)
{
	_Alignas(struct inotify_event) char bytes[16384];
	struct relay *r = arg;
	ssize_t n = read(fd, bytes, sizeof(bytes));
	bool others = false;

	(void)what;
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *e = (void *)(bytes + at);
		char code[CAMERA_CODE_MAX + 1];

		at += (ssize_t)(sizeof(*e) + e->len);
		if (e->mask & IN_Q_OVERFLOW)
			others = true;
		else if (!e->len)
			continue;
		else if (!(e->mask & IN_MOVED_TO))
			others |= code_of(code, e->name, ".want");
		else if (code_of(code, e->name, ".jpg"))
			r->on.picture(r->on.ctx, code);
	}
	if (others)
		look(r);
}

/* ---- pictures ---- */

static enum err failed(struct relay *r, int why)
{
	if (!r->failed)
		log_error("live view: %s", strerror(why));
	r->failed = true;
	return why == ENOSPC || why == EDQUOT ? E_FULL : E_IO;
}

enum err relay_put(struct relay *r, const char *code, struct slice jpeg)
{
	char name[NAME];
	ssize_t n;
	int fd;

	if (!relay_works(r) || !name_of(name, code, ".jpg"))
		return E_IO;
	fd = openat(r->dir, r->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		0600);
	if (fd < 0)
		return failed(r, errno);
	n = write(fd, jpeg.at, jpeg.n);
	if (close(fd) || n != (ssize_t)jpeg.n)
		return failed(r, n < 0 ? errno : ENOSPC);
	if (renameat(r->dir, r->part, r->dir, name))
		return failed(r, errno);
	r->failed = false;
	return E_OK;
}

static enum err read_all(
	int fd, size_t before, size_t after, char **at, size_t *n)
{
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return E_IO;
	if (age_ms(&st) > FRESH_MS || !st.st_size)
		return E_NOT_FOUND;
	*n = (size_t)st.st_size;
	if (!(*at = malloc(before + *n + after)))
		return E_NOMEM;
	if (read(fd, *at + before, *n) == st.st_size)
		return E_OK;
	free(*at);
	return E_IO;
}

enum err relay_get(struct relay *r, const char *code, size_t before,
	size_t after, char **at, size_t *n)
{
	char name[NAME];
	enum err e;
	int fd;

	if (!relay_works(r) || !name_of(name, code, ".jpg"))
		return E_NOT_FOUND;
	fd = openat(r->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? E_NOT_FOUND : E_IO;
	e = read_all(fd, before, after, at, n);
	close(fd);
	return e;
}

/* ---- the whole ---- */

/* As uploads do: beside the port's file. */
static void choose(char dir[4500], const struct conf *c)
{
	const char *slash = strrchr(c->api_port_file, '/');
	int n = slash ? (int)(slash + 1 - c->api_port_file) : 0;

	if (*c->api_live_dir)
		snprintf(dir, 4500, "%s", c->api_live_dir);
	else
		snprintf(dir, 4500, "%.*slive", n, c->api_port_file);
}

static bool watch(struct relay *r, const char *dir)
{
	if (mkdir(dir, 0700) && errno != EEXIST)
		return false;
	r->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dir < 0)
		return false;
	r->notes = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	return r->notes >= 0 &&
		inotify_add_watch(r->notes, dir,
			IN_MOVED_TO | IN_CREATE | IN_ATTRIB | IN_DELETE |
				IN_ONLYDIR) >= 0;
}

enum err relay_open(
	struct relay **out, struct api *api, const struct relay_events *on)
{
	struct relay *r = calloc(1, sizeof(*r));
	char dir[4500];

	*out = r;
	if (!r)
		return E_NOMEM;
	r->api = api;
	r->on = *on;
	r->dir = r->notes = -1;
	r->any = true;
	snprintf(r->part, sizeof(r->part), "part-%ld", (long)getpid());
	choose(dir, &api->conf);
	if (!watch(r, dir)) {
		log_warn("api.live_dir: %s: %s; there will be no live view",
			dir, strerror(errno));
		if (r->notes >= 0)
			close(r->notes);
		r->notes = -1;
		return E_OK;
	}
	event_assign(&r->on_note, api->base, r->notes, EV_READ | EV_PERSIST,
		on_note, r);
	event_add(&r->on_note, NULL);
	return E_OK;
}

void relay_close(struct relay *r)
{
	if (!r)
		return;
	if (relay_works(r)) {
		event_del(&r->on_note);
		close(r->notes);
	}
	if (r->dir >= 0)
		close(r->dir);
	free(r);
}

bool relay_works(const struct relay *r)
{
	return r->notes >= 0;
}
