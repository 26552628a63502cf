// SPDX-License-Identifier: MIT
#include "ingest/counter.h"

#include <stdlib.h>
#include <string.h>

#include "ingest/speed.h"

struct counter_slot {
	uint64_t id; /* of the track that has it; another's is empty */
	struct line_side line[SHAPE_LINES_MAX];
	int64_t crossed_us[SHAPE_LINES_MAX]; /* last; 0: not, or used up */
	struct zone_side zone[SHAPE_ZONES_MAX];
	struct mark mark[SERIES_MAX];
};

enum err counter_init(struct counter *c, int len_s, unsigned kinds, float sure)
{
	memset(c, 0, sizeof(*c));
	c->slot = calloc(TRACKS_MAX, sizeof(*c->slot));
	if (!c->slot)
		return E_NOMEM;
	interval_init(&c->interval, len_s, kinds);
	tracker_init(&c->tracker);
	c->tracker.sure = sure;
	return E_OK;
}

void counter_fini(struct counter *c)
{
	free(c->slot);
	c->slot = NULL;
}

void counter_forget(struct counter *c)
{
	float sure = c->tracker.sure;

	tracker_init(&c->tracker);
	c->tracker.sure = sure;
	memset(c->slot, 0, TRACKS_MAX * sizeof(*c->slot));
}

void counter_shapes(struct counter *c, const struct shapes *s)
{
	/* The same again must not make anybody begin on a line. */
	if (!memcmp(s, c->has_next ? &c->next : &c->shapes, sizeof(*s)))
		return;
	memcpy(&c->next, s, sizeof(*s));
	c->has_next = true;
}

static void scale(struct counter *c, int w, int h)
{
	c->w = w;
	c->h = h;
	for (size_t i = 0; i < c->shapes.lines_n; i++)
		c->line[i] = shapes_line(&c->shapes, i, w, h);
	for (size_t i = 0; i < c->shapes.zones_n; i++)
		c->zone[i] = shapes_zone(&c->shapes, i, w, h);
}

/* An interval has ended, or none has begun. */
static void take_shapes(struct counter *c)
{
	if (!c->has_next)
		return;
	c->has_next = false;
	memcpy(&c->shapes, &c->next, sizeof(c->shapes));
	interval_shapes(&c->interval, &c->shapes);
	memset(c->slot, 0, TRACKS_MAX * sizeof(*c->slot));
	scale(c, c->w, c->h);
}

bool counter_advance(struct counter *c, int64_t at_us)
{
	if (!c->interval.running)
		take_shapes(c);
	if (!interval_advance(&c->interval, at_us))
		return false;
	take_shapes(c);
	return true;
}

bool counter_finish(struct counter *c, int64_t at_us)
{
	return interval_finish(&c->interval, at_us);
}

static struct counter_slot *slot_of(struct counter *c, const struct track *t)
{
	struct counter_slot *s = &c->slot[t->slot];

	if (s->id == t->id)
		return s;
	memset(s, 0, sizeof(*s));
	s->id = t->id;
	for (size_t i = 0; i < SERIES_MAX; i++)
		s->mark[i].in = INT64_MIN;
	return s;
}

static void measure(struct row *r, int cm_s)
{
	r->speed_n++;
	r->speed_sum += cm_s;
	if (cm_s > r->speed_max)
		r->speed_max = cm_s;
}

static void cross(struct counter *c, const struct track *t,
	struct counter_slot *s, size_t i, const struct foot *f)
{
	int64_t when_us;
	enum crossing x = line_follow(&c->line[i], &s->line[i], f, &when_us);
	size_t series = 1 + 2 * i + (x == CROSS_OUT);
	int from = c->shapes.speed_from[i], cm_s;

	if (x == CROSS_NONE)
		return;
	c->interval.row[series].fresh[t->group]++;
	interval_see(&c->interval, series, t->group, track_kind(t),
		&s->mark[series]);
	s->crossed_us[i] = when_us;
	if (from < 0 || !s->crossed_us[from])
		return;
	cm_s = speed_cm_s((float)c->shapes.line[i].distance_m,
		s->crossed_us[from], when_us);
	s->crossed_us[from] = 0;
	if (cm_s)
		measure(&c->interval.row[series], cm_s);
}

static size_t zone_series(const struct counter *c, size_t zone)
{
	return 1 + 2 * c->shapes.lines_n + zone;
}

static void enter(struct counter *c, const struct track *t,
	struct counter_slot *s, size_t i, const struct foot *f)
{
	size_t series = zone_series(c, i);
	struct row *r = &c->interval.row[series];
	enum zone_event e = zone_follow(&c->zone[i], &s->zone[i], f);

	if (e == ZONE_ENTER)
		r->fresh[t->group]++;
	if (e == ZONE_LEAVE)
		r->left[t->group]++;
	if (s->zone[i].in || e == ZONE_LEAVE)
		interval_see(&c->interval, series, t->group, track_kind(t),
			&s->mark[series]);
}

static void follow(struct counter *c, const struct track *t)
{
	struct counter_slot *s = slot_of(c, t);
	struct foot f = track_foot(t);

	for (size_t i = 0; i < c->shapes.lines_n; i++)
		cross(c, t, s, i, &f);
	for (size_t i = 0; i < c->shapes.zones_n; i++)
		enter(c, t, s, i, &f);
}

static bool is_in(const struct counter *c, const struct track *t, size_t zone)
{
	const struct counter_slot *s = &c->slot[t->slot];

	return s->id == t->id && s->zone[zone].in;
}

static void occupy(struct counter *c, size_t zone)
{
	const struct tracker *t = &c->tracker;
	int now[GROUP_COUNT] = {0};

	for (size_t i = 0; i < t->n; i++)
		now[t->at[i].group] += is_in(c, &t->at[i], zone) &&
			track_in_view(&t->at[i], t->last_us);
	interval_occupy(&c->interval, zone_series(c, zone), now);
}

/* Who went out of view in the zone has left it. */
static void leave(struct counter *c, const struct track *gone)
{
	for (size_t i = 0; i < c->shapes.zones_n; i++)
		c->interval.row[zone_series(c, i)].left[gone->group] +=
			is_in(c, gone, i);
}

void counter_look(struct counter *c, int64_t at_us, int w, int h,
	const struct detections *d)
{
	struct tracker *t = &c->tracker;

	if (w != c->w || h != c->h)
		scale(c, w, h);
	tracker_step(t, at_us, d);
	interval_count(&c->interval, t);
	if (c->interval.n == 1)
		return;
	/* Before a slot has another owner. */
	for (size_t i = 0; i < t->gone_n; i++)
		leave(c, &t->gone[i]);
	for (size_t i = 0; i < t->n; i++)
		if (t->at[i].seen && t->at[i].group != GROUP_FACE)
			follow(c, &t->at[i]);
	for (size_t i = 0; i < c->shapes.zones_n; i++)
		occupy(c, i);
}
