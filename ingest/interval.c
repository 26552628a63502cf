// SPDX-License-Identifier: MIT
#include "ingest/interval.h"

#include <string.h>

static const int64_t second = 1000000;

void interval_init(struct interval *v, int len_s, unsigned kinds)
{
	memset(v, 0, sizeof(*v));
	v->len_s = len_s;
	v->row.kinds = kinds;
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
	unsigned kinds = v->row.kinds;

	v->row = (struct row){.kinds = kinds, .start_at = align(v, at_us)};
	v->row.end_at = v->row.start_at + v->len_s;
	v->watched_us = 0;
}

/* Accounts for watching up to at_us, as far as the last picture stands. */
static void watch(struct interval *v, int64_t at_us)
{
	int64_t to = at_us < v->until_us ? at_us : v->until_us;

	if (to > v->from_us) {
		v->watched_us += to - v->from_us;
		v->from_us = to;
	}
}

static bool end(struct interval *v, struct row *done)
{
	int64_t s = (v->watched_us + second / 2) / second;

	*done = v->row;
	done->observed_s = s < 1 ? 1 : s > v->len_s ? v->len_s : (int)s;
	return v->watched_us > 0;
}

bool interval_advance(struct interval *v, int64_t at_us, struct row *done)
{
	if (!v->running) {
		v->running = true;
		v->from_us = v->until_us = at_us;
		begin(v, at_us);
	}
	while (at_us >= v->row.end_at * second) {
		int64_t edge = v->row.end_at * second;
		bool any;

		watch(v, edge);
		any = end(v, done);
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

static void count(struct interval *v, struct track *t)
{
	enum kind k = track_kind(t);
	struct row *r = &v->row;

	if (t->counted_in != r->start_at) {
		if (t->counted_in == INT64_MIN)
			r->fresh[t->group]++;
		r->present[t->group]++;
		t->counted_in = r->start_at;
		t->counted_as = k;
		r->of_kind[k]++;
	} else if (t->counted_as != k) {
		/* Its sightings now speak for another class. */
		r->of_kind[t->counted_as]--;
		r->of_kind[k]++;
		t->counted_as = k;
	}
}

void interval_count(struct interval *v, struct tracker *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->at[i].seen && t->at[i].counts)
			count(v, &t->at[i]);
}

bool interval_finish(struct interval *v, int64_t at_us, struct row *done)
{
	bool any;

	if (!v->running)
		return false;
	if (at_us >= v->row.end_at * second) {
		int64_t edge = v->row.end_at * second;

		watch(v, edge);
		any = end(v, done);
		begin(v, edge);
		if (v->from_us < edge)
			v->from_us = edge;
		return any;
	}
	watch(v, at_us);
	v->running = false;
	return end(v, done);
}
