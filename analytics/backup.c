// SPDX-License-Identifier: MIT
#include "analytics/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/db/dump.h"
#include "common/log.h"
#include "common/token.h"
#include "common/when.h"

#define SUFFIX ".tally"
#define PART   ".part"

enum { NUMBER = 8, STAMP = 16, COLLISION_MS = 50, PATH = 4200 };

/* One backup on its way. */
struct making {
	const struct conf *conf;
	const char *dir;
	int dir_fd; /* also the lock: one at a time in a folder */
	char part[PATH], stamp[STAMP + 1];
	struct dump *dump;
	struct seal_out *out;
	unsigned char stream_key[SEAL_KEY];
	struct arena arena;
	struct backup_facts *made;
	char *why;
};

static enum err io(char why[SEAL_WHY], const char *what, const char *path)
{
	snprintf(why, SEAL_WHY, "%s %s: %s", what, path, strerror(errno));
	return E_IO;
}

/* ---- the folder */

/* "20261121T023000Z" */
static void stamp_of(char stamp[STAMP + 1], int64_t at)
{
	struct civil c = when_to_civil(at);
	char text[64];

	snprintf(text, sizeof(text), "%04d%02d%02dT%02d%02d%02dZ", c.year,
		c.month, c.day, c.hour, c.min, c.sec);
	memcpy(stamp, text, STAMP);
	stamp[STAMP] = '\0';
}

static bool stamp_at(const char *s, int64_t *at)
{
	struct civil c;
	int n = 0;

	if (strspn(s, "0123456789TZ") != STAMP ||
		sscanf(s, "%4d%2d%2dT%2d%2d%2dZ%n", &c.year, &c.month, &c.day,
			&c.hour, &c.min, &c.sec, &n) != 6 ||
		n != STAMP || c.year < 1 || c.month < 1 || c.month > 12 ||
		c.day < 1 || c.day > 31 || c.hour > 23 || c.min > 59 ||
		c.sec > 59)
		return false;
	*at = when_from_civil(&c);
	return true;
}

/* backup_SCHEMA_STAMP.tally, perhaps with .part behind: whose is it? */
static bool is_ours(
	const char *name, const char *schema, const char *end, int64_t *at)
{
	static const char begin[] = "backup_";
	size_t n = strlen(name), s = strlen(schema), e = strlen(end);
	size_t b = sizeof(begin) - 1;
	char stamp[STAMP + 1];

	if (n != b + s + 1 + STAMP + e || n >= BACKUP_NAME ||
		strncmp(name, begin, b) || strncmp(name + b, schema, s) ||
		name[b + s] != '_' || strcmp(name + n - e, end) != 0)
		return false;
	memcpy(stamp, name + b + s + 1, STAMP);
	stamp[STAMP] = '\0';
	return stamp_at(stamp, at);
}

static int by_time(const void *a, const void *b)
{
	const struct backup_file *x = a, *y = b;

	return (x->taken_at > y->taken_at) - (x->taken_at < y->taken_at);
}

enum err backup_list(const char *dir, const char *schema, struct arena *a,
	struct backup_file **files, size_t *n, char why[SEAL_WHY])
{
	DIR *d = opendir(dir);
	struct dirent *f;
	struct stat st;
	int64_t at;

	*n = 0;
	if (!d)
		return io(why, "cannot read the folder", dir);
	*files = arena_alloc(a, BACKUP_FILES_MAX * sizeof(**files));
	if (!*files) {
		closedir(d);
		snprintf(why, SEAL_WHY, "out of memory");
		return E_NOMEM;
	}
	// cppcheck-suppress readdirCalled
	while (*n < BACKUP_FILES_MAX && (f = readdir(d))) {
		struct backup_file *to = *files + *n;

		if (!is_ours(f->d_name, schema, SUFFIX, &at) ||
			fstatat(dirfd(d), f->d_name, &st,
				AT_SYMLINK_NOFOLLOW) ||
			!S_ISREG(st.st_mode))
			continue;
		snprintf(to->name, sizeof(to->name), "%s", f->d_name);
		to->taken_at = at;
		to->bytes = st.st_size;
		++*n;
	}
	closedir(d);
	qsort(*files, *n, sizeof(**files), by_time);
	return E_OK;
}

/* What a backup that was killed left behind; we have the lock. */
static void clean(struct making *m)
{
	DIR *d = opendir(m->dir);
	struct dirent *f;
	int64_t at;

	// cppcheck-suppress readdirCalled
	while (d && (f = readdir(d)))
		if (is_ours(f->d_name, m->conf->database_name, SUFFIX PART,
			    &at) &&
			!unlinkat(m->dir_fd, f->d_name, 0))
			log_info("backup: removed %s, which was not finished",
				f->d_name);
	if (d)
		closedir(d);
}

static enum err open_folder(struct making *m)
{
	if (mkdir(m->dir, 0700) && errno != EEXIST)
		return io(m->why, "cannot make the folder", m->dir);
	m->dir_fd = open(m->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m->dir_fd < 0)
		return io(m->why, "cannot use the folder", m->dir);
	if (flock(m->dir_fd, LOCK_EX | LOCK_NB)) {
		snprintf(m->why, SEAL_WHY, "another backup is at work in %s",
			m->dir);
		return E_BUSY;
	}
	clean(m);
	return E_OK;
}

/* Two of one second would be one file. */
static void name_it(struct making *m)
{
	struct timespec wait = {0, COLLISION_MS * 1000000L};

	for (;;) {
		m->made->taken_at = when_now();
		stamp_of(m->stamp, m->made->taken_at);
		snprintf(m->made->file, sizeof(m->made->file),
			"backup_%s_%s" SUFFIX, m->conf->database_name,
			m->stamp);
		if (faccessat(m->dir_fd, m->made->file, F_OK, 0))
			break;
		nanosleep(&wait, NULL);
	}
	snprintf(m->part, sizeof(m->part), "%s/%s" PART, m->dir, m->made->file);
}

const char *backup_key_inside(
	const struct conf *c, const char *dir, char path[PATH])
{
	const char *public = c->backup_public_key;
	size_t n = strlen(public);
	char *real = realpath(dir, NULL), *key = NULL;
	bool inside = false;

	if (n > 4 && !strcmp(public + n - 4, ".pub")) {
		snprintf(path, PATH, "%.*s", (int)(n - 4), public);
		key = realpath(path, NULL);
	}
	if (real && key)
		inside = !strncmp(key, real, strlen(real)) &&
			key[strlen(real)] == '/';
	free(real);
	free(key);
	return inside ? path : NULL;
}

/* ---- the records */

static void put_number(unsigned char *to, uint64_t v, int n)
{
	for (int i = 0; i < n; i++, v >>= 8)
		to[i] = (unsigned char)v;
}

static enum err put(struct making *m, char kind, const void *p, size_t n)
{
	unsigned char head[5] = {(unsigned char)kind};
	enum err e;

	if (n > BACKUP_RECORD_MAX) {
		snprintf(m->why, SEAL_WHY, "a row is over 1 GiB");
		return E_TOO_BIG;
	}
	put_number(head + 1, n, 4);
	if ((e = seal_write(m->out, head, sizeof(head), m->why)))
		return e;
	return seal_write(m->out, p, n, m->why);
}

static enum err put_numbers(struct making *m, char kind, uint64_t a, uint64_t b)
{
	unsigned char two[2 * NUMBER];

	put_number(two, a, NUMBER);
	put_number(two + NUMBER, b, NUMBER);
	return put(m, kind, two, kind == 'Z' ? 2 * NUMBER : NUMBER);
}

/* Texts with a zero byte behind each. */
static enum err put_texts(
	struct making *m, char kind, const char *const *texts, int n)
{
	size_t total = 0;
	char *all, *at;
	enum err e;

	for (int i = 0; i < n; i++)
		total += strlen(texts[i]) + 1;
	if (!(all = at = malloc(total))) {
		snprintf(m->why, SEAL_WHY, "out of memory");
		return E_NOMEM;
	}
	for (int i = 0; i < n; i++)
		at = stpcpy(at, texts[i]) + 1;
	e = put(m, kind, all, total);
	free(all);
	return e;
}

static enum err put_begin(struct making *m)
{
	char at[32];

	snprintf(at, sizeof(at), "%lld", (long long)m->made->taken_at);
	return put_texts(m, 'B',
		(const char *const[]){"1", m->conf->database_name, at}, 3);
}

static enum err put_rows(void *arg, const char *rows, size_t n)
{
	return put(arg, 'R', rows, n);
}

static enum err put_table(struct making *m, const struct dump_table *t)
{
	uint64_t rows;
	enum err e;

	e = put_texts(m, 'T',
		(const char *const[]){t->name, t->columns, t->create}, 3);
	if (e)
		return e;
	if ((e = dump_rows(m->dump, t, put_rows, m, &rows))) {
		if (*dump_why(m->dump))
			snprintf(m->why, SEAL_WHY, "%s", dump_why(m->dump));
		return e;
	}
	m->made->rows += rows;
	m->made->tables++;
	return put_numbers(m, 'E', rows, 0);
}

/* ---- the run */

static enum err take_all(struct making *m)
{
	struct dump_table *tables;
	enum err e;
	size_t n;

	if ((e = dump_tables(m->dump, &m->arena, &tables, &n))) {
		snprintf(m->why, SEAL_WHY, "%s", dump_why(m->dump));
		return e;
	}
	if (!n) {
		snprintf(m->why, SEAL_WHY, "the schema %s has no tables",
			m->conf->database_name);
		return E_NOT_FOUND;
	}
	if ((e = put_begin(m)))
		return e;
	for (size_t i = 0; i < n; i++)
		if ((e = put_table(m, &tables[i])))
			return e;
	return put_numbers(m, 'Z', m->made->tables, m->made->rows);
}

static enum err connect_and_take(struct making *m, const struct db_account *a)
{
	struct db_account account = *a;
	unsigned char public[SEAL_KEY];
	enum err e;

	e = seal_load_key(m->conf->backup_public_key, false, public, m->why);
	if (e)
		return e;
	account.timeout_s = BACKUP_TIMEOUT_S;
	if ((e = dump_open(&m->dump, &account))) {
		snprintf(m->why, SEAL_WHY, "%s", dump_why(m->dump));
		return e;
	}
	name_it(m);
	if ((e = dump_begin(m->dump))) {
		snprintf(m->why, SEAL_WHY, "%s", dump_why(m->dump));
		return e;
	}
	e = seal_create(&m->out, m->part, public, m->stream_key, m->why);
	if (!e)
		e = take_all(m);
	if (!e)
		e = seal_finish(m->out, &m->made->bytes, m->why);
	return e;
}

/* Reads it back from the disk, and only then gives it its name. */
static enum err settle(struct making *m)
{
	struct backup_facts read;
	enum err e;

	e = backup_verify(m->part, m->stream_key, true, &read, m->why);
	if (e)
		return e;
	if (read.rows != m->made->rows || read.tables != m->made->tables) {
		snprintf(m->why, SEAL_WHY,
			"what was read back is not what was written");
		return E_CORRUPT;
	}
	if (renameat(m->dir_fd, strrchr(m->part, '/') + 1, m->dir_fd,
		    m->made->file) ||
		fsync(m->dir_fd))
		return io(m->why, "cannot name the file in", m->dir);
	return E_OK;
}

/* The oldest go.  What says to be later than this one was made while the clock
 * was wrong, and goes first; this one stays. */
static void prune(struct making *m, unsigned keep)
{
	struct backup_file *files;
	char why[SEAL_WHY];
	size_t n, own = 0;

	if (backup_list(m->dir, m->conf->database_name, &m->arena, &files, &n,
		    why)) {
		log_warn("backup: %s", why);
		return;
	}
	while (own + 1 < n && strcmp(files[own].name, m->made->file) != 0)
		own++;
	for (size_t i = 0; i + keep < n; i++) {
		const char *name = files[(own + 1 + i) % n].name;

		if (unlinkat(m->dir_fd, name, 0))
			log_warn("backup: cannot remove %s/%s: %s", m->dir,
				name, strerror(errno));
		else
			m->made->removed++;
	}
}

enum err backup_make(const struct conf *c, const struct db_account *a,
	const char *dir, unsigned keep, struct backup_facts *made,
	char why[SEAL_WHY])
{
	struct making m = {
		.conf = c, .dir = dir, .dir_fd = -1, .made = made, .why = why};
	int64_t begun_ms = when_clock_ms();
	enum err e;

	memset(made, 0, sizeof(*made));
	snprintf(made->schema, sizeof(made->schema), "%s", c->database_name);
	arena_init(&m.arena, 64 << 20);
	if (!(e = open_folder(&m)) && !(e = connect_and_take(&m, a))) {
		dump_close(m.dump); /* tables may be altered again */
		m.dump = NULL;
		if (!(e = settle(&m)) && keep)
			prune(&m, keep);
	}
	if (e && m.out)
		unlink(m.part);
	made->ms = when_clock_ms() - begun_ms;
	seal_drop(m.out);
	dump_close(m.dump);
	token_wipe(m.stream_key, sizeof(m.stream_key));
	arena_reset(&m.arena);
	if (m.dir_fd >= 0)
		close(m.dir_fd);
	return e;
}
