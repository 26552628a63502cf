// SPDX-License-Identifier: MIT
#include <cmath>
#include <cstring>
#include <exception>
#include <new>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/dnn.hpp>
#include <string>
#include <vector>

extern "C" {
#include "common/log.h"
#include "ingest/detect/opencv.h"
}

namespace
{

/* Overlap from which two boxes are one object: Darknet's own value. */
const float thin_limit = 0.45F;

struct network {
	cv::dnn::Net net;
	cv::Size size;
	std::vector<cv::String> ends;
	struct class_list classes;
	cv::Mat blob;
	std::vector<cv::Mat> out;
};

struct opencv_engine {
	struct engine base;
	std::vector<network> nets;
	float threshold;
};

/* OpenCV would print its errors by itself; ours is the one line. */
int quiet(int, const char *, const char *, const char *, int, void *)
{
	return 0;
}

/* One output row: centre and size as shares of the picture, then the score of
 * being an object, then those of the classes. */
void take_row(const float *row, const network &n, float threshold,
	const struct frame *f, struct detections *d)
{
	int best = 0;

	for (int i = 1; i < n.classes.n; i++)
		if (row[5 + i] > row[5 + best])
			best = i;
	const float score = row[5 + best];
	if (!(score >= threshold) || n.classes.kind[best] == KIND_NONE)
		return;
	for (int i = 0; i < 4; i++)
		if (!std::isfinite(row[i]))
			return;
	struct detection x = {};
	const float left = std::fmax(row[0] - row[2] / 2, 0.0F);
	const float top = std::fmax(row[1] - row[3] / 2, 0.0F);
	const float right = std::fmin(row[0] + row[2] / 2, 1.0F);
	const float bottom = std::fmin(row[1] + row[3] / 2, 1.0F);
	if (!(right > left) || !(bottom > top))
		return;
	x.x = left * (float)f->w;
	x.y = top * (float)f->h;
	x.w = (right - left) * (float)f->w;
	x.h = (bottom - top) * (float)f->h;
	x.score = score > 1 ? 1.0F : score;
	x.kind = n.classes.kind[best];
	detections_add(d, x);
}

void find_in(network &n, float threshold, const struct frame *f,
	struct detections *d)
{
	/* OpenCV wants it writable, and only reads. */
	const cv::Mat picture(f->h, f->w, CV_8UC3,
		const_cast<uint8_t *>(f->bgr), (size_t)f->row_bytes);

	cv::dnn::blobFromImage(picture, n.blob, 1 / 255.0, n.size, cv::Scalar(),
		true, false, CV_32F);
	n.net.setInput(n.blob);
	n.net.forward(n.out, n.ends);
	for (const cv::Mat &m : n.out) {
		if (m.dims != 2 || m.type() != CV_32F ||
			m.cols != 5 + n.classes.n)
			throw std::runtime_error("an output of another shape");
		for (int i = 0; i < m.rows; i++)
			take_row(m.ptr<float>(i), n, threshold, f, d);
	}
}

/* Runs work, turning whatever is thrown into one line and an error. */
template <typename F> enum err guarded(const char *what, F work)
{
	try {
		work();
		return E_OK;
	} catch (const std::bad_alloc &) {
		log_error("engine opencv: %s: out of memory", what);
		return E_NOMEM;
	} catch (const std::exception &x) {
		log_error("engine opencv: %s: %s", what, x.what());
	} catch (...) {
		log_error("engine opencv: %s: unknown failure", what);
	}
	return E_CORRUPT;
}

enum err opencv_find(
	struct engine *e, const struct frame *f, struct detections *d)
{
	opencv_engine *o = reinterpret_cast<opencv_engine *>(e);

	d->n = 0;
	return guarded("detection", [&] {
		for (network &n : o->nets)
			find_in(n, o->threshold, f, d);
		detections_thin(d, thin_limit);
	});
}

void opencv_free(struct engine *e)
{
	delete reinterpret_cast<opencv_engine *>(e);
}

void load(opencv_engine *o, const struct net_files *from)
{
	o->nets.emplace_back();
	network &n = o->nets.back();

	n.net = cv::dnn::readNetFromDarknet(from->cfg, from->weights);
	n.net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
	n.net.setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
	n.size = cv::Size(from->w, from->h);
	n.ends = n.net.getUnconnectedOutLayersNames();
	n.classes = from->classes;
	for (int i = 0; i < from->classes.n; i++)
		if (from->classes.kind[i] != KIND_NONE)
			o->base.kinds |= 1U << from->classes.kind[i];
}

/* A first picture, so that a network that cannot run fails here. */
void rehearse(opencv_engine *o, struct detections *d)
{
	const std::vector<uint8_t> grey(64 * 64 * 3, 128);
	struct frame f = {};

	f.bgr = grey.data();
	f.w = f.h = 64;
	f.row_bytes = 64 * 3;
	for (network &n : o->nets)
		find_in(n, o->threshold, &f, d);
}

} // namespace

extern "C" enum err opencv_open(struct engine **e, const struct net_files *nets,
	size_t n, double threshold, int threads)
{
	opencv_engine *o = new (std::nothrow) opencv_engine();
	enum err r = o ? E_OK : E_NOMEM;

	*e = nullptr;
	cv::redirectError(quiet);
	cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
	cv::setNumThreads(threads);
	for (size_t i = 0; i < n && !r; i++)
		r = guarded(nets[i].cfg, [&] { load(o, &nets[i]); });
	if (!r) {
		o->base.name = "opencv";
		o->base.find = opencv_find;
		o->base.free = opencv_free;
		o->base.shareable = true;
		o->threshold = (float)threshold;
		r = guarded("a first picture", [&] {
			static struct detections d;

			rehearse(o, &d);
		});
	}
	if (r)
		delete o;
	else
		*e = &o->base;
	return r;
}
