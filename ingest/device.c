// SPDX-License-Identifier: MIT
#include "ingest/device.h"

#include <errno.h>
#include <fcntl.h>
#include <libavutil/imgutils.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ingest/libav.h"

enum { BUFFERS = 4, STEP_MS = 200, SECOND = 1000000, IMAGE_BYTES = 64 << 20 };

struct device {
	int fd;
	bool streams, mjpeg;
	int w, h, row_bytes;
	AVCodecContext *codec; /* of MJPEG */
	AVPacket *packet;
	unsigned n;
	struct {
		void *at;
		size_t size;
	} buffer[BUFFERS];
	unsigned long damaged;
};

static int control(int fd, unsigned long request, void *arg)
{
	int r;

	do
		r = ioctl(fd, request, arg);
	while (r < 0 && errno == EINTR);
	return r;
}

static enum err fail(char why[SOURCE_WHY], const char *what, enum err e)
{
	snprintf(why, SOURCE_WHY, "%s: %s", what, strerror(errno));
	return e;
}

static bool known(uint32_t format)
{
	return format == V4L2_PIX_FMT_MJPEG || format == V4L2_PIX_FMT_JPEG ||
		format == V4L2_PIX_FMT_YUYV;
}

/* Its size stays; its format too, where it is one that we read. */
static enum err set_format(struct device *d, char why[SOURCE_WHY])
{
	static const uint32_t wanted[] = {
		V4L2_PIX_FMT_MJPEG, V4L2_PIX_FMT_YUYV};
	struct v4l2_format now = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE}, f;

	if (control(d->fd, VIDIOC_G_FMT, &now))
		return fail(why, "does not tell its format", E_INVALID);
	f = now;
	for (size_t i = 0;
		!known(f.fmt.pix.pixelformat) && i < ARRAY_LEN(wanted); i++) {
		f = now;
		f.fmt.pix.pixelformat = wanted[i];
		f.fmt.pix.bytesperline = 0;
		if (control(d->fd, VIDIOC_S_FMT, &f))
			return fail(why, "takes no format", E_IO);
	}
	if (!known(f.fmt.pix.pixelformat)) {
		snprintf(why, SOURCE_WHY, "gives neither MJPEG nor YUYV");
		return E_INVALID;
	}
	d->mjpeg = f.fmt.pix.pixelformat != V4L2_PIX_FMT_YUYV;
	if (f.fmt.pix.width < 1 || f.fmt.pix.width > SOURCE_SIDE_MAX ||
		f.fmt.pix.height < 1 || f.fmt.pix.height > SOURCE_SIDE_MAX) {
		snprintf(why, SOURCE_WHY, "has pictures of no size");
		return E_INVALID;
	}
	d->w = (int)f.fmt.pix.width;
	d->h = (int)f.fmt.pix.height;
	d->row_bytes = f.fmt.pix.bytesperline >= f.fmt.pix.width * 2 &&
			f.fmt.pix.bytesperline < SOURCE_SIDE_MAX * 8
		? (int)f.fmt.pix.bytesperline
		: d->w * 2;
	return E_OK;
}

static enum err open_codec(struct device *d)
{
	const AVCodec *codec = avcodec_find_decoder(AV_CODEC_ID_MJPEG);

	if (!d->mjpeg)
		return E_OK;
	d->packet = av_packet_alloc();
	d->codec = codec ? avcodec_alloc_context3(codec) : NULL;
	if (!d->packet || !d->codec)
		return E_NOMEM;
	d->codec->thread_count = 1;
	d->codec->max_pixels = (int64_t)SOURCE_SIDE_MAX * SOURCE_SIDE_MAX;
	return avcodec_open2(d->codec, codec, NULL) ? E_NOMEM : E_OK;
}

static enum err map_buffers(struct device *d, char why[SOURCE_WHY])
{
	struct v4l2_requestbuffers ask = {.count = BUFFERS,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP};

	if (control(d->fd, VIDIOC_REQBUFS, &ask) || ask.count < 2)
		return fail(why, "gives no buffers", E_IO);
	while (d->n < ask.count && d->n < BUFFERS) {
		struct v4l2_buffer b = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
			.memory = V4L2_MEMORY_MMAP,
			.index = d->n};
		void *at;

		if (control(d->fd, VIDIOC_QUERYBUF, &b))
			return fail(why, "gives no buffers", E_IO);
		at = mmap(NULL, b.length, PROT_READ, MAP_SHARED, d->fd,
			(off_t)b.m.offset);
		if (at == MAP_FAILED)
			return fail(why, "gives no buffers", E_IO);
		d->buffer[d->n].at = at;
		d->buffer[d->n].size = b.length;
		d->n++;
		if (control(d->fd, VIDIOC_QBUF, &b))
			return fail(why, "takes no buffers", E_IO);
	}
	return E_OK;
}

static enum err start(struct device *d, const char *path, char why[SOURCE_WHY])
{
	struct v4l2_capability can;
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	uint32_t caps;
	enum err e;

	d->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (d->fd < 0)
		return fail(why, "cannot be opened", E_IO);
	if (control(d->fd, VIDIOC_QUERYCAP, &can))
		return fail(why, "is no V4L2 device", E_INVALID);
	caps = can.capabilities & V4L2_CAP_DEVICE_CAPS ? can.device_caps
						       : can.capabilities;
	if (!(caps & V4L2_CAP_VIDEO_CAPTURE) || !(caps & V4L2_CAP_STREAMING)) {
		snprintf(why, SOURCE_WHY, "is no camera that streams");
		return E_INVALID;
	}
	if ((e = set_format(d, why)) || (e = open_codec(d)) ||
		(e = map_buffers(d, why)))
		return e;
	if (control(d->fd, VIDIOC_STREAMON, &type))
		return fail(why, "does not start", E_IO);
	d->streams = true;
	return E_OK;
}

static void write_facts(const struct device *d, struct source_facts *f)
{
	struct v4l2_streamparm p = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE};
	struct v4l2_fract *t = &p.parm.capture.timeperframe;

	f->own_w = d->w;
	f->own_h = d->h;
	canvas_size(d->w, d->h, &f->w, &f->h);
	f->period_us = SECOND / 25;
	if (!control(d->fd, VIDIOC_G_PARM, &p) && t->numerator &&
		t->denominator && t->numerator / t->denominator < 100)
		f->period_us = (int64_t)t->numerator * SECOND / t->denominator;
	if (f->period_us < 1)
		f->period_us = SECOND / 25;
	f->recorded_us = INT64_MIN;
	f->timed = true;
	snprintf(f->container, sizeof(f->container), "v4l2");
	snprintf(f->codec, sizeof(f->codec), "%s",
		d->mjpeg ? "mjpeg" : "rawvideo");
}

enum err device_open(struct device **out, const char *path,
	struct source_facts *facts, char why[SOURCE_WHY])
{
	struct device *d = calloc(1, sizeof(*d));
	enum err e;

	*out = NULL;
	if (!d)
		return E_NOMEM;
	if ((e = start(d, path, why))) {
		device_close(d);
		return e;
	}
	write_facts(d, facts);
	*out = d;
	return E_OK;
}

void device_close(struct device *d)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	if (!d)
		return;
	if (d->streams)
		control(d->fd, VIDIOC_STREAMOFF, &type);
	for (unsigned i = 0; i < d->n; i++)
		munmap(d->buffer[i].at, d->buffer[i].size);
	avcodec_free_context(&d->codec);
	av_packet_free(&d->packet);
	if (d->fd >= 0)
		close(d->fd);
	free(d);
}

unsigned long device_damaged(const struct device *d)
{
	return d->damaged;
}

/* The driver's bytes become the picture's own.  E_CORRUPT: they are none. */
static enum err take(struct device *d, const void *at, size_t n, AVFrame *to)
{
	const uint8_t *from[4] = {at};
	int row[4] = {d->row_bytes};

	if (d->mjpeg) {
		if (n > IMAGE_BYTES || av_new_packet(d->packet, (int)n))
			return E_CORRUPT;
		memcpy(d->packet->data, at, n);
		if (!avcodec_send_packet(d->codec, d->packet))
			n = !avcodec_receive_frame(d->codec, to);
		else
			n = 0;
		av_packet_unref(d->packet);
		return n ? E_OK : E_CORRUPT;
	}
	if (n < (size_t)d->row_bytes * (size_t)d->h)
		return E_CORRUPT;
	to->format = AV_PIX_FMT_YUYV422;
	to->width = d->w;
	to->height = d->h;
	if (av_frame_get_buffer(to, 0))
		return E_NOMEM;
	av_image_copy(to->data, to->linesize, from, row, AV_PIX_FMT_YUYV422,
		d->w, d->h);
	return E_OK;
}

/* Until a picture may be there. */
static enum err wait_for_one(struct device *d, struct halt *halt,
	int64_t deadline_us, char why[SOURCE_WHY])
{
	struct pollfd p = {.fd = d->fd, .events = POLLIN};

	while (!halt_said(halt) && halt_clock_us() < deadline_us) {
		int r = poll(&p, 1, STEP_MS);

		if (r > 0 && p.revents & (POLLERR | POLLHUP | POLLNVAL)) {
			snprintf(why, SOURCE_WHY, "the device is gone");
			return E_IO;
		}
		if (r > 0)
			return E_OK;
	}
	snprintf(why, SOURCE_WHY, "no picture");
	return E_IO;
}

enum err device_next(struct device *d, struct picture *p, struct halt *halt,
	int64_t deadline_us, char why[SOURCE_WHY])
{
	for (;;) {
		struct v4l2_buffer b = {.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
			.memory = V4L2_MEMORY_MMAP};
		int64_t from;
		enum err e = wait_for_one(d, halt, deadline_us, why);

		if (e)
			return e;
		if (control(d->fd, VIDIOC_DQBUF, &b)) {
			if (errno == EAGAIN)
				continue;
			return fail(why, "gives no picture", E_IO);
		}
		from = halt_clock_us();
		if (b.index >= d->n || b.bytesused > d->buffer[b.index].size ||
			b.flags & V4L2_BUF_FLAG_ERROR)
			e = E_CORRUPT;
		else
			e = take(d, d->buffer[b.index].at, b.bytesused, p->av);
		p->decode_us = halt_clock_us() - from;
		if (control(d->fd, VIDIOC_QBUF, &b))
			return fail(why, "takes no buffers", E_IO);
		if (e == E_NOMEM)
			return e;
		if (!e) {
			p->pts_us = b.timestamp.tv_sec * INT64_C(1000000) +
				b.timestamp.tv_usec;
			return E_OK;
		}
		d->damaged++;
	}
}
