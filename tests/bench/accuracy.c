// SPDX-License-Identifier: MIT
/*
 * accuracy: what the detector finds of the boxes that people drew, and what is
 * counted of what people counted (tests/bench/hand/).
 *
 * Boxes: a box is found where the detector has one of the same metric that
 * overlaps it by half (IoU >= 0.5), each for one.  Counts: the error is the sum
 * of differences by what was to be counted; with `weak` the tracker gets the
 * boxes from half the threshold on, too, as ingest does.
 *
 * The models are in $TALLY_MODELS, the data in ../shared/data, the clip
 * vtest.avi is $TALLY_CLIP.  Clips that are not there are left out, and said
 * so.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/conf.h"
#include "common/json.h"
#include "common/log.h"
#include "ingest/counter.h"

enum { CLASSES = 128, NAME = 300, SETS = 2 };

static const char data[] = "../shared/data";
static const char hand[] = "tests/bench/hand";
static const float same = 0.5F;

/* --- boxes --- */

struct found {
	unsigned drawn, found; /* boxes of people; those the detector has */
	unsigned told;	       /* boxes of the detector's */
};

/* What the classes of the sets are to Tally. */
static enum kind kind_of(const char *name)
{
	static const struct {
		const char *name;
		enum kind kind;
	} kinds[] = {{"person", KIND_PEOPLE}, {"car", KIND_CAR},
		{"bus", KIND_BUS}, {"truck", KIND_TRUCK},
		{"motorcycle", KIND_MOTORCYCLE}, {"bicycle", KIND_BICYCLE},
		{"ambulance", KIND_VEHICLE}};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcasecmp(kinds[i].name, name))
			return kinds[i].kind;
	return KIND_NONE;
}

static int read_classes(const char *set, enum kind kind[CLASSES])
{
	char path[NAME], line[NAME];
	FILE *f;
	int n = 0;

	snprintf(path, sizeof(path), "%s/groundtruth/%s/classes.names", data,
		set);
	if (!(f = fopen(path, "re")))
		return 0;
	while (n < CLASSES && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\r\n")] = '\0';
		kind[n++] = kind_of(line);
	}
	fclose(f);
	return n;
}

/* The boxes of one label file, in pixels. */
static size_t read_boxes(const char *path, const enum kind *kind, int kinds,
	const struct frame *f, struct detection *box, size_t most)
{
	FILE *file = fopen(path, "re");
	float x, y, w, h;
	size_t n = 0;
	int class;

	while (file && n < most &&
		fscanf(file, "%d %f %f %f %f", &class, &x, &y, &w, &h) == 5) {
		if (class < 0 || class >= kinds || kind[class] == KIND_NONE)
			continue;
		box[n++] = (struct detection){.x = (x - w / 2) * (float)f->w,
			.y = (y - h / 2) * (float)f->h,
			.w = w * (float)f->w,
			.h = h * (float)f->h,
			.kind = kind[class]};
	}
	if (file)
		fclose(file);
	return n;
}

/* Best first: detections come by falling score. */
static void match(struct found sum[GROUP_COUNT], const struct detection *drawn,
	size_t n, const struct detections *d)
{
	bool taken[DETECT_MAX] = {false};

	for (size_t i = 0; i < n; i++)
		sum[kind_group(drawn[i].kind)].drawn++;
	for (size_t k = 0; k < d->n; k++) {
		enum group g = kind_group(d->at[k].kind);
		float best = same;
		size_t at = n;

		sum[g].told++;
		for (size_t i = 0; i < n; i++) {
			float over = detection_iou(&drawn[i], &d->at[k]);

			if (!taken[i] && kind_group(drawn[i].kind) == g &&
				over >= best) {
				best = over;
				at = i;
			}
		}
		if (at < n) {
			taken[at] = true;
			sum[g].found++;
		}
	}
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_image(const struct dirent *e)
{
	return *e->d_name != '.' && strrchr(e->d_name, '.');
}

/* Every image of the folder, a second each: so its time is its place among the
 * names. */
static unsigned look_at_images(struct engine *e, const char *set,
	const enum kind *kind, int kinds, struct found sum[GROUP_COUNT])
{
	static struct detections d;
	static struct detection drawn[DETECT_MAX];
	char path[2 * NAME];
	struct dirent **name;
	struct source *s;
	struct frame f;
	unsigned images = 0;
	int n;

	snprintf(path, sizeof(path), "%s/groundtruth/%s/images", data, set);
	if ((n = scandir(path, &name, is_image, by_name)) < 0)
		return 0;
	if (!source_open_folder(&s, path, 1)) {
		while (!source_read(s, &f) && !e->find(e, &f, &d)) {
			const char *file = name[f.pts_us / 1000000]->d_name;
			int stem = (int)(strrchr(file, '.') - file);

			snprintf(path, sizeof(path),
				"%s/groundtruth/%s/labels/%.*s.txt", data, set,
				stem, file);
			match(sum, drawn,
				read_boxes(path, kind, kinds, &f, drawn,
					DETECT_MAX),
				&d);
			images++;
		}
		source_close(s);
	}
	for (int i = 0; i < n; i++)
		free(name[i]);
	free(name);
	return images;
}

static void tell_boxes(const char *set, unsigned images, const struct found *s,
	const char *metric)
{
	if (s->drawn)
		printf("%-28s %7u %-8s %6u %6u %7.3f %9.3f\n", set, images,
			metric, s->drawn, s->found, (double)s->found / s->drawn,
			s->told ? (double)s->found / s->told : 0);
}

static bool boxes(struct engine *e, const char *set)
{
	struct found sum[GROUP_COUNT] = {{0}};
	enum kind kind[CLASSES];
	int kinds = read_classes(set, kind);
	unsigned images;

	if (!kinds) {
		printf("%-28s is not there\n", set);
		return true;
	}
	images = look_at_images(e, set, kind, kinds, sum);
	for (int g = 0; g < GROUP_COUNT; g++)
		tell_boxes(set, images, &sum[g], group_name((enum group)g));
	return images > 0;
}

/* --- counts --- */

enum what { NEW, IN, OUT, WHATS };

static const char *const what_name[WHATS] = {"new", "in", "out"};

/* A stretch of a clip, and what people counted in it; -1: they did not. */
struct stretch {
	char clip[NAME];
	int from, to;
	bool has_line;
	struct shapes shapes;
	int want[WHATS][GROUP_COUNT];
};

static void take_count(
	struct stretch *s, const char *what, const char *metric, int n)
{
	for (int w = 0; w < WHATS; w++)
		for (int g = 0; g < GROUP_COUNT; g++)
			if (!strcmp(what, what_name[w]) &&
				!strcmp(metric, group_name((enum group)g)))
				s->want[w][g] = n;
}

static bool read_stretch(struct stretch *s, const char *path)
{
	char line[NAME], a[NAME], b[NAME];
	struct shape *l = &s->shapes.line[0];
	FILE *f = fopen(path, "re");
	int n;

	memset(s, 0, sizeof(*s));
	memset(s->want, -1, sizeof(s->want));
	s->shapes.speed_from[0] = -1;
	while (f && fgets(line, sizeof(line), f)) {
		if (*line == '#')
			continue;
		if (sscanf(line, "line %lf %lf %lf %lf", &l->x[0], &l->y[0],
			    &l->x[1], &l->y[1]) == 4)
			s->shapes.lines_n = 1;
		else if (sscanf(line, "pictures %d %d", &s->from, &s->to) == 2)
			continue;
		else if (sscanf(line, "clip %299s", s->clip) == 1)
			continue;
		else if (sscanf(line, "%299s %299s %d", a, b, &n) == 3)
			take_count(s, a, b, n);
	}
	l->n = 2;
	l->min_angle = 10;
	snprintf(l->name, sizeof(l->name), "line");
	snprintf(l->in, sizeof(l->in), "in");
	snprintf(l->out, sizeof(l->out), "out");
	if (f)
		fclose(f);
	return f && *s->clip && s->to > s->from;
}

static bool find_clip(const char *name, char path[2 * NAME])
{
	const char *clip = getenv("TALLY_CLIP");

	snprintf(path, 2 * NAME, "%s/videos/%s", data, name);
	if (!access(path, R_OK))
		return true;
	snprintf(path, 2 * NAME, "%s", clip ? clip : "");
	return clip && strlen(clip) >= strlen(name) &&
		!strcmp(clip + strlen(clip) - strlen(name), name) &&
		!access(clip, R_OK);
}

static void add_rows(const struct interval *v, int got[WHATS][GROUP_COUNT])
{
	for (size_t i = 0; i < v->done_n && i < WHATS; i++)
		for (int g = 0; g < GROUP_COUNT; g++)
			got[i][g] += v->done[i].fresh[g];
}

/* The rows of an interval are the picture's, then the line's in and out. */
static bool count_stretch(struct engine *e, const struct stretch *s,
	const char *path, float sure, int got[WHATS][GROUP_COUNT])
{
	static struct detections d;
	struct source *source;
	struct counter c;
	struct frame f;
	int64_t at_us = 0;

	if (source_open(&source, path))
		return false;
	if (counter_init(&c, 10, e->kinds, sure)) {
		source_close(source);
		return false;
	}
	if (s->shapes.lines_n)
		counter_shapes(&c, &s->shapes);
	for (int i = 0; i < s->to && !source_read(source, &f); i++) {
		at_us = INT64_C(1000000000) + f.pts_us;
		if (i < s->from)
			continue;
		while (counter_advance(&c, at_us))
			add_rows(&c.interval, got);
		if (e->find(e, &f, &d))
			break;
		counter_look(&c, at_us, f.w, f.h, &d);
	}
	while (counter_finish(&c, at_us + 1))
		add_rows(&c.interval, got);
	counter_fini(&c);
	source_close(source);
	return true;
}

static bool stretch(
	struct engine *e, const char *file, float sure, const char *how)
{
	int got[WHATS][GROUP_COUNT] = {{0}};
	char path[2 * NAME];
	struct stretch s;

	snprintf(path, sizeof(path), "%s/%s", hand, file);
	if (!read_stretch(&s, path)) {
		printf("%s: is no stretch\n", path);
		return false;
	}
	if (!find_clip(s.clip, path)) {
		printf("%-33s is not there\n", s.clip);
		return true;
	}
	if (!count_stretch(e, &s, path, sure, got))
		return false;
	for (int w = 0; w < WHATS; w++)
		for (int g = 0; g < GROUP_COUNT; g++)
			if (s.want[w][g] >= 0)
				printf("%-33s %-5s %-4s %-8s %6d %7d %+6d\n",
					s.clip, how, what_name[w],
					group_name((enum group)g), s.want[w][g],
					got[w][g], got[w][g] - s.want[w][g]);
	return true;
}

static bool stretches(const char *models, bool weak)
{
	char setting[NAME], err[512];
	struct engine *e = NULL;
	struct dirent **entry;
	struct conf conf;
	double sure;
	bool ok = true;
	int n;

	conf_init(&conf);
	sure = conf.ingest_threshold;
	snprintf(setting, sizeof(setting), "ingest.models_dir=%s", models);
	if (conf_set(&conf, setting, err))
		return false;
	snprintf(setting, sizeof(setting), "ingest.threshold=%g",
		weak ? sure / 2 : sure);
	if (conf_set(&conf, setting, err) || engine_open(&e, &conf))
		return false;
	n = scandir(hand, &entry, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		if (*entry[i]->d_name != '.')
			ok = stretch(e, entry[i]->d_name, (float)sure,
				     weak ? "weak" : "sure") &&
				ok;
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
	e->free(e);
	conf_free(&conf);
	return ok && n > 0;
}

int main(void)
{
	static const char *const set[SETS] = {
		"coco128-train2017", "vehicles-openimages-test"};
	const char *models = getenv("TALLY_MODELS");
	char setting[NAME], err[512];
	struct engine *e = NULL;
	struct conf conf;
	bool ok = true;

	log_open("bench", LOG_WARN);
	models = models && *models ? models : "../shared/models";
	conf_init(&conf);
	snprintf(setting, sizeof(setting), "ingest.models_dir=%s", models);
	if (conf_set(&conf, setting, err) || engine_open(&e, &conf))
		return 1;
	printf("%-28s %7s %-8s %6s %6s %7s %9s\n", "boxes", "images", "metric",
		"drawn", "found", "recall", "precision");
	for (int i = 0; i < SETS; i++)
		ok = boxes(e, set[i]) && ok;
	e->free(e);
	conf_free(&conf);
	printf("\n%-33s %-5s %-4s %-8s %6s %7s %6s\n", "counts", "boxes",
		"what", "metric", "hand", "counted", "error");
	ok = stretches(models, false) && stretches(models, true) && ok;
	return ok ? 0 : 1;
}
