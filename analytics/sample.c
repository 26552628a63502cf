// SPDX-License-Identifier: MIT
/*
 * What makes a row: the hour of the camera's day (weekdays and weekends have
 * curves of their own), the weekday, the day as a whole, an incident now and
 * then, and chance.  Days are counted from 1970-01-01 in local time; what
 * happens every so many days has a period that 7 does not divide, and moves on
 * by two hours each time, so that no hour of the week gets used to it.
 */
#include "analytics/sample.h"

#include <string.h>

#include "common/when.h"

enum {
	HOURS = 24,
	INCIDENTS = 2,
	MINUTE_S = 60,
	HOUR_S = 3600,
	LIGHT_FROM_S = 6 * HOUR_S, /* faces are seen by day */
	LIGHT_TO_S = 22 * HOUR_S
};

/* Present in one interval, in tenths, by local hour. */
struct rhythm {
	short weekday[HOURS], weekend[HOURS];
	short began;		     /* percent of those present */
	short of_week[7];	     /* percent, Monday first */
	short class[SAMPLE_CLASSES]; /* of 1000 vehicles; others are cars */
};

/* For some minutes there is more, or less, than ever at that time. */
struct incident {
	short every, on;   /* days: each whose number leaves `on` */
	short hour, hours; /* the first, and how many to take turns */
	short minute, minutes;
	short percent; /* of the usual … */
	short plus;    /* … and so many tenths */
};

struct down {
	short every, on; /* days */
	short minute, minutes;
};

struct sample_life {
	const struct rhythm *people, *vehicle; /* NULL: not measured */
	short faces; /* percent of the people; 0: not measured */
	struct incident incident[INCIDENTS];
	struct down down;
};

const char *const sample_class[SAMPLE_CLASSES] = {
	"car", "bus", "truck", "motorcycle", "bicycle", "scooter"};

/* clang-format off */
static const struct rhythm gate_people = {
	.weekday = {8, 4, 3, 3, 6, 30, 120, 420, 980, 700, 520, 500,
		640, 580, 500, 490, 560, 720, 1020, 700, 380, 240, 130, 50},
	.weekend = {12, 6, 4, 3, 4, 10, 30, 60, 110, 160, 210, 250,
		280, 290, 290, 280, 260, 240, 220, 180, 140, 100, 60, 30},
	.began = 90, .of_week = {98, 102, 104, 101, 95, 104, 96}};

static const struct rhythm shop_people = {
	.weekday = {0, 0, 0, 0, 0, 0, 0, 2, 20, 90, 140, 190,
		310, 260, 200, 210, 260, 340, 380, 330, 240, 120, 10, 0},
	.weekend = {0, 0, 0, 0, 0, 0, 0, 0, 15, 110, 260, 380,
		450, 480, 500, 490, 470, 420, 360, 290, 190, 90, 8, 0},
	.began = 70, .of_week = {85, 92, 98, 105, 120, 108, 92}};

static const struct rhythm parking_vehicle = {
	.weekday = {30, 25, 20, 20, 25, 60, 180, 420, 700, 800, 820, 830,
		790, 800, 810, 780, 720, 580, 400, 260, 160, 100, 70, 45},
	.weekend = {25, 20, 20, 20, 20, 25, 40, 70, 130, 240, 360, 450,
		500, 520, 530, 510, 470, 400, 300, 210, 140, 90, 60, 40},
	.began = 12, .of_week = {101, 103, 102, 100, 94, 105, 95},
	.class = {0, 6, 45, 60, 20, 12}};

static const struct rhythm parking_people = {
	.weekday = {2, 1, 1, 1, 2, 10, 45, 110, 140, 80, 55, 60,
		85, 75, 55, 55, 70, 120, 110, 60, 35, 20, 10, 5},
	.weekend = {2, 1, 1, 1, 1, 3, 8, 15, 30, 50, 70, 80,
		85, 85, 85, 80, 75, 65, 50, 35, 25, 15, 8, 4},
	.began = 75, .of_week = {101, 103, 102, 100, 94, 105, 95}};

static const struct rhythm plaza_people = {
	.weekday = {20, 10, 6, 4, 5, 15, 60, 180, 320, 280, 300, 420,
		640, 600, 450, 420, 480, 600, 560, 430, 330, 240, 140, 60},
	.weekend = {60, 40, 25, 12, 8, 10, 25, 70, 150, 270, 400, 520,
		620, 660, 680, 670, 640, 600, 540, 470, 400, 320, 220, 120},
	.began = 45, .of_week = {92, 97, 100, 103, 112, 110, 90}};

static const struct rhythm plaza_vehicle = {
	.weekday = {2, 1, 1, 1, 2, 8, 25, 60, 80, 50, 40, 45,
		55, 50, 45, 50, 65, 85, 80, 50, 30, 20, 12, 5},
	.weekend = {5, 3, 2, 1, 1, 2, 6, 12, 25, 45, 60, 70,
		75, 75, 75, 70, 65, 60, 50, 40, 30, 22, 15, 8},
	.began = 80, .of_week = {95, 99, 101, 102, 103, 106, 94},
	.class = {0, 20, 60, 70, 480, 260}};

static const struct rhythm door_people = {
	.weekday = {0, 0, 0, 0, 1, 4, 12, 18, 16, 14, 12, 14,
		20, 16, 12, 12, 14, 16, 14, 8, 5, 3, 1, 0},
	.weekend = {0, 0, 0, 0, 0, 0, 2, 4, 5, 5, 6, 6,
		7, 6, 5, 5, 4, 4, 3, 2, 1, 1, 0, 0},
	.began = 85, .of_week = {105, 100, 98, 100, 102, 104, 96}};

static const struct rhythm door_vehicle = {
	.weekday = {0, 0, 0, 0, 1, 6, 9, 8, 5, 4, 4, 3,
		3, 4, 4, 3, 2, 2, 1, 1, 0, 0, 0, 0},
	.began = 60, .of_week = {110, 100, 100, 100, 105, 0, 0},
	.class = {0, 0, 720, 40, 20, 20}};
/* clang-format on */

/* A lorry before the lens; a group that arrives. */
static const struct sample_life gate = {.people = &gate_people,
	.faces = 22,
	.incident = {{3, 1, 8, 5, 10, 15, 8, 0},
		{4, 2, 9, 5, 25, 15, 100, 1500}},
	.down = {19, 8, 18 * 60 + 52, 285}};

/* A sale; the door shut. */
static const struct sample_life shop = {.people = &shop_people,
	.faces = 55,
	.incident = {{9, 4, 13, 3, 0, 40, 230, 0},
		{10, 7, 14, 2, 10, 30, 8, 0}},
	.down = {23, 5, 10 * 60 + 3, 130}};

/* An event next door; the sun in the lens. */
static const struct sample_life parking = {.people = &parking_people,
	.vehicle = &parking_vehicle,
	.incident = {{12, 5, 17, 3, 0, 60, 280, 0},
		{13, 3, 10, 3, 15, 25, 15, 0}},
	.down = {29, 11, 2 * 60 + 11, 417}};

/* A concert; a shower. */
static const struct sample_life plaza = {.people = &plaza_people,
	.vehicle = &plaza_vehicle,
	.incident = {{11, 6, 17, 2, 0, 120, 240, 0},
		{8, 5, 12, 3, 20, 40, 15, 0}},
	.down = {31, 20, 21 * 60 + 43, 95}};

/* Somebody at night. */
static const struct sample_life door = {.people = &door_people,
	.vehicle = &door_vehicle,
	.incident = {{8, 3, 1, 2, 20, 20, 100, 25}},
	.down = {17, 2, 8 * 60 + 33, 190}};

const struct sample_camera sample_camera[SAMPLE_CAMERAS] = {
	{SAMPLE_PREFIX "gate", "Main gate", "Asia/Seoul", 300, 0, &gate},
	{SAMPLE_PREFIX "shop", "Shop entrance", "Asia/Seoul", 600, 0, &shop},
	{SAMPLE_PREFIX "parking", "Car park", "Asia/Seoul", 300, 0, &parking},
	{SAMPLE_PREFIX "plaza", "Plaza", "America/New_York", 600, 0, &plaza},
	{SAMPLE_PREFIX "back-door", "Back door", "Asia/Seoul", 600, 5 * HOUR_S,
		&door},
};

/* ---- chance ---- */

/* splitmix64: each number from the one before, the first from a key. */
static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* From what a camera does at a time: an instant, or the number of a day. */
static uint64_t key(const struct sample_camera *c, int64_t time)
{
	uint64_t h = UINT64_C(14695981039346656037), state;

	for (const char *p = c->code; *p; p++)
		h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
	state = h ^ (uint64_t)time;
	return next(&state);
}

/* [0, 1) */
static double chance(uint64_t *state)
{
	return (double)(next(state) >> 11) * 0x1p-53;
}

/* How many of n, each with probability p. */
static int some_of(uint64_t *state, int n, double p)
{
	int k = 0;

	for (int i = 0; i < n; i++)
		k += chance(state) < p;
	return k;
}

/* About Poisson: many tries, each unlikely. */
static int around(uint64_t *state, double mean)
{
	int tries = 8 * (int)mean + 8;

	return some_of(state, tries, mean / tries);
}

/* ---- time ---- */

/* A camera's local time. */
struct moment {
	int64_t day;
	int second; /* of the day, by the clock on the wall */
	int weekday;
	bool holiday;
};

/* The first Monday of each month is a holiday. */
static struct moment moment_of(const struct tz *tz, int64_t at)
{
	int64_t local = at + tz_offset(tz, at);
	struct moment m = {.day = local / DAY_S,
		.second = (int)(local % DAY_S),
		.weekday = when_weekday(local)};

	m.holiday = m.weekday == 1 && when_to_civil(local).day <= 7;
	return m;
}

/* Between the middles of two hours, a straight line. */
static double by_hour(const short hour[HOURS], int second)
{
	int from_middle = second + DAY_S - HOUR_S / 2;
	int h = from_middle / HOUR_S % HOURS;
	double part = (double)(from_middle % HOUR_S) / HOUR_S;

	return hour[h] + (hour[(h + 1) % HOURS] - hour[h]) * part;
}

static bool hit(const struct incident *i, const struct moment *m)
{
	int from;

	if (!i->every || m->day % i->every != i->on)
		return false;
	from = (i->hour + 2 * (int)(m->day / i->every % i->hours)) * HOUR_S +
		i->minute * MINUTE_S;
	return m->second >= from && m->second < from + i->minutes * MINUTE_S;
}

/* Seconds of an interval that begins here in which the camera ran. */
static int seconds_up(const struct down *d, const struct moment *m, int length)
{
	int from = d->minute * MINUTE_S - m->second;
	int to = from + d->minutes * MINUTE_S;

	if (m->day % d->every != d->on || from >= length || to <= 0)
		return length;
	return length - (to < length ? to : length) + (from > 0 ? from : 0);
}

/* ---- a row ---- */

static double expected(const struct sample_camera *c, const struct rhythm *r,
	const struct moment *m)
{
	uint64_t state = key(c, m->day);
	double day = 0.76, tenths;

	for (int i = 0; i < 4; i++)
		day += 0.12 * chance(&state);
	tenths = by_hour(m->weekday > 5 || m->holiday ? r->weekend : r->weekday,
		m->second);
	tenths *= day * r->of_week[m->weekday - 1] / 100;
	if (m->holiday)
		tenths *= 0.7;
	for (int i = 0; i < INCIDENTS; i++)
		if (hit(&c->life->incident[i], m))
			tenths = tenths * c->life->incident[i].percent / 100 +
				c->life->incident[i].plus;
	return tenths / 10;
}

static struct sample_count count(
	uint64_t *state, const struct rhythm *r, double mean)
{
	int n = around(state, mean);

	return (struct sample_count){n, some_of(state, n, r->began / 100.0)};
}

/* Those of some of the people; in the dark, of nobody. */
static struct sample_count faces(uint64_t *state, int percent,
	const struct moment *m, struct sample_count people)
{
	bool light = m->second >= LIGHT_FROM_S && m->second < LIGHT_TO_S;
	double share = light ? percent / 100.0 : 0;
	struct sample_count n = {some_of(state, people.present, share),
		some_of(state, people.began, share)};

	if (n.began > n.present)
		n.began = n.present;
	return n;
}

/* Each vehicle is of one class. */
static void classify(uint64_t *state, const struct rhythm *r, int vehicles,
	int class[SAMPLE_CLASSES])
{
	for (int i = 0; i < vehicles; i++) {
		int of = (int)(next(state) % 1000), k = SAMPLE_CLASSES - 1;

		while (k > 0 && of >= r->class[k])
			of -= r->class[k--];
		class[k]++;
	}
}

bool sample_row(const struct sample_camera *c, const struct tz *tz,
	int64_t start_at, struct sample_row *row)
{
	static const struct sample_count none = {SAMPLE_NULL, SAMPLE_NULL};
	const struct sample_life *l = c->life;
	struct moment m = moment_of(tz, start_at);
	uint64_t state = key(c, start_at);
	double share;

	*row = (struct sample_row){
		.people = none, .vehicle = none, .face = none};
	row->observed_s = seconds_up(&l->down, &m, c->interval_s);
	if (!row->observed_s)
		return false;
	/* Now and then pictures are lost for a while. */
	if (next(&state) % 300 == 0)
		row->observed_s -= (int)(row->observed_s * chance(&state) / 3);
	share = (double)row->observed_s / c->interval_s;
	if (l->people)
		row->people = count(
			&state, l->people, expected(c, l->people, &m) * share);
	if (l->faces)
		row->face = faces(&state, l->faces, &m, row->people);
	if (l->vehicle) {
		row->vehicle = count(&state, l->vehicle,
			expected(c, l->vehicle, &m) * share);
		classify(&state, l->vehicle, row->vehicle.present, row->class);
	} else {
		for (int i = 0; i < SAMPLE_CLASSES; i++)
			row->class[i] = SAMPLE_NULL;
	}
	return true;
}
