// SPDX-License-Identifier: MIT
#include "ingest/detect/share.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_MAX = 64 };

struct share_group {
	struct share *of;
	struct share_group *next;
	struct text key;
	unsigned users, n;
	struct engine *at[ROOM_MAX];
	bool busy[ROOM_MAX];
};

/* What a camera holds. */
struct user {
	struct engine base;
	struct share_group *group;
};

void share_init(struct share *s, unsigned room)
{
	*s = (struct share){.room = room < ROOM_MAX ? room : ROOM_MAX};
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->idle, NULL);
}

void share_fini(struct share *s)
{
	pthread_cond_destroy(&s->idle);
	pthread_mutex_destroy(&s->lock);
}

unsigned share_engines(const struct share *s)
{
	unsigned n = 0;

	for (const struct share_group *g = s->first; g; g = g->next)
		n += g->n;
	return n;
}

/* --- by turns --- */

static struct engine *take_idle(struct share_group *g)
{
	struct engine *e;
	unsigned i;

	pthread_mutex_lock(&g->of->lock);
	for (;;) {
		for (i = 0; i < g->n && g->busy[i]; i++)
			;
		if (i < g->n)
			break;
		pthread_cond_wait(&g->of->idle, &g->of->lock);
	}
	g->busy[i] = true;
	e = g->at[i];
	pthread_mutex_unlock(&g->of->lock);
	return e;
}

/* With the lock held. */
static unsigned place(const struct share_group *g, const struct engine *e)
{
	unsigned i = 0;

	while (g->at[i] != e)
		i++;
	return i;
}

static void give_back(struct share_group *g, const struct engine *e)
{
	pthread_mutex_lock(&g->of->lock);
	g->busy[place(g, e)] = false;
	pthread_cond_broadcast(&g->of->idle);
	pthread_mutex_unlock(&g->of->lock);
}

static enum err find(
	struct engine *e, const struct frame *f, struct detections *d)
{
	struct share_group *g = ((struct user *)e)->group;
	struct engine *one = take_idle(g);
	enum err r = one->find(one, f, d);

	give_back(g, one);
	return r;
}

/* --- coming and going --- */

static void group_free(struct share_group *g)
{
	struct share_group **at = &g->of->first;

	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	text_free(&g->key);
	free(g);
}

/* Takes one out that is idle: one that uses it now is not the last. */
static struct engine *shrink(struct share_group *g)
{
	struct engine *e = take_idle(g);
	unsigned i;

	pthread_mutex_lock(&g->of->lock);
	i = place(g, e);
	g->n--;
	g->at[i] = g->at[g->n];
	g->busy[i] = g->busy[g->n];
	pthread_mutex_unlock(&g->of->lock);
	return e;
}

static void leave(struct engine *e)
{
	struct share_group *g = ((struct user *)e)->group;

	free(e);
	g->users--;
	if (g->n > g->users) {
		struct engine *one = shrink(g);

		one->free(one);
	}
	if (!g->users)
		group_free(g);
}

static struct share_group *find_group(struct share *s, const struct text *key)
{
	struct share_group *g = s->first;

	while (g && (g->key.n != key->n || memcmp(g->key.at, key->at, key->n)))
		g = g->next;
	return g;
}

static enum err join(struct share_group *g, struct engine **e)
{
	struct user *u = calloc(1, sizeof(*u));

	if (!u)
		return E_NOMEM;
	u->base = *g->at[0];
	u->base.find = find;
	u->base.free = leave;
	u->group = g;
	g->users++;
	*e = &u->base;
	return E_OK;
}

static void add(struct share_group *g, struct engine *e)
{
	pthread_mutex_lock(&g->of->lock);
	g->at[g->n] = e;
	g->busy[g->n] = false;
	g->n++;
	pthread_mutex_unlock(&g->of->lock);
}

/* A group of one engine.  Takes the key. */
static struct share_group *found(
	struct share *s, struct text *key, struct engine *e)
{
	struct share_group *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->of = s;
	g->key = *key;
	text_init(key, 1);
	g->next = s->first;
	s->first = g;
	add(g, e);
	return g;
}

static enum err open_for(struct share *s, struct share_group *g,
	struct text *key, struct engine **e, const struct conf *c)
{
	struct engine *one;
	enum err r;

	if (g && (g->n > g->users || g->n == s->room))
		return join(g, e);
	if ((r = engine_open(&one, c)))
		return r;
	if (!one->shareable) {
		*e = one;
		return E_OK;
	}
	if (g) {
		add(g, one);
	} else if (!(g = found(s, key, one))) {
		one->free(one);
		return E_NOMEM;
	}
	r = join(g, e);
	if (r && g->n > g->users) {
		one = shrink(g);
		one->free(one);
		if (!g->n)
			group_free(g);
	}
	return r;
}

enum err share_open(struct share *s, struct engine **e, const struct conf *c)
{
	struct text key;
	enum err r = E_NOMEM;

	*e = NULL;
	text_init(&key, 1 << 17);
	engine_key(c, &key);
	if (!key.full)
		r = open_for(s, find_group(s, &key), &key, e, c);
	text_free(&key);
	return r;
}
