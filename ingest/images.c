// SPDX-License-Identifier: MIT
#include "ingest/images.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libavutil/mem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "ingest/libav.h"

struct images {
	char *path;
	struct dirent **name;
	int n, next;
	int64_t period_us;
	unsigned long given, damaged;
};

static const struct {
	const char *end;
	enum AVCodecID codec;
} kinds[] = {{".jpg", AV_CODEC_ID_MJPEG}, {".jpeg", AV_CODEC_ID_MJPEG},
	{".png", AV_CODEC_ID_PNG}, {".bmp", AV_CODEC_ID_BMP},
	{".webp", AV_CODEC_ID_WEBP}};

static enum AVCodecID codec_of(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t k = strlen(kinds[i].end);

		if (n > k && !strcasecmp(name + n - k, kinds[i].end))
			return kinds[i].codec;
	}
	return AV_CODEC_ID_NONE;
}

static int is_image(const struct dirent *d)
{
	return *d->d_name != '.' && codec_of(d->d_name) != AV_CODEC_ID_NONE;
}

/* By bytes: the order must not hang on a locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* The whole file, behind it the zeros that decoders read into. */
static enum err read_bytes(
	const struct images *i, const char *name, AVPacket *to)
{
	char path[8200];
	struct stat st;
	int fd, got = 0;
	ssize_t n = 1;

	snprintf(path, sizeof(path), "%s/%s", i->path, name);
	/* A pipe would keep us waiting. */
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0)
		return E_IO;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size < 1 ||
		st.st_size > IMAGE_BYTES_MAX ||
		av_new_packet(to, (int)st.st_size)) {
		close(fd);
		return E_CORRUPT;
	}
	while (got < to->size &&
		(n = read(fd, to->data + got, (size_t)(to->size - got))) > 0)
		got += (int)n;
	close(fd);
	return got == to->size ? E_OK : E_IO;
}

static enum err decode(enum AVCodecID id, AVPacket *bytes, AVFrame *to)
{
	const AVCodec *codec = avcodec_find_decoder(id);
	AVCodecContext *c = codec ? avcodec_alloc_context3(codec) : NULL;
	enum err e = E_CORRUPT;

	if (!c)
		return codec ? E_NOMEM : E_INVALID;
	c->thread_count = 1;
	c->max_pixels = (int64_t)SOURCE_SIDE_MAX * SOURCE_SIDE_MAX;
	if (!avcodec_open2(c, codec, NULL) && !avcodec_send_packet(c, bytes) &&
		!avcodec_send_packet(c, NULL) && !avcodec_receive_frame(c, to))
		e = E_OK;
	avcodec_free_context(&c);
	return e;
}

static enum err load(const struct images *i, const char *name, AVFrame *to)
{
	AVPacket *bytes = av_packet_alloc();
	enum err e = bytes ? read_bytes(i, name, bytes) : E_NOMEM;

	if (!e)
		e = decode(codec_of(name), bytes, to);
	av_packet_free(&bytes);
	return e;
}

enum err images_next(struct images *i, struct picture *p)
{
	while (i->next < i->n) {
		int at = i->next++;
		enum err e = load(i, i->name[at]->d_name, p->av);

		if (e == E_NOMEM)
			return e;
		if (e) {
			av_frame_unref(p->av);
			i->damaged++;
			continue;
		}
		p->pts_us = at * i->period_us;
		i->given++;
		return E_OK;
	}
	if (i->given)
		return E_NOT_FOUND;
	log_error("source %s: no image can be decoded", i->path);
	return E_CORRUPT;
}

enum err images_rewind(struct images *i)
{
	i->next = 0;
	i->given = 0;
	return E_OK;
}

unsigned long images_damaged(const struct images *i)
{
	return i->damaged;
}

/* The first image that can be decoded tells the size. */
static enum err look(struct images *i, struct source_facts *f)
{
	struct picture *p = picture_new();
	enum err e = p ? images_next(i, p) : E_NOMEM;

	if (!e) {
		f->own_w = p->av->width;
		f->own_h = p->av->height;
		canvas_size(f->own_w, f->own_h, &f->w, &f->h);
		snprintf(f->codec, sizeof(f->codec), "%s",
			avcodec_get_name(
				codec_of(i->name[i->next - 1]->d_name)));
	}
	picture_free(p);
	i->damaged = 0;
	return e ? e : images_rewind(i);
}

static enum err list(struct images *i)
{
	i->n = scandir(i->path, &i->name, is_image, by_name);
	if (i->n < 0) {
		log_error("source %s: %s", i->path, strerror(errno));
		return errno == ENOMEM ? E_NOMEM : E_NOT_FOUND;
	}
	if (i->n == 0) {
		log_error("source %s: holds no image (.jpg, .png, .bmp, .webp)",
			i->path);
		return E_NOT_FOUND;
	}
	if (i->n > IMAGES_MAX) {
		log_error("source %s: over %d images", i->path, IMAGES_MAX);
		return E_TOO_BIG;
	}
	return E_OK;
}

enum err images_open(struct images **out, const char *path, double fps,
	struct source_facts *f)
{
	struct images *i = calloc(1, sizeof(*i));
	enum err e;

	*out = NULL;
	if (!i || !(i->path = strdup(path))) {
		free(i);
		return E_NOMEM;
	}
	i->period_us = (int64_t)(1e6 / (fps > 0 ? fps : 1) + 0.5);
	if ((e = list(i)) || (e = look(i, f))) {
		images_close(i);
		return e;
	}
	f->period_us = i->period_us;
	f->pictures = (unsigned long)i->n;
	f->length_us = i->n * i->period_us;
	f->recorded_us = INT64_MIN;
	snprintf(f->container, sizeof(f->container), "folder");
	*out = i;
	return E_OK;
}

void images_close(struct images *i)
{
	if (!i)
		return;
	for (int k = 0; k < i->n; k++)
		free(i->name[k]);
	free(i->name);
	free(i->path);
	free(i);
}
