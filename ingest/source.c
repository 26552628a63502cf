// SPDX-License-Identifier: MIT
/*
 * From the top: what is opened, libav's words, the container, the decoder, a
 * file's survey, opening and closing, pictures.
 */
#include "ingest/source.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/mem.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/log.h"
#include "common/when.h"
#include "ingest/device.h"
#include "ingest/images.h"
#include "ingest/libav.h"

/* Containers of recorded video; none of them opens a further file. */
#define CONTAINERS \
	"avi,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,mpegvideo,flv," \
	"ogg,asf,h264,hevc,m4v,mjpeg,ivf,dv,wtv,nut,mxf,y4m,yuv4mpegpipe"

/* By address_kind: what libav may read it as, and over what. */
static const struct {
	const char *format, *formats, *protocols;
} allowed[] = {
	[ADDRESS_PATH] = {NULL, CONTAINERS, "file"},
	[ADDRESS_RTSP] = {"rtsp", "rtsp", "tcp,tls"},
	[ADDRESS_HTTP] = {NULL, CONTAINERS ",mpjpeg", "http,https,tls,tcp"},
};

/* Of a camera's stream: tells its size and rate; what is longer is delay. */
enum { ANALYSIS_US = 2000000 };

struct source {
	struct address address;
	AVFormatContext *container;
	AVCodecContext *codec;
	AVPacket *packet;
	struct images *images; /* of a folder; then the above are NULL, */
	struct device *device; /* as of a device */
	struct picture *own;   /* of source_read */
	struct canvas *canvas;
	int stream;
	struct source_facts facts;
	int64_t first_pts;    /* in the stream's units */
	int64_t last_us;      /* of the picture handed out last, or -1 */
	int64_t decode_us;    /* since then, of the decoder */
	unsigned long given;  /* pictures in this pass */
	unsigned long broken; /* since open */
	bool drained;	      /* the decoder was told that no more comes */

	struct halt *halt; /* of a camera; else NULL */
	int64_t stall_us, deadline_us;
	int ended; /* how reading ended: libav's number */
	char why[SOURCE_WHY];
};

/* --- libav's words --- */

static _Thread_local char words_last[200];

static void listen(void *ctx, int level, const char *fmt, va_list ap)
{
	(void)ctx;
	if (level > AV_LOG_ERROR)
		return;
	vsnprintf(words_last, sizeof(words_last), fmt, ap);
	words_last[strcspn(words_last, "\n")] = '\0';
	address_veil(words_last);
}

void source_words(char words[200])
{
	memcpy(words, words_last, sizeof(words_last));
}

static void forget_words(void)
{
	words_last[0] = '\0';
}

static bool is_live(const struct source *s)
{
	return s->halt;
}

/* Says what is wrong: of a file in the log, of a camera to who asked. */
PRINTF(3, 4)
static enum err fail(struct source *s, enum err e, const char *fmt, ...)
{
	char why[SOURCE_WHY];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	if (is_live(s))
		memcpy(s->why, why, sizeof(why));
	else
		log_error("source %s: %s", s->address.shown, why);
	return e;
}

/* The same, with what libav said about it. */
static enum err complain(struct source *s, const char *what, enum err e)
{
	return fail(s, e, "%s%s%s", what, *words_last ? ": " : "", words_last);
}

/* --- the container --- */

/* libav asks this while it waits. */
static int is_over(void *arg)
{
	struct source *s = arg;

	return halt_said(s->halt) || halt_clock_us() > s->deadline_us;
}

static enum err find_file(struct source *s, const char *path)
{
	struct stat st;

	if (!*path) {
		log_error("source: none is named; set ingest.source");
		return E_NOT_FOUND;
	}
	if (stat(path, &st))
		return fail(s, E_NOT_FOUND, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(s, E_NOT_FOUND, "is no file");
	return st.st_size ? E_OK : fail(s, E_CORRUPT, "is empty");
}

static void set_options(const struct source *s, AVDictionary **options)
{
	enum address_kind kind = s->address.kind;

	av_dict_set(options, "format_whitelist", allowed[kind].formats, 0);
	av_dict_set(options, "protocol_whitelist", allowed[kind].protocols, 0);
	if (!is_live(s))
		return;
	av_dict_set_int(options, "analyzeduration", ANALYSIS_US, 0);
	if (kind == ADDRESS_RTSP) {
		av_dict_set(options, "rtsp_transport", "tcp", 0);
		av_dict_set(options, "allowed_media_types", "video", 0);
	}
}

/* libav's number in an operator's words. */
static enum err tell_end(struct source *s, const char *what, int r)
{
	char said[AV_ERROR_MAX_STRING_SIZE];

	/* Whatever libav makes of being told to give up. */
	if (r == AVERROR_EXIT || halt_clock_us() > s->deadline_us)
		return fail(s, E_IO, "no picture for %d s",
			(int)(s->stall_us / 1000000));
	if (r == AVERROR_EOF)
		return fail(s, E_IO, "%sthe stream ended", what);
	if (r == AVERROR_HTTP_UNAUTHORIZED || r == AVERROR_HTTP_FORBIDDEN)
		return fail(s, E_IO, "name or password refused");
	if (r == AVERROR_PROTOCOL_NOT_FOUND)
		return fail(s, E_IO, "%sa protocol that is not allowed", what);
	av_strerror(r, said, sizeof(said));
	return fail(
		s, r == AVERROR(ENOMEM) ? E_NOMEM : E_IO, "%s%s", what, said);
}

static enum err open_input(struct source *s)
{
	AVDictionary *options = NULL;
	char url[sizeof(s->address.url) + 8];
	const char *format = allowed[s->address.kind].format;
	int r;

	if (!(s->container = avformat_alloc_context()))
		return E_NOMEM;
	if (is_live(s))
		s->container->interrupt_callback =
			(AVIOInterruptCB){is_over, s};
	/* With its protocol named, a path never reads as an address. */
	snprintf(url, sizeof(url), "%s%s",
		is_live(s) ? "" : "file:", s->address.url);
	set_options(s, &options);
	s->deadline_us = halt_clock_us() + s->stall_us;
	forget_words();
	r = avformat_open_input(&s->container, url,
		format ? av_find_input_format(format) : NULL, &options);
	av_dict_free(&options);
	explicit_bzero(url, sizeof(url));
	if (r == AVERROR(EACCES) || r == AVERROR(EPERM))
		return fail(s, E_NOT_FOUND, "%s", strerror(AVUNERROR(r)));
	s->deadline_us = halt_clock_us() + s->stall_us + ANALYSIS_US;
	if (r >= 0)
		r = avformat_find_stream_info(s->container, NULL);
	if (r < 0 && is_live(s))
		return tell_end(s, "", r);
	if (r < 0) {
		char said[AV_ERROR_MAX_STRING_SIZE];

		av_strerror(r, said, sizeof(said));
		forget_words();
		return fail(s, r == AVERROR(ENOMEM) ? E_NOMEM : E_CORRUPT,
			"not a video that can be read: %s", said);
	}
	return E_OK;
}

static enum err open_container(struct source *s)
{
	enum err e = open_input(s);

	if (e)
		return e;
	s->stream = av_find_best_stream(
		s->container, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
	if (s->stream < 0)
		return complain(s, "holds no video", E_CORRUPT);
	for (unsigned i = 0; i < s->container->nb_streams; i++)
		if ((int)i != s->stream)
			s->container->streams[i]->discard = AVDISCARD_ALL;
	return E_OK;
}

/* --- the decoder, and a file's survey --- */

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

	if (!codec)
		return fail(s, E_INVALID, "no decoder for %s",
			avcodec_get_name(p->codec_id));
	if (p->width < 1 || p->height < 1)
		return complain(s, "its pictures have no size", E_CORRUPT);
	if (p->width > SOURCE_SIDE_MAX || p->height > SOURCE_SIDE_MAX)
		return fail(s, E_TOO_BIG,
			"pictures of %d x %d, at most %d a side", p->width,
			p->height, SOURCE_SIDE_MAX);
	s->codec = avcodec_alloc_context3(codec);
	if (!s->codec || avcodec_parameters_to_context(s->codec, p) < 0)
		return E_NOMEM;
	s->codec->pkt_timebase = stream_of(s)->time_base;
	s->codec->max_pixels = (int64_t)SOURCE_SIDE_MAX * SOURCE_SIDE_MAX;
	s->codec->thread_count = 1;
	if (avcodec_open2(s->codec, codec, NULL) < 0)
		return complain(s, "the decoder does not start", E_INVALID);
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
		return complain(s, "holds no pictures", E_CORRUPT);
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
		return fail(s, E_SYNTAX,
			"truncated: %lu of %lld pictures are there",
			cut ? n - 1 : n,
			(long long)(told > (int64_t)n ? told : (int64_t)n));
	}
	if (r != AVERROR_EOF)
		return complain(s, "damaged", E_CORRUPT);
	return E_OK;
}

/* --- opening and closing --- */

static void write_facts(struct source *s)
{
	const AVDictionaryEntry *made =
		av_dict_get(s->container->metadata, "creation_time", NULL, 0);
	const char *format = s->container->iformat->name;
	struct source_facts *f = &s->facts;
	struct when w;

	f->own_w = s->codec->width;
	f->own_h = s->codec->height;
	canvas_size(f->own_w, f->own_h, &f->w, &f->h);
	f->recorded_us = INT64_MIN;
	if (made && !when_parse(made->value, strlen(made->value), &w) &&
		w.has_offset)
		f->recorded_us = w.at * 1000000;
	/* These carry none, and libav makes them up. */
	f->timed = strcmp(format, "mpjpeg") && strcmp(format, "mjpeg");
	snprintf(f->codec, sizeof(f->codec), "%s",
		avcodec_get_name(s->codec->codec_id));
	snprintf(f->container, sizeof(f->container), "%s", format);
}

static enum err make_ready(struct source *s)
{
	enum err e;

	s->packet = av_packet_alloc();
	s->own = picture_new();
	s->canvas = canvas_new();
	if (!s->packet || !s->own || !s->canvas)
		return E_NOMEM;
	if ((e = open_container(s)) || (e = open_decoder(s)) ||
		(!is_live(s) && ((e = survey(s)) || (e = source_rewind(s)))))
		return e;
	s->first_pts = AV_NOPTS_VALUE;
	s->last_us = -1;
	write_facts(s);
	return E_OK;
}

static struct source *make(const char *path)
{
	struct source *s = av_mallocz(sizeof(*s));

	av_log_set_callback(listen);
	forget_words();
	if (!s)
		return NULL;
	s->address.kind = ADDRESS_PATH;
	snprintf(s->address.shown, sizeof(s->address.shown), "%s", path);
	snprintf(s->address.url, sizeof(s->address.url), "%s", path);
	return s;
}

/* Hands out what is ready, and takes back what is not. */
static enum err finish(struct source **out, struct source *s, enum err e)
{
	if (e == E_NOMEM)
		(void)!fail(s, e, "out of memory");
	if (e)
		source_close(s);
	else
		*out = s;
	return e;
}

enum err source_open(struct source **out, const char *path)
{
	struct source *s = make(path);
	enum err e;

	*out = NULL;
	if (!s)
		return E_NOMEM;
	e = find_file(s, path);
	return finish(out, s, e ? e : make_ready(s));
}

enum err source_open_folder(struct source **out, const char *path, double fps)
{
	struct source *s = make(path);
	enum err e = E_NOMEM;

	*out = NULL;
	if (!s)
		return E_NOMEM;
	s->own = picture_new();
	s->canvas = canvas_new();
	if (s->own && s->canvas)
		e = images_open(&s->images, path, fps, &s->facts);
	return finish(out, s, e);
}

static enum err open_device(struct source *s)
{
	s->own = picture_new();
	s->canvas = canvas_new();
	if (!s->own || !s->canvas)
		return E_NOMEM;
	return device_open(&s->device, s->address.url, &s->facts, s->why);
}

enum err source_connect(struct source **out, const struct address *a,
	struct halt *halt, int64_t stall_us, char why[SOURCE_WHY])
{
	struct source *s = make("");
	enum err e;

	*out = NULL;
	snprintf(why, SOURCE_WHY, "out of memory");
	if (!s)
		return E_NOMEM;
	s->address = *a;
	s->halt = halt;
	s->stall_us = stall_us;
	if (a->kind == ADDRESS_V4L2)
		e = open_device(s);
	else
		e = make_ready(s);
	if (e && e != E_NOMEM)
		memcpy(why, s->why, SOURCE_WHY);
	return finish(out, s, e);
}

void source_close(struct source *s)
{
	if (!s)
		return;
	images_close(s->images);
	device_close(s->device);
	avcodec_free_context(&s->codec);
	avformat_close_input(&s->container);
	av_packet_free(&s->packet);
	picture_free(s->own);
	canvas_free(s->canvas);
	explicit_bzero(&s->address, sizeof(s->address));
	av_free(s);
}

struct source_facts source_about(const struct source *s)
{
	return s->facts;
}

unsigned long source_damaged(const struct source *s)
{
	return s->broken + (s->images ? images_damaged(s->images) : 0) +
		(s->device ? device_damaged(s->device) : 0);
}

const char *source_why(const struct source *s)
{
	return s->why;
}

enum err source_rewind(struct source *s)
{
	int64_t start;

	if (s->images)
		return images_rewind(s->images);
	start = stream_of(s)->start_time;
	if (start == AV_NOPTS_VALUE)
		start = 0;
	/* Raw streams know no time to seek to; their first byte will do. */
	if (av_seek_frame(
		    s->container, s->stream, start, AVSEEK_FLAG_BACKWARD) < 0 &&
		av_seek_frame(s->container, s->stream, 0, AVSEEK_FLAG_BYTE) < 0)
		return complain(s, "cannot go back to its start", E_IO);
	avcodec_flush_buffers(s->codec);
	s->first_pts = AV_NOPTS_VALUE;
	s->last_us = -1;
	s->given = 0;
	s->drained = false;
	return E_OK;
}

/* --- pictures --- */

/* The decoded picture's time; a clip's pictures without one follow the last. */
static int64_t time_of(struct source *s, const AVFrame *f)
{
	int64_t t = f->best_effort_timestamp, us;

	if (is_live(s))
		return t == AV_NOPTS_VALUE || !s->facts.timed ? INT64_MIN
							      : to_us(s, t);
	if (t != AV_NOPTS_VALUE && s->first_pts == AV_NOPTS_VALUE)
		s->first_pts = t;
	us = t == AV_NOPTS_VALUE ? INT64_MIN : to_us(s, t - s->first_pts);
	/* A time that falls back or leaps by an hour is the clip's mistake. */
	if (us <= s->last_us || us - s->last_us > 3600 * INT64_C(1000000))
		us = s->last_us < 0 ? 0 : s->last_us + s->facts.period_us;
	return us;
}

/* Gives the decoder one packet, or word that there are no more. */
static void feed(struct source *s)
{
	for (;;) {
		int r = av_read_frame(s->container, s->packet);
		int64_t from;

		if (r < 0) {
			s->ended = r;
			avcodec_send_packet(s->codec, NULL);
			s->drained = true;
			return;
		}
		if (s->packet->stream_index != s->stream) {
			av_packet_unref(s->packet);
			continue;
		}
		from = halt_clock_us();
		if (avcodec_send_packet(s->codec, s->packet) < 0)
			s->broken++;
		s->decode_us += halt_clock_us() - from;
		av_packet_unref(s->packet);
		return;
	}
}

/* Nothing more comes: is that an end or a fault? */
static enum err over(struct source *s)
{
	if (is_live(s))
		return tell_end(s, "", s->ended);
	if (s->given)
		return E_NOT_FOUND;
	return complain(s, "no picture can be decoded", E_CORRUPT);
}

static bool fits(const AVFrame *f)
{
	return f->width > 0 && f->height > 0 && f->width <= SOURCE_SIDE_MAX &&
		f->height <= SOURCE_SIDE_MAX;
}

/* A picture of the container. */
static enum err decode(struct source *s, struct picture *p)
{
	for (;;) {
		int64_t from = halt_clock_us();
		int r = avcodec_receive_frame(s->codec, p->av);

		s->decode_us += halt_clock_us() - from;
		if (r == AVERROR(EAGAIN) && !s->drained) {
			feed(s);
			continue;
		}
		if (r == AVERROR(ENOMEM))
			return E_NOMEM;
		if (r == AVERROR_EOF || (r < 0 && s->drained))
			return over(s);
		if (r < 0) {
			s->broken++;
			continue;
		}
		if (p->av->decode_error_flags ||
			(p->av->flags & AV_FRAME_FLAG_CORRUPT))
			s->broken++;
		if (!fits(p->av)) {
			s->broken++;
			av_frame_unref(p->av);
			continue;
		}
		p->pts_us = s->last_us = time_of(s, p->av);
		p->decode_us = s->decode_us;
		s->decode_us = 0;
		s->given++;
		return E_OK;
	}
}

enum err source_next(struct source *s, struct picture *p)
{
	int64_t from = halt_clock_us();
	enum err e;

	av_frame_unref(p->av);
	if (s->images) {
		e = images_next(s->images, p);
		p->decode_us = halt_clock_us() - from;
		return e;
	}
	s->deadline_us = from + s->stall_us;
	if (s->device)
		return device_next(
			s->device, p, s->halt, s->deadline_us, s->why);
	return decode(s, p);
}

enum err source_read(struct source *s, struct frame *f)
{
	enum err e;

	while (!(e = source_next(s, s->own))) {
		e = canvas_draw(s->canvas, s->own, f);
		if (e != E_CORRUPT)
			return e;
		s->broken++;
	}
	return e;
}
