// SPDX-License-Identifier: MIT
#include <check.h>

#include "ingest/track.h"

enum { STEP = 100000 }; /* µs: ten pictures a second */

static struct tracker tracker;
static int64_t now_us;

static void start(void)
{
	tracker_init(&tracker);
	now_us = 1000000000;
}

/* One picture with boxes of 40 x 80 at these places; x below 0: none. */
static void step(const float *x, size_t n, enum kind kind)
{
	struct detections d = {.n = 0};

	for (size_t i = 0; i < n; i++)
		if (x[i] >= 0)
			detections_add(&d,
				(struct detection){
					x[i], 100, 40, 80, 0.6F, kind});
	tracker_step(&tracker, now_us, &d);
	now_us += STEP;
}

static uint64_t objects(void)
{
	uint64_t n = 0;

	for (size_t i = 0; i < tracker.n; i++)
		n += tracker.at[i].counts;
	return n;
}

START_TEST(one_who_walks_is_one_object)
{
	for (int i = 0; i < 50; i++)
		step(&(float){(float)(10 + i * 12)}, 1, KIND_PEOPLE);
	ck_assert_uint_eq(tracker.next_id, 2);
	ck_assert_uint_eq(objects(), 1);
}
END_TEST

START_TEST(a_flicker_is_no_object)
{
	for (int i = 0; i < 4; i++)
		step(&(float){100}, 1, KIND_PEOPLE);
	for (int i = 0; i < 20; i++)
		step(&(float){-1}, 1, KIND_PEOPLE);
	ck_assert_uint_eq(objects(), 0);
	ck_assert_uint_eq(tracker.n, 0);
}
END_TEST

START_TEST(a_second_unseen_does_not_make_two)
{
	for (int i = 0; i < 60; i++) {
		bool hidden = i >= 20 && i < 30;

		step(&(float){hidden ? -1 : (float)(10 + i * 8)}, 1,
			KIND_PEOPLE);
	}
	ck_assert_uint_eq(tracker.next_id, 2);
}
END_TEST

START_TEST(one_who_comes_after_the_first_left_is_another)
{
	for (int i = 0; i < 10; i++)
		step(&(float){100}, 1, KIND_PEOPLE);
	for (int i = 0; i < 40; i++)
		step(&(float){-1}, 1, KIND_PEOPLE);
	for (int i = 0; i < 10; i++)
		step(&(float){100}, 1, KIND_PEOPLE);
	ck_assert_uint_eq(tracker.next_id, 3);
	ck_assert_uint_eq(objects(), 1);
}
END_TEST

START_TEST(a_parked_car_is_remembered_for_longer)
{
	for (int i = 0; i < 40; i++)
		step(&(float){100}, 1, KIND_CAR);
	for (int i = 0; i < 100; i++)
		step(&(float){-1}, 1, KIND_CAR);
	step(&(float){102}, 1, KIND_CAR);
	ck_assert_uint_eq(tracker.next_id, 2);
	ck_assert(tracker.at[0].seen);
}
END_TEST

START_TEST(two_who_cross_stay_two)
{
	for (int i = 0; i < 40; i++) {
		const float x[2] = {
			(float)(20 + i * 10), (float)(420 - i * 10)};

		step(x, 2, KIND_PEOPLE);
	}
	ck_assert_uint_eq(tracker.next_id, 3);
	ck_assert_uint_eq(objects(), 2);
}
END_TEST

START_TEST(a_face_in_a_person_is_an_object_of_its_own)
{
	struct detections d = {.n = 0};

	detections_add(
		&d, (struct detection){100, 100, 40, 80, 0.9F, KIND_PEOPLE});
	detections_add(
		&d, (struct detection){110, 105, 12, 14, 0.5F, KIND_FACE});
	for (int i = 0; i < 8; i++, now_us += STEP)
		tracker_step(&tracker, now_us, &d);
	ck_assert_uint_eq(objects(), 2);
}
END_TEST

START_TEST(an_object_is_what_most_of_its_sightings_say)
{
	for (int i = 0; i < 12; i++)
		step(&(float){100}, 1, i % 3 ? KIND_TRUCK : KIND_CAR);
	ck_assert_uint_eq(tracker.n, 1);
	ck_assert_int_eq(track_kind(&tracker.at[0]), KIND_TRUCK);
}
END_TEST

START_TEST(at_few_pictures_a_second_three_sightings_will_do)
{
	for (int i = 0; i < 3; i++) {
		step(&(float){100}, 1, KIND_PEOPLE);
		now_us += 4 * STEP;
	}
	ck_assert_uint_eq(objects(), 1);
}
END_TEST

START_TEST(more_than_there_is_room_for_are_refused_and_told)
{
	struct detections d = {.n = 0};

	for (int k = 0; k < 2; k++) {
		d.n = 0;
		for (int i = 0; i < DETECT_MAX; i++)
			detections_add(&d,
				(struct detection){(float)(i * 100),
					(float)(k * 5000), 10, 10, 0.5F,
					KIND_PEOPLE});
		tracker_step(&tracker, now_us, &d);
		now_us += STEP;
	}
	ck_assert_uint_eq(tracker.n, TRACKS_MAX);
	ck_assert_uint_eq(tracker.refused, 2 * DETECT_MAX - TRACKS_MAX);
}
END_TEST

Suite *test_ingest_track(void);
Suite *test_ingest_track(void)
{
	Suite *s = suite_create("ingest/track");
	TCase *t = tcase_create("track");

	tcase_add_checked_fixture(t, start, NULL);
	tcase_add_test(t, one_who_walks_is_one_object);
	tcase_add_test(t, a_flicker_is_no_object);
	tcase_add_test(t, a_second_unseen_does_not_make_two);
	tcase_add_test(t, one_who_comes_after_the_first_left_is_another);
	tcase_add_test(t, a_parked_car_is_remembered_for_longer);
	tcase_add_test(t, two_who_cross_stay_two);
	tcase_add_test(t, a_face_in_a_person_is_an_object_of_its_own);
	tcase_add_test(t, an_object_is_what_most_of_its_sightings_say);
	tcase_add_test(t, at_few_pictures_a_second_three_sightings_will_do);
	tcase_add_test(t, more_than_there_is_room_for_are_refused_and_told);
	suite_add_tcase(s, t);
	return s;
}
