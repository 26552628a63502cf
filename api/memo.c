// SPDX-License-Identifier: MIT
/*
 * Map of the file: lists of waiting requests; the version; what is remembered;
 * the steps.
 */
#include "api/memo.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/accept.h"
#include "api/api.h"
#include "api/blob.h"
#include "api/field.h"
#include "api/gzip.h"
#include "api/work.h"
#include "common/digest.h"
#include "common/version.h"

enum {
	OWN_STEPS = 2, /* place of the route's first own step */
	TRIES = 4,
	BUCKETS = 1024,
	ENTRIES_MAX = 16384,
	ETAG_KEY = 16, /* bytes of the key */
	ETAG_TEXT = 1 + 2 * ETAG_KEY + 1 + 16 + 1 + 1
};

/* A place in a list, and whose. */
struct place {
	struct memo_use *use;
	struct place *next, **link; /* link: what points here, NULL in none */
};

/* A request's share of it. */
struct memo_use {
	struct req *req;
	struct place waits, builds;	/* among those who do */
	unsigned char key[DIGEST_SIZE]; /* what is asked for, and by whom */
	const char *type;
	bool gzip;
	size_t headers_n; /* bytes of r->headers that are not the reply's */
	struct memo_mark seen; /* what was read last */
	struct memo_mark from; /* what it is built from */
	char etag[ETAG_TEXT];
	int tries;
	bool alone;	       /* whom it waited for had nothing to give */
	bool begun;	       /* it has asked for the version */
	bool read;	       /* seen came with what the reply says */
	struct place *waiting; /* for what it builds */
	enum err err;	       /* to resume with */
};

struct entry {
	struct entry *next;	     /* of its bucket */
	struct entry *newer, *older; /* by use */
	unsigned char key[DIGEST_SIZE];
	int64_t version;
	struct blob *body;
	const char *type;
	char etag[ETAG_TEXT];
	size_t size;
	char headers[];
};

struct memo {
	struct api *api;
	struct pool *pool; /* one connection: never behind a long query */
	struct pool_job job;
	struct arena arena;
	struct db_rows rows;
	bool asking;
	struct place *of_this, *of_next; /* who waits for which reading */
	struct event turn_ends;		 /* a reading is wanted then */
	struct memo_mark mark; /* the era moves whenever all is forgotten */
	uint64_t connects;     /* when the version was read */
	struct event wake;
	struct place *woken;
	struct {
		struct entry *entries;
		struct place *builders;
	} bucket[BUCKETS];
	struct entry *newest, *oldest;
	size_t bytes;	   /* of all bodies alive, and of entries */
	size_t entry_size; /* the part of it that is in entries */
	size_t entries;
	struct memo_counters count;
};

/* ---- lists ---- */

static void put_in(struct place **list, struct place *p)
{
	p->next = *list;
	p->link = list;
	if (p->next)
		p->next->link = &p->next;
	*list = p;
}

static void take_out(struct place *p)
{
	if (!p->link)
		return;
	*p->link = p->next;
	if (p->next)
		p->next->link = p->link;
	p->next = NULL;
	p->link = NULL;
}

static void move_all(struct place **from, struct place **to)
{
	struct place *p;

	while ((p = *from)) {
		take_out(p);
		put_in(to, p);
	}
}

/* Lets each of a list go on. */
static void resume_all(struct place **list, enum err e)
{
	struct place *p;

	while ((p = *list)) {
		take_out(p);
		req_resume(p->use->req, e ? e : p->use->err);
	}
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct memo *m = arg;

	(void)fd;
	(void)what;
	resume_all(&m->woken, E_OK);
}

/* From the loop, so that no step runs inside another. */
static void wake(struct memo *m, struct place **list)
{
	move_all(list, &m->woken);
	event_active(&m->wake, EV_TIMEOUT, 0);
}

/* ---- what is remembered ---- */

static unsigned bucket_of(const unsigned char *key)
{
	return (key[0] | (unsigned)key[1] << 8) % BUCKETS;
}

static void use_first(struct memo *m, struct entry *e)
{
	e->newer = NULL;
	e->older = m->newest;
	if (m->newest)
		m->newest->newer = e;
	else
		m->oldest = e;
	m->newest = e;
}

static void use_never(struct memo *m, struct entry *e)
{
	if (e->newer)
		e->newer->older = e->older;
	else
		m->newest = e->older;
	if (e->older)
		e->older->newer = e->newer;
	else
		m->oldest = e->newer;
}

static struct entry *find(struct memo *m, const unsigned char *key)
{
	struct entry *e = m->bucket[bucket_of(key)].entries;

	while (e && memcmp(e->key, key, DIGEST_SIZE) != 0)
		e = e->next;
	return e;
}

/* Its body may still be on its way to somebody. */
static void forget(struct memo *m, struct entry *e)
{
	struct entry **at = &m->bucket[bucket_of(e->key)].entries;

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	use_never(m, e);
	m->entry_size -= e->size;
	m->bytes -= e->size - e->body->n;
	m->entries--;
	blob_drop(e->body);
	free(e);
}

static void forget_all(struct memo *m)
{
	m->mark.era++;
	while (m->oldest)
		forget(m, m->oldest);
}

/* Room for size bytes?  What is on its way to slow clients cannot be forgotten;
 * where that is too much already nothing else is. */
static bool make_room(struct memo *m, size_t size)
{
	size_t most = m->api->conf.api_cache_max;
	size_t elsewhere = m->bytes - m->entry_size;

	if (size > most || elsewhere > most - size) {
		m->count.refused++;
		return false;
	}
	while (m->bytes > most - size || m->entries == ENTRIES_MAX)
		forget(m, m->oldest);
	return true;
}

/* Remembers the reply that r holds but for its body, which is this one. */
static void remember(struct req *r, struct blob *body)
{
	struct memo *m = r->api->memo;
	struct memo_use *u = r->memo;
	size_t headers_n = r->headers.n - u->headers_n;
	size_t size = sizeof(struct entry) + headers_n + 1;
	struct entry *e = find(m, u->key);

	if (e)
		forget(m, e);
	if (!m->api->conf.api_cache_max || !make_room(m, size + body->n) ||
		!(e = calloc(1, size)))
		return;
	blob_fit(body);
	body->account = &m->bytes;
	memcpy(e->key, u->key, DIGEST_SIZE);
	memcpy(e->etag, u->etag, ETAG_TEXT);
	if (headers_n)
		memcpy(e->headers, r->headers.at + u->headers_n, headers_n);
	e->version = u->from.version;
	e->type = u->type;
	e->body = blob_ref(body);
	e->size = size + body->n;
	m->bytes += e->size;
	m->entry_size += e->size;
	m->entries++;
	e->next = m->bucket[bucket_of(e->key)].entries;
	m->bucket[bucket_of(e->key)].entries = e;
	use_first(m, e);
}

/* ---- the version ---- */

/* A number that went back, a connection that is another one, or the end of one
 * that worked, may mean that the database is another: then what is remembered
 * was never there. */
static void note_version(struct memo *m, int64_t version)
{
	uint64_t connects = pool_counters(m->pool).connects +
		pool_counters(m->api->pool).lost;

	if (version < m->mark.version || connects != m->connects)
		forget_all(m);
	m->mark.version = version;
	m->connects = connects;
}

/* Once the loop has looked at its sockets again: those who came by then share
 * the reading. */
static void ask_soon(struct memo *m)
{
	struct timeval now = {0, 0};

	m->asking = true;
	event_add(&m->turn_ends, &now);
}

static void answered(struct pool_job *job, enum err e)
{
	struct memo *m = job->ctx;

	if (!e && !m->rows.n)
		e = E_DB;
	if (e)
		forget_all(m);
	else
		note_version(m, m->rows.cell[0].i);
	for (struct place *p = m->of_this; p; p = p->next)
		p->use->seen = m->mark;
	resume_all(&m->of_this, e);
	m->asking = false;
	if (m->of_next)
		ask_soon(m);
}

static void on_turn_ends(evutil_socket_t fd, short what, void *arg)
{
	struct memo *m = arg;

	(void)fd;
	(void)what;
	move_all(&m->of_next, &m->of_this);
	arena_reset(&m->arena);
	m->rows = (struct db_rows){0};
	m->job = (struct pool_job){.stmt = Q_STATS_VERSION,
		.arena = &m->arena,
		.rows = &m->rows,
		.done = answered,
		.ctx = m};
	if (!pool_submit(m->pool, &m->job))
		return;
	m->asking = false;
	for (struct place *p = m->of_this; p; p = p->next)
		p->use->err = E_FULL;
	wake(m, &m->of_this);
}

static struct place *builder(struct memo *m, const unsigned char *key)
{
	struct place *b = m->bucket[bucket_of(key)].builders;

	while (b && memcmp(b->use->key, key, DIGEST_SIZE) != 0)
		b = b->next;
	return b;
}

/* Where there is nothing that the version could confirm, one that was read
 * earlier does to begin with: a reply that ends with the same is of it. */
static bool begins_with(struct memo *m, struct req *r)
{
	struct memo_use *u = r->memo;

	if (u->begun || http_find(&r->head, "if-none-match") ||
		find(m, u->key) || builder(m, u->key))
		return false;
	u->seen = m->mark;
	return true;
}

enum step memo_ask(struct req *r)
{
	struct memo *m = r->api->memo;
	struct memo_use *u = r->memo;
	bool known = u->read || begins_with(m, r);

	u->begun = true;
	u->read = false;
	if (known)
		return STEP_NEXT;
	put_in(&m->of_next, &u->waits);
	if (!m->asking)
		ask_soon(m);
	return STEP_WAIT;
}

/* ---- the steps ---- */

/* A part of the key; what stands in it never looks like two parts. */
static void part(struct text *t, const char *at, size_t n)
{
	text_int(t, (int64_t)n);
	text_add(t, ":", 1);
	text_add(t, at, n);
}

static void make_key(const struct req *r, struct memo_use *u)
{
	struct text t;

	text_init(&t, SIZE_MAX / 2);
	/* Another version may write another reply. */
	text_str(&t, TALLY_VERSION " ");
	part(&t, r->head.path.at, r->head.path.n);
	part(&t, r->head.query.at, r->head.query.n);
	part(&t, u->type, strlen(u->type));
	part(&t, u->gzip ? "gzip" : "", u->gzip ? 4 : 0);
	if (r->who.cameras)
		part(&t, r->who.cameras, strlen(r->who.cameras));
	digest_quick(t.at ? t.at : "", t.n, u->key);
	text_free(&t);
}

/* Of all that the reply depends on: the key and the version. */
static void make_etag(struct memo_use *u)
{
	char *at = u->etag;

	*at++ = '"';
	at = text_hex(at, u->key, ETAG_KEY);
	*at++ = '-';
	at = text_hex_number(at, (uint64_t)u->from.version);
	memcpy(at, "\"", 2);
}

enum step memo_begin(struct req *r, const char *type)
{
	struct memo_use *u = arena_alloc(&r->arena, sizeof(*u));

	if (!u)
		return req_fail(r, E_NOMEM);
	u->req = r;
	u->waits.use = u->builds.use = u;
	u->type = type;
	u->gzip = accept_gzip(&r->head);
	u->headers_n = r->headers.n;
	make_key(r, u);
	r->memo = u;
	return STEP_NEXT;
}

static bool client_has(const struct req *r, const char *etag)
{
	return field_none_match(&r->head, etag, true);
}

/* same: the client has it. */
static enum step reply(
	struct req *r, const char *etag, bool same, struct blob *body)
{
	if (!field_match(&r->head, etag)) {
		blob_drop(body);
		return req_changed(r);
	}
	text_str(&r->headers,
		"Vary: Accept, Accept-Encoding\r\n"
		"Cache-Control: private, no-cache\r\nETag: ");
	text_str(&r->headers, etag);
	text_str(&r->headers, "\r\n");
	if (same) {
		blob_drop(body);
		return req_reply_blob(r, 304, NULL, NULL);
	}
	return req_reply_blob(r, 200, r->memo->type, body);
}

static enum step hit(struct req *r, struct entry *e)
{
	struct memo *m = r->api->memo;

	m->count.hits++;
	use_never(m, e);
	use_first(m, e);
	text_str(&r->headers, e->headers);
	return reply(r, e->etag, client_has(r, e->etag), blob_ref(e->body));
}

enum step memo_find(struct req *r)
{
	struct memo *m = r->api->memo;
	struct memo_use *u = r->memo;
	struct place *b = builder(m, u->key);
	struct entry *e = find(m, u->key);

	u->from = u->seen;
	make_etag(u);
	if (field_none_match(&r->head, u->etag, false)) {
		m->count.hits++;
		return reply(r, u->etag, true, NULL);
	}
	/* One of a later version is as good: it was read later. */
	if (e && e->version >= u->from.version)
		return hit(r, e);
	if (b && !u->alone) {
		put_in(&b->use->waiting, &u->waits);
		return STEP_AGAIN;
	}
	m->count.misses++;
	if (!b && m->api->conf.api_cache_max)
		put_in(&m->bucket[bucket_of(u->key)].builders, &u->builds);
	return STEP_NEXT;
}

static enum err pack(struct req *r, struct db *db)
{
	(void)db;
	/* Where memory is short it goes as it is. */
	if (!gzip(&r->out, GZIP_QUICK))
		text_str(&r->headers, "Content-Encoding: gzip\r\n");
	return E_OK;
}

enum step memo_pack(struct req *r)
{
	struct memo_use *u = r->memo;

	if (!u->gzip || r->out.full || r->out.n < GZIP_LEAST)
		return STEP_NEXT;
	req_weigh(r);
	if (r->out.n > GZIP_ON_LOOP && work_has_room(r->api->work))
		return work_run(r->api->work, r, pack);
	return pack(r, NULL) ? STEP_DONE : STEP_NEXT;
}

struct memo_mark memo_mark(const struct req *r)
{
	return r->memo->seen;
}

void memo_read(struct req *r, int64_t version)
{
	struct memo *m = r->api->memo;

	note_version(m, version);
	r->memo->seen = m->mark;
	r->memo->read = true;
}

/* Those who wait for it look again, each for itself where nothing is there. */
static void stop_building(struct memo *m, struct memo_use *u)
{
	take_out(&u->builds);
	for (struct place *p = u->waiting; p; p = p->next)
		p->use->alone = true;
	if (u->waiting)
		wake(m, &u->waiting);
}

static bool is_same(struct memo_mark a, struct memo_mark b)
{
	return a.version == b.version && a.era == b.era;
}

enum step memo_keep(struct req *r)
{
	struct memo_use *u = r->memo;
	struct blob *body;

	if (r->out.full || r->headers.full || r->arena.full)
		return req_reply(r, 200, u->type);
	if (!is_same(u->seen, u->from) && ++u->tries < TRIES) {
		u->from = u->seen;
		make_etag(u);
		text_cut(&r->headers, u->headers_n);
		text_clear(&r->out);
		return req_back(r, OWN_STEPS);
	}
	if (!is_same(u->seen, u->from)) {
		/* It moves faster than this can be built. */
		text_str(&r->headers,
			"Vary: Accept, Accept-Encoding\r\n"
			"Cache-Control: no-store\r\n");
		return req_reply(r, 200, u->type);
	}
	/* What was read of a database that is gone is nobody else's. */
	if ((body = req_body_of(r)) && u->seen.era == r->api->memo->mark.era)
		remember(r, body);
	stop_building(r->api->memo, u);
	return reply(r, u->etag, client_has(r, u->etag), body);
}

void memo_end(struct req *r)
{
	struct memo_use *u = r->memo;

	if (!u)
		return;
	stop_building(r->api->memo, u);
	take_out(&u->waits);
	r->memo = NULL;
}

void memo_shed(struct memo *m, size_t bytes)
{
	size_t least = m->bytes > bytes ? m->bytes - bytes : 0;

	while (m->oldest && m->bytes > least)
		forget(m, m->oldest);
}

struct memo_counters memo_counters(const struct memo *m)
{
	struct memo_counters c = m->count;

	c.entries = m->entries;
	c.bytes = m->bytes;
	return c;
}

enum err memo_open(struct memo **out, struct api *api)
{
	struct memo *m = calloc(1, sizeof(*m));

	*out = m;
	if (!m)
		return E_NOMEM;
	m->api = api;
	arena_init(&m->arena, 65536);
	event_assign(&m->wake, api->base, -1, 0, on_wake, m);
	event_assign(&m->turn_ends, api->base, -1, 0, on_turn_ends, m);
	return pool_open(&m->pool, api->base, &api->account, 1);
}

void memo_close(struct memo *m)
{
	if (!m)
		return;
	event_del(&m->wake);
	event_del(&m->turn_ends);
	pool_close(m->pool);
	forget_all(m);
	arena_reset(&m->arena);
	free(m);
}
