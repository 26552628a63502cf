// SPDX-License-Identifier: MIT
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/when.h"
#include "ingest/camera.h"
#include "ingest/detect/motion.h"
#include "tests/ingest/clip.h"

enum { START = 1763683200, LEN = 2 }; /* s; the clip lasts 2.92 */

static char dir[64];
static struct halt halt;
static struct gate gate;
static struct camera camera;

static void start(void)
{
	snprintf(dir, sizeof(dir), "/tmp/tally-camera-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	halt_init(&halt);
	camera = (struct camera){.code = "gate-1",
		.interval_s = LEN,
		.max = true,
		.start_us = START * INT64_C(1000000),
		.loops = 1,
		.gate = &gate,
		.wall_clock_us = camera_wall_clock_us,
		.halt = &halt};
	gate_init(&gate, 1);
	ck_assert(!spool_open(&camera.spool, dir, 1 << 20));
	ck_assert_ptr_nonnull(camera.marks = marks_open(dir));
	ck_assert(!motion_open(&camera.engine, KIND_PEOPLE));
}

static void stop(void)
{
	char command[128];

	source_close(camera.source);
	camera.engine->free(camera.engine);
	marks_close(camera.marks);
	spool_close(camera.spool);
	gate_fini(&gate);
	halt_fini(&halt);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static bool open_clip(void)
{
	if (!clip_there(CLIP_FACES, "ingest/camera"))
		return false;
	ck_assert(!source_open(&camera.source, CLIP_FACES));
	return true;
}

/* The spool's rows, joined; their sums in people and new. */
static char *rows(double *people, double *fresh)
{
	struct spool_batch b;
	struct text t;

	*people = *fresh = 0;
	text_init(&t, 1 << 20);
	for (;;) {
		ck_assert(
			!spool_take(camera.spool, SPOOL_OLD, SPOOL_BATCH, &b));
		if (!b.n)
			return t.at;
		for (size_t i = 0; i < b.n; i++) {
			struct json *o;

			ck_assert(
				!json_parse(b.row[i].at, b.row[i].n, &o, NULL));
			*people += json_number(json_member(o, "people"));
			*fresh += json_number(json_member(o, "people_new"));
			json_free(o);
			text_add(&t, b.row[i].at, b.row[i].n);
			text_str(&t, "\n");
		}
		ck_assert(!spool_drop(camera.spool, &b, b.n));
	}
}

START_TEST(the_spool_holds_what_the_totals_say)
{
	double people, fresh;
	char *all;

	if (!open_clip())
		return;
	ck_assert_int_eq(camera_run(&camera), STATUS_OK);
	ck_assert_uint_eq(camera.totals.pictures, 35);
	ck_assert_uint_eq(camera.totals.rows, 2);
	ck_assert_int_eq(camera.totals.observed_s, 3);
	all = rows(&people, &fresh);
	ck_assert(people == (double)camera.totals.present[GROUP_PEOPLE]);
	ck_assert(fresh == (double)camera.totals.fresh[GROUP_PEOPLE]);
	ck_assert(people > 0);
	free(all);
}
END_TEST

START_TEST(the_same_clip_gives_the_same_rows)
{
	double people, fresh;
	char *first, *second;

	if (!open_clip())
		return;
	ck_assert_int_eq(camera_run(&camera), STATUS_OK);
	first = rows(&people, &fresh);
	ck_assert(!source_rewind(camera.source));
	camera.engine->free(camera.engine);
	ck_assert(!motion_open(&camera.engine, KIND_PEOPLE));
	ck_assert_int_eq(camera_run(&camera), STATUS_OK);
	second = rows(&people, &fresh);
	ck_assert_str_eq(first, second);
	free(first);
	free(second);
}
END_TEST

START_TEST(intervals_run_on_where_the_clip_comes_round)
{
	double people, fresh;
	char *all, *at;

	if (!open_clip())
		return;
	camera.loops = 4;
	ck_assert_int_eq(camera_run(&camera), STATUS_OK);
	/* 4 x 2.92 s in rows of 2 s: five whole ones and a part. */
	ck_assert_uint_eq(camera.totals.rows, 6);
	ck_assert_int_eq(camera.totals.observed_s, 12);
	ck_assert_uint_eq(camera.totals.passes, 4);
	at = all = rows(&people, &fresh);
	for (int i = 0; i < 6; i++, at = strchr(at, '\n') + 1) {
		char want[100];

		snprintf(want, sizeof(want),
			"\"start_at\":\"2025-11-21T00:00:%02dZ\","
			"\"end_at\":\"2025-11-21T00:00:%02dZ\"",
			i * LEN, i * LEN + LEN);
		ck_assert_ptr_nonnull(strstr(at, want));
		ck_assert_ptr_nonnull(strstr(at, "\"observed_s\":2}"));
	}
	free(all);
}
END_TEST

static void *say_halt(void *arg)
{
	(void)arg;
	halt_wait(&halt, 1500000);
	halt_say(&halt);
	return NULL;
}

START_TEST(in_real_time_a_halt_keeps_the_part_that_was_watched)
{
	double people, fresh;
	pthread_t t;
	char *all;

	if (!open_clip())
		return;
	camera.max = false;
	camera.loops = 0;
	camera.interval_s = 3600;
	ck_assert_int_eq(pthread_create(&t, NULL, say_halt, NULL), 0);
	ck_assert_int_eq(camera_run(&camera), STATUS_OK);
	pthread_join(t, NULL);
	ck_assert_uint_ge(camera.totals.rows, 1);
	ck_assert_uint_le(camera.totals.rows, 2);
	ck_assert_int_ge(camera.totals.observed_s, 1);
	ck_assert_int_le(camera.totals.observed_s, 2);
	all = rows(&people, &fresh);
	ck_assert_ptr_nonnull(strstr(all, "gate-1"));
	free(all);
}
END_TEST

START_TEST(a_full_spool_stops_counting_with_a_status)
{
	char row[2000];
	pthread_t t;

	if (!open_clip())
		return;
	spool_close(camera.spool);
	ck_assert(!spool_open(&camera.spool, dir, SPOOL_LEAST));
	memset(row, 'x', sizeof(row));
	while (!spool_put(camera.spool, row, sizeof(row), 0))
		;
	while (!spool_put(camera.spool, "x", 1, 0))
		;
	ck_assert_int_eq(pthread_create(&t, NULL, say_halt, NULL), 0);
	ck_assert_int_eq(camera_run(&camera), STATUS_SPOOL);
	pthread_join(t, NULL);
	ck_assert_uint_eq(camera.totals.rows, 0);
}
END_TEST

/* Right for some pictures, a day ahead for some, and right again. */
static int64_t clock_that_is_set(void)
{
	unsigned long n = camera.totals.pictures;

	if (n >= 90)
		halt_say(&halt);
	return camera_wall_clock_us() +
		(n >= 30 && n < 60 ? INT64_C(86400000000) : 0);
}

START_TEST(a_clock_set_by_a_day_and_back_makes_no_row_twice)
{
	char seen[40][21], *all, *at;
	double people, fresh;
	int n = 0, ahead = 0;
	int64_t began = camera_wall_clock_us() / 1000000;

	if (!open_clip())
		return;
	camera.max = false;
	camera.loops = 0;
	camera.interval_s = 1;
	camera.wall_clock_us = clock_that_is_set;
	ck_assert_int_eq(camera_run(&camera), STATUS_OK);
	at = all = rows(&people, &fresh);
	while (n < 40 && (at = strstr(at, "\"start_at\":\""))) {
		struct when w;

		at += strlen("\"start_at\":\"");
		snprintf(seen[n], sizeof(seen[n]), "%.20s", at);
		ck_assert(!when_parse(seen[n], 20, &w));
		ahead += w.at > began + 80000;
		for (int i = 0; i < n; i++)
			ck_assert_str_ne(seen[i], seen[n]);
		n++;
	}
	/* Before, while it was wrong, and after. */
	ck_assert_int_ge(ahead, 1);
	ck_assert_int_ge(n - ahead, 2);
	free(all);
}
END_TEST

Suite *test_ingest_camera(void);
Suite *test_ingest_camera(void)
{
	Suite *s = suite_create("ingest/camera");
	TCase *t = tcase_create("camera");

	tcase_add_checked_fixture(t, start, stop);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, the_spool_holds_what_the_totals_say);
	tcase_add_test(t, the_same_clip_gives_the_same_rows);
	tcase_add_test(t, intervals_run_on_where_the_clip_comes_round);
	tcase_add_test(t, a_clock_set_by_a_day_and_back_makes_no_row_twice);
	tcase_add_test(t, in_real_time_a_halt_keeps_the_part_that_was_watched);
	tcase_add_test(t, a_full_spool_stops_counting_with_a_status);
	suite_add_tcase(s, t);
	return s;
}
