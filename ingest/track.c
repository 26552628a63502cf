// SPDX-License-Identifier: MIT
#include "ingest/track.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	SECOND = 1000000, /* µs */
	HITS = 5,	  /* sightings that make an object */
	HITS_SLOW = 3,	  /* at less than four pictures a second */
	SLOW_US = SECOND / 4,
	FLICKER_US = SECOND / 2,     /* an unproven track lives without */
	AGE_US = 3 * SECOND,	     /* a proven one */
	PARKED_AGE_US = 30 * SECOND, /* one that stands still */
	PARKED_US = 3 * SECOND,	     /* standing for less is a pause */
	COAST_US = SECOND,	     /* speed is trusted for this long */
	PAIRS_MAX = 8192
};

static const float overlap_least = 0.15F; /* to be the same at first sight */
static const float parked_overlap = 0.4F; /* long unseen, yet the same */
static const float near_most = 0.75F;	  /* of the box's diagonal */
static const float likeness_least = 0.5F; /* of two boxes' sides */
static const float inside_most = 0.8F;	  /* of a box in a stronger one */
static const float unsure_overlap = 0.3F; /* of a box that may be nothing */
static const float foot_band = 0.08F;	  /* of the box's height, and … */
static const float foot_band_least = 2; /* … pixels: what a box jitters by */
static const float smooth = 0.6F, smooth_speed = 0.25F, smooth_size = 0.3F;

/* A track and a box that may be the same object; more is better. */
struct pair {
	float worth;
	uint16_t track, box;
};

void tracker_init(struct tracker *t)
{
	memset(t, 0, sizeof(*t));
	t->next_id = 1;
}

enum kind track_kind(const struct track *t)
{
	int best = KIND_NONE;

	for (int k = 0; k < KIND_COUNT; k++)
		if (t->vote[k] > 0 &&
			(best == KIND_NONE || t->vote[k] > t->vote[best]))
			best = k;
	return (enum kind)best;
}

bool track_in_view(const struct track *t, int64_t at_us)
{
	return t->counts && at_us - t->last_us <= COAST_US;
}

struct foot track_foot(const struct track *t)
{
	return (struct foot){.x = t->cx,
		.y = t->cy + t->h / 2,
		.band = fmaxf(foot_band * t->h, foot_band_least),
		.at_us = t->last_us,
		.counts = t->counts};
}

static bool parked(const struct track *t)
{
	return t->counts && t->last_us - t->first_us >= PARKED_US &&
		t->drift < 0.5F;
}

/* Where it should be by now. */
static struct detection expected(const struct track *t, int64_t at_us)
{
	int64_t gap = at_us - t->last_us;
	float s = (float)(gap < COAST_US ? gap : COAST_US) / SECOND;

	return (struct detection){.x = t->cx + t->vx * s - t->w / 2,
		.y = t->cy + t->vy * s - t->h / 2,
		.w = t->w,
		.h = t->h};
}

static float likeness(float a, float b)
{
	return a < b ? a / b : b / a;
}

/* Centres' distance as a share of the mean diagonal. */
static float distance(const struct detection *a, const struct detection *b)
{
	float dx = a->x + a->w / 2 - b->x - b->w / 2;
	float dy = a->y + a->h / 2 - b->y - b->h / 2;

	return 2 * hypotf(dx, dy) / (hypotf(a->w, a->h) + hypotf(b->w, b->h));
}

/* Above 0 where they may be the same; overlap counts before nearness, and a
 * proven track before an unproven one. */
static float worth_of(const struct track *t, const struct detection *where,
	const struct detection *box, int64_t at_us)
{
	float over = detection_iou(where, box);
	float proven = t->counts ? 0.1F : 0;
	float near;

	if (at_us - t->last_us > AGE_US)
		return over >= parked_overlap ? over : 0;
	if (over >= overlap_least)
		return 1 + over + proven;
	near = distance(where, box);
	if (near > near_most || likeness(t->w, box->w) < likeness_least ||
		likeness(t->h, box->h) < likeness_least)
		return 0;
	return 0.5F * (1 - near) + proven;
}

/* Best first; ties by index, so that a clip gives the same counts each time. */
static int by_worth(const void *pa, const void *pb)
{
	const struct pair *a = pa, *b = pb;

	if (a->worth != b->worth)
		return a->worth < b->worth ? 1 : -1;
	if (a->track != b->track)
		return a->track > b->track ? 1 : -1;
	return (a->box > b->box) - (a->box < b->box);
}

static void see(
	struct track *t, const struct detection *box, int64_t at_us, bool slow)
{
	struct detection where = expected(t, at_us);
	float s = (float)(at_us - t->last_us) / SECOND;
	float ex = box->x + box->w / 2 - where.x - where.w / 2;
	float ey = box->y + box->h / 2 - where.y - where.h / 2;
	float moved;

	t->cx = where.x + where.w / 2 + smooth * ex;
	t->cy = where.y + where.h / 2 + smooth * ey;
	if (s > 0.001F) {
		t->vx += smooth_speed * ex / s;
		t->vy += smooth_speed * ey / s;
	}
	t->w += smooth_size * (box->w - t->w);
	t->h += smooth_size * (box->h - t->h);
	moved = hypotf(t->cx - t->x0, t->cy - t->y0) / hypotf(t->w, t->h);
	if (moved > t->drift)
		t->drift = moved;
	t->last_us = at_us;
	t->hits++;
	t->vote[box->kind] += box->score;
	t->seen = true;
	if (t->hits >= (slow ? HITS_SLOW : HITS))
		t->counts = true;
}

/* Each track has one, so there is one where there is room for a track. */
static uint16_t take_slot(struct tracker *t)
{
	uint16_t i = 0;

	while (t->slot_used[i])
		i++;
	t->slot_used[i] = true;
	return i;
}

static void begin(
	struct tracker *t, const struct detections *d, size_t i, int64_t at_us)
{
	const struct detection *box = &d->at[i];
	struct track *k;

	if (t->n == TRACKS_MAX) {
		t->refused++;
		return;
	}
	k = &t->at[t->n++];
	*k = (struct track){.id = t->next_id++,
		.slot = take_slot(t),
		.group = kind_group(box->kind),
		.cx = box->x + box->w / 2,
		.cy = box->y + box->h / 2,
		.w = box->w,
		.h = box->h,
		.first_us = at_us,
		.last_us = at_us,
		.hits = 1,
		.seen = true,
		.box = (uint16_t)i,
		.counted_in = INT64_MIN,
		.counted_as = KIND_NONE};
	k->x0 = k->cx;
	k->y0 = k->cy;
	k->vote[box->kind] = box->score;
}

static void forget_old(struct tracker *t, int64_t at_us)
{
	/* Two pictures at least, however far apart. */
	int64_t flicker =
		2 * t->step_us > FLICKER_US ? 2 * t->step_us : FLICKER_US;
	size_t kept = 0;

	t->gone_n = 0;
	for (size_t i = 0; i < t->n; i++) {
		const struct track *k = &t->at[i];
		int64_t age = !k->counts ? flicker
			: parked(k)	 ? PARKED_AGE_US
					 : AGE_US;

		if (at_us - k->last_us <= age) {
			t->at[kept++] = *k;
		} else {
			t->slot_used[k->slot] = false;
			t->gone[t->gone_n++] = *k;
		}
	}
	t->n = kept;
}

/* A part of a stronger box of the same group: legs of a person already seen. */
static bool is_part(const struct detections *d, size_t i)
{
	const struct detection *a = &d->at[i];

	for (size_t k = 0; k < d->n; k++) {
		const struct detection *b = &d->at[k];
		float w = fminf(a->x + a->w, b->x + b->w) - fmaxf(a->x, b->x);
		float h = fminf(a->y + a->h, b->y + b->h) - fmaxf(a->y, b->y);

		if (k != i && b->score >= a->score && w > 0 && h > 0 &&
			kind_group(a->kind) == kind_group(b->kind) &&
			w * h > inside_most * a->w * a->h)
			return true;
	}
	return false;
}

/* Pairs of the tracks not seen yet with the boxes that are sure, or those that
 * are not. */
static size_t list_pairs(const struct tracker *t, int64_t at_us,
	const struct detections *d, bool sure, struct pair *pairs)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct track *k = &t->at[i];
		struct detection where = expected(k, at_us);

		if (k->seen || (!sure && !track_in_view(k, at_us)))
			continue;
		for (size_t j = 0; j < d->n && n < PAIRS_MAX; j++) {
			const struct detection *box = &d->at[j];
			float worth;

			if (kind_group(box->kind) != k->group ||
				(box->score >= t->sure) != sure)
				continue;
			worth = worth_of(k, &where, box, at_us);
			if (worth > 0 &&
				(sure ||
					detection_iou(&where, box) >=
						unsure_overlap))
				pairs[n++] = (struct pair){
					worth, (uint16_t)i, (uint16_t)j};
		}
	}
	return n;
}

static void join(struct tracker *t, int64_t at_us, const struct detections *d,
	bool sure, bool taken[DETECT_MAX])
{
	struct pair pairs[PAIRS_MAX];
	size_t n = list_pairs(t, at_us, d, sure, pairs);

	qsort(pairs, n, sizeof(pairs[0]), by_worth);
	for (size_t i = 0; i < n; i++) {
		struct track *k = &t->at[pairs[i].track];

		if (k->seen || taken[pairs[i].box])
			continue;
		see(k, &d->at[pairs[i].box], at_us, t->step_us >= SLOW_US);
		k->box = pairs[i].box;
		taken[pairs[i].box] = true;
	}
}

void tracker_step(struct tracker *t, int64_t at_us, const struct detections *d)
{
	bool taken[DETECT_MAX] = {false};

	t->step_us = t->last_us ? at_us - t->last_us : 0;
	t->last_us = at_us;
	forget_old(t, at_us);
	for (size_t i = 0; i < t->n; i++)
		t->at[i].seen = false;
	join(t, at_us, d, true, taken);
	join(t, at_us, d, false, taken);
	for (size_t i = 0; i < d->n; i++)
		if (!taken[i] && d->at[i].score >= t->sure && !is_part(d, i))
			begin(t, d, i, at_us);
}
