// SPDX-License-Identifier: MIT
#include "analytics/sample.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/when.h"

enum { DAYS = 365, HISTORY = 55, WEEK = 6, SLOTS = 168, HOUR_S = 3600 };

static struct tz *tz[SAMPLE_CAMERAS];
static int64_t from; /* Sunday 2026-03-01 00:00 in Seoul */

static void start(void)
{
	struct civil c = {.year = 2026, .month = 2, .day = 28, .hour = 15};

	from = when_from_civil(&c);
	for (size_t i = 0; i < SAMPLE_CAMERAS; i++)
		ck_assert_int_eq(tz_load(sample_camera[i].tz, &tz[i]), E_OK);
}

static void stop(void)
{
	for (size_t i = 0; i < SAMPLE_CAMERAS; i++)
		tz_free(tz[i]);
}

static bool row_of(size_t camera, int64_t at, struct sample_row *row)
{
	return sample_row(&sample_camera[camera], tz[camera], at, row);
}

START_TEST(a_row_follows_from_its_camera_and_its_start)
{
	struct sample_row a, b, later;
	int differ = 0;

	for (int64_t at = from; at < from + DAY_S; at += 600) {
		ck_assert(row_of(0, at, &a) && row_of(0, at + 300, &later));
		ck_assert(row_of(0, at, &b));
		ck_assert_int_eq(memcmp(&a, &b, sizeof(a)), 0);
		differ += a.people.present != later.people.present;
	}
	ck_assert_int_gt(differ, 90);
}
END_TEST

static void check_count(struct sample_count n, int most)
{
	ck_assert((n.present == SAMPLE_NULL) == (n.began == SAMPLE_NULL));
	ck_assert_int_le(n.began, n.present);
	ck_assert_int_le(n.present, most);
}

static void check_row(const struct sample_camera *c, const struct sample_row *r)
{
	int vehicles = 0;

	check_count(r->people, 1000);
	check_count(r->vehicle, 1000);
	check_count(r->face, r->people.present);
	for (int i = 0; i < SAMPLE_CLASSES; i++)
		vehicles += r->class[i];
	if (r->vehicle.present == SAMPLE_NULL)
		ck_assert_int_eq(vehicles, SAMPLE_CLASSES * SAMPLE_NULL);
	else
		ck_assert_int_eq(vehicles, r->vehicle.present);
	ck_assert_int_gt(r->observed_s, 0);
	ck_assert_int_le(r->observed_s, c->interval_s);
}

START_TEST(figures_fit_together_and_cameras_are_down_now_and_then)
{
	for (size_t i = 0; i < SAMPLE_CAMERAS; i++) {
		const struct sample_camera *c = &sample_camera[i];
		int rows = 0, missing = 0, partly = 0;
		struct sample_row row;

		ck_assert_ptr_nonnull(strstr(c->code, SAMPLE_PREFIX));
		for (int64_t at = from; at < from + 56 * DAY_S;
			at += c->interval_s) {
			if (!row_of(i, at, &row)) {
				missing++;
				continue;
			}
			check_row(c, &row);
			rows++;
			partly += row.observed_s < c->interval_s;
		}
		ck_assert_int_gt(missing * c->interval_s, HOUR_S);
		ck_assert_int_lt(missing * 50, rows);
		ck_assert_int_gt(partly, 0);
		ck_assert_int_lt(partly * 100, rows);
	}
}
END_TEST

struct sums {
	double n, x, xx;
};

static int slot_of(int64_t at)
{
	return (int)((at - from) / HOUR_S % SLOTS);
}

/* Rows of people at the first camera, one a place, NAN where it was down. */
static double *people_of(int n)
{
	double *p = calloc((size_t)n, sizeof(*p));
	struct sample_row row;

	for (int i = 0; i < n; i++)
		p[i] = row_of(0, from + i * 300, &row) ? row.people.present
						       : NAN;
	return p;
}

static void judge(const double *p, int first, int days, const struct sums *s,
	int *high, int *low)
{
	for (int i = first; i < first + days * 288; i++) {
		const struct sums *of = &s[slot_of(from + i * 300)];
		double mean = of->x / of->n;
		double std = sqrt(of->xx / of->n - mean * mean);

		*high += (p[i] - mean) / std >= 4;
		*low += (p[i] - mean) / std <= -4;
	}
}

/* From whichever day on: what is judged by the seven weeks before. */
START_TEST(six_days_hold_outliers_on_both_sides)
{
	double *p = people_of(DAYS * 288);

	for (int day = HISTORY; day <= DAYS; day++) {
		struct sums s[SLOTS] = {{0}};
		int first = (day - HISTORY) * 288, last = (day - WEEK) * 288;
		int high = 0, low = 0;

		for (int i = first; i < last; i++) {
			struct sums *of = &s[slot_of(from + i * 300)];

			if (isnan(p[i]))
				continue;
			of->n++;
			of->x += p[i];
			of->xx += p[i] * p[i];
		}
		judge(p, last, WEEK, s, &high, &low);
		ck_assert_msg(
			high && low, "day %d: %d high, %d low", day, high, low);
		ck_assert_msg(
			high + low < 40, "day %d: %d, %d", day, high, low);
	}
	free(p);
}
END_TEST

Suite *test_analytics_sample(void);
Suite *test_analytics_sample(void)
{
	Suite *s = suite_create("analytics/sample");
	TCase *t = tcase_create("sample");

	tcase_add_checked_fixture(t, start, stop);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_row_follows_from_its_camera_and_its_start);
	tcase_add_test(
		t, figures_fit_together_and_cameras_are_down_now_and_then);
	tcase_add_test(t, six_days_hold_outliers_on_both_sides);
	suite_add_tcase(s, t);
	return s;
}
