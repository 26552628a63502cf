// SPDX-License-Identifier: MIT
/*
 * The file has a line a camera: "END BEFORE CODE".  It is replaced as a whole
 * and not synced: a power cut may lose it, which costs a row that the API
 * refuses, as it has another of the same interval.
 */
#include "ingest/marks.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

enum { CODE_MAX = 128 };

struct mark {
	int64_t end, before; /* before: ahead of a leap of over an hour */
	char code[CODE_MAX];
};

struct marks {
	pthread_mutex_t lock;
	char *path, *path_new;
	size_t n;
	bool told; /* that the file cannot be written */
	struct mark at[MARKS_MAX];
};

static struct mark *find(struct marks *m, const char *code)
{
	for (size_t i = 0; i < m->n; i++)
		if (!strcmp(m->at[i].code, code))
			return &m->at[i];
	return NULL;
}

/* A camera that is new; the one whose mark is oldest makes room. */
static struct mark *add(struct marks *m, const char *code)
{
	struct mark *k = &m->at[0];

	if (m->n < MARKS_MAX)
		k = &m->at[m->n++];
	else
		for (size_t i = 1; i < m->n; i++)
			if (m->at[i].end < k->end)
				k = &m->at[i];
	*k = (struct mark){.end = INT64_MIN, .before = INT64_MIN};
	snprintf(k->code, sizeof(k->code), "%s", code);
	return k;
}

static void load(struct marks *m)
{
	FILE *f = fopen(m->path, "re");
	char line[CODE_MAX + 64], code[CODE_MAX];
	int64_t end, before;

	while (f && fgets(line, sizeof(line), f)) {
		struct mark *k;

		/* A code may hold blanks; it ends with the line. */
		if (sscanf(line, "%" SCNd64 " %" SCNd64 " %127[^\n]", &end,
			    &before, code) != 3)
			continue;
		if (!(k = find(m, code)))
			k = add(m, code);
		k->end = end;
		k->before = before;
	}
	if (f)
		fclose(f);
}

static bool write_all(struct marks *m)
{
	FILE *f = fopen(m->path_new, "we");
	bool good;

	if (!f)
		return false;
	for (size_t i = 0; i < m->n; i++)
		fprintf(f, "%" PRId64 " %" PRId64 " %s\n", m->at[i].end,
			m->at[i].before, m->at[i].code);
	good = !ferror(f);
	good = !fclose(f) && good;
	return good && !rename(m->path_new, m->path);
}

struct marks *marks_open(const char *dir)
{
	struct marks *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	pthread_mutex_init(&m->lock, NULL);
	if (asprintf(&m->path, "%s/marks", dir) < 0)
		m->path = NULL;
	if (asprintf(&m->path_new, "%s/marks.new", dir) < 0)
		m->path_new = NULL;
	if (!m->path || !m->path_new) {
		marks_close(m);
		return NULL;
	}
	load(m);
	return m;
}

void marks_close(struct marks *m)
{
	if (!m)
		return;
	pthread_mutex_destroy(&m->lock);
	free(m->path);
	free(m->path_new);
	free(m);
}

int64_t marks_get(struct marks *m, const char *camera, int64_t now)
{
	int64_t end = INT64_MIN, most = now + MARKS_AHEAD_S;
	const struct mark *k;

	pthread_mutex_lock(&m->lock);
	if ((k = find(m, camera)))
		end = k->end <= most	    ? k->end
			: k->before <= most ? k->before
					    : INT64_MIN;
	pthread_mutex_unlock(&m->lock);
	return end;
}

void marks_put(struct marks *m, const char *camera, int64_t end)
{
	struct mark *k;

	pthread_mutex_lock(&m->lock);
	if (!(k = find(m, camera)))
		k = add(m, camera);
	if (k->end != INT64_MIN && end > k->end + MARKS_AHEAD_S)
		k->before = k->end;
	k->end = end;
	if (write_all(m)) {
		m->told = false;
	} else if (!m->told) {
		log_warn("%s: %s: a restart may count an interval anew",
			m->path, strerror(errno));
		m->told = true;
	}
	pthread_mutex_unlock(&m->lock);
}
