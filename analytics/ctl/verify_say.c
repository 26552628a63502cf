// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analytics/ctl/verify.h"
#include "common/when.h"

enum {
	SAID_MAX = 100, /* lines of a kind, without --all */
	SHOW_MS = 250
};

void verify_hide_progress(struct verify *v)
{
	if (v->shown_ms)
		fputs("\r\033[K", stderr);
	v->shown_ms = 0;
}

void verify_progress(struct verify_run *r)
{
	struct verify *v = r->v;
	int64_t now = when_clock_ms();

	if (now - v->shown_ms < SHOW_MS || !isatty(STDERR_FILENO))
		return;
	verify_hide_progress(v);
	v->shown_ms = now;
	fprintf(stderr,
		"camera %s (%" PRIu64 " before it), %" PRIu64 " rows, %" PRIu64
		" differences",
		r->code, v->cameras, v->rows, v->differences.n);
	fflush(stderr);
}

/* Counts one more; is it to be printed? */
static bool found_one(struct verify *v, struct verify_found *f)
{
	f->n++;
	if (!v->all && f->said == SAID_MAX)
		return false;
	f->said++;
	verify_hide_progress(v);
	return true;
}

static const char *utc(char buf[WHEN_TEXT], int64_t at)
{
	return when_format(buf, at, 0, true);
}

enum { LABEL = 256 };

/* A bucket as people name it, and its start in UTC. */
static const char *label(char buf[LABEL], const struct verify_run *r,
	enum recount_level level, const int64_t key[2], int64_t start)
{
	static const char *const day[] = {
		"?", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	bool hours = level == LEVEL_PROFILE_MONTH;
	int64_t weekday = hours ? key[1] / 24 : key[1];
	int y = (int)(key[0] / 10000), m = (int)(key[0] / 100 % 100);
	char local[WHEN_TEXT], at[WHEN_TEXT], what[48];

	snprintf(what, sizeof(what), "%04d-%02d", y, m);
	switch (level) {
	case LEVEL_QUARTER:
	case LEVEL_QUARTER_PARTIAL:
	case LEVEL_HOUR:
	case LEVEL_HOUR_PARTIAL:
		snprintf(what, sizeof(what), "%s",
			when_format(
				local, start, tz_offset(r->tz, start), false));
		break;
	case LEVEL_DAY:
	case LEVEL_WEEK:
		snprintf(what, sizeof(what), "%04d-%02d-%02d", y, m,
			(int)(key[0] % 100));
		break;
	case LEVEL_MONTH:
		break;
	case LEVEL_YEAR:
		snprintf(what, sizeof(what), "%04d", y);
		break;
	case LEVEL_WEEKDAY_YEAR:
		snprintf(what, sizeof(what), "%04d %s", y,
			day[weekday < 8 ? weekday : 0]);
		break;
	case LEVEL_WEEKDAY_MONTH:
	case LEVEL_PROFILE_MONTH:
		snprintf(what, sizeof(what), "%04d-%02d %s", y, m,
			day[weekday < 8 ? weekday : 0]);
		break;
	case LEVEL_COUNT:
		break;
	}
	if (hours)
		snprintf(what + strlen(what), sizeof(what) - strlen(what),
			" %02dh", (int)(key[1] % 24));
	snprintf(buf, LABEL, "%s %s %s (%s)", recount_level_name[level],
		r->code, what, utc(at, start));
	return buf;
}

const char *verify_number(char buf[VERIFY_NUMBER], uint128 v)
{
	int i = VERIFY_NUMBER - 1;

	buf[i] = '\0';
	do
		buf[--i] = (char)('0' + (int)(v % 10));
	while (v /= 10);
	return &buf[i];
}

void verify_say_different(struct verify_run *r, enum recount_level level,
	const struct recount_bucket *b, const char *column, const char *stored,
	const char *counted)
{
	char what[LABEL];

	if (found_one(r->v, &r->v->differences))
		printf("different %s %s: stored %s, recounted %s\n",
			label(what, r, level, b->key, b->start), column, stored,
			counted);
}

void verify_say_missing(struct verify_run *r, enum recount_level level,
	const struct recount_bucket *b)
{
	char what[LABEL], rows[VERIFY_NUMBER];

	if (found_one(r->v, &r->v->differences))
		printf("missing %s: not stored, recounted from %s rows\n",
			label(what, r, level, b->key, b->start),
			verify_number(rows, b->f.v[COL_ROW_N]));
}

void verify_say_superfluous(struct verify_run *r, enum recount_level level,
	const int64_t key[2], int64_t start)
{
	char what[LABEL];

	if (found_one(r->v, &r->v->differences))
		printf("superfluous %s: stored, recounted from no row\n",
			label(what, r, level, key, start));
}

void verify_say_overlap(struct verify_run *r, const struct recount_row *row)
{
	const struct recount_row *before = &r->furthest;
	char t[4][WHEN_TEXT];

	if (found_one(r->v, &r->v->overlaps))
		printf("overlap %s: the row %s to %s reaches into the row "
		       "%s to %s\n",
			r->code, utc(t[0], before->start),
			utc(t[1], before->end), utc(t[2], row->start),
			utc(t[3], row->end));
}

void verify_say_stray(
	struct verify *v, const char *prefix, const char *table, int64_t id)
{
	if (found_one(v, &v->differences))
		printf("superfluous %s%s: rows of camera_id %" PRId64
		       ", which is no camera\n",
			prefix, table, id);
}

void verify_say_summary(const struct verify *v)
{
	for (int i = 0; i < 2; i++) {
		const struct verify_found *f =
			i ? &v->overlaps : &v->differences;

		if (f->n > f->said)
			printf("%" PRIu64 " more %s; --all prints them\n",
				f->n - f->said, i ? "overlaps" : "differences");
	}
	printf("%" PRIu64 " rows of %" PRIu64 " cameras; compared:", v->rows,
		v->cameras);
	for (int i = 0; i < LEVEL_COUNT; i++)
		printf("%s %" PRIu64 " %s", i ? "," : "", v->compared[i],
			recount_level_name[i]);
	printf("; %" PRIu64 " buckets wait for the next roll-up; %" PRIu64
	       " differences; %" PRIu64 " overlaps; %" PRIu64 " not compared\n",
		v->pending, v->differences.n, v->overlaps.n, v->not_compared);
}
