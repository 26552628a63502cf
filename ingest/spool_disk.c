// SPDX-License-Identifier: MIT
#include "ingest/spool_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "ingest/crc32c.h"
#include "ingest/halt.h"

static const char *const aside_name[ASIDE_COUNT] = {
	"refused.ndjson", "quarantine"};

enum err spool_say(const struct spool *s, const char *what, const char *name)
{
	log_error("spool %s: %s %s: %s", s->path, what, name, strerror(errno));
	return E_IO;
}

/* A failed fsync may have dropped what it was to write; trying again would
 * succeed and prove nothing. */
enum err spool_sync(const struct spool *s, int fd, const char *name)
{
	if (fsync(fd) == 0)
		return E_OK;
	spool_say(s, "fsync", name);
	return E_CORRUPT;
}

static bool write_whole(int fd, const char *p, size_t n, off_t at)
{
	while (n) {
		ssize_t k = pwrite(fd, p, n, at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		p += k;
		at += k;
		n -= (size_t)k;
	}
	return true;
}

void spool_segment_name(char name[SPOOL_NAME], uint64_t number)
{
	snprintf(name, SPOOL_NAME, "rows-%010" PRIu64, number);
}

static bool disk_is_full(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

/* Appends to a file at its end; on a full disk takes the part back. */
enum err spool_append(const struct spool *s, int fd, const char *name,
	struct slice what, size_t at)
{
	if (!write_whole(fd, what.at, what.n, (off_t)at)) {
		int error = errno;

		if (ftruncate(fd, (off_t)at)) {
			/* The half record is cut off at the next start, or
			 * overwritten by the next row. */
			log_warn("spool %s: %s keeps half a record", s->path,
				name);
		}
		errno = error;
		return disk_is_full(error) ? E_FULL
					   : spool_say(s, "write", name);
	}
	return spool_sync(s, fd, name);
}

enum err spool_save_state(struct spool *s)
{
	const struct spool_cursor *old = &s->head[SPOOL_OLD];
	const struct spool_cursor *fresh = &s->head[SPOOL_FRESH];
	char text[300];
	int n, fd;
	enum err e;

	n = snprintf(text, sizeof(text),
		"tally-spool 1\nread %" PRIu64 " %zu\nmark %" PRId64
		"\nsequence %" PRIu64 "\n",
		old->segment, old->offset, s->facts.mark, s->sequence);
	if (s->split)
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			"split %" PRIu64 " %" PRIu64 " %zu\n", s->split,
			fresh->segment, fresh->offset);
	n += snprintf(text + n, sizeof(text) - (size_t)n, "crc %08" PRIx32 "\n",
		crc32c(0, text, (size_t)n));
	fd = openat(s->dir, "state.new",
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return disk_is_full(errno) ? E_FULL
					   : spool_say(s, "open", "state");
	e = spool_append(s, fd, "state", (struct slice){text, (size_t)n}, 0);
	close(fd);
	if (e)
		return e;
	if (renameat(s->dir, "state.new", s->dir, "state"))
		return spool_say(s, "rename", "state");
	e = spool_sync(s, s->dir, "folder");
	s->unsaved = e != E_OK;
	s->saved_us = halt_clock_us();
	return e;
}

enum err spool_load_state(struct spool *s)
{
	struct spool_cursor *old = &s->head[SPOOL_OLD];
	struct spool_cursor *fresh = &s->head[SPOOL_FRESH];
	const char *split;
	char text[400] = "";
	int fd = openat(s->dir, "state", O_RDONLY | O_CLOEXEC);
	uint32_t crc;
	char *sum;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? E_OK : spool_say(s, "open", "state");
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		return spool_say(s, "read", "state");
	sum = strstr(text, "crc ");
	if (!sum || sscanf(sum, "crc %8" SCNx32, &crc) != 1 ||
		crc != crc32c(0, text, (size_t)(sum - text)) ||
		sscanf(text,
			"tally-spool 1\nread %" SCNu64 " %zu\nmark %" SCNd64
			"\nsequence %" SCNu64,
			&old->segment, &old->offset, &s->facts.mark,
			&s->sequence) != 4) {
		log_warn("spool %s: state is damaged: sending every row there "
			 "is again",
			s->path);
		*old = (struct spool_cursor){1, 0};
		s->facts.mark = INT64_MIN;
		s->sequence = 1;
		return E_OK;
	}
	split = strstr(text, "split ");
	if (split &&
		sscanf(split, "split %" SCNu64 " %" SCNu64 " %zu", &s->split,
			&fresh->segment, &fresh->offset) != 3)
		s->split = 0;
	return E_OK;
}

/* Opens the segment that follows the last and makes it the tail. */
enum err spool_new_segment(struct spool *s)
{
	char name[SPOOL_NAME];
	uint64_t next = s->head[s->split ? SPOOL_FRESH : SPOOL_OLD].segment;
	uint64_t number = next > s->tail ? next : s->tail + 1;
	int fd;

	spool_segment_name(name, number);
	fd = openat(s->dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return disk_is_full(errno) ? E_FULL
					   : spool_say(s, "make", name);
	if (s->tail_fd >= 0)
		close(s->tail_fd);
	s->tail_fd = fd;
	s->tail = number;
	s->tail_bytes = 0;
	if (!s->facts.waiting) {
		s->split = 0;
		s->head[SPOOL_OLD] = (struct spool_cursor){number, 0};
	}
	return spool_sync(s, s->dir, "folder");
}

enum err spool_read_segment(struct spool *s, uint64_t number, size_t offset,
	char *buffer, size_t *n)
{
	char name[SPOOL_NAME];
	int fd;

	*n = 0;
	spool_segment_name(name, number);
	fd = openat(s->dir, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? E_OK : spool_say(s, "open", name);
	while (*n < SPOOL_BUFFER) {
		ssize_t k = pread(fd, buffer + *n, SPOOL_BUFFER - *n,
			(off_t)(offset + *n));

		if (k < 0) {
			spool_say(s, "read", name);
			close(fd);
			return E_IO;
		}
		if (k == 0)
			break;
		*n += (size_t)k;
	}
	close(fd);
	return E_OK;
}

enum err spool_set_aside(
	struct spool *s, enum spool_aside which, struct slice what)
{
	const char *name = aside_name[which];
	uint64_t bytes = s->segments;
	enum err e;
	int fd;

	for (int i = 0; i < ASIDE_COUNT; i++)
		bytes += s->aside[i];
	if (bytes + what.n > s->max)
		return E_FULL;
	fd = openat(s->dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return disk_is_full(errno) ? E_FULL
					   : spool_say(s, "open", name);
	e = spool_append(s, fd, name, what, s->aside[which]);
	close(fd);
	if (e)
		return e;
	s->aside[which] += what.n;
	return spool_sync(s, s->dir, "folder");
}

enum err spool_remove_segment(struct spool *s, uint64_t number)
{
	char name[SPOOL_NAME];
	struct stat st;

	spool_segment_name(name, number);
	if (fstatat(s->dir, name, &st, 0) == 0) {
		if (unlinkat(s->dir, name, 0))
			return spool_say(s, "remove", name);
		s->segments -= (uint64_t)st.st_size;
	}
	return E_OK;
}

enum err spool_open_folder(struct spool *s)
{
	if (mkdir(s->path, 0700) && errno != EEXIST)
		return spool_say(s, "make", "folder");
	s->dir = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir < 0)
		return spool_say(s, "open", "folder");
	s->lock_fd = openat(s->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0)
		return spool_say(s, "open", "lock");
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return spool_say(s, "lock", "folder");
		log_error("spool %s: another process uses it", s->path);
		return E_BUSY;
	}
	for (int i = 0; i < ASIDE_COUNT; i++) {
		struct stat st;

		if (fstatat(s->dir, aside_name[i], &st, 0) == 0)
			s->aside[i] = (uint64_t)st.st_size;
	}
	return E_OK;
}
