// SPDX-License-Identifier: MIT
#include "ingest/png.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "ingest/libav.h"

enum { LINE = 2 }; /* pixels */

static const uint8_t colour[GROUP_COUNT][3] = {
	[GROUP_PEOPLE] = {0, 255, 0},
	[GROUP_VEHICLE] = {255, 0, 0},
	[GROUP_FACE] = {64, 128, 255},
};

static void fill(
	AVFrame *to, int x0, int y0, int x1, int y1, const uint8_t *rgb)
{
	for (int y = y0 < 0 ? 0 : y0; y < y1 && y < to->height; y++)
		for (int x = x0 < 0 ? 0 : x0; x < x1 && x < to->width; x++)
			memcpy(to->data[0] + y * to->linesize[0] + x * 3, rgb,
				3);
}

/* Bounded: a box may reach past the picture, and be no number at all. */
static int pixel(float v)
{
	return v >= -SOURCE_SIDE_MAX && v <= SOURCE_SIDE_MAX ? (int)v : 0;
}

static void draw(AVFrame *to, const struct detection *d)
{
	const uint8_t *rgb = colour[kind_group(d->kind)];
	int x0 = pixel(d->x), y0 = pixel(d->y);
	int x1 = pixel(d->x + d->w), y1 = pixel(d->y + d->h);

	fill(to, x0, y0, x1, y0 + LINE, rgb);
	fill(to, x0, y1 - LINE, x1, y1, rgb);
	fill(to, x0, y0, x0 + LINE, y1, rgb);
	fill(to, x1 - LINE, y0, x1, y1, rgb);
}

static AVFrame *copy(const struct frame *f)
{
	AVFrame *to = av_frame_alloc();

	if (!to)
		return NULL;
	to->format = AV_PIX_FMT_RGB24;
	to->width = f->w;
	to->height = f->h;
	if (av_frame_get_buffer(to, 0)) {
		av_frame_free(&to);
		return NULL;
	}
	for (int y = 0; y < f->h; y++)
		for (int x = 0; x < f->w; x++)
			for (int c = 0; c < 3; c++)
				to->data[0][y * to->linesize[0] + x * 3 + c] =
					f->bgr[y * f->row_bytes + x * 3 + 2 -
						c];
	return to;
}

static enum err encode(AVFrame *from, AVPacket *to)
{
	const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_PNG);
	AVCodecContext *c = codec ? avcodec_alloc_context3(codec) : NULL;
	enum err e = E_NOMEM;

	if (!c)
		return codec ? E_NOMEM : E_INVALID;
	c->width = from->width;
	c->height = from->height;
	c->pix_fmt = AV_PIX_FMT_RGB24;
	c->time_base = (AVRational){1, 1};
	if (!avcodec_open2(c, codec, NULL) && !avcodec_send_frame(c, from) &&
		!avcodec_send_frame(c, NULL) && !avcodec_receive_packet(c, to))
		e = E_OK;
	avcodec_free_context(&c);
	return e;
}

static enum err write_file(const char *path, const AVPacket *p)
{
	FILE *f = fopen(path, "we");
	bool good =
		f && fwrite(p->data, 1, (size_t)p->size, f) == (size_t)p->size;

	if (f)
		good = !fclose(f) && good;
	if (good)
		return E_OK;
	log_error("picture %s: %s", path, strerror(errno));
	return E_IO;
}

enum err png_write(
	const char *path, const struct frame *f, const struct detections *d)
{
	AVFrame *rgb = copy(f);
	AVPacket *bytes = av_packet_alloc();
	enum err e = E_NOMEM;

	if (rgb && bytes) {
		for (size_t i = 0; i < d->n; i++)
			draw(rgb, &d->at[i]);
		e = encode(rgb, bytes);
	}
	if (!e)
		e = write_file(path, bytes);
	else
		log_error("picture %s: %s", path, err_text(e));
	av_packet_free(&bytes);
	av_frame_free(&rgb);
	return e;
}
