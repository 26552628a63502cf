// SPDX-License-Identifier: MIT
#include "ingest/still.h"

#include <libavutil/mathematics.h>
#include <libavutil/mem.h>
#include <libswscale/swscale.h>

#include "ingest/libav.h"

enum { QUALITY = 5 }; /* libav's scale: 2 is the best, 31 the worst */

struct still {
	struct SwsContext *scale, *convert;
	AVFrame *bgr, *yuv;
	AVCodecContext *codec; /* of this size */
	AVPacket *packet;
};

struct still *still_new(void)
{
	struct still *s = av_mallocz(sizeof(*s));

	if (!s)
		return NULL;
	s->bgr = av_frame_alloc();
	s->yuv = av_frame_alloc();
	s->packet = av_packet_alloc();
	if (s->bgr && s->yuv && s->packet)
		return s;
	still_free(s);
	return NULL;
}

void still_free(struct still *s)
{
	if (!s)
		return;
	sws_freeContext(s->scale);
	sws_freeContext(s->convert);
	av_frame_free(&s->bgr);
	av_frame_free(&s->yuv);
	av_packet_free(&s->packet);
	avcodec_free_context(&s->codec);
	av_free(s);
}

static bool make_frame(AVFrame *f, int format, int w, int h)
{
	av_frame_unref(f);
	f->format = format;
	f->width = w;
	f->height = h;
	f->pts = 0;
	f->color_range = AVCOL_RANGE_JPEG;
	return !av_frame_get_buffer(f, 64);
}

static enum err open_codec(struct still *s, int w, int h)
{
	const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
	AVCodecContext *c;

	avcodec_free_context(&s->codec);
	if (!(c = s->codec = avcodec_alloc_context3(codec)))
		return E_NOMEM;
	c->width = w;
	c->height = h;
	c->pix_fmt = AV_PIX_FMT_YUV420P;
	c->color_range = AVCOL_RANGE_JPEG;
	c->time_base = (AVRational){1, 25};
	c->thread_count = 1;
	/* BITEXACT: without a word of who made it. */
	c->flags |= AV_CODEC_FLAG_QSCALE | AV_CODEC_FLAG_BITEXACT;
	c->global_quality = QUALITY * FF_QP2LAMBDA;
	return codec && !avcodec_open2(c, codec, NULL) ? E_OK : E_CORRUPT;
}

/* For pictures of this size from now on. */
static enum err resize(struct still *s, int w, int h)
{
	if (s->bgr->width == w && s->bgr->height == h && s->codec)
		return E_OK;
	if (!make_frame(s->bgr, AV_PIX_FMT_BGR24, w, h) ||
		!make_frame(s->yuv, AV_PIX_FMT_YUV420P, w, h))
		return E_NOMEM;
	return open_codec(s, w, h);
}

enum err still_take(struct still *s, const struct frame *f, struct sheet *sheet)
{
	const uint8_t *from[4] = {f->bgr};
	int row[4] = {f->row_bytes};
	int w = f->w < STILL_WIDTH ? f->w : STILL_WIDTH;
	int h = (int)av_rescale(f->h, w, f->w);
	enum err e;

	/* The encoder halves the colours' sides. */
	w = w < 16 ? 16 : w & ~1;
	h = h < 16 ? 16 : h & ~1;
	if ((e = resize(s, w, h)))
		return e;
	s->scale = sws_getCachedContext(s->scale, f->w, f->h, AV_PIX_FMT_BGR24,
		w, h, AV_PIX_FMT_BGR24, SWS_AREA, NULL, NULL, NULL);
	if (!s->scale ||
		sws_scale(s->scale, from, row, 0, f->h, s->bgr->data,
			s->bgr->linesize) != h)
		return E_CORRUPT;
	*sheet = (struct sheet){.bgr = s->bgr->data[0],
		.w = w,
		.h = h,
		.row_bytes = s->bgr->linesize[0]};
	return E_OK;
}

static enum err convert(struct still *s)
{
	const int *full = sws_getCoefficients(SWS_CS_ITU601);
	int w = s->bgr->width, h = s->bgr->height;

	s->convert = sws_getCachedContext(s->convert, w, h, AV_PIX_FMT_BGR24, w,
		h, AV_PIX_FMT_YUV420P, SWS_FAST_BILINEAR, NULL, NULL, NULL);
	if (!s->convert || av_frame_make_writable(s->yuv))
		return E_NOMEM;
	/* JPEG uses all of a byte's range. */
	sws_setColorspaceDetails(
		s->convert, full, 1, full, 1, 0, 1 << 16, 1 << 16);
	return sws_scale(s->convert, (const uint8_t *const *)s->bgr->data,
		       s->bgr->linesize, 0, h, s->yuv->data,
		       s->yuv->linesize) == h
		? E_OK
		: E_CORRUPT;
}

enum err still_jpeg(struct still *s, struct slice *jpeg)
{
	enum err e = convert(s);

	if (e)
		return e;
	av_packet_unref(s->packet);
	s->yuv->quality = s->codec->global_quality;
	s->yuv->pts++;
	if (avcodec_send_frame(s->codec, s->yuv) ||
		avcodec_receive_packet(s->codec, s->packet))
		return E_CORRUPT;
	*jpeg = (struct slice){
		(const char *)s->packet->data, (size_t)s->packet->size};
	return E_OK;
}
