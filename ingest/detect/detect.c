// SPDX-License-Identifier: MIT
#include "ingest/detect/detect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "ingest/detect/darknet.h"
#include "ingest/detect/motion.h"
#include "ingest/detect/netfile.h"
#include "ingest/detect/opencv.h"
#include "ingest/halt.h"

enum { PATH_BYTES = 8200 };

void detections_add(struct detections *d, struct detection x)
{
	size_t weakest = 0;

	if (d->n < DETECT_MAX) {
		d->at[d->n++] = x;
		return;
	}
	d->refused++;
	for (size_t i = 1; i < d->n; i++)
		if (d->at[i].score < d->at[weakest].score)
			weakest = i;
	if (x.score > d->at[weakest].score)
		d->at[weakest] = x;
}

float detection_iou(const struct detection *a, const struct detection *b)
{
	float left = a->x > b->x ? a->x : b->x;
	float top = a->y > b->y ? a->y : b->y;
	float right = a->x + a->w < b->x + b->w ? a->x + a->w : b->x + b->w;
	float bottom = a->y + a->h < b->y + b->h ? a->y + a->h : b->y + b->h;
	float both;

	if (right <= left || bottom <= top)
		return 0;
	both = (right - left) * (bottom - top);
	return both / (a->w * a->h + b->w * b->h - both);
}

/* Stronger first; equal ones by place, so that the order never depends on how
 * the library sorted them. */
static int by_score(const void *pa, const void *pb)
{
	const struct detection *a = pa, *b = pb;

	if (a->score != b->score)
		return a->score < b->score ? 1 : -1;
	if (a->x != b->x)
		return a->x > b->x ? 1 : -1;
	return (a->y > b->y) - (a->y < b->y);
}

void detections_thin(struct detections *d, float limit)
{
	size_t kept = 0;

	qsort(d->at, d->n, sizeof(d->at[0]), by_score);
	for (size_t i = 0; i < d->n; i++) {
		const struct detection *x = &d->at[i];
		size_t k;

		for (k = 0; k < kept; k++)
			if (kind_group(d->at[k].kind) == kind_group(x->kind) &&
				detection_iou(&d->at[k], x) > limit)
				break;
		if (k == kept)
			d->at[kept++] = *x;
	}
	d->n = kept;
}

/* A network as the configuration names it. */
struct model {
	const char *cfg, *weights, *names;
	const char *input;   /* "WIDTHxHEIGHT", or "": as its cfg says */
	const char *setting; /* of the input, in [ingest] */
	char cfg_path[PATH_BYTES], weights_path[PATH_BYTES],
		names_path[PATH_BYTES];
};

static void place(char path[PATH_BYTES], const char *dir, const char *file)
{
	if (*file == '/')
		snprintf(path, PATH_BYTES, "%s", file);
	else
		snprintf(path, PATH_BYTES, "%s/%s", dir, file);
}

/* Those that are configured; returns how many. */
static size_t list_models(const struct conf *c, struct model m[NETWORKS_MAX])
{
	const struct model named[NETWORKS_MAX] = {
		{.cfg = c->ingest_object_cfg,
			.weights = c->ingest_object_weights,
			.names = c->ingest_object_names,
			.input = c->ingest_object_input,
			.setting = "object_input"},
		{.cfg = c->ingest_face_cfg,
			.weights = c->ingest_face_weights,
			.names = c->ingest_face_names,
			.input = c->ingest_face_input,
			.setting = "face_input"}};
	size_t n = 0;

	for (size_t i = 0; i < NETWORKS_MAX; i++) {
		if (!*named[i].cfg)
			continue;
		m[n] = named[i];
		place(m[n].cfg_path, c->ingest_models_dir, m[n].cfg);
		place(m[n].weights_path, c->ingest_models_dir, m[n].weights);
		place(m[n].names_path, c->ingest_models_dir, m[n].names);
		n++;
	}
	return n;
}

static void add_file(struct text *key, const char *path)
{
	struct stat st = {0};

	if (stat(path, &st))
		st.st_size = -1;
	text_printf(key, "%s %lld %lld.%09ld\n", path, (long long)st.st_size,
		(long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

void engine_key(const struct conf *c, struct text *key)
{
	struct model m[NETWORKS_MAX];
	size_t n = list_models(c, m);

	text_printf(key, "%s\n%s\n%.17g %.17g %d\n", c->ingest_engine,
		c->ingest_classes, c->ingest_threshold,
		c->ingest_threshold_weak, c->ingest_threads);
	for (size_t i = 0; i < n; i++) {
		text_printf(key, "%s %s\n", m[i].setting, m[i].input);
		add_file(key, m[i].cfg_path);
		add_file(key, m[i].weights_path);
		add_file(key, m[i].names_path);
	}
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* "320x256"; these networks halve the picture five times.  Of "" w and h stay
 * as they are. */
static bool read_input(const char *text, int *w, int *h)
{
	char end;

	if (!*text)
		return true;
	return sscanf(text, "%4dx%4d%c", w, h, &end) == 2 && *w >= 32 &&
		*h >= 32 && *w <= NETFILE_INPUT_MAX &&
		*h <= NETFILE_INPUT_MAX && *w % 32 == 0 && *h % 32 == 0;
}

static bool is_engine(const char *name)
{
	return !strcmp(name, "auto") || !strcmp(name, "opencv") ||
		!strcmp(name, "darknet") || !strcmp(name, "motion");
}

void engine_check(const struct conf *c,
	void (*told)(void *arg, const char *key, const char *what), void *arg)
{
	struct model m[NETWORKS_MAX];
	struct class_map map;
	size_t n = list_models(c, m);
	char what[512];
	int w, h;

	if (!is_engine(c->ingest_engine))
		told(arg, "engine", "is none of auto, opencv, darknet, motion");
	if (class_map_parse(&map, c->ingest_classes, what))
		told(arg, "classes", what);
	else if (!strcmp(c->ingest_engine, "motion") &&
		class_map_find(&map, "motion") == KIND_NONE)
		told(arg, "classes", "lacks motion=METRIC");
	for (size_t i = 0; i < n; i++)
		if (!read_input(m[i].input, &w, &h)) {
			snprintf(what, sizeof(what),
				"is not WIDTHxHEIGHT, multiples of 32 up to %d",
				NETFILE_INPUT_MAX);
			told(arg, m[i].setting, what);
		}
}

static enum err read_network(
	struct net_files *to, const struct model *m, struct class_map *map)
{
	struct netfile *net = malloc(sizeof(*net));
	enum err e;

	if (!net)
		return E_NOMEM;
	e = netfile_read_cfg(net, m->cfg_path);
	if (!e)
		e = netfile_check_weights(net, m->weights_path);
	if (!e &&
		class_list_read(&to->classes, m->names_path, net->classes, map))
		e = E_SYNTAX;
	else if (e)
		e = e == E_IO ? E_NOT_FOUND : E_CORRUPT;
	to->cfg = m->cfg_path;
	to->weights = m->weights_path;
	to->w = net->w;
	to->h = net->h;
	memcpy(to->foreign, net->foreign, sizeof(to->foreign));
	free(net);
	if (!e && !read_input(m->input, &to->w, &to->h))
		e = E_INVALID;
	return e;
}

/* --- the engines --- */

/* Of any box: those below the threshold are for the tracker's second round. */
static double least_score(const struct conf *c)
{
	return c->ingest_threshold_weak > 0 &&
			c->ingest_threshold_weak < c->ingest_threshold
		? c->ingest_threshold_weak
		: c->ingest_threshold;
}

/* Networks that Debian's Darknet cannot run are OpenCV's, beside it. */
static enum err open_darknet(struct engine **e, const struct conf *c,
	const struct net_files *nets, size_t n)
{
	struct net_files own[NETWORKS_MAX], foreign[NETWORKS_MAX];
	struct darknet_settings set = {.threshold = least_score(c),
		.find_us = c->ingest_detect_timeout_s * INT64_C(1000000)};
	size_t n_own = 0, n_foreign = 0;
	enum err r = E_OK;

	for (size_t i = 0; i < n; i++) {
		if (!*nets[i].foreign) {
			own[n_own++] = nets[i];
			continue;
		}
		foreign[n_foreign++] = nets[i];
		log_warn("engine darknet: %s: Debian's Darknet does not know "
			 "%s: OpenCV runs this network",
			nets[i].cfg, nets[i].foreign);
	}
	if (!n_own) {
		log_error("engine darknet: no network is left for it");
		return E_INVALID;
	}
	if (n_foreign)
		r = opencv_open(&set.beside, foreign, n_foreign, least_score(c),
			c->ingest_threads);
	if (!r)
		r = darknet_open(e, own, n_own, &set);
	if (r && set.beside)
		set.beside->free(set.beside);
	return r;
}

static enum err open_networks(struct engine **e, const struct conf *c,
	const struct model *m, size_t n, struct class_map *map)
{
	bool darknet = !strcmp(c->ingest_engine, "darknet");
	const char *name = darknet ? "darknet" : "opencv";
	struct net_files nets[NETWORKS_MAX];
	enum err r;

	if (n == 0) {
		log_error("engine %s: neither ingest.object_cfg nor "
			  "ingest.face_cfg names a network",
			name);
		return E_INVALID;
	}
	for (size_t i = 0; i < n; i++)
		if ((r = read_network(&nets[i], &m[i], map)))
			return r;
	for (size_t i = 0; i < map->n; i++)
		if (!map->entry[i].used && strcmp(map->entry[i].name, "motion"))
			log_warn("engine %s: class \"%s\" of ingest.classes is "
				 "in no names list",
				name, map->entry[i].name);
	r = darknet
		? open_darknet(e, c, nets, n)
		: opencv_open(e, nets, n, least_score(c), c->ingest_threads);
	if (!r)
		(*e)->sure = (float)c->ingest_threshold;
	if (!r && !(*e)->kinds) {
		log_error("engine %s: ingest.classes maps no class of the "
			  "names lists",
			name);
		(*e)->free(*e);
		*e = NULL;
		return E_INVALID;
	}
	return r;
}

static enum err open_motion(struct engine **e, struct class_map *map)
{
	enum kind kind = class_map_find(map, "motion");

	if (kind == KIND_NONE) {
		log_error("engine motion: ingest.classes lacks motion=METRIC");
		return E_INVALID;
	}
	return motion_open(e, kind);
}

/* What a grey picture takes says what the camera may ask for. */
static void tell_pace(struct engine *e)
{
	enum { SIDE = 640 };
	uint8_t *grey = malloc((size_t)SIDE * SIDE * 3);
	struct detections *d = malloc(sizeof(*d));
	struct frame f = {
		.bgr = grey, .w = SIDE, .h = SIDE, .row_bytes = SIDE * 3};
	int64_t from = 0, us = 0;

	if (grey && d) {
		memset(grey, 128, (size_t)SIDE * SIDE * 3);
		/* The first is slower than those that follow. */
		for (int i = 0; i < 2; i++) {
			from = halt_clock_us();
			if (e->find(e, &f, d))
				break;
			us = halt_clock_us() - from;
		}
	}
	if (us)
		log_info("engine %s: %.1f ms a picture, %.1f pictures/s",
			e->name, (double)us / 1e3, 1e6 / (double)us);
	free(grey);
	free(d);
}

static void log_fault(void *arg, const char *key, const char *what)
{
	bool *bad = arg;

	log_error("ingest.%s: %s", key, what);
	*bad = true;
}

enum err engine_open(struct engine **e, const struct conf *c)
{
	struct model m[NETWORKS_MAX];
	struct class_map map;
	char what[512];
	bool any = false, bad = false;
	bool auto_ = !strcmp(c->ingest_engine, "auto");
	size_t n = list_models(c, m);
	enum err r;

	*e = NULL;
	engine_check(c, log_fault, &bad);
	if (bad || class_map_parse(&map, c->ingest_classes, what))
		return E_INVALID;
	if (!strcmp(c->ingest_engine, "motion"))
		return open_motion(e, &map);
	for (size_t i = 0; i < n; i++)
		any = any || is_there(m[i].cfg_path) ||
			is_there(m[i].weights_path);
	if (any || !auto_) {
		r = open_networks(e, c, m, n, &map);
		if (!r)
			tell_pace(*e);
		return r;
	}
	log_warn(
		"engine: no model in %s: counting moving shapes; `./dev models "
		"DIR` takes models from a folder",
		c->ingest_models_dir);
	return open_motion(e, &map);
}
