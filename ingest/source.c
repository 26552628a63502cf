// SPDX-License-Identifier: MIT
#include "ingest/source.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/imgutils.h>
#include <libavutil/mem.h>
#include <libswscale/swscale.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/log.h"

/* Containers of recorded video; none of them opens a further file. */
static const char containers[] =
	"avi,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,mpegvideo,flv,"
	"ogg,asf,h264,hevc,m4v,mjpeg,ivf,dv,wtv,nut,mxf,y4m,yuv4mpegpipe";

struct source {
	char *path;
	AVFormatContext *container;
	AVCodecContext *codec;
	struct SwsContext *scale;
	AVPacket *packet;
	AVFrame *frame;
	uint8_t *bgr;
	int w, h, row_bytes; /* of bgr */
	int stream;
	struct source_facts facts;
	int64_t first_pts;    /* in the stream's units */
	int64_t last_us;      /* of the picture handed out last, or -1 */
	unsigned long given;  /* pictures in this pass */
	unsigned long broken; /* since open */
	bool drained;	      /* the decoder was told that no more comes */
};

/* libav's words come from whatever thread decodes. */
static pthread_mutex_t words_lock = PTHREAD_MUTEX_INITIALIZER;
static char words_last[200];

static void listen(void *ctx, int level, const char *fmt, va_list ap)
{
	(void)ctx;
	if (level > AV_LOG_ERROR)
		return;
	pthread_mutex_lock(&words_lock);
	vsnprintf(words_last, sizeof(words_last), fmt, ap);
	words_last[strcspn(words_last, "\n")] = '\0';
	pthread_mutex_unlock(&words_lock);
}

void source_words(char words[200])
{
	pthread_mutex_lock(&words_lock);
	memcpy(words, words_last, sizeof(words_last));
	pthread_mutex_unlock(&words_lock);
}

static void forget_words(void)
{
	pthread_mutex_lock(&words_lock);
	words_last[0] = '\0';
	pthread_mutex_unlock(&words_lock);
}

/* Says what is wrong, with what libav said about it. */
static enum err complain(const char *path, const char *what, enum err e)
{
	char words[200];

	source_words(words);
	log_error("source %s: %s%s%s", path, what, *words ? ": " : "", words);
	return e;
}

static enum err find_file(const char *path)
{
	struct stat st;

	if (!*path) {
		log_error("source: none is named; set ingest.source");
		return E_NOT_FOUND;
	}
	if (stat(path, &st)) {
		log_error("source %s: %s", path, strerror(errno));
		return E_NOT_FOUND;
	}
	if (!S_ISREG(st.st_mode)) {
		log_error("source %s: is no file", path);
		return E_NOT_FOUND;
	}
	if (st.st_size == 0) {
		log_error("source %s: is empty", path);
		return E_CORRUPT;
	}
	return E_OK;
}

static enum err open_container(struct source *s)
{
	AVDictionary *options = NULL;
	char url[4200], why[AV_ERROR_MAX_STRING_SIZE];
	int r;

	/* With its protocol named, a path never reads as an address. */
	snprintf(url, sizeof(url), "file:%s", s->path);
	av_dict_set(&options, "format_whitelist", containers, 0);
	av_dict_set(&options, "protocol_whitelist", "file", 0);
	r = avformat_open_input(&s->container, url, NULL, &options);
	av_dict_free(&options);
	if (r == AVERROR(EACCES) || r == AVERROR(EPERM)) {
		log_error("source %s: %s", s->path, strerror(AVUNERROR(r)));
		return E_NOT_FOUND;
	}
	if (r >= 0)
		r = avformat_find_stream_info(s->container, NULL);
	if (r < 0) {
		av_strerror(r, why, sizeof(why));
		forget_words();
		log_error("source %s: not a video that can be read: %s",
			s->path, why);
		return r == AVERROR(ENOMEM) ? E_NOMEM : E_CORRUPT;
	}
	s->stream = av_find_best_stream(
		s->container, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
	if (s->stream < 0)
		return complain(s->path, "holds no video", E_CORRUPT);
	for (unsigned i = 0; i < s->container->nb_streams; i++)
		if ((int)i != s->stream)
			s->container->streams[i]->discard = AVDISCARD_ALL;
	return E_OK;
}

static AVStream *stream_of(const struct source *s)
{
	return s->container->streams[s->stream];
}

static int64_t to_us(const struct source *s, int64_t t)
{
	return av_rescale_q(
		t, stream_of(s)->time_base, (AVRational){1, 1000000});
}

static enum err open_decoder(struct source *s)
{
	const AVCodecParameters *p = stream_of(s)->codecpar;
	const AVCodec *codec = avcodec_find_decoder(p->codec_id);
	AVRational rate;

	if (!codec) {
		log_error("source %s: no decoder for %s", s->path,
			avcodec_get_name(p->codec_id));
		return E_INVALID;
	}
	if (p->width < 1 || p->height < 1)
		return complain(
			s->path, "its pictures have no size", E_CORRUPT);
	if (p->width > SOURCE_SIDE_MAX || p->height > SOURCE_SIDE_MAX) {
		log_error("source %s: pictures of %d x %d, at most %d a side",
			s->path, p->width, p->height, SOURCE_SIDE_MAX);
		return E_TOO_BIG;
	}
	s->codec = avcodec_alloc_context3(codec);
	if (!s->codec || avcodec_parameters_to_context(s->codec, p) < 0)
		return E_NOMEM;
	s->codec->pkt_timebase = stream_of(s)->time_base;
	s->codec->max_pixels = (int64_t)SOURCE_SIDE_MAX * SOURCE_SIDE_MAX;
	s->codec->thread_count = 1;
	if (avcodec_open2(s->codec, codec, NULL) < 0)
		return complain(
			s->path, "the decoder does not start", E_INVALID);
	rate = av_guess_frame_rate(s->container, stream_of(s), NULL);
	if (rate.num <= 0 || rate.den <= 0 || av_q2d(rate) > 1000 ||
		av_q2d(rate) < 0.01)
		rate = (AVRational){25, 1};
	s->facts.period_us = (int64_t)(1e6 / av_q2d(rate) + 0.5);
	return E_OK;
}

/* As many as the container says it holds, 0 where it does not say. */
static int64_t pictures_told(const struct source *s)
{
	const AVStream *st = stream_of(s);

	if (st->nb_frames > 0)
		return st->nb_frames;
	if (st->duration > 0)
		return to_us(s, st->duration) / s->facts.period_us;
	return s->container->duration > 0
		? s->container->duration / s->facts.period_us
		: 0;
}

/* Reads the packets of one pass, to know the clip's length and whether its end
 * is there. */
static enum err survey(struct source *s)
{
	int64_t from = INT64_MAX, to = INT64_MIN, told;
	unsigned long n = 0;
	int r, cut = 0; /* the last packet lacks bytes */

	forget_words();
	while ((r = av_read_frame(s->container, s->packet)) >= 0) {
		const AVPacket *p = s->packet;
		int64_t t = p->pts != AV_NOPTS_VALUE ? p->pts : p->dts;

		if (p->stream_index == s->stream) {
			n++;
			if (t != AV_NOPTS_VALUE && t < from)
				from = t;
			if (t != AV_NOPTS_VALUE && t > to)
				to = t;
			cut = p->flags & AV_PKT_FLAG_CORRUPT;
		}
		av_packet_unref(s->packet);
	}
	if (n == 0)
		return complain(s->path, "holds no pictures", E_CORRUPT);
	s->facts.pictures = n;
	s->facts.length_us =
		(to > from ? to_us(s, to - from)
			   : (int64_t)(n - 1) * s->facts.period_us) +
		s->facts.period_us;
	told = pictures_told(s);
	/* Containers round their length: two pictures are no sign. */
	if (cut ||
		(told > 2 && (int64_t)n < told - 2 &&
			s->facts.length_us < (told - 2) * s->facts.period_us)) {
		log_error(
			"source %s: truncated: %lu of %lld pictures are there",
			s->path, cut ? n - 1 : n,
			(long long)(told > (int64_t)n ? told : (int64_t)n));
		return E_SYNTAX;
	}
	if (r != AVERROR_EOF)
		return complain(s->path, "damaged", E_CORRUPT);
	return E_OK;
}

static enum err make_ready(struct source *s)
{
	enum err e;

	s->packet = av_packet_alloc();
	s->frame = av_frame_alloc();
	if (!s->path || !s->packet || !s->frame)
		return E_NOMEM;
	if ((e = open_container(s)) || (e = open_decoder(s)) ||
		(e = survey(s)) || (e = source_rewind(s)))
		return e;
	s->w = s->codec->width < SOURCE_WIDTH ? s->codec->width : SOURCE_WIDTH;
	s->h = (int)av_rescale(s->codec->height, s->w, s->codec->width);
	if (s->h < 1)
		s->h = 1;
	s->facts.w = s->w;
	s->facts.h = s->h;
	/* swscale writes whole vectors: rows end on 64 bytes, and one more. */
	s->row_bytes = (s->w * 3 + 63) & ~63;
	s->bgr = av_mallocz((size_t)s->row_bytes * (size_t)s->h + 64);
	return s->bgr ? E_OK : E_NOMEM;
}

enum err source_open(struct source **out, const char *path)
{
	struct source *s;
	enum err e;

	*out = NULL;
	av_log_set_callback(listen);
	forget_words();
	if ((e = find_file(path)))
		return e;
	if (!(s = av_mallocz(sizeof(*s))))
		return E_NOMEM;
	s->path = av_strdup(path);
	if ((e = make_ready(s))) {
		if (e == E_NOMEM)
			log_error("source %s: out of memory", path);
		source_close(s);
		return e;
	}
	*out = s;
	return E_OK;
}

void source_close(struct source *s)
{
	if (!s)
		return;
	avcodec_free_context(&s->codec);
	avformat_close_input(&s->container);
	av_packet_free(&s->packet);
	av_frame_free(&s->frame);
	sws_freeContext(s->scale);
	av_free(s->bgr);
	av_free(s->path);
	av_free(s);
}

struct source_facts source_about(const struct source *s)
{
	return s->facts;
}

unsigned long source_damaged(const struct source *s)
{
	return s->broken;
}

enum err source_rewind(struct source *s)
{
	int64_t start = stream_of(s)->start_time;

	if (start == AV_NOPTS_VALUE)
		start = 0;
	/* Raw streams know no time to seek to; their first byte will do. */
	if (av_seek_frame(
		    s->container, s->stream, start, AVSEEK_FLAG_BACKWARD) < 0 &&
		av_seek_frame(s->container, s->stream, 0, AVSEEK_FLAG_BYTE) < 0)
		return complain(s->path, "cannot go back to its start", E_IO);
	avcodec_flush_buffers(s->codec);
	s->first_pts = AV_NOPTS_VALUE;
	s->last_us = -1;
	s->given = 0;
	s->drained = false;
	return E_OK;
}

/* The decoded picture's time; pictures without one follow the last. */
static int64_t time_of(struct source *s)
{
	int64_t t = s->frame->best_effort_timestamp, us;

	if (t != AV_NOPTS_VALUE && s->first_pts == AV_NOPTS_VALUE)
		s->first_pts = t;
	us = t == AV_NOPTS_VALUE ? INT64_MIN : to_us(s, t - s->first_pts);
	/* A time that falls back or leaps by an hour is the clip's mistake. */
	if (us <= s->last_us || us - s->last_us > 3600 * INT64_C(1000000))
		us = s->last_us < 0 ? 0 : s->last_us + s->facts.period_us;
	return us;
}

static enum err convert(struct source *s, struct frame *f)
{
	uint8_t *to[4] = {s->bgr};
	int row[4] = {s->row_bytes};

	if (s->frame->width > SOURCE_SIDE_MAX ||
		s->frame->height > SOURCE_SIDE_MAX)
		return E_CORRUPT;
	s->scale = sws_getCachedContext(s->scale, s->frame->width,
		s->frame->height, (enum AVPixelFormat)s->frame->format, s->w,
		s->h, AV_PIX_FMT_BGR24, SWS_FAST_BILINEAR, NULL, NULL, NULL);
	if (!s->scale)
		return E_CORRUPT;
	if (sws_scale(s->scale, (const uint8_t *const *)s->frame->data,
		    s->frame->linesize, 0, s->frame->height, to, row) != s->h)
		return E_CORRUPT;
	s->last_us = time_of(s);
	*f = (struct frame){.bgr = s->bgr,
		.w = s->w,
		.h = s->h,
		.row_bytes = s->row_bytes,
		.pts_us = s->last_us};
	return E_OK;
}

/* Gives the decoder one packet, or word that there are no more. */
static void feed(struct source *s)
{
	for (;;) {
		int r = av_read_frame(s->container, s->packet);

		if (r < 0) {
			avcodec_send_packet(s->codec, NULL);
			s->drained = true;
			return;
		}
		if (s->packet->stream_index != s->stream) {
			av_packet_unref(s->packet);
			continue;
		}
		if (avcodec_send_packet(s->codec, s->packet) < 0)
			s->broken++;
		av_packet_unref(s->packet);
		return;
	}
}

enum err source_read(struct source *s, struct frame *f)
{
	for (;;) {
		int r = avcodec_receive_frame(s->codec, s->frame);

		if (r == AVERROR(EAGAIN) && !s->drained) {
			feed(s);
			continue;
		}
		if (r == AVERROR(ENOMEM))
			return E_NOMEM;
		if (r == AVERROR_EOF || (r < 0 && s->drained)) {
			if (s->given)
				return E_NOT_FOUND;
			return complain(s->path, "no picture can be decoded",
				E_CORRUPT);
		}
		if (r < 0) {
			s->broken++;
			continue;
		}
		if (s->frame->decode_error_flags ||
			(s->frame->flags & AV_FRAME_FLAG_CORRUPT))
			s->broken++;
		if (convert(s, f)) {
			s->broken++;
			av_frame_unref(s->frame);
			continue;
		}
		av_frame_unref(s->frame);
		s->given++;
		return E_OK;
	}
}
