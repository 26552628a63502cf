// SPDX-License-Identifier: MIT
/*
 * From the top: opening (what a crash left), putting, waiting.  Taking and
 * dropping are in spool_out.c.  Each public function holds the lock.
 */
#include "ingest/spool.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "ingest/spool_disk.h"

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Numbers of the segments that are there, rising. */
static enum err list_segments(struct spool *s, uint64_t **list, size_t *n)
{
	int fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	size_t cap = 0;
	struct dirent *e;

	*list = NULL;
	*n = 0;
	if (!d)
		return spool_say(s, "list", "folder");
	/* The stream is this call's own. */
	// cppcheck-suppress readdirCalled
	while ((e = readdir(d))) {
		uint64_t number;
		char end;

		if (sscanf(e->d_name, "rows-%" SCNu64 "%c", &number, &end) != 1)
			continue;
		if (*n == cap) {
			uint64_t *more = realloc(
				*list, (cap = cap * 2 + 16) * sizeof(*more));

			if (!more) {
				closedir(d);
				return E_NOMEM;
			}
			*list = more;
		}
		(*list)[(*n)++] = number;
	}
	closedir(d);
	if (*n)
		qsort(*list, *n, sizeof(**list), by_number);
	return E_OK;
}

/* Learns from a segment what the state may not know yet; *end is where its
 * last whole record ends. */
static void learn(struct spool *s, bool fresh, struct slice is, size_t *end)
{
	const char *p = is.at;
	size_t n = is.n;
	struct record r;

	for (size_t at = 0; (at = record_find(p, n, at)) < n; at += r.bytes) {
		if (!record_read(p + at, n - at, &r))
			break;
		*end = at + r.bytes;
		s->facts.waiting++;
		s->facts.fresh += fresh;
		if (r.mark > s->facts.mark)
			s->facts.mark = r.mark;
		if (r.sequence >= s->sequence)
			s->sequence = r.sequence + 1;
	}
}

/* Cuts off what a crash left half written at the end of the last segment.  A
 * damaged record that is whole stays: it is set aside when its turn comes. */
static enum err mend_tail(
	struct spool *s, const char *p, size_t n, size_t end, size_t from)
{
	size_t keep = end < n && p[n - 1] == '\n' ? n : end;
	char name[SPOOL_NAME];

	s->tail_bytes = keep + from;
	if (keep == n)
		return E_OK;
	spool_segment_name(name, s->tail);
	log_warn("spool %s: %s: cut off %zu bytes of a record that a crash "
		 "left half written",
		s->path, name, n - keep);
	s->segments -= n - keep;
	if (ftruncate(s->tail_fd, (off_t)s->tail_bytes))
		return spool_say(s, "truncate", name);
	return spool_sync(s, s->tail_fd, name);
}

static enum err open_segment(struct spool *s, uint64_t number, bool last)
{
	bool fresh = s->split && number >= s->split;
	struct spool_cursor *at = &s->head[fresh ? SPOOL_FRESH : SPOOL_OLD];
	size_t from = number == at->segment ? at->offset : 0, n, end = 0;
	char name[SPOOL_NAME];
	struct stat st;
	enum err e;

	spool_segment_name(name, number);
	if (fstatat(s->dir, name, &st, 0))
		return spool_say(s, "look at", name);
	s->segments += (uint64_t)st.st_size;
	if (number < at->segment)
		return spool_remove_segment(s, number);
	if (st.st_size > SPOOL_BUFFER) {
		log_error(
			"spool %s: %s is larger than a segment", s->path, name);
		return E_IO;
	}
	if (from > (size_t)st.st_size) {
		log_warn("spool %s: %s is shorter than the state says", s->path,
			name);
		from = at->offset = (size_t)st.st_size;
	}
	if ((e = spool_read_segment(s, number, from, s->buffer, &n)))
		return e;
	learn(s, fresh, (struct slice){s->buffer, n}, &end);
	if (!last)
		return E_OK;
	s->tail = number;
	s->tail_fd = openat(s->dir, name, O_RDWR | O_CLOEXEC);
	if (s->tail_fd < 0)
		return spool_say(s, "open", name);
	return mend_tail(s, s->buffer, n, end, from);
}

static enum err open_segments(struct spool *s)
{
	uint64_t *list;
	size_t n;
	enum err e = list_segments(s, &list, &n);

	/* A segment that left is gone; the next one starts at its start. */
	for (int lane = 0; lane < (s->split ? 2 : 1); lane++)
		for (size_t i = 0; !e && i < n; i++)
			if (list[i] >= s->head[lane].segment) {
				if (list[i] > s->head[lane].segment)
					s->head[lane].offset = 0;
				s->head[lane].segment = list[i];
				break;
			}
	if (s->split && s->head[SPOOL_OLD].segment >= s->split) {
		s->head[SPOOL_OLD] = s->head[SPOOL_FRESH];
		s->split = 0;
	}
	for (size_t i = 0; !e && i < n; i++)
		e = open_segment(s, list[i], i + 1 == n);
	free(list);
	return e;
}

enum err spool_open(struct spool **out, const char *dir, size_t max)
{
	struct spool *s = calloc(1, sizeof(*s));
	pthread_condattr_t a;
	enum err e;

	*out = NULL;
	if (!s)
		return E_NOMEM;
	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->filled, &a);
	pthread_condattr_destroy(&a);
	s->dir = s->lock_fd = s->tail_fd = -1;
	s->max = max;
	s->segment_max =
		max / 8 < SPOOL_SEGMENT_MAX ? max / 8 : SPOOL_SEGMENT_MAX;
	s->facts.mark = INT64_MIN;
	s->head[SPOOL_OLD].segment = s->sequence = 1;
	s->path = strdup(dir);
	s->buffer = malloc(SPOOL_BUFFER);
	e = s->path && s->buffer ? spool_open_folder(s) : E_NOMEM;
	if (!e)
		e = spool_load_state(s);
	if (!e)
		e = open_segments(s);
	if (e) {
		spool_close(s);
		return e;
	}
	*out = s;
	return E_OK;
}

void spool_close(struct spool *s)
{
	if (!s)
		return;
	/* Else a row or two are sent again, which changes nothing. */
	if (s->unsaved && spool_save_state(s))
		log_warn("spool %s: its state is not saved", s->path);
	if (s->tail_fd >= 0)
		close(s->tail_fd);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	if (s->dir >= 0)
		close(s->dir);
	pthread_cond_destroy(&s->filled);
	pthread_mutex_destroy(&s->lock);
	free(s->buffer);
	free(s->path);
	free(s);
}

void spool_may_drop(struct spool *s, bool drop_oldest, int64_t age_us)
{
	pthread_mutex_lock(&s->lock);
	s->drop_oldest = drop_oldest;
	s->age_us = age_us;
	pthread_mutex_unlock(&s->lock);
}

static uint64_t bytes_of(const struct spool *s)
{
	uint64_t n = s->segments;

	for (int i = 0; i < ASIDE_COUNT; i++)
		n += s->aside[i];
	return n;
}

static enum err put(struct spool *s, const struct record *r)
{
	char bytes[RECORD_MAX], name[SPOOL_NAME];
	size_t n = record_write(bytes, r);
	enum err e;

	while (bytes_of(s) + n > s->max)
		if (!s->drop_oldest || (e = spool_give_up_oldest(s)))
			return s->drop_oldest ? e : E_FULL;
	if (s->tail_fd < 0 || s->tail_bytes + n > s->segment_max)
		if ((e = spool_new_segment(s)))
			return e;
	spool_segment_name(name, s->tail);
	e = spool_append(
		s, s->tail_fd, name, (struct slice){bytes, n}, s->tail_bytes);
	if (e)
		return e;
	s->tail_bytes += n;
	s->segments += n;
	s->sequence++;
	s->facts.waiting++;
	s->facts.fresh += s->split != 0;
	if (r->mark > s->facts.mark)
		s->facts.mark = r->mark;
	pthread_cond_broadcast(&s->filled);
	return E_OK;
}

enum err spool_put(struct spool *s, const char *row, size_t n, int64_t mark)
{
	struct record r = {.mark = mark, .content = {row, n}};
	enum err e;

	if (n > RECORD_CONTENT_MAX)
		return E_TOO_BIG;
	pthread_mutex_lock(&s->lock);
	r.sequence = s->sequence;
	e = put(s, &r);
	/* Not the bound but the disk. */
	while (e == E_FULL && s->drop_oldest && !spool_give_up_oldest(s))
		e = put(s, &r);
	s->facts.full = e == E_FULL;
	pthread_mutex_unlock(&s->lock);
	return e;
}

enum err spool_refuse(struct spool *s, const char *line, size_t n)
{
	enum err e;

	pthread_mutex_lock(&s->lock);
	e = spool_set_aside(s, ASIDE_REFUSED, (struct slice){line, n});
	if (!e)
		s->facts.refused++;
	pthread_mutex_unlock(&s->lock);
	return e;
}

void spool_wait(struct spool *s, int64_t us)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += us / 1000000;
	at.tv_nsec += us % 1000000 * 1000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&s->lock);
	while (!s->facts.waiting && !s->awake &&
		pthread_cond_timedwait(&s->filled, &s->lock, &at) == 0)
		;
	s->awake = false;
	pthread_mutex_unlock(&s->lock);
}

void spool_wake(struct spool *s)
{
	pthread_mutex_lock(&s->lock);
	s->awake = true;
	pthread_cond_broadcast(&s->filled);
	pthread_mutex_unlock(&s->lock);
}

struct spool_facts spool_facts_now(struct spool *s)
{
	struct spool_facts f;

	pthread_mutex_lock(&s->lock);
	f = s->facts;
	f.oldest = f.waiting ? spool_oldest(s) : INT64_MIN;
	f.bytes = bytes_of(s);
	f.max = s->max;
	pthread_mutex_unlock(&s->lock);
	return f;
}
