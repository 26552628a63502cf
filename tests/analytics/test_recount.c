// SPDX-License-Identifier: MIT
#include "analytics/recount.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/when.h"

enum { OUT_MAX = 20000 };

/* What came out. */
static struct out {
	enum recount_level level;
	struct recount_bucket b;
} out[OUT_MAX];
static size_t outs;

static struct tz *tz;
static struct recount *r;

static enum err take(
	void *arg, enum recount_level level, const struct recount_bucket *b)
{
	(void)arg;
	ck_assert_uint_lt(outs, OUT_MAX);
	out[outs++] = (struct out){level, *b};
	return E_OK;
}

static void begin_from(
	enum recount_level source, const char *zone, struct recount_window w)
{
	static struct recount_window windows[LEVEL_COUNT];

	for (int i = 0; i < LEVEL_COUNT; i++)
		windows[i] = w;
	outs = 0;
	ck_assert(!tz_load(zone, &tz));
	ck_assert(!recount_new(&r, tz, source, windows, take, NULL));
}

static void begin(const char *zone)
{
	begin_from(LEVEL_COUNT, zone, RECOUNT_ALL);
}

static void end(void)
{
	ck_assert(!recount_end(r));
	recount_free(r);
	tz_free(tz);
}

static int64_t at(const char *s)
{
	struct when w;

	ck_assert_msg(!when_parse(s, strlen(s), &w), "%s", s);
	return w.at;
}

static struct recount_row row_at(int64_t start, int64_t people)
{
	struct recount_row row = {
		.start = start, .end = start + 60, .observed_s = 60};

	for (int i = 0; i < COUNTS; i++)
		row.count[i] = -1;
	row.count[0] = people;
	return row;
}

static void add(const char *start, int64_t people)
{
	struct recount_row row = row_at(at(start), people);

	ck_assert(!recount_row(r, &row));
}

/* The nth bucket of a level; the test fails without it. */
static const struct recount_bucket *nth(enum recount_level level, size_t n)
{
	for (size_t i = 0; i < outs; i++)
		if (out[i].level == level && !n--)
			return &out[i].b;
	ck_abort_msg("no such bucket of level %s", recount_level_name[level]);
	return NULL;
}

static size_t count(enum recount_level level)
{
	size_t n = 0;

	for (size_t i = 0; i < outs; i++)
		n += out[i].level == level;
	return n;
}

static uint64_t figure(const struct recount_bucket *b, int column)
{
	return (uint64_t)b->f.v[column];
}

static bool is_null(const struct recount_bucket *b, int column)
{
	return b->f.null >> column & 1;
}

START_TEST(a_row_is_in_one_bucket_of_each_level)
{
	static const struct {
		int64_t key[2];
		const char *start, *end;
	} want[LEVEL_COUNT] = {
		[LEVEL_QUARTER] = {{20261231150000, 0}, "2026-12-31T15:00:00Z",
			"2026-12-31T15:15:00Z"},
		[LEVEL_HOUR] = {{20270101, 20261231150000},
			"2026-12-31T15:00:00Z", "2026-12-31T16:00:00Z"},
		[LEVEL_DAY] = {{20270101, 0}, "2026-12-31T15:00:00Z",
			"2027-01-01T15:00:00Z"},
		[LEVEL_WEEK] = {{20261228, 0}, "2026-12-27T15:00:00Z",
			"2027-01-03T15:00:00Z"},
		[LEVEL_MONTH] = {{20270101, 0}, "2026-12-31T15:00:00Z",
			"2027-01-31T15:00:00Z"},
		[LEVEL_YEAR] = {{20270101, 0}, "2026-12-31T15:00:00Z",
			"2027-12-31T15:00:00Z"},
		[LEVEL_WEEKDAY_MONTH] = {{20270101, 5}, "2026-12-31T15:00:00Z",
			"2027-01-31T15:00:00Z"},
		[LEVEL_WEEKDAY_YEAR] = {{20270101, 5}, "2026-12-31T15:00:00Z",
			"2027-12-31T15:00:00Z"},
		[LEVEL_PROFILE_MONTH] = {{20270101, 5 * 24},
			"2026-12-31T15:00:00Z", "2027-01-31T15:00:00Z"},
	};

	begin("Asia/Seoul");
	add("2026-12-31T15:00:00Z", 7);
	end();
	ck_assert_uint_eq(outs, LEVEL_QUARTER_PARTIAL);
	for (int l = 0; l < LEVEL_QUARTER_PARTIAL; l++) {
		const struct recount_bucket *b = nth((enum recount_level)l, 0);

		ck_assert_int_eq(recount_compare(b->key, want[l].key), 0);
		ck_assert_int_eq(b->start, at(want[l].start));
		ck_assert_int_eq(b->end, at(want[l].end));
		ck_assert(!b->pending);
		ck_assert_uint_eq(figure(b, COL_ROW_N), 1);
		ck_assert_uint_eq(figure(b, COL_METRIC + M_SQ), 49);
	}
}
END_TEST

START_TEST(what_was_not_measured_is_null_and_counts_nowhere)
{
	struct recount_row row;
	const struct recount_bucket *b;

	begin("UTC");
	add("2026-01-01T00:00:00Z", 0);
	row = row_at(at("2026-01-01T00:01:00Z"), -1);
	row.count[METRICS + 1] = 3;	/* vehicle_new */
	row.count[2 * METRICS + 5] = 0; /* scooter */
	ck_assert(!recount_row(r, &row));
	end();
	b = nth(LEVEL_DAY, 0);
	ck_assert_uint_eq(figure(b, COL_ROW_N), 2);
	ck_assert_uint_eq(figure(b, COL_OBSERVED_S), 120);
	ck_assert_uint_eq(figure(b, COL_METRIC + M_N), 1);
	ck_assert(!is_null(b, COL_METRIC + M_MIN));
	ck_assert_uint_eq(figure(b, COL_METRIC + M_MAX), 0);
	ck_assert(is_null(b, COL_METRIC + M_NEW));
	ck_assert(is_null(b, COL_METRIC + METRIC_COLS + M_MIN));
	ck_assert_uint_eq(figure(b, COL_METRIC + METRIC_COLS + M_NEW), 3);
	ck_assert(is_null(b, COL_CLASS));
	ck_assert(!is_null(b, COL_CLASS + 5));
}
END_TEST

START_TEST(squares_need_more_than_64_bits_and_lose_nothing)
{
	const struct recount_bucket *b;
	const int64_t big = INT64_C(4000000000);

	begin("UTC");
	add("2026-01-01T00:00:00Z", big);
	add("2026-05-01T00:00:00Z", big);
	add("2026-09-01T00:00:00Z", big - 1);
	end();
	b = nth(LEVEL_YEAR, 0);
	ck_assert(b->f.v[COL_METRIC + M_SQ] ==
		(uint128)big * (uint128)big * 2 +
			(uint128)(big - 1) * (uint128)(big - 1));
	ck_assert(b->f.v[COL_METRIC + M_SQ] > UINT64_MAX);
	ck_assert_uint_eq(figure(b, COL_METRIC + M_MIN), (uint64_t)big - 1);
	/* sqrt(2)/3, though the squares agree in their first 9 digits */
	ck_assert(fabsl(recount_std(&b->f, 0) - sqrtl(2) / 3) < 1e-15L);
	ck_assert(recount_mean(&b->f, 0) == (3 * (long double)big - 1) / 3);
}
END_TEST

START_TEST(rows_watched_for_less_than_half_are_there_twice)
{
	struct recount_row row;

	begin("UTC");
	row = row_at(at("2026-01-01T00:00:00Z"), 5);
	row.observed_s = 30;
	ck_assert(!recount_row(r, &row));
	row = row_at(at("2026-01-01T00:01:00Z"), 6);
	row.observed_s = 29;
	ck_assert(!recount_row(r, &row));
	end();
	ck_assert_uint_eq(figure(nth(LEVEL_QUARTER, 0), COL_ROW_N), 2);
	for (int l = LEVEL_QUARTER_PARTIAL; l <= LEVEL_HOUR_PARTIAL; l++) {
		const struct recount_bucket *b = nth((enum recount_level)l, 0);

		ck_assert_uint_eq(figure(b, COL_METRIC + M_N), 1);
		ck_assert_uint_eq(figure(b, COL_METRIC + M_SUM), 6);
		ck_assert(recount_has((enum recount_level)l,
			COL_METRIC + METRIC_COLS + M_SQ));
		ck_assert(!recount_has(
			(enum recount_level)l, COL_METRIC + M_MIN));
	}
}
END_TEST

/* Until 2011 St John's clock went from 00:01 on Sunday to 23:01 on Saturday. */
START_TEST(a_quarter_in_which_the_clock_changes_is_two)
{
	const struct recount_bucket *h;

	begin("America/St_Johns");
	add("2008-11-02T02:29:59Z", 1); /* Saturday 23:59:59 */
	add("2008-11-02T02:30:59Z", 1); /* Sunday 00:00:59 */
	add("2008-11-02T02:31:00Z", 1); /* Saturday 23:01 again */
	add("2008-11-02T03:29:59Z", 1); /* Saturday 23:59:59 again */
	add("2008-11-02T03:30:00Z", 1); /* Sunday again */
	end();
	ck_assert_uint_eq(count(LEVEL_QUARTER), 5);
	ck_assert_int_eq(nth(LEVEL_QUARTER, 1)->key[0], 20081102023000);
	ck_assert_int_eq(nth(LEVEL_QUARTER, 2)->key[0], 20081102023100);
	ck_assert_uint_eq(count(LEVEL_DAY), 2);
	ck_assert_uint_eq(figure(nth(LEVEL_DAY, 0), COL_ROW_N), 3);
	ck_assert_uint_eq(figure(nth(LEVEL_DAY, 1), COL_ROW_N), 2);
	/* In the order of their key: Saturday's come first. */
	ck_assert_uint_eq(count(LEVEL_HOUR), 4);
	h = nth(LEVEL_HOUR, 0);
	ck_assert_int_eq(h->key[1], 20081102013000);
	ck_assert_int_eq(h->fold, 0);
	h = nth(LEVEL_HOUR, 1);
	ck_assert_int_eq(h->key[1], 20081102023100);
	ck_assert_int_eq(h->end, at("2008-11-02T03:30:00Z"));
	ck_assert_int_eq(h->hour, 23);
	ck_assert_int_eq(h->fold, 1);
	ck_assert_int_eq(h->weekday, 6);
	h = nth(LEVEL_HOUR, 2);
	ck_assert_int_eq(h->key[1], 20081102023000);
	ck_assert_int_eq(h->end, at("2008-11-02T02:31:00Z"));
	ck_assert_int_eq(h->fold, 0);
	h = nth(LEVEL_HOUR, 3);
	ck_assert_int_eq(h->hour, 0);
	ck_assert_int_eq(h->fold, 1);
}
END_TEST

START_TEST(hours_are_at_one_offset_and_edges_are_the_zones)
{
	static const struct {
		const char *zone, *from;
		int64_t s;
		size_t hours, folds;
	} row[] = {
		{"Australia/Lord_Howe", "2025-04-05T13:00:00Z", 88200, 25, 1},
		{"Australia/Lord_Howe", "2025-10-04T13:30:00Z", 84600, 24, 0},
		{"America/New_York", "2025-11-02T04:00:00Z", 90000, 25, 1},
		{"America/New_York", "2026-03-08T05:00:00Z", 82800, 23, 0},
		{"Asia/Kathmandu", "2025-10-04T18:15:00Z", 86400, 24, 0},
		/* The clock goes back at midnight UTC. */
		{"Europe/Chisinau", "2021-10-30T21:00:00Z", 90000, 25, 1},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		int64_t from = at(row[i].from), folds = 0;

		begin(row[i].zone);
		for (int64_t s = 0; s < row[i].s; s += 300) {
			struct recount_row x = row_at(from + s, 1);

			ck_assert(!recount_row(r, &x));
		}
		end();
		ck_assert_uint_eq(count(LEVEL_DAY), 1);
		ck_assert_int_eq(nth(LEVEL_DAY, 0)->start, from);
		ck_assert_int_eq(nth(LEVEL_DAY, 0)->end, from + row[i].s);
		ck_assert_msg(count(LEVEL_HOUR) == row[i].hours, "%s %s",
			row[i].zone, row[i].from);
		for (size_t h = 0; h < row[i].hours; h++)
			folds += nth(LEVEL_HOUR, h)->fold;
		ck_assert_int_eq(folds, row[i].folds);
	}
	/* Samoa had no 30 December 2011. */
	begin("Pacific/Apia");
	add("2011-12-30T00:00:00Z", 1);
	add("2011-12-30T10:00:00Z", 1);
	end();
	ck_assert_int_eq(nth(LEVEL_DAY, 0)->key[0], 20111229);
	ck_assert_int_eq(nth(LEVEL_DAY, 1)->key[0], 20111231);
	ck_assert_int_eq(
		nth(LEVEL_WEEK, 0)->end - nth(LEVEL_WEEK, 0)->start, 6 * DAY_S);
}
END_TEST

START_TEST(a_mark_makes_every_bucket_over_it_wait)
{
	begin("America/St_Johns");
	ck_assert(!recount_mark(r, at("2008-11-02T02:30:00Z")));
	add("2008-11-02T02:40:00Z", 1);
	add("2008-11-02T02:50:00Z", 1);
	add("2008-12-25T12:00:00Z", 1);
	ck_assert(!recount_mark(r, at("2008-12-25T12:00:00Z")));
	ck_assert(!recount_mark(r, at("2009-01-01T12:00:00Z")));
	end();
	ck_assert_uint_eq(count(LEVEL_QUARTER), 5);
	ck_assert(nth(LEVEL_QUARTER, 0)->pending); /* until 00:01 */
	ck_assert_uint_eq(figure(nth(LEVEL_QUARTER, 0), COL_ROW_N), 0);
	ck_assert(nth(LEVEL_QUARTER, 1)->pending);
	ck_assert(!nth(LEVEL_QUARTER, 2)->pending);
	ck_assert(nth(LEVEL_QUARTER, 3)->pending);
	ck_assert_uint_eq(figure(nth(LEVEL_QUARTER, 3), COL_ROW_N), 1);
	ck_assert(nth(LEVEL_QUARTER, 4)->pending);
	/* Saturday by its later part, Sunday by the earlier one. */
	ck_assert_int_eq(nth(LEVEL_DAY, 0)->key[0], 20081101);
	ck_assert_int_eq(nth(LEVEL_DAY, 1)->key[0], 20081102);
	ck_assert_uint_eq(figure(nth(LEVEL_DAY, 1), COL_ROW_N), 0);
	for (size_t i = 0; i < outs; i++)
		ck_assert(
			out[i].b.pending || out[i].b.key[0] == 20081102024500);
	ck_assert_uint_eq(count(LEVEL_QUARTER_PARTIAL), 4);
}
END_TEST

static bool wanted(const struct recount_window *w, enum recount_level level,
	int64_t key0, int64_t key1)
{
	struct recount_span s =
		recount_span_of(tz, level, (int64_t[2]){key0, key1});

	return recount_in(w, &s);
}

START_TEST(only_buckets_wholly_in_the_window_come_out)
{
	struct recount_window w = {
		at("2025-12-29"), at("2026-02-01"), INT64_MIN, INT64_MAX};

	begin_from(LEVEL_COUNT, "Asia/Seoul", w);
	ck_assert(wanted(&w, LEVEL_WEEK, 20251229, 0));
	ck_assert(!wanted(&w, LEVEL_MONTH, 20251201, 0));
	ck_assert(wanted(&w, LEVEL_QUARTER, 20260131144500, 0));
	ck_assert(!wanted(&w, LEVEL_QUARTER, 20260131150000, 0));
	ck_assert(wanted(&w, LEVEL_HOUR, 20260131, 20260131140000));
	add("2025-12-28T14:59:59Z", 1);
	add("2025-12-28T15:00:00Z", 1);
	add("2026-01-31T14:59:59Z", 1);
	add("2026-01-31T15:00:00Z", 1);
	end();
	ck_assert_uint_eq(count(LEVEL_QUARTER), 2);
	ck_assert_uint_eq(count(LEVEL_DAY), 2);
	ck_assert_uint_eq(count(LEVEL_WEEK), 1); /* its last ends in February */
	ck_assert_uint_eq(count(LEVEL_MONTH), 1);
	ck_assert_uint_eq(count(LEVEL_YEAR), 0);

	w = RECOUNT_ALL;
	w.since = at("2025-12-31T15:00:00Z");
	w.until = at("2026-01-31T15:00:00Z");
	begin_from(LEVEL_COUNT, "Asia/Seoul", w);
	add("2025-12-31T15:00:00Z", 1);
	add("2026-01-31T15:00:00Z", 1);
	end();
	ck_assert_uint_eq(count(LEVEL_HOUR), 1);
	ck_assert_uint_eq(count(LEVEL_MONTH), 1);
	ck_assert_uint_eq(count(LEVEL_YEAR), 1);
	ck_assert_uint_eq(figure(nth(LEVEL_YEAR, 0), COL_ROW_N), 2);
	ck_assert_uint_eq(count(LEVEL_WEEK), 1); /* of the later row */
}
END_TEST

/* Counting from rows and level by level from finer buckets is the same. */
START_TEST(wider_buckets_are_the_sum_of_finer_ones)
{
	static struct out rows[OUT_MAX];
	size_t n;

	srandom(3);
	begin("America/St_Johns");
	for (int64_t t = at("2008-10-20T00:00:00Z");
		t < at("2009-02-10T00:00:00Z"); t += 1 + random() % 9000) {
		struct recount_row row = row_at(t, random() % 1000000);

		row.observed_s = random() % 61;
		row.count[random() % COUNTS] = random() % 100;
		ck_assert(!recount_row(r, &row));
	}
	end();
	n = outs;
	memcpy(rows, out, n * sizeof(*out));
	for (int i = 0; i < LEVEL_COUNT; i++) {
		enum recount_level level = (enum recount_level)i,
				   source = recount_made_of(level);
		size_t k = 0;

		if (source == LEVEL_COUNT)
			continue;
		begin_from(source, "America/St_Johns", RECOUNT_ALL);
		for (size_t j = 0; j < n; j++)
			if (rows[j].level == source)
				ck_assert(!recount_finer(r, rows[j].b.key,
					rows[j].b.hour, &rows[j].b.f));
		end();
		for (size_t j = 0; j < n; j++) {
			const struct recount_bucket *a = &rows[j].b, *b;

			if (rows[j].level != level)
				continue;
			b = nth(level, k++);
			ck_assert_int_eq(recount_compare(a->key, b->key), 0);
			ck_assert_int_eq(a->start, b->start);
			ck_assert_int_eq(a->end, b->end);
			ck_assert_int_eq(a->fold, b->fold);
			ck_assert(!memcmp(&a->f, &b->f, sizeof(a->f)));
		}
		ck_assert_uint_eq(k, count(level));
		ck_assert_uint_gt(k, 1);
	}
}
END_TEST

START_TEST(a_mark_makes_what_is_summed_over_it_wait)
{
	struct recount_figures f = {.v = {[COL_ROW_N] = 1}};
	int64_t key[2] = {20260331, 0};

	begin_from(LEVEL_DAY, "Asia/Seoul", RECOUNT_ALL);
	ck_assert(!recount_finer(r, key, 0, &f));
	ck_assert(!recount_mark(r, at("2026-03-31T15:00:00Z")));
	key[0] = 20260402;
	ck_assert(!recount_finer(r, key, 0, &f));
	end();
	ck_assert_uint_eq(outs, 1 + 2 + 3); /* week, months, weekdays in them */
	ck_assert(nth(LEVEL_WEEK, 0)->pending);
	ck_assert(!nth(LEVEL_MONTH, 0)->pending);
	ck_assert(nth(LEVEL_MONTH, 1)->pending);
	ck_assert(!nth(LEVEL_WEEKDAY_MONTH, 0)->pending); /* 31 March */
	ck_assert(nth(LEVEL_WEEKDAY_MONTH, 1)->pending);  /* Wednesdays */
	ck_assert(!nth(LEVEL_WEEKDAY_MONTH, 2)->pending); /* 2 April */
}
END_TEST

START_TEST(buckets_come_in_order_and_hold_every_row_once)
{
	static const char *const zone[] = {"America/St_Johns", "Pacific/Apia",
		"Australia/Lord_Howe", "Asia/Kathmandu"};

	srandom(7);
	for (size_t z = 0; z < ARRAY_LEN(zone); z++) {
		int64_t t = at("2008-01-01T00:00:00Z"), rows = 0;

		begin(zone[z]);
		for (; t < at("2012-06-01T00:00:00Z"); rows++) {
			struct recount_row x = row_at(t, random() % 1000);

			ck_assert(!recount_row(r, &x));
			t += 1 + random() % 150000;
		}
		end();
		for (int l = 0; l < LEVEL_QUARTER_PARTIAL; l++) {
			enum recount_level level = (enum recount_level)l;
			const int64_t *before = NULL;
			int64_t sum = 0;

			for (size_t i = 0; i < outs; i++) {
				if (out[i].level != level)
					continue;
				sum += (int64_t)figure(&out[i].b, COL_ROW_N);
				ck_assert(!before ||
					recount_compare(before, out[i].b.key) <
						0);
				before = out[i].b.key;
			}
			ck_assert_int_eq(sum, rows);
		}
	}
}
END_TEST

static enum err refuse(
	void *arg, enum recount_level level, const struct recount_bucket *b)
{
	(void)arg;
	(void)b;
	return level == LEVEL_MONTH ? E_DB_GONE : E_OK;
}

START_TEST(an_error_of_the_taker_ends_the_recount)
{
	struct recount_row row = row_at(at("2026-01-01T00:00:00Z"), 1);
	struct recount_window all[LEVEL_COUNT];

	ck_assert(!tz_load("UTC", &tz));
	for (int i = 0; i < LEVEL_COUNT; i++)
		all[i] = RECOUNT_ALL;
	ck_assert(!recount_new(&r, tz, LEVEL_COUNT, all, refuse, NULL));
	ck_assert(!recount_row(r, &row));
	row.start += 60 * DAY_S;
	ck_assert_int_eq(recount_row(r, &row), E_DB_GONE);
	recount_free(r);
	tz_free(tz);
}
END_TEST

Suite *test_analytics_recount(void);

Suite *test_analytics_recount(void)
{
	Suite *s = suite_create("analytics/recount");
	TCase *t = tcase_create("");

	tcase_add_test(t, a_row_is_in_one_bucket_of_each_level);
	tcase_add_test(t, what_was_not_measured_is_null_and_counts_nowhere);
	tcase_add_test(t, squares_need_more_than_64_bits_and_lose_nothing);
	tcase_add_test(t, rows_watched_for_less_than_half_are_there_twice);
	tcase_add_test(t, a_quarter_in_which_the_clock_changes_is_two);
	tcase_add_test(t, hours_are_at_one_offset_and_edges_are_the_zones);
	tcase_add_test(t, a_mark_makes_every_bucket_over_it_wait);
	tcase_add_test(t, only_buckets_wholly_in_the_window_come_out);
	tcase_add_test(t, wider_buckets_are_the_sum_of_finer_ones);
	tcase_add_test(t, a_mark_makes_what_is_summed_over_it_wait);
	tcase_add_test(t, buckets_come_in_order_and_hold_every_row_once);
	tcase_add_test(t, an_error_of_the_taker_ends_the_recount);
	suite_add_tcase(s, t);
	return s;
}
