// SPDX-License-Identifier: MIT
#include "api/writer.h"

#include <stdlib.h>
#include <string.h>

enum {
	KEYS_A_QUERY = 16, /* of Q_COUNT_FIND */
	QUARTER_S = 900,
	RUN_MAX = 80,		       /* bytes of a line that tells of a run */
	JUDGED_ALONE = 4,	       /* suspects, each by a call of its own */
	BATCH_CELLS = 1 + COUNT_CELLS, /* of Q_BATCH_ROW */
	BATCH_ROWS = WRITER_BULK_ROWS * WRITER_COLUMNS / BATCH_CELLS
};

/* Marks the quarter hours of the rows for the next roll-up. */
static enum err mark(struct writer *w, struct count *const *row, size_t n)
{
	size_t k = 0;
	enum err e;

	for (size_t i = 0; i < n; i++) {
		int64_t quarter =
			row[i]->start_at - row[i]->start_at % QUARTER_S;
		struct db_cell *cell = &w->cell[2 * k];

		/* In the order of keys, equal marks are neighbours. */
		if (i && row[i - 1]->camera_id == row[i]->camera_id &&
			row[i - 1]->start_at >= quarter)
			continue;
		cell[0] = DB_I(when_number(quarter));
		cell[1] = DB_I(row[i]->camera_id);
		if (++k == WRITER_BULK_ROWS) {
			if ((e = db_run_bulk(w->db, Q_MARK, w->cell, k)))
				return e;
			k = 0;
		}
	}
	return k ? db_run_bulk(w->db, Q_MARK, w->cell, k) : E_OK;
}

/* What is asked inside the transaction, by either statement: from when on rows
 * are kept, until it ends, and the version of the references.  E_BUSY: one of
 * the rows is older. */
static enum err ask(struct writer *w, enum stmt how, const struct db_cell *args,
	struct count *const *row, size_t n, int64_t *version)
{
	struct db_rows rows = {0};
	struct arena a;
	enum err e;

	arena_init(&a, 4096);
	e = db_run(w->db, how, args, &a, &rows);
	*version = !e && rows.n ? rows.cell[0].i : 0;
	if (!e && rows.n && !rows.cell[1].null)
		w->kept_from = when_from_number(rows.cell[1].i);
	arena_reset(&a);
	for (size_t i = 0; !e && i < n; i++)
		if (row[i]->start_at < w->kept_from)
			e = E_BUSY;
	return e;
}

/* The start of a camera's last row, of those that begin with this one. */
static int64_t last_start(struct count *const *row, size_t n)
{
	size_t i = 0;

	while (i + 1 < n && row[i + 1]->camera_id == row[0]->camera_id)
		i++;
	return row[i]->start_at;
}

/* For /stream: rows of one camera at even distances are one line. */
static void write_runs(struct text *t, struct count *const *row, size_t n)
{
	for (size_t i = 0, k; i < n; i += k) {
		int64_t step = 0;

		for (k = 1; i + k < n; k++) {
			int64_t next =
				row[i + k]->start_at - row[i + k - 1]->start_at;

			if (row[i + k]->camera_id != row[i]->camera_id ||
				(k > 1 && next != step))
				break;
			step = next;
		}
		text_int(t, row[i]->camera_id);
		text_str(t, " ");
		text_int(t, when_number(row[i]->start_at));
		text_str(t, " ");
		text_int(t, step);
		text_str(t, " ");
		text_int(t, (int64_t)k);
		text_str(t, "\n");
	}
}

/* One round trip for both. */
static enum err note_and_ask(
	struct writer *w, struct count *const *row, size_t n, int64_t *version)
{
	struct text runs;
	enum err e;

	text_init(&runs, n * RUN_MAX);
	write_runs(&runs, row, n);
	e = runs.full
		? E_NOMEM
		: ask(w, Q_STREAM_NOTE,
			  DB_ARGS(DB_I((int64_t)n), DB_SN(runs.at, runs.n)),
			  row, n, version);
	text_free(&runs);
	return e;
}

/* Whoever remembers references must know when they change: what changes after
 * this look comes after these rows.  They change too when a camera goes. */
static enum err check_version(
	struct writer *w, struct count *const *row, size_t n)
{
	struct directory_camera *camera;
	int64_t version;
	enum err e = note_and_ask(w, row, n, &version);

	if (e || !directory_version(w->cameras, version))
		return e;
	for (size_t i = 0; !e && i < n; i++) {
		if (!i || row[i - 1]->camera_id != row[i]->camera_id)
			e = directory_still(w->cameras, row[i]->camera,
				row[i]->camera_id, last_start(row + i, n - i));
		if (!e)
			e = directory_find(
				w->cameras, row[i]->camera, NULL, &camera);
		if (!e)
			row[i]->suspect = writer_suspects(camera, row[i]);
	}
	return e;
}

static enum err judge_each(struct writer *w, struct count *const *row, size_t n)
{
	enum err e = E_OK;

	for (size_t i = 0; !e && i < n; i++) {
		if (!row[i]->suspect)
			continue;
		count_cells(w->cell, row[i]);
		e = db_run(w->db, Q_JUDGE, w->cell, NULL, NULL);
	}
	return e;
}

/* By a join, which knows the reference of each row's hour.  Where days have a
 * busy time, nearly every row is above the reference of some other hour, and
 * so a suspect. */
static enum err judge_batch(
	struct writer *w, struct count *const *row, size_t n)
{
	enum err e = db_run(w->db, Q_BATCH_MAKE, NULL, NULL, NULL);
	size_t k = 0;

	for (size_t i = 0; !e && i < n; i++) {
		struct db_cell *cell = &w->cell[k * BATCH_CELLS];

		if (!row[i]->suspect)
			continue;
		*cell = DB_I((int64_t)i);
		count_cells(cell + 1, row[i]);
		if (++k == BATCH_ROWS) {
			e = db_run_bulk(w->db, Q_BATCH_ROW, w->cell, k);
			k = 0;
		}
	}
	if (!e && k)
		e = db_run_bulk(w->db, Q_BATCH_ROW, w->cell, k);
	return e ? e : db_run(w->db, Q_BATCH_JUDGE, NULL, NULL, NULL);
}

/* What the trigger does for other writers' rows: marks, and the rule. */
static enum err follow_up(struct writer *w, struct count *const *row, size_t n)
{
	enum err e = mark(w, row, n);
	size_t suspects = 0;

	if (!e && n)
		e = check_version(w, row, n);
	for (size_t i = 0; !e && i < n; i++)
		suspects += row[i]->suspect;
	if (e)
		return e;
	return suspects > JUDGED_ALONE ? judge_batch(w, row, n)
				       : judge_each(w, row, n);
}

/* As Q_COUNT_INSERT has it: what the rule and batches know, and the detail. */
static void row_cells(struct db_cell *cell, const struct count *row)
{
	count_cells(cell, row);
	cell[COUNT_CELLS] = row->detail ? DB_S(row->detail) : DB_NULL;
}

/* Inserts the rows; E_EXISTS when some key is stored already.  The server's
 * number of affected rows is no witness: in a bulk it also counts the outliers
 * that the triggers write. */
static enum err insert(struct writer *w, struct count *const *row, size_t n)
{
	enum err e;

	for (size_t i = 0; i < n;) {
		size_t k = n - i < WRITER_BULK_ROWS ? n - i : WRITER_BULK_ROWS;

		for (size_t j = 0; j < k; j++)
			row_cells(&w->cell[j * WRITER_COLUMNS], row[i + j]);
		if ((e = db_run_bulk(w->db, Q_COUNT_INSERT, w->cell, k)))
			return e;
		i += k;
	}
	if ((e = follow_up(w, row, n)))
		return e;
	for (size_t i = 0; i < n; i++)
		row[i]->verdict = COUNT_INSERTED;
	return E_OK;
}

enum err writer_write(struct writer *w, size_t n)
{
	return insert(w, w->todo, n);
}

static void conflict(struct commit_job *job, struct count *row)
{
	count_refuse(job->batch, row, "start_at", "conflict",
		"this camera's row of that start_at is stored with other "
		"values");
}

/* One stored row as Q_COUNT_FIND gives it, against the row that came. */
static void compare(
	struct commit_job *job, struct count *row, const struct db_cell *stored)
{
	struct count s = {.start_at = row->start_at,
		.end_at = when_from_number(stored[2].i)};

	for (int i = 0; i < COUNT_FIGURES_N; i++)
		s.figure[i] = stored[3 + i].null ? COUNT_NULL
						 : (int32_t)stored[3 + i].i;
	s.observed_s = (int32_t)stored[3 + COUNT_FIGURES_N].i;
	if (!stored[4 + COUNT_FIGURES_N].null)
		s.detail = stored[4 + COUNT_FIGURES_N].s.at;
	if (count_same(row, &s))
		row->verdict = COUNT_DUPLICATE;
	else if (job->replace)
		row->verdict = COUNT_REPLACED;
	else
		conflict(job, row);
}

/* A row that repeats one of its request is stored if that one is. */
static void refuse_repeated(struct commit_job *job)
{
	struct count_batch *b = job->batch;

	for (size_t i = 0; i < b->n; i++)
		if (b->row[i].verdict == COUNT_DUPLICATE && b->row[i].same &&
			b->row[i].same->verdict == COUNT_REJECTED)
			conflict(job, &b->row[i]);
}

/* Judges up to KEYS_A_QUERY rows by what is stored. */
static enum err find_stored(
	struct writer *w, struct commit_job *job, struct count **row, size_t n)
{
	struct db_cell key[2 * KEYS_A_QUERY];
	struct db_rows rows = {0};
	struct arena a;
	enum err e;

	for (size_t i = 0; i < KEYS_A_QUERY; i++) {
		const struct count *r = row[i < n ? i : n - 1];

		key[2 * i] = DB_I(r->camera_id);
		key[2 * i + 1] = DB_I(when_number(r->start_at));
	}
	arena_init(&a, 1 << 20);
	e = db_run(w->db, Q_COUNT_FIND, key, &a, &rows);
	for (size_t k = 0; !e && k < rows.n; k++) {
		const struct db_cell *s = &rows.cell[k * rows.cols];

		for (size_t i = 0; i < n; i++)
			if (row[i]->camera_id == s[0].i &&
				when_number(row[i]->start_at) == s[1].i)
				compare(job, row[i], s);
	}
	arena_reset(&a);
	return e;
}

static enum err replace(struct writer *w, const struct count *r)
{
	struct db_cell cell[WRITER_COLUMNS], key[2];

	row_cells(cell, r);
	memcpy(key, cell, sizeof(key));
	memmove(cell, cell + 2, sizeof(cell) - sizeof(key));
	memcpy(cell + WRITER_COLUMNS - 2, key, sizeof(key));
	return db_run(w->db, Q_COUNT_REPLACE, cell, NULL, NULL);
}

enum err writer_write_judged(struct writer *w, struct commit_job *job, size_t n)
{
	struct count **todo = w->todo, **fresh = todo + n;
	size_t fresh_n = 0;
	int64_t version;
	enum err e;

	if ((e = ask(w, Q_VERSION_AND_BOUND, NULL, todo, n, &version)))
		return e;
	for (size_t i = 0; i < n; i += KEYS_A_QUERY)
		if ((e = find_stored(w, job, todo + i,
			     n - i < KEYS_A_QUERY ? n - i : KEYS_A_QUERY)))
			return e;
	refuse_repeated(job);
	if (job->check || (job->batch->errors_n && !job->partial))
		return E_CONFLICT;
	for (size_t i = 0; i < n; i++) {
		if (todo[i]->verdict == COUNT_REPLACED &&
			(e = replace(w, todo[i])))
			return e;
		if (todo[i]->verdict == COUNT_UNJUDGED)
			fresh[fresh_n++] = todo[i];
	}
	return insert(w, fresh, fresh_n);
}
