// SPDX-License-Identifier: MIT
#include "ingest/interval.h"

#include <stdio.h>
#include <string.h>

static const int64_t second = 1000000;
/* Faces are of the whole picture alone: they do not stand on the ground. */
static const unsigned on_ground = ~(1U << KIND_FACE);

void interval_init(struct interval *v, int len_s, unsigned kinds)
{
	memset(v, 0, sizeof(*v));
	v->len_s = len_s;
	v->n = 1;
	v->kinds = kinds;
	v->row[0].kinds = kinds;
}

static void series(struct interval *v, enum series_kind kind, bool speeds,
	const char *name, const char *direction)
{
	struct row *r = &v->row[v->n++];

	*r = (struct row){.series = kind,
		.speeds = speeds,
		.kinds = v->kinds & on_ground,
		.start_at = v->row[0].start_at,
		.end_at = v->row[0].end_at};
	snprintf(r->name, sizeof(r->name), "%s%s%s", name,
		*direction ? "/" : "", direction);
}

void interval_shapes(struct interval *v, const struct shapes *s)
{
	v->n = 1;
	memset(v->now + 1, 0, sizeof(v->now) - sizeof(v->now[0]));
	if (!(v->kinds & on_ground))
		return;
	for (size_t i = 0; i < s->lines_n; i++) {
		const struct shape *l = &s->line[i];
		bool speeds = s->speed_from[i] >= 0;

		series(v, SERIES_LINE, speeds, l->name, l->in);
		series(v, SERIES_LINE, speeds, l->name, l->out);
	}
	for (size_t i = 0; i < s->zones_n; i++)
		series(v, SERIES_ZONE, false, s->zone[i].name, "");
}

/* Whole intervals since 1970, downwards. */
static int64_t align(const struct interval *v, int64_t at_us)
{
	int64_t len = v->len_s * second, n = at_us / len;

	if (at_us < 0 && n * len != at_us)
		n--;
	return n * v->len_s;
}

static void begin(struct interval *v, int64_t at_us)
{
	for (size_t i = 0; i < v->n; i++) {
		struct row *r = &v->row[i], old = *r;

		*r = (struct row){.series = old.series,
			.kinds = old.kinds,
			.speeds = old.speeds,
			.start_at = align(v, at_us)};
		memcpy(r->name, old.name, sizeof(r->name));
		r->end_at = r->start_at + v->len_s;
	}
	v->watched_us = 0;
}

/* Accounts for watching up to at_us, as far as the last picture stands. */
static void watch(struct interval *v, int64_t at_us)
{
	int64_t to = at_us < v->until_us ? at_us : v->until_us;

	if (to <= v->from_us)
		return;
	v->watched_us += to - v->from_us;
	for (size_t i = 0; i < v->n; i++)
		for (int g = 0; g < GROUP_COUNT; g++)
			v->row[i].stay_us[g] +=
				v->now[i][g] * (to - v->from_us);
	v->from_us = to;
}

static bool end(struct interval *v)
{
	int64_t s = (v->watched_us + second / 2) / second;

	v->done_n = v->n;
	memcpy(v->done, v->row, v->n * sizeof(v->row[0]));
	for (size_t i = 0; i < v->n; i++)
		v->done[i].observed_s = s < 1 ? 1
			: s > v->len_s	      ? v->len_s
					      : (int)s;
	return v->watched_us > 0;
}

bool interval_advance(struct interval *v, int64_t at_us)
{
	if (!v->running) {
		v->running = true;
		v->from_us = v->until_us = at_us;
		begin(v, at_us);
	}
	while (at_us >= v->row[0].end_at * second) {
		int64_t edge = v->row[0].end_at * second;
		bool any;

		watch(v, edge);
		any = end(v);
		/* Where watching goes on, the next begins there; else with the
		 * picture that is now. */
		begin(v, v->until_us > edge ? edge : at_us);
		if (v->from_us < edge)
			v->from_us = v->until_us > edge ? edge : at_us;
		if (any)
			return true;
	}
	watch(v, at_us);
	v->from_us = at_us;
	v->until_us = at_us + INTERVAL_GAP_US;
	return false;
}

static void recount(struct row *r, enum kind was, enum kind is)
{
	r->of_kind[was]--;
	r->of_kind[is]++;
}

void interval_see(
	struct interval *v, size_t i, enum group g, enum kind k, struct mark *m)
{
	struct row *r = &v->row[i];

	if (m->in != r->start_at) {
		r->present[g]++;
		r->of_kind[k]++;
		*m = (struct mark){r->start_at, k};
	} else if (m->as != k) {
		/* Its sightings now speak for another class. */
		recount(r, m->as, k);
		m->as = k;
	}
}

void interval_occupy(struct interval *v, size_t i, const int now[GROUP_COUNT])
{
	for (int g = 0; g < GROUP_COUNT; g++) {
		v->now[i][g] = now[g];
		if (now[g] > v->row[i].peak[g])
			v->row[i].peak[g] = now[g];
	}
}

void interval_count(struct interval *v, struct tracker *t)
{
	int now[GROUP_COUNT] = {0};

	for (size_t i = 0; i < t->n; i++) {
		struct track *k = &t->at[i];
		struct mark m = {k->counted_in, k->counted_as};

		now[k->group] += track_in_view(k, t->last_us);
		if (!k->seen || !k->counts)
			continue;
		if (m.in == INT64_MIN)
			v->row[0].fresh[k->group]++;
		interval_see(v, 0, k->group, track_kind(k), &m);
		k->counted_in = m.in;
		k->counted_as = m.as;
	}
	interval_occupy(v, 0, now);
	for (size_t i = 0; i < t->gone_n; i++)
		v->row[0].left[t->gone[i].group] += t->gone[i].counts;
}

bool interval_finish(struct interval *v, int64_t at_us)
{
	bool any;

	if (!v->running)
		return false;
	if (at_us >= v->row[0].end_at * second) {
		int64_t edge = v->row[0].end_at * second;

		watch(v, edge);
		any = end(v);
		begin(v, edge);
		if (v->from_us < edge)
			v->from_us = edge;
		return any;
	}
	watch(v, at_us);
	v->running = false;
	return end(v);
}
