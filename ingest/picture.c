// SPDX-License-Identifier: MIT
#include "ingest/picture.h"

#include <libavutil/mathematics.h>
#include <libavutil/mem.h>
#include <libswscale/swscale.h>

#include "ingest/libav.h"

struct canvas {
	struct SwsContext *scale;
	uint8_t *bgr;
	int w, h, row_bytes;
};

struct picture *picture_new(void)
{
	struct picture *p = av_mallocz(sizeof(*p));

	if (p && !(p->av = av_frame_alloc())) {
		av_free(p);
		return NULL;
	}
	return p;
}

void picture_free(struct picture *p)
{
	if (!p)
		return;
	av_frame_free(&p->av);
	av_free(p);
}

int64_t picture_pts_us(const struct picture *p)
{
	return p->pts_us;
}

int64_t picture_decode_us(const struct picture *p)
{
	return p->decode_us;
}

uint64_t picture_number(const struct picture *p)
{
	return p->number;
}

void picture_set_number(struct picture *p, uint64_t number)
{
	p->number = number;
}

struct canvas *canvas_new(void)
{
	return av_mallocz(sizeof(struct canvas));
}

void canvas_free(struct canvas *c)
{
	if (!c)
		return;
	sws_freeContext(c->scale);
	av_free(c->bgr);
	av_free(c);
}

void canvas_size(int w, int h, int *canvas_w, int *canvas_h)
{
	*canvas_w = w < SOURCE_WIDTH ? w : SOURCE_WIDTH;
	*canvas_h = (int)av_rescale(h, *canvas_w, w);
	if (*canvas_h < 1)
		*canvas_h = 1;
}

static enum err take_size(struct canvas *c, const AVFrame *f)
{
	canvas_size(f->width, f->height, &c->w, &c->h);
	/* swscale writes whole vectors: rows end on 64 bytes, and one more. */
	c->row_bytes = (c->w * 3 + 63) & ~63;
	c->bgr = av_mallocz((size_t)c->row_bytes * (size_t)c->h + 64);
	return c->bgr ? E_OK : E_NOMEM;
}

enum err canvas_draw(struct canvas *c, const struct picture *p, struct frame *f)
{
	const AVFrame *av = p->av;
	uint8_t *to[4];
	int row[4] = {0};

	if (av->width < 1 || av->height < 1 || av->width > SOURCE_SIDE_MAX ||
		av->height > SOURCE_SIDE_MAX)
		return E_CORRUPT;
	if (!c->bgr && take_size(c, av))
		return E_NOMEM;
	c->scale = sws_getCachedContext(c->scale, av->width, av->height,
		(enum AVPixelFormat)av->format, c->w, c->h, AV_PIX_FMT_BGR24,
		SWS_FAST_BILINEAR, NULL, NULL, NULL);
	if (!c->scale)
		return E_CORRUPT;
	to[0] = c->bgr;
	to[1] = to[2] = to[3] = NULL;
	row[0] = c->row_bytes;
	if (sws_scale(c->scale, (const uint8_t *const *)av->data, av->linesize,
		    0, av->height, to, row) != c->h)
		return E_CORRUPT;
	*f = (struct frame){.bgr = c->bgr,
		.w = c->w,
		.h = c->h,
		.row_bytes = c->row_bytes,
		.pts_us = p->pts_us};
	return E_OK;
}
