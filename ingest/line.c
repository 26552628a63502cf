// SPDX-License-Identifier: MIT
#include "ingest/line.h"

#include <math.h>

/* Distance from the endless line, above 0 to the right. */
static float off(const struct line *l, float x, float y)
{
	float dx = l->bx - l->ax, dy = l->by - l->ay;

	return (dx * (y - l->ay) - dy * (x - l->ax)) / hypotf(dx, dy);
}

/* Whether the way from where the side was had to f cuts the line between its
 * ends; *part of the way is before the cut. */
static bool cuts(const struct line *l, const struct line_side *s,
	const struct foot *f, float *part)
{
	float from = off(l, s->x, s->y), to = off(l, f->x, f->y);
	float dx = l->bx - l->ax, dy = l->by - l->ay, t;

	*part = from / (from - to);
	t = ((s->x + *part * (f->x - s->x) - l->ax) * dx +
		    (s->y + *part * (f->y - s->y) - l->ay) * dy) /
		(dx * dx + dy * dy);
	return t >= 0 && t < 1;
}

static bool steep(
	const struct line *l, const struct line_side *s, const struct foot *f)
{
	float dx = l->bx - l->ax, dy = l->by - l->ay;
	float wx = f->x - s->x, wy = f->y - s->y;

	return fabsf(dx * wy - dy * wx) >=
		l->sine_least * hypotf(dx, dy) * hypotf(wx, wy);
}

static void have(struct line_side *s, signed char side, const struct foot *f)
{
	*s = (struct line_side){
		.side = side, .x = f->x, .y = f->y, .at_us = f->at_us};
}

enum crossing line_follow(const struct line *l, struct line_side *s,
	const struct foot *f, int64_t *when_us)
{
	float d = off(l, f->x, f->y), part;
	signed char side = d > f->band ? 1 : d < -f->band ? -1 : 0;
	bool cut;

	if (side == 0)
		return CROSS_NONE;
	if (s->side == 0 || s->side == side) {
		have(s, side, f);
		return CROSS_NONE;
	}
	/* What is no object yet has not crossed yet. */
	if (!f->counts)
		return CROSS_NONE;
	cut = cuts(l, s, f, &part);
	/* Along the line, so far: it may turn away, or back. */
	if (cut && !steep(l, s, f))
		return CROSS_NONE;
	*when_us = s->at_us + (int64_t)(part * (float)(f->at_us - s->at_us));
	have(s, side, f);
	if (!cut)
		return CROSS_NONE;
	return side > 0 ? CROSS_IN : CROSS_OUT;
}
