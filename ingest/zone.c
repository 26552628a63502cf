// SPDX-License-Identifier: MIT
#include "ingest/zone.h"

#include <math.h>

/* Of the zone's width: a narrow zone has a narrow band. */
static const float band_most = 0.2F;

static bool inside(const struct zone *z, float x, float y)
{
	bool in = false;

	for (size_t i = 0, k = z->n - 1; i < z->n; k = i++)
		if ((z->y[i] > y) != (z->y[k] > y) &&
			x < z->x[i] +
					(z->x[k] - z->x[i]) * (y - z->y[i]) /
						(z->y[k] - z->y[i]))
			in = !in;
	return in;
}

static float edge_distance(const struct zone *z, size_t i, float x, float y)
{
	size_t k = (i + 1) % z->n;
	float dx = z->x[k] - z->x[i], dy = z->y[k] - z->y[i];
	float length = dx * dx + dy * dy;
	float t = length > 0
		? ((x - z->x[i]) * dx + (y - z->y[i]) * dy) / length
		: 0;

	t = t < 0 ? 0 : t > 1 ? 1 : t;
	return hypotf(x - z->x[i] - t * dx, y - z->y[i] - t * dy);
}

/* Of a long rectangle its shorter side, of a square half of one. */
static float width(const struct zone *z)
{
	float twice = 0, around = 0;

	for (size_t i = 0, k = z->n - 1; i < z->n; k = i++) {
		twice += z->x[k] * z->y[i] - z->x[i] * z->y[k];
		around += hypotf(z->x[i] - z->x[k], z->y[i] - z->y[k]);
	}
	return around > 0 ? fabsf(twice) / around : 0;
}

static bool clear_of_edge(const struct zone *z, const struct foot *f)
{
	float band = fminf(f->band, band_most * width(z));

	for (size_t i = 0; i < z->n; i++)
		if (edge_distance(z, i, f->x, f->y) <= band)
			return false;
	return true;
}

enum zone_event zone_follow(
	const struct zone *z, struct zone_side *s, const struct foot *f)
{
	bool in;

	if (!f->counts)
		return ZONE_SAME;
	in = inside(z, f->x, f->y);
	if (!s->known) {
		s->known = true;
		s->in = in;
		return in ? ZONE_ENTER : ZONE_SAME;
	}
	if (in == s->in || !clear_of_edge(z, f))
		return ZONE_SAME;
	s->in = in;
	return in ? ZONE_ENTER : ZONE_LEAVE;
}
