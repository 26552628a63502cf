// SPDX-License-Identifier: MIT
/*
 * The way out of the spool.  From the top: damaged records, a batch, segments
 * that every row left, what is given up, lanes.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "ingest/halt.h"
#include "ingest/spool_disk.h"

enum { SAVE_US = 1000000 /* the state on disk may be so far behind */ };

/* The bytes from at to next of the segment that is read are no records. */
static enum err quarantine(
	struct spool *s, uint64_t segment, size_t n, size_t at, size_t next)
{
	const char *p = s->buffer;
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
		s->path, (unsigned long long)segment,
		(unsigned long long)records, records == 1 ? "" : "s", next - at,
		e ? "left out" : "moved to the file quarantine");
	return e == E_FULL ? E_OK : e;
}

/* Rows of the segment that is read, into b. */
static enum err take_from(struct spool *s, size_t most, struct spool_batch *b)
{
	struct spool_cursor *head = &s->head[b->lane];
	size_t base = head->offset, n, at = 0, bytes = 0;
	struct record r;
	enum err e = spool_read_segment(s, head->segment, base, s->buffer, &n);

	if (head->segment == s->tail && n > s->tail_bytes - base)
		n = s->tail_bytes - base;
	while (!e && at < n && b->n < most) {
		if (!record_read(s->buffer + at, n - at, &r)) {
			size_t next = record_find(s->buffer, n, at + 1);

			if (b->n)
				break;
			e = quarantine(s, head->segment, n, at, next);
			at = next;
			head->offset = base + at;
			continue;
		}
		if (b->n && bytes + r.content.n > SPOOL_BATCH_BYTES)
			break;
		bytes += r.content.n;
		at += r.bytes;
		s->read_sequence = r.sequence;
		b->row[b->n] = r.content;
		b->mark[b->n] = r.mark;
		b->after[b->n++] = base + at;
	}
	b->segment = head->segment;
	return e;
}

/* Moves on to the next segment; the one before is gone for good. */
static enum err leave_segment(struct spool *s, enum spool_lane lane)
{
	uint64_t left = s->head[lane].segment;
	enum err e;

	if (left == s->tail && s->tail_fd >= 0) {
		close(s->tail_fd);
		s->tail_fd = -1;
	}
	s->head[lane] = (struct spool_cursor){left + 1, 0};
	/* The old lane is through: one is left. */
	if (lane == SPOOL_OLD && s->split && left + 1 >= s->split) {
		s->head[SPOOL_OLD] = s->head[SPOOL_FRESH];
		s->split = 0;
		s->facts.waiting = s->facts.fresh;
		s->facts.fresh = 0;
	}
	e = spool_save_state(s);
	if (e && e != E_FULL)
		return e;
	return spool_remove_segment(s, left);
}

/* --- what is given up --- */

/* Leaves the oldest segment with the rows in it; why, for the log. */
static enum err give_up(struct spool *s, uint64_t *counter, const char *why)
{
	struct spool_cursor *head = &s->head[SPOOL_OLD];
	char *buffer = malloc(SPOOL_BUFFER);
	uint64_t rows = 0;
	struct record r;
	size_t n;
	enum err e;

	if (!buffer)
		return E_NOMEM;
	e = spool_read_segment(s, head->segment, head->offset, buffer, &n);
	for (size_t at = 0; !e && (at = record_find(buffer, n, at)) < n;
		at += r.bytes) {
		if (!record_read(buffer + at, n - at, &r))
			break;
		rows++;
	}
	free(buffer);
	if (e)
		return e;
	*counter += rows;
	s->facts.waiting -= rows < s->facts.waiting ? rows : s->facts.waiting;
	if (rows)
		log_error("spool %s: %llu rows are given up: %s", s->path,
			(unsigned long long)rows, why);
	return leave_segment(s, SPOOL_OLD);
}

enum err spool_give_up_oldest(struct spool *s)
{
	if (s->head[SPOOL_OLD].segment >= s->tail)
		return E_FULL;
	return give_up(s, &s->facts.lost, "the spool is full");
}

static enum err expire(struct spool *s)
{
	char name[SPOOL_NAME];
	struct stat st;
	enum err e;

	while (s->age_us && s->facts.waiting) {
		spool_segment_name(name, s->head[SPOOL_OLD].segment);
		if (fstatat(s->dir, name, &st, 0) ||
			time(NULL) - st.st_mtime <= s->age_us / 1000000)
			break;
		e = give_up(s, &s->facts.expired, "they lay too long");
		if (e)
			return e;
	}
	return E_OK;
}

/* --- in and out --- */

static uint64_t last_of(const struct spool *s, enum spool_lane lane)
{
	return lane == SPOOL_OLD && s->split ? s->split - 1 : s->tail;
}

static enum err take(struct spool *s, size_t most, struct spool_batch *b)
{
	struct spool_cursor *head = &s->head[b->lane];
	enum err e = b->lane == SPOOL_OLD ? expire(s) : E_OK;

	while (!e && head->segment <= last_of(s, b->lane)) {
		e = take_from(s, most, b);
		if (e || b->n)
			break;
		if (head->segment == s->tail) {
			if (!s->split)
				s->facts.waiting = 0;
			s->facts.fresh = 0;
			break;
		}
		e = leave_segment(s, b->lane);
	}
	return e;
}

enum err spool_take(struct spool *s, enum spool_lane lane, size_t most,
	struct spool_batch *b)
{
	enum err e = E_OK;

	b->n = 0;
	b->lane = lane;
	if (most > SPOOL_BATCH)
		most = SPOOL_BATCH;
	pthread_mutex_lock(&s->lock);
	if (lane == SPOOL_OLD || s->split)
		e = take(s, most, b);
	pthread_mutex_unlock(&s->lock);
	return e;
}

/* A last segment of which every row left need not stay until it is full. */
static enum err drop_tail(struct spool *s, enum spool_lane lane)
{
	const struct spool_cursor *head = &s->head[lane];

	if (head->segment != s->tail || head->offset != s->tail_bytes ||
		s->tail_bytes < s->segment_max / 4)
		return E_OK;
	return leave_segment(s, lane);
}

static void subtract(uint64_t *from, uint64_t n)
{
	*from -= n < *from ? n : *from;
}

enum err spool_drop(struct spool *s, const struct spool_batch *b, size_t n)
{
	enum err e = E_OK;

	if (n == 0)
		return E_OK;
	pthread_mutex_lock(&s->lock);
	/* Unless they were given up meanwhile. */
	if (b->segment == s->head[b->lane].segment) {
		s->head[b->lane].offset = b->after[n - 1];
		subtract(&s->facts.waiting, n);
		if (b->lane == SPOOL_FRESH)
			subtract(&s->facts.fresh, n);
		s->unsaved = true;
		if (!s->facts.waiting ||
			halt_clock_us() - s->saved_us > SAVE_US)
			e = spool_save_state(s);
		/* On a full disk the old state stays: rows that left are sent
		 * again after a crash, and the API knows them. */
		if (!e || e == E_FULL)
			e = drop_tail(s, b->lane);
	}
	pthread_mutex_unlock(&s->lock);
	return e;
}

enum err spool_split(struct spool *s)
{
	enum err e = E_OK;

	pthread_mutex_lock(&s->lock);
	if (!s->split && s->facts.waiting && s->tail) {
		e = spool_new_segment(s);
		if (!e) {
			s->split = s->tail;
			s->head[SPOOL_FRESH] =
				(struct spool_cursor){s->split, 0};
			e = spool_save_state(s);
		}
	}
	pthread_mutex_unlock(&s->lock);
	return e == E_FULL ? E_OK : e;
}

int64_t spool_oldest(struct spool *s)
{
	char name[SPOOL_NAME], bytes[RECORD_MAX];
	struct record r;
	ssize_t n;
	int fd;

	spool_segment_name(name, s->head[SPOOL_OLD].segment);
	fd = openat(s->dir, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return INT64_MIN;
	n = pread(fd, bytes, sizeof(bytes), (off_t)s->head[SPOOL_OLD].offset);
	close(fd);
	return n > 0 && record_read(bytes, (size_t)n, &r) ? r.mark : INT64_MIN;
}
