// SPDX-License-Identifier: MIT
#include "ingest/detect/detect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "ingest/detect/motion.h"
#include "ingest/detect/netfile.h"
#include "ingest/detect/opencv.h"

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

/* The three files of a network, as the configuration names them. */
struct model {
	const char *cfg, *weights, *names;
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
static size_t list_models(
	const struct conf *c, struct model m[OPENCV_NETWORKS_MAX])
{
	const char *file[OPENCV_NETWORKS_MAX][3] = {
		{c->ingest_object_cfg, c->ingest_object_weights,
			c->ingest_object_names},
		{c->ingest_face_cfg, c->ingest_face_weights,
			c->ingest_face_names}};
	size_t n = 0;

	for (size_t i = 0; i < OPENCV_NETWORKS_MAX; i++) {
		if (!*file[i][0])
			continue;
		place(m[n].cfg_path, c->ingest_models_dir, file[i][0]);
		place(m[n].weights_path, c->ingest_models_dir, file[i][1]);
		place(m[n].names_path, c->ingest_models_dir, file[i][2]);
		n++;
	}
	return n;
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static enum err read_network(
	struct opencv_network *to, const struct model *m, struct class_map *map)
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
	free(net);
	return e;
}

static enum err open_opencv(struct engine **e, const struct conf *c,
	const struct model *m, size_t n, struct class_map *map)
{
	struct opencv_network nets[OPENCV_NETWORKS_MAX];
	enum err r;

	if (n == 0) {
		log_error("engine opencv: neither ingest.object_cfg nor "
			  "ingest.face_cfg names a network");
		return E_INVALID;
	}
	for (size_t i = 0; i < n; i++)
		if ((r = read_network(&nets[i], &m[i], map)))
			return r;
	for (size_t i = 0; i < map->n; i++)
		if (!map->entry[i].used && strcmp(map->entry[i].name, "motion"))
			log_warn("engine opencv: class \"%s\" of "
				 "ingest.classes is in no names list",
				map->entry[i].name);
	r = opencv_open(e, nets, n, c->ingest_threshold, c->ingest_threads);
	if (!r && !(*e)->kinds) {
		log_error("engine opencv: ingest.classes maps no class of the "
			  "names lists");
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

enum err engine_open(struct engine **e, const struct conf *c)
{
	struct model m[OPENCV_NETWORKS_MAX];
	struct class_map map;
	char err[512];
	bool any = false, auto_ = !strcmp(c->ingest_engine, "auto");
	size_t n = list_models(c, m);

	*e = NULL;
	if (class_map_parse(&map, c->ingest_classes, err)) {
		log_error("%s", err);
		return E_INVALID;
	}
	if (!strcmp(c->ingest_engine, "motion"))
		return open_motion(e, &map);
	if (!auto_ && strcmp(c->ingest_engine, "opencv")) {
		log_error("ingest.engine: \"%s\" is none of auto, opencv, "
			  "motion",
			c->ingest_engine);
		return E_INVALID;
	}
	for (size_t i = 0; i < n; i++)
		any = any || is_there(m[i].cfg_path) ||
			is_there(m[i].weights_path);
	if (any || !auto_)
		return open_opencv(e, c, m, n, &map);
	log_warn(
		"engine: no model in %s: counting moving shapes; `./dev models "
		"DIR` takes models from a folder",
		c->ingest_models_dir);
	return open_motion(e, &map);
}
