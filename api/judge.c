// SPDX-License-Identifier: MIT
/*
 * judge: which rows of a batch may be written, by what a look at other rows of
 * the batch and at the camera's newest stored row can tell.
 */
#include <stdlib.h>

#include "api/writer.h"

int count_by_key(const void *pa, const void *pb)
{
	const struct count *a = *(struct count *const *)pa;
	const struct count *b = *(struct count *const *)pb;

	if (a->camera_id != b->camera_id)
		return a->camera_id < b->camera_id ? -1 : 1;
	if (a->start_at != b->start_at)
		return a->start_at < b->start_at ? -1 : 1;
	/* Equal keys stay in the order they came in. */
	return a < b ? -1 : a > b;
}

/* Only such rows need the outlier rule, which SQL alone knows. */
enum count_suspect writer_suspect(
	const struct directory_camera *camera, const struct count *row)
{
	static const enum count_figure judged[] = {F_people, F_vehicle, F_face};
	enum count_suspect s = COUNT_NO_SUSPECT;
	const struct directory_hour *h;

	if (!camera->bounds)
		return s;
	h = &camera->bounds->hour[row->start_at / 3600 % HOURS_A_WEEK];
	for (size_t i = 0; i < ARRAY_LEN(judged); i++) {
		int32_t v = row->figure[judged[i]];

		if (v == COUNT_NULL)
			continue;
		s |= v > h->high[i] ? COUNT_SUSPECT_HIGH : 0;
		s |= v <= h->low[i] ? COUNT_SUSPECT_LOW : 0;
	}
	return s;
}

/* Rows that old were let go: their quarter hours are never counted again.  What
 * a camera counted before it retired may have lain in a spool. */
static void judge_age(const struct writer *w, struct count_batch *b,
	struct count *row, const struct directory_camera *camera)
{
	char from[WHEN_TEXT];

	if (row->start_at >= camera->retired_at)
		count_refuse(b, row, "camera", "retired_camera",
			"camera \"%.60s\" has retired, at %s", row->camera,
			when_format(from, camera->retired_at, 0, true));
	else if (row->start_at < w->kept_from)
		count_refuse(b, row, "start_at", "too_old",
			"start_at is before %s: rows that old are not kept",
			when_format(from, w->kept_from, 0, true));
}

/* Finds the row's camera, and its instants where they were local. */
static enum err resolve(
	struct writer *w, struct commit_job *job, struct count *row)
{
	struct directory_camera *camera;
	const struct tz *tz;
	enum err e = directory_find(w->cameras, row->camera, &job->by, &camera);

	if (e == E_NOT_FOUND || e == E_INVALID) {
		count_refuse(job->batch, row, "camera", "unknown_camera",
			"camera \"%.60s\" is not registered%s", row->camera,
			e == E_INVALID ? ", and no code can be like that" : "");
		return E_OK;
	}
	if (e)
		return e;
	row->camera_id = camera->camera_id;
	if (row->start_local || row->end_local) {
		if ((e = zones_find(&w->zones, camera->zone, &tz)))
			return e;
		count_localize(job->batch, row, tz, job->fold);
	}
	/* Each try anew: the first one left no local time behind. */
	if (row->verdict != COUNT_REJECTED)
		count_check_interval(job->batch, row, when_now());
	if (row->verdict != COUNT_REJECTED)
		judge_age(w, job->batch, row, camera);
	row->suspect = row->verdict == COUNT_REJECTED
		? COUNT_NO_SUSPECT
		: writer_suspect(camera, row);
	return E_OK;
}

/* Neighbours of one camera in order of time, a before b. */
static void judge_pair(
	struct commit_job *job, const struct count *a, struct count *b)
{
	if (a->start_at == b->start_at && count_same(a, b)) {
		b->verdict = COUNT_DUPLICATE;
		b->same = a;
	} else if (a->start_at == b->start_at) {
		count_refuse(job->batch, b, "start_at", "conflict",
			"line %u has the same camera and start_at with other "
			"values",
			a->line);
	} else if (b->start_at < a->end_at) {
		count_refuse(job->batch, b, "start_at", "overlap",
			"the interval overlaps the one of line %u", a->line);
	}
}

static bool overlaps_newest(
	const struct directory_camera *k, const struct count *row)
{
	return k->has_newest && row->start_at != k->newest_start &&
		row->start_at < k->newest_end && k->newest_start < row->end_at;
}

/* A camera that was resolved; E_BUSY: it is gone again. */
static enum err find_again(struct writer *w, const struct count *row,
	struct directory_camera **camera)
{
	enum err e = directory_find(w->cameras, row->camera, NULL, camera);

	return e == E_NOT_FOUND ? E_BUSY : e;
}

/* E_BUSY: it depends on a row that this turn has not committed yet. */
static enum err judge_newest(
	struct writer *w, struct commit_job *job, struct count *row)
{
	struct directory_camera *k;
	enum err e = find_again(w, row, &k);

	if (!e && overlaps_newest(k, row)) {
		if (k->pending)
			return E_BUSY;
		/* Before a refusal, be sure. */
		directory_doubt(w->cameras, row->camera);
		e = find_again(w, row, &k);
	}
	if (e)
		return e;
	if (overlaps_newest(k, row))
		count_refuse(job->batch, row, "start_at", "overlap",
			"the interval overlaps the camera's newest row");
	return E_OK;
}

/* The job will be written in this turn: the jobs behind it are judged by its
 * rows too.  Only now, for a job that is refused must leave no trace. */
static enum err announce(struct writer *w, struct count *const *row, size_t n)
{
	struct directory_camera *k;
	enum err e;

	for (size_t i = 0; i < n; i++) {
		if ((e = find_again(w, row[i], &k)))
			return e;
		if (k->has_newest && row[i]->start_at <= k->newest_start)
			continue;
		k->has_newest = k->pending = true;
		k->newest_start = row[i]->start_at;
		k->newest_end = row[i]->end_at;
	}
	return E_OK;
}

/* Judges what needs no look at stored rows but the newest.  The rows left to
 * write go to todo[0..*n) in the order of their keys. */
enum err writer_judge(struct writer *w, struct commit_job *job,
	struct count **todo, size_t *n)
{
	struct count_batch *b = job->batch;
	const struct count *before = NULL;
	size_t k = 0, kept = 0;
	enum err e;

	/* A second try forgets what the first one found. */
	b->errors_n = job->early_errors_n;
	for (size_t i = 0; i < b->n; i++) {
		struct count *row = &b->row[i];

		if (row->refused_early)
			continue;
		row->verdict = COUNT_UNJUDGED;
		row->same = NULL;
		if ((e = resolve(w, job, row)))
			return e;
		if (row->verdict != COUNT_REJECTED)
			todo[k++] = row;
	}
	qsort(todo, k, sizeof(*todo), count_by_key);
	for (size_t i = 0; i < k; i++) {
		struct count *row = todo[i];

		if (before && before->camera_id == row->camera_id)
			judge_pair(job, before, row);
		if (row->verdict != COUNT_UNJUDGED)
			continue;
		if ((e = judge_newest(w, job, row)))
			return e;
		if (row->verdict != COUNT_UNJUDGED)
			continue;
		before = row;
		todo[kept++] = row;
	}
	*n = b->errors_n && !job->partial ? 0 : kept;
	return announce(w, todo, *n);
}

/* What a job did not write must not count as the newest row. */
void writer_doubt(struct writer *w, const struct commit_job *job)
{
	for (size_t i = 0; i < job->batch->n; i++)
		if (job->batch->row[i].camera)
			directory_doubt(w->cameras, job->batch->row[i].camera);
}
