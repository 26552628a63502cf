// SPDX-License-Identifier: MIT
/*
 * From the top: what is kept on disk, asking, the threads' side.
 *
 * The file is a line, "tally-drawings 1 BYTES CRC32C", and the API's answer as
 * it came.  It is replaced as a whole; one that is torn is as none.
 */
#include "ingest/drawings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/client.h"
#include "common/json.h"
#include "common/log.h"
#include "common/text.h"
#include "ingest/crc32c.h"

enum {
	KEPT_MAX = 8 << 20, /* bytes, of an answer on disk */
	SECOND = 1000000,
	ANSWER_US = 75000000, /* more than the API lets one wait */
	FIRST_US = 5000000,
	PAUSE_US = SECOND,
	PAUSE_MOST_US = 30 * SECOND
};

static const char path_now[] = "/api/v1/ingest/config";
static const char path_wait[] = "/api/v1/ingest/config?wait=50";

struct drawings {
	const struct drawings_settings *set;
	struct client *client;
	char *path, *path_new; /* NULL: nothing is kept */
	bool told;	       /* that it cannot be */
	char tag[CLIENT_TAG];  /* of what is known; "" nothing */
	char cause[CLIENT_WHY];
	int64_t pause_us;
	int64_t first_until_us; /* 0: no more */

	pthread_mutex_t lock;
	struct json *known; /* under lock */
	_Atomic uint64_t version;
};

static bool ended(void *arg)
{
	const struct drawings *d = arg;

	return halt_said(d->set->halt) ||
		(d->first_until_us && halt_clock_us() > d->first_until_us);
}

static void tell(struct drawings *d, const char *why)
{
	if (!strcmp(d->cause, why))
		return;
	snprintf(d->cause, sizeof(d->cause), "%s", why);
	log_warn("lines and zones: %s: what was drawn before holds", why);
}

/* --- on disk --- */

static bool write_file(FILE *f, struct slice what)
{
	bool good = fprintf(f, "tally-drawings 1 %zu %08" PRIx32 "\n", what.n,
			    crc32c(0, what.at, what.n)) > 0 &&
		fwrite(what.at, 1, what.n, f) == what.n && !fflush(f) &&
		!fsync(fileno(f));

	return !fclose(f) && good;
}

static void keep(struct drawings *d, struct slice what)
{
	FILE *f;

	if (!d->path)
		return;
	f = fopen(d->path_new, "we");
	if (f && write_file(f, what) && !rename(d->path_new, d->path)) {
		d->told = false;
		return;
	}
	if (!d->told)
		log_warn("%s: %s: a start without the API has the lines and "
			 "zones of before",
			d->path, strerror(errno));
	d->told = true;
}

/* What the file says, in *to; false: there is none, or it is torn. */
static bool read_file(FILE *f, struct text *to)
{
	char head[64], piece[4096], end;
	uint32_t crc;
	size_t n, want;

	if (!fgets(head, sizeof(head), f) ||
		sscanf(head, "tally-drawings 1 %zu %8" SCNx32 "%c", &want, &crc,
			&end) != 3 ||
		end != '\n')
		return false;
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		text_add(to, piece, n);
	return !ferror(f) && !to->full && to->n && to->n == want &&
		crc32c(0, to->at, to->n) == crc;
}

static bool take_answer(struct drawings *d, struct slice body)
{
	struct json *v, *old;

	if (json_parse(body.at, body.n, &v, NULL))
		return false;
	if (!json_member(v, "cameras")) {
		json_free(v);
		return false;
	}
	pthread_mutex_lock(&d->lock);
	old = d->known;
	d->known = v;
	atomic_fetch_add(&d->version, 1);
	pthread_mutex_unlock(&d->lock);
	json_free(old);
	return true;
}

static void recall(struct drawings *d)
{
	FILE *f = d->path ? fopen(d->path, "re") : NULL;
	struct text t;

	if (!f)
		return;
	text_init(&t, KEPT_MAX);
	if (!read_file(f, &t) || !take_answer(d, (struct slice){t.at, t.n}))
		log_warn("%s: torn or damaged: there are no lines and zones "
			 "until the API answers",
			d->path);
	text_free(&t);
	fclose(f);
}

/* --- asking --- */

static void learn(struct drawings *d, const struct client_answer *a)
{
	if (!take_answer(d, a->body)) {
		tell(d, "the API's answer is no configuration");
		return;
	}
	memcpy(d->tag, a->tag, sizeof(d->tag));
	keep(d, a->body);
}

/* True where the API answered what it should. */
static bool ask(struct drawings *d, const char *path)
{
	struct client_answer a;
	char why[CLIENT_WHY];

	if (client_get_unless(d->client, path, d->tag, &a, why)) {
		if (!halt_said(d->set->halt))
			tell(d, why);
		return false;
	}
	if (a.status != 200 && a.status != 304) {
		snprintf(why, sizeof(why), "HTTP %ld", a.status);
		tell(d, why);
		/* It may have been given another. */
		if (client_token(
			    d->client, d->set->token_file, "ingest_token", why))
			tell(d, why);
		return false;
	}
	if (*d->cause)
		log_info("lines and zones: the API answers again");
	d->cause[0] = '\0';
	if (a.status == 200)
		learn(d, &a);
	return true;
}

static bool set_paths(struct drawings *d)
{
	if (!d->set->dir)
		return true;
	if (asprintf(&d->path, "%s/drawings", d->set->dir) < 0)
		d->path = NULL;
	if (asprintf(&d->path_new, "%s/drawings.new", d->set->dir) < 0)
		d->path_new = NULL;
	return d->path && d->path_new;
}

enum err drawings_open(struct drawings **out, const struct drawings_settings *s)
{
	struct drawings *d = calloc(1, sizeof(*d));
	struct client_settings c = {.url = s->url,
		.ca = s->ca,
		.answer_us = ANSWER_US,
		.ended = ended,
		.arg = d};
	char why[CLIENT_WHY];
	enum err e;

	*out = NULL;
	if (!d)
		return E_NOMEM;
	d->set = s;
	pthread_mutex_init(&d->lock, NULL);
	if (!set_paths(d)) {
		drawings_close(d);
		return E_NOMEM;
	}
	recall(d);
	e = client_open(&d->client, &c, why);
	if (!e)
		e = client_token(d->client, s->token_file, "ingest_token", why);
	if (e) {
		log_error("lines and zones: %s", why);
		drawings_close(d);
		return e;
	}
	d->first_until_us = halt_clock_us() + FIRST_US;
	ask(d, path_now);
	d->first_until_us = 0;
	*out = d;
	return E_OK;
}

void drawings_close(struct drawings *d)
{
	if (!d)
		return;
	client_close(d->client);
	free(d->path);
	free(d->path_new);
	json_free(d->known);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

void drawings_run(struct drawings *d)
{
	do {
		if (ask(d, path_wait))
			d->pause_us = PAUSE_US;
		else if (d->pause_us < PAUSE_MOST_US)
			d->pause_us = d->pause_us ? 2 * d->pause_us : PAUSE_US;
	} while (!halt_wait(d->set->halt, d->pause_us));
}

/* --- the threads' side --- */

static const struct json *find(const struct json *known, const char *camera)
{
	const struct json *v = json_first(json_member(known, "cameras"));

	while (v && strcmp(json_string(json_member(v, "camera")), camera) != 0)
		v = json_next(v);
	return v;
}

bool drawings_take(struct drawings *d, const char *camera, uint64_t *seen,
	struct shapes *s)
{
	char why[SHAPE_WHY + 100];
	const struct json *v;
	bool ok = true;

	if (atomic_load(&d->version) == *seen)
		return false;
	memset(s, 0, sizeof(*s));
	pthread_mutex_lock(&d->lock);
	*seen = atomic_load(&d->version);
	if ((v = find(d->known, camera)))
		ok = shapes_read(s, v, why);
	pthread_mutex_unlock(&d->lock);
	if (!ok)
		log_warn("camera %s: %s: what was drawn before holds", camera,
			why);
	return ok;
}

bool drawings_watched(
	struct drawings *d, const char *camera, uint64_t *seen, bool *watched)
{
	const struct json *v;

	if (atomic_load(&d->version) == *seen)
		return false;
	pthread_mutex_lock(&d->lock);
	*seen = atomic_load(&d->version);
	v = json_member(d->known, "watched");
	v = v && json_type(v) == JSON_ARRAY ? json_first(v) : NULL;
	while (v && strcmp(json_string(v), camera) != 0)
		v = json_next(v);
	*watched = v != NULL;
	pthread_mutex_unlock(&d->lock);
	return true;
}
