// SPDX-License-Identifier: MIT
#include "ingest/detection_record.h"

#include <math.h>
#include <stdio.h>

#include "common/json.h"
#include "common/when.h"

enum {
	SECOND = 1000000, /* µs */
	FINE = 10000,	  /* places are told to a 10 000th of the picture */
	SCORE_FINE = 1000
};

bool record_due(struct record_pace *p, int64_t at_us)
{
	bool due;

	if (p->every_frames <= 0 && p->every_us <= 0)
		return false;
	p->frames++;
	due = !p->begun ||
		(p->every_frames > 0 && p->frames >= p->every_frames) ||
		(p->every_us > 0 &&
			(at_us >= p->due_us ||
				at_us < p->due_us - p->every_us));
	if (!due)
		return false;
	/* An even beat, begun anew after a pause or a clock that was set. */
	if (p->begun && at_us >= p->due_us && at_us < p->due_us + p->every_us)
		p->due_us += p->every_us;
	else
		p->due_us = at_us + p->every_us;
	p->begun = true;
	p->frames = 0;
	return true;
}

static const char *class_name(enum kind k)
{
	const char *name = kind_class(k);

	return name ? name : group_name(kind_group(k));
}

/* The track that each box is of; 0: none. */
static void find_tracks(uint64_t id[DETECT_MAX], const struct tracker *tracker)
{
	for (size_t i = 0; i < tracker->n; i++) {
		const struct track *k = &tracker->at[i];

		if (k->seen && k->box < DETECT_MAX)
			id[k->box] = k->id;
	}
}

static long place(float at, int side)
{
	long p = side > 0 ? lroundf(at / (float)side * FINE) : 0;

	return p < 0 ? 0 : p > FINE ? FINE : p;
}

/* Both edges as places in the picture: so it never ends outside. */
static void side_json(struct text *t, const char *from, const char *size,
	const float at[2], int side)
{
	long first = place(at[0], side);
	long last = place(at[0] + at[1], side);

	json_double(t, from, (double)first / FINE);
	json_double(t, size, (double)(last - first) / FINE);
}

static void box_json(struct text *t, const struct detection *d,
	const struct picture_facts *f, uint64_t track)
{
	json_open(t, NULL, '{');
	json_str(t, "class", class_name(d->kind));
	json_double(t, "score",
		(double)lroundf(fminf(fmaxf(d->score, 0), 1) * SCORE_FINE) /
			SCORE_FINE);
	side_json(t, "x", "w", (const float[]){d->x, d->w}, f->w);
	side_json(t, "y", "h", (const float[]){d->y, d->h}, f->h);
	if (track)
		json_int(t, "track", (int64_t)track);
	json_close(t, '}');
}

static bool measures(unsigned kinds, enum group g)
{
	for (int k = 0; k < KIND_COUNT; k++)
		if (kinds & 1U << k && kind_group((enum kind)k) == g)
			return true;
	return false;
}

static void time_json(struct text *t, int64_t at_us)
{
	int64_t ms = at_us / 1000;
	char at[WHEN_TEXT], text[WHEN_TEXT + 8];

	when_format(at, ms / 1000, 0, true);
	snprintf(text, sizeof(text), "%.19s.%03dZ", at, (int)(ms % 1000));
	json_str(t, "at", text);
}

void detection_record_json(struct text *t, const struct picture_facts *f,
	const struct detections *d, const struct tracker *tracker)
{
	uint64_t id[DETECT_MAX] = {0};
	int n[GROUP_COUNT] = {0};

	find_tracks(id, tracker);
	json_open(t, NULL, '{');
	json_str(t, "camera", f->camera);
	time_json(t, f->at_us);
	json_int(t, "frame", (int64_t)f->number);
	json_double(t, "decode_ms", (double)f->decode_us / 1e3);
	json_double(t, "detect_ms", (double)f->detect_us / 1e3);
	json_open(t, "boxes", '[');
	for (size_t i = 0; i < d->n; i++)
		if (d->at[i].score >= tracker->sure || id[i]) {
			box_json(t, &d->at[i], f, id[i]);
			n[kind_group(d->at[i].kind)]++;
		}
	json_close(t, ']');
	for (int g = 0; g < GROUP_COUNT; g++)
		if (measures(f->kinds, (enum group)g))
			json_int(t, group_name((enum group)g), n[g]);
	json_close(t, '}');
}
