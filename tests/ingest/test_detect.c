// SPDX-License-Identifier: MIT
#include <check.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ingest/detect/detect.h"
#include "ingest/detect/motion.h"
#include "ingest/detect/netfile.h"
#include "ingest/detect/share.h"
#include "tests/ingest/clip.h"

#define CFG	"yolo-fastest-1.1/yolo-fastest-1.1.cfg"
#define WEIGHTS "yolo-fastest-1.1/yolo-fastest-1.1.weights"

static struct conf conf;
static char err[512];
static char cut[64];

static void set(const char *assignment)
{
	ck_assert_msg(!conf_set(&conf, assignment, err), "%s", err);
}

static void start(void)
{
	int fd;

	conf_init(&conf);
	set("ingest.models_dir=" CLIP_MODELS);
	snprintf(cut, sizeof(cut), "/tmp/tally-model-XXXXXX");
	fd = mkstemp(cut);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void stop(void)
{
	conf_free(&conf);
	unlink(cut);
}

static enum err open_only(void)
{
	struct engine *e;
	enum err r = engine_open(&e, &conf);

	if (!r)
		e->free(e);
	return r;
}

/* The setting with the path of the cut copy as its value. */
static void set_to_cut(const char *setting)
{
	char assignment[200];

	snprintf(assignment, sizeof(assignment), "%s=%s", setting, cut);
	set(assignment);
}

START_TEST(the_models_find_people_and_faces_in_the_clip)
{
	static struct detections d;
	size_t people = 0, faces = 0;
	struct engine *e;
	struct source *s;
	struct frame f;

	if (!clip_there(CLIP_FACES, "ingest/detect") ||
		!clip_there(CLIP_MODELS, "ingest/detect"))
		return;
	ck_assert(!source_open(&s, CLIP_FACES));
	ck_assert(!engine_open(&e, &conf));
	ck_assert_str_eq(e->name, "opencv");
	ck_assert(e->kinds & 1U << KIND_PEOPLE);
	ck_assert(e->kinds & 1U << KIND_FACE);
	ck_assert(!(e->kinds & 1U << KIND_SCOOTER));
	for (int i = 0; i < 10; i++) {
		ck_assert(!source_read(s, &f));
		ck_assert(!e->find(e, &f, &d));
		for (size_t k = 0; k < d.n; k++) {
			ck_assert(d.at[k].score >= 0.3F);
			ck_assert(d.at[k].x >= 0 &&
				d.at[k].x + d.at[k].w <= (float)f.w + 1);
			people += d.at[k].kind == KIND_PEOPLE;
			faces += d.at[k].kind == KIND_FACE;
		}
	}
	/* Two of each, in nearly every picture. */
	ck_assert_uint_ge(people, 18);
	ck_assert_uint_le(people, 22);
	ck_assert_uint_ge(faces, 18);
	ck_assert_uint_le(faces, 25);
	e->free(e);
	source_close(s);
}
END_TEST

/* --- shared engines --- */

enum { SHARERS = 3, LOOKS = 4 };

struct sharer {
	struct engine *e;
	const struct frame *f;
	struct detections found[LOOKS];
	pthread_t thread;
};

static void *look(void *arg)
{
	struct sharer *s = arg;

	for (int i = 0; i < LOOKS; i++)
		if (s->e->find(s->e, s->f, &s->found[i]))
			s->found[i].n = 0;
	return NULL;
}

static void look_side_by_side(struct sharer *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ck_assert(!pthread_create(&s[i].thread, NULL, look, &s[i]));
	for (size_t i = 0; i < n; i++)
		pthread_join(s[i].thread, NULL);
}

static void is_like(const struct detections *a, const struct detections *b)
{
	ck_assert_uint_eq(a->n, b->n);
	ck_assert(!memcmp(a->at, b->at, a->n * sizeof(a->at[0])));
}

START_TEST(cameras_of_one_model_take_turns_with_fewer_engines)
{
	static struct sharer s[SHARERS];
	static struct detections alone, few;
	struct engine *e, *strict, *still;
	struct source *clip;
	struct share share;
	struct frame f;

	if (!clip_there(CLIP_FACES, "ingest/detect") ||
		!clip_there(CLIP_MODELS, "ingest/detect"))
		return;
	set("ingest.face_cfg=");
	ck_assert(!source_open(&clip, CLIP_FACES));
	ck_assert(!source_read(clip, &f));
	ck_assert(!engine_open(&e, &conf));
	ck_assert(!e->find(e, &f, &alone));
	ck_assert_uint_ge(alone.n, 2);
	e->free(e);
	share_init(&share, 2);
	for (int i = 0; i < SHARERS; i++) {
		s[i].f = &f;
		ck_assert(!share_open(&share, &s[i].e, &conf));
		ck_assert_str_eq(s[i].e->name, "opencv");
		ck_assert_uint_eq(share_engines(&share), i < 2 ? i + 1 : 2);
	}
	/* Other settings, another engine; what keeps pictures is nobody else's.
	 */
	set("ingest.threshold=0.99");
	ck_assert(!share_open(&share, &strict, &conf));
	ck_assert_uint_eq(share_engines(&share), 3);
	set("ingest.engine=motion");
	ck_assert(!share_open(&share, &still, &conf));
	ck_assert_uint_eq(share_engines(&share), 3);
	look_side_by_side(s, SHARERS);
	for (int i = 0; i < SHARERS * LOOKS; i++)
		is_like(&s[i / LOOKS].found[i % LOOKS], &alone);
	ck_assert(!strict->find(strict, &f, &few));
	ck_assert_uint_lt(few.n, alone.n);
	s[0].e->free(s[0].e);
	ck_assert_uint_eq(share_engines(&share), 3);
	s[1].e->free(s[1].e);
	ck_assert_uint_eq(share_engines(&share), 2);
	look_side_by_side(&s[2], 1);
	is_like(&s[2].found[0], &alone);
	s[2].e->free(s[2].e);
	strict->free(strict);
	still->free(still);
	ck_assert_uint_eq(share_engines(&share), 0);
	share_fini(&share);
	source_close(clip);
}
END_TEST

/* tally-darknet is only built where `./dev` could get Darknet. */
static bool darknet_there(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 20);

	ck_assert_int_gt(n, 0);
	path[n] = '\0';
	strcpy(strrchr(path, '/'), "/tally-darknet");
	return clip_there(path, "ingest/detect") &&
		clip_there(CLIP_FACES, "ingest/detect") &&
		clip_there(CLIP_MODELS, "ingest/detect");
}

/* Each box that is well above the threshold has its like: of the same kind,
 * overlapping by 0.9, of a score within 0.05. */
static void each_has_its_like(
	const struct detections *of, const struct detections *in, size_t *boxes)
{
	for (size_t i = 0; i < of->n; i++) {
		const struct detection *a = &of->at[i], *b = NULL;

		if (a->score < 0.35F)
			continue;
		for (size_t k = 0; k < in->n; k++)
			if (in->at[k].kind == a->kind &&
				detection_iou(a, &in->at[k]) >= 0.9F)
				b = &in->at[k];
		ck_assert_msg(b, "a box of kind %d, score %.3f is missing",
			(int)a->kind, (double)a->score);
		ck_assert_float_le(fabsf(a->score - b->score), 0.05F);
		(*boxes)++;
	}
}

/* Every fifth picture; at least so many pairs of boxes. */
static void compare_engines(int pictures, size_t least)
{
	static struct detections a, b;
	struct engine *opencv, *darknet;
	size_t boxes = 0;
	struct source *s;
	struct frame f;

	ck_assert(!source_open(&s, CLIP_FACES));
	set("ingest.engine=opencv");
	ck_assert(!engine_open(&opencv, &conf));
	set("ingest.engine=darknet");
	ck_assert(!engine_open(&darknet, &conf));
	ck_assert_uint_eq(opencv->kinds, darknet->kinds);
	for (int i = 0; i < pictures; i++) {
		for (int skip = 0; skip < 5; skip++)
			ck_assert(!source_read(s, &f));
		ck_assert(!opencv->find(opencv, &f, &a));
		ck_assert(!darknet->find(darknet, &f, &b));
		each_has_its_like(&a, &b, &boxes);
		each_has_its_like(&b, &a, &boxes);
	}
	ck_assert_uint_ge(boxes, least);
	opencv->free(opencv);
	darknet->free(darknet);
	source_close(s);
}

START_TEST(darknet_and_opencv_agree_on_boxes)
{
	if (!darknet_there())
		return;
	set("ingest.face_cfg=");
	compare_engines(5, 16);
	set("ingest.object_input=256x256");
	compare_engines(3, 4);
}
END_TEST

/* The process that this one started; 0: none. */
static pid_t child_of_ours(void)
{
	char path[64];
	FILE *f;
	int pid = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children",
		(int)getpid());
	f = fopen(path, "re");
	ck_assert_ptr_nonnull(f);
	if (fscanf(f, "%d", &pid) != 1)
		pid = 0;
	fclose(f);
	return pid;
}

START_TEST(a_darknet_that_dies_is_started_again)
{
	static struct detections d;
	struct engine *e;
	struct source *s;
	struct frame f;
	pid_t pid;

	if (!darknet_there())
		return;
	set("ingest.face_cfg=");
	set("ingest.engine=darknet");
	ck_assert(!source_open(&s, CLIP_FACES));
	ck_assert(!source_read(s, &f));
	ck_assert(!engine_open(&e, &conf));
	ck_assert(!e->find(e, &f, &d));
	ck_assert_uint_ge(d.n, 2);
	pid = child_of_ours();
	ck_assert_int_gt(pid, 0);
	ck_assert(!kill(pid, SIGKILL));
	ck_assert_int_eq(e->find(e, &f, &d), E_BUSY);
	ck_assert_int_eq(child_of_ours(), 0);
	ck_assert(!e->find(e, &f, &d));
	ck_assert_uint_ge(d.n, 2);
	ck_assert_int_ne(child_of_ours(), pid);
	e->free(e);
	ck_assert_int_eq(child_of_ours(), 0);
	source_close(s);
}
END_TEST

START_TEST(an_input_size_is_a_multiple_of_32)
{
	if (!clip_there(CLIP_MODELS, "ingest/detect"))
		return;
	set("ingest.object_input=300x320");
	ck_assert_int_eq(open_only(), E_INVALID);
	set("ingest.object_input=320");
	ck_assert_int_eq(open_only(), E_INVALID);
}
END_TEST

START_TEST(without_any_model_auto_counts_moving_shapes)
{
	struct engine *e;

	set("ingest.models_dir=/nowhere");
	ck_assert(!engine_open(&e, &conf));
	ck_assert_str_eq(e->name, "motion");
	ck_assert_uint_eq(e->kinds, 1U << KIND_PEOPLE);
	e->free(e);
	set("ingest.engine=opencv");
	ck_assert_int_eq(open_only(), E_NOT_FOUND);
}
END_TEST

START_TEST(a_model_file_that_is_missing_or_cut_is_an_error)
{
	if (!clip_there(CLIP_MODELS, "ingest/detect"))
		return;
	set("ingest.object_weights=nowhere.weights");
	ck_assert_int_eq(open_only(), E_NOT_FOUND);
	set_to_cut("ingest.object_weights");
	ck_assert_int_eq(open_only(), E_CORRUPT);
	clip_cut(CLIP_MODELS "/" WEIGHTS, cut, -4);
	ck_assert_int_eq(open_only(), E_CORRUPT);
	clip_cut(CLIP_MODELS "/" WEIGHTS, cut, 0);
	ck_assert_int_eq(open_only(), E_OK);
	clip_spoil(cut, 5000, 4000);
	ck_assert_int_eq(open_only(), E_CORRUPT);
}
END_TEST

START_TEST(a_cfg_that_is_cut_anywhere_is_an_error)
{
	if (!clip_there(CLIP_MODELS, "ingest/detect"))
		return;
	set_to_cut("ingest.object_cfg");
	for (long n = 1; n < 9000; n += 997) {
		clip_cut(CLIP_MODELS "/" CFG, cut, n);
		ck_assert_msg(open_only() == E_CORRUPT, "%ld bytes", n);
	}
}
END_TEST

START_TEST(names_that_do_not_fit_the_network_are_an_error)
{
	if (!clip_there(CLIP_MODELS, "ingest/detect"))
		return;
	set("ingest.object_names=yoloface-500k-v2/face.names");
	ck_assert_int_eq(open_only(), E_SYNTAX);
	set("ingest.object_names=nowhere.names");
	ck_assert_int_eq(open_only(), E_SYNTAX);
}
END_TEST

START_TEST(settings_that_count_nothing_are_refused)
{
	set("ingest.engine=guess");
	ck_assert_int_eq(open_only(), E_INVALID);
	set("ingest.engine=motion");
	set("ingest.classes=person=people");
	ck_assert_int_eq(open_only(), E_INVALID);
	set("ingest.classes=person=crowd");
	ck_assert_int_eq(open_only(), E_INVALID);
}
END_TEST

START_TEST(the_strongest_of_overlapping_boxes_stays)
{
	static struct detections d;

	detections_add(&d, (struct detection){0, 0, 10, 10, 0.5F, KIND_CAR});
	detections_add(&d, (struct detection){1, 0, 10, 10, 0.9F, KIND_TRUCK});
	detections_add(&d, (struct detection){1, 0, 10, 10, 0.4F, KIND_FACE});
	detections_add(&d, (struct detection){50, 0, 10, 10, 0.3F, KIND_CAR});
	detections_thin(&d, 0.45F);
	ck_assert_uint_eq(d.n, 3);
	ck_assert_int_eq(d.at[0].kind, KIND_TRUCK);
	ck_assert_int_eq(d.at[1].kind, KIND_FACE);
	ck_assert(d.at[2].x == 50);
	ck_assert(detection_iou(&d.at[0], &d.at[0]) == 1);
	ck_assert(detection_iou(&d.at[0], &d.at[2]) == 0);
}
END_TEST

START_TEST(more_boxes_than_fit_keep_the_strong_ones)
{
	static struct detections d;

	for (int i = 0; i < DETECT_MAX + 10; i++)
		detections_add(&d,
			(struct detection){
				(float)i, 0, 1, 1, (float)i / 1000, KIND_CAR});
	ck_assert_uint_eq(d.n, DETECT_MAX);
	ck_assert_uint_eq(d.refused, 10);
	for (size_t i = 0; i < d.n; i++)
		ck_assert(d.at[i].score >= 0.0099F);
}
END_TEST

enum { W = 320, H = 240 };

/* A grey picture with a white square at x. */
static void draw(uint8_t *bgr, int x)
{
	memset(bgr, 90, (size_t)W * H * 3);
	for (int j = 100; j < 140; j++)
		memset(bgr + ((size_t)j * W + (size_t)x) * 3, 255, 40 * 3);
}

START_TEST(what_moves_is_found_and_what_stands_is_not)
{
	static uint8_t bgr[W * H * 3];
	static struct detections d;
	struct frame f = {.bgr = bgr, .w = W, .h = H, .row_bytes = W * 3};
	struct engine *e;

	ck_assert(!motion_open(&e, KIND_PEOPLE));
	draw(bgr, 20);
	for (int i = 0; i < 50; i++) {
		ck_assert(!e->find(e, &f, &d));
		ck_assert_uint_eq(d.n, 0);
	}
	draw(bgr, 200);
	ck_assert(!e->find(e, &f, &d));
	/* The square at its new place, and the hole it left. */
	ck_assert_uint_eq(d.n, 2);
	ck_assert_int_eq(d.at[0].kind, KIND_PEOPLE);
	ck_assert(d.at[0].w >= 36 && d.at[0].w <= 44);
	ck_assert(d.at[0].h >= 36 && d.at[0].h <= 44);
	for (int i = 0; i < 1500; i++)
		ck_assert(!e->find(e, &f, &d));
	ck_assert_uint_eq(d.n, 0);
	memset(bgr, 255, sizeof(bgr));
	ck_assert(!e->find(e, &f, &d));
	ck_assert_uint_eq(d.n, 0);
	e->free(e);
}
END_TEST

Suite *test_ingest_detect(void);
Suite *test_ingest_detect(void)
{
	Suite *s = suite_create("ingest/detect");
	TCase *t = tcase_create("detect");

	tcase_add_checked_fixture(t, start, stop);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, the_models_find_people_and_faces_in_the_clip);
	tcase_add_test(t, cameras_of_one_model_take_turns_with_fewer_engines);
	tcase_add_test(t, darknet_and_opencv_agree_on_boxes);
	tcase_add_test(t, a_darknet_that_dies_is_started_again);
	tcase_add_test(t, an_input_size_is_a_multiple_of_32);
	tcase_add_test(t, without_any_model_auto_counts_moving_shapes);
	tcase_add_test(t, a_model_file_that_is_missing_or_cut_is_an_error);
	tcase_add_test(t, a_cfg_that_is_cut_anywhere_is_an_error);
	tcase_add_test(t, names_that_do_not_fit_the_network_are_an_error);
	tcase_add_test(t, settings_that_count_nothing_are_refused);
	tcase_add_test(t, the_strongest_of_overlapping_boxes_stays);
	tcase_add_test(t, more_boxes_than_fit_keep_the_strong_ones);
	tcase_add_test(t, what_moves_is_found_and_what_stands_is_not);
	suite_add_tcase(s, t);
	return s;
}
