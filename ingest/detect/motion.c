// SPDX-License-Identifier: MIT
#include "ingest/detect/motion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	GRID = 160, /* cells along the longer side */
	CELLS_MAX = GRID * GRID,
	CELLS_LEAST = 6, /* of a shape; less is noise */
	STEP_LEAST = 14, /* grey levels from the background that are motion */
	JOIN = 1	 /* cells between two parts of one shape */
};

/* Share of the new picture in the background, where nothing moves and where
 * something does: a parked object fades in slowly. */
static const float learn_still = 0.05F, learn_moving = 0.005F;
/* More of the picture than this differing at once is a cut or a change of the
 * light. */
static const float cut_share = 0.6F;

struct motion {
	struct engine base;
	enum kind kind;
	int w, h; /* cells; 0 before the first picture */
	int cell; /* pixels a side */
	float background[CELLS_MAX], now[CELLS_MAX];
	uint8_t moving[CELLS_MAX], wide[CELLS_MAX];
	int stack[CELLS_MAX];
};

/* Mean grey of each cell, of every second pixel both ways. */
static void shrink(struct motion *m, const struct frame *f)
{
	for (int cy = 0; cy < m->h; cy++)
		for (int cx = 0; cx < m->w; cx++) {
			int bottom = (cy + 1) * m->cell, n = 0;
			int right = (cx + 1) * m->cell;
			unsigned sum = 0;

			for (int y = cy * m->cell; y < bottom && y < f->h;
				y += 2) {
				const uint8_t *row =
					f->bgr + (ptrdiff_t)y * f->row_bytes;

				for (int x = cx * m->cell;
					x < right && x < f->w; x += 2, n++)
					sum += row[3 * x] +
						2U * row[3 * x + 1] +
						row[3 * x + 2];
			}
			m->now[cy * m->w + cx] =
				n ? (float)sum / (4.0F * (float)n) : 0;
		}
}

/* Marks what differs; returns how many cells. */
static int compare(struct motion *m)
{
	int n = m->w * m->h, moving = 0;

	for (int i = 0; i < n; i++) {
		float step = fabsf(m->now[i] - m->background[i]);

		m->moving[i] = step > STEP_LEAST;
		moving += m->moving[i];
	}
	return moving;
}

static void learn(struct motion *m)
{
	for (int i = 0; i < m->w * m->h; i++)
		m->background[i] += (m->now[i] - m->background[i]) *
			(m->moving[i] ? learn_moving : learn_still);
}

/* Widens each mark by JOIN cells, so that the parts of a shape meet. */
static void widen(struct motion *m)
{
	memset(m->wide, 0, sizeof(m->wide));
	for (int y = 0; y < m->h; y++)
		for (int x = 0; x < m->w; x++) {
			if (!m->moving[y * m->w + x])
				continue;
			for (int j = y - JOIN; j <= y + JOIN; j++)
				for (int i = x - JOIN; i <= x + JOIN; i++)
					if (i >= 0 && j >= 0 && i < m->w &&
						j < m->h)
						m->wide[j * m->w + i] = 1;
		}
}

struct shape {
	int left, top, right, bottom; /* of the cells that moved */
	int cells;
};

/* Takes one shape off the marks: a flood fill with a stack of its own. */
static struct shape take_shape(struct motion *m, int from)
{
	struct shape s = {m->w, m->h, -1, -1, 0};
	int depth = 0;

	m->stack[depth++] = from;
	m->wide[from] = 0;
	while (depth) {
		int at = m->stack[--depth], x = at % m->w, y = at / m->w;
		const int next[4] = {x > 0 ? at - 1 : -1,
			x + 1 < m->w ? at + 1 : -1, y > 0 ? at - m->w : -1,
			y + 1 < m->h ? at + m->w : -1};

		if (m->moving[at]) {
			s.cells++;
			s.left = x < s.left ? x : s.left;
			s.right = x > s.right ? x : s.right;
			s.top = y < s.top ? y : s.top;
			s.bottom = y > s.bottom ? y : s.bottom;
		}
		for (int i = 0; i < 4; i++)
			if (next[i] >= 0 && m->wide[next[i]]) {
				m->wide[next[i]] = 0;
				m->stack[depth++] = next[i];
			}
	}
	return s;
}

static void report(
	const struct motion *m, const struct shape *s, struct detections *d)
{
	int w = s->right - s->left + 1, h = s->bottom - s->top + 1;
	struct detection x = {.x = (float)(s->left * m->cell),
		.y = (float)(s->top * m->cell),
		.w = (float)(w * m->cell),
		.h = (float)(h * m->cell),
		.score = (float)s->cells / (float)(w * h),
		.kind = m->kind};

	detections_add(d, x);
}

static void start(struct motion *m, const struct frame *f)
{
	int side = f->w > f->h ? f->w : f->h;

	m->cell = (side + GRID - 1) / GRID;
	m->w = (f->w + m->cell - 1) / m->cell;
	m->h = (f->h + m->cell - 1) / m->cell;
	shrink(m, f);
	memcpy(m->background, m->now, sizeof(m->now));
}

static enum err motion_find(
	struct engine *e, const struct frame *f, struct detections *d)
{
	struct motion *m = (struct motion *)(void *)e;

	d->n = 0;
	if (!m->w)
		start(m, f);
	shrink(m, f);
	if ((float)compare(m) > cut_share * (float)(m->w * m->h)) {
		memcpy(m->background, m->now, sizeof(m->now));
		return E_OK;
	}
	learn(m);
	widen(m);
	for (int i = 0; i < m->w * m->h; i++) {
		struct shape s;

		if (!m->wide[i])
			continue;
		s = take_shape(m, i);
		if (s.cells >= CELLS_LEAST)
			report(m, &s, d);
	}
	return E_OK;
}

static void motion_free(struct engine *e)
{
	free(e);
}

enum err motion_open(struct engine **e, enum kind kind)
{
	struct motion *m = calloc(1, sizeof(*m));

	*e = NULL;
	if (!m)
		return E_NOMEM;
	m->base = (struct engine){.name = "motion",
		.kinds = 1U << kind,
		.find = motion_find,
		.free = motion_free};
	m->kind = kind;
	*e = &m->base;
	return E_OK;
}
