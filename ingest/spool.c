// SPDX-License-Identifier: MIT
/*
 * From the top: opening (what a crash left), putting, taking, dropping.  Each
 * public function holds the lock.
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
static void learn(struct spool *s, const char *p, size_t n, size_t *end)
{
	struct record r;

	for (size_t at = 0; (at = record_find(p, n, at)) < n; at += r.bytes) {
		if (!record_read(p + at, n - at, &r))
			break;
		*end = at + r.bytes;
		s->facts.waiting++;
		if (r.mark > s->facts.mark)
			s->facts.mark = r.mark;
		if (r.sequence >= s->sequence)
			s->sequence = r.sequence + 1;
	}
}

/* Cuts off what a crash left half written at the end of the last segment.  A
 * damaged record that is whole stays: it is set aside when its turn comes. */
static enum err mend_tail(struct spool *s, const char *p, size_t n, size_t end)
{
	size_t keep = end < n && p[n - 1] == '\n' ? n : end;
	char name[SPOOL_NAME];

	s->tail_bytes = keep + (s->tail == s->head ? s->head_offset : 0);
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
	size_t from = number == s->head ? s->head_offset : 0, n, end = 0;
	char name[SPOOL_NAME];
	struct stat st;
	enum err e;

	spool_segment_name(name, number);
	if (fstatat(s->dir, name, &st, 0))
		return spool_say(s, "look at", name);
	s->segments += (uint64_t)st.st_size;
	if (number < s->head)
		return spool_remove_segment(s, number);
	if (st.st_size > SPOOL_BUFFER) {
		log_error(
			"spool %s: %s is larger than a segment", s->path, name);
		return E_IO;
	}
	if (from > (size_t)st.st_size) {
		log_warn("spool %s: %s is shorter than the state says", s->path,
			name);
		from = s->head_offset = (size_t)st.st_size;
	}
	if ((e = spool_read_segment(s, number, from, &n)))
		return e;
	learn(s, s->buffer, n, &end);
	if (!last)
		return E_OK;
	s->tail = number;
	s->tail_fd = openat(s->dir, name, O_RDWR | O_CLOEXEC);
	if (s->tail_fd < 0)
		return spool_say(s, "open", name);
	return mend_tail(s, s->buffer, n, end);
}

static enum err open_segments(struct spool *s)
{
	uint64_t *list;
	size_t n;
	enum err e = list_segments(s, &list, &n);

	/* A segment that left is gone; the next one starts at its start. */
	for (size_t i = 0; !e && i < n; i++)
		if (list[i] >= s->head) {
			if (list[i] > s->head)
				s->head_offset = 0;
			s->head = list[i];
			break;
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
	s->head = s->sequence = 1;
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

	if (bytes_of(s) + n > s->max)
		return E_FULL;
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
	if (r->mark > s->facts.mark)
		s->facts.mark = r->mark;
	pthread_cond_broadcast(&s->filled);
	return E_OK;
}

enum err spool_put(struct spool *s, const char *row, size_t n, int64_t mark)
{
	enum err e;

	if (n > RECORD_CONTENT_MAX)
		return E_TOO_BIG;
	pthread_mutex_lock(&s->lock);
	e = put(s,
		&(struct record){.sequence = s->sequence,
			.mark = mark,
			.content = {row, n}});
	pthread_mutex_unlock(&s->lock);
	return e;
}

/* The bytes from at to next of the segment that is read are no records. */
static enum err quarantine(
	struct spool *s, const char *p, size_t n, size_t at, size_t next)
{
	uint64_t records = 1;
	struct record r;
	enum err e = spool_set_aside(
		s, ASIDE_QUARANTINE, (struct slice){p + at, next - at});

	if (next < n && record_read(p + next, n - next, &r) &&
		s->read_sequence && r.sequence > s->read_sequence + 1 &&
		r.sequence - s->read_sequence < n / RECORD_HEAD)
		records = r.sequence - s->read_sequence - 1;
	s->facts.quarantined += records;
	log_error("spool %s: rows-%010llu: %llu damaged record%s of %zu bytes "
		  "%s",
		s->path, (unsigned long long)s->head,
		(unsigned long long)records, records == 1 ? "" : "s", next - at,
		e ? "left out" : "moved to the file quarantine");
	return e == E_FULL ? E_OK : e;
}

/* Rows of the segment that is read, into b; *n is what is left of it. */
static enum err take_from(struct spool *s, size_t most, struct spool_batch *b)
{
	size_t base = s->head_offset, n, at = 0, bytes = 0;
	struct record r;
	enum err e = spool_read_segment(s, s->head, base, &n);

	if (s->head == s->tail && n > s->tail_bytes - base)
		n = s->tail_bytes - base;
	while (!e && at < n && b->n < most) {
		if (!record_read(s->buffer + at, n - at, &r)) {
			size_t next = record_find(s->buffer, n, at + 1);

			if (b->n)
				break;
			e = quarantine(s, s->buffer, n, at, next);
			at = next;
			s->head_offset = base + at;
			continue;
		}
		if (b->n && bytes + r.content.n > SPOOL_BATCH_BYTES)
			break;
		bytes += r.content.n;
		at += r.bytes;
		s->read_sequence = r.sequence;
		b->row[b->n] = r.content;
		b->after[b->n++] = base + at;
	}
	return e;
}

/* Moves on to the next segment; the one before is gone for good. */
static enum err leave_segment(struct spool *s)
{
	uint64_t left = s->head;
	enum err e;

	s->head++;
	s->head_offset = 0;
	e = spool_save_state(s);
	if (e && e != E_FULL)
		return e;
	return spool_remove_segment(s, left);
}

enum err spool_take(struct spool *s, size_t most, struct spool_batch *b)
{
	enum err e = E_OK;

	b->n = 0;
	if (most > SPOOL_BATCH)
		most = SPOOL_BATCH;
	pthread_mutex_lock(&s->lock);
	while (s->tail_fd >= 0 && s->head <= s->tail) {
		e = take_from(s, most, b);
		if (e || b->n)
			break;
		if (s->head == s->tail) {
			s->facts.waiting = 0;
			break;
		}
		if ((e = leave_segment(s)))
			break;
	}
	pthread_mutex_unlock(&s->lock);
	return e;
}

/* A last segment of which every row left need not stay until it is full. */
static enum err drop_tail(struct spool *s)
{
	if (s->head != s->tail || s->head_offset != s->tail_bytes ||
		s->tail_bytes < s->segment_max / 4)
		return E_OK;
	close(s->tail_fd);
	s->tail_fd = -1;
	return leave_segment(s);
}

enum err spool_drop(struct spool *s, const struct spool_batch *b, size_t n)
{
	enum err e;

	if (n == 0)
		return E_OK;
	pthread_mutex_lock(&s->lock);
	s->head_offset = b->after[n - 1];
	s->facts.waiting -= n < s->facts.waiting ? n : s->facts.waiting;
	e = spool_save_state(s);
	/* On a full disk the old state stays: rows that left are sent again
	 * after a crash, and the API knows them. */
	if (!e || e == E_FULL)
		e = drop_tail(s);
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
	f.bytes = bytes_of(s);
	f.max = s->max;
	pthread_mutex_unlock(&s->lock);
	return f;
}
