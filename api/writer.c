// SPDX-License-Identifier: MIT
#include "api/writer.h"

#include <stdlib.h>
#include <string.h>

enum {
	KEYS_A_QUERY = 16, /* of Q_COUNT_FIND */
	LISTED_ROWS = 128, /* more go by an array: to parse one row takes longer
			      than to take it out of an array */
	LISTS_MAX = WRITER_ROWS_MAX * 400 /* bytes; what is said of each row */
};

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
	enum err e = E_OK;

	for (size_t i = 0, k; i < n && !e; i += k) {
		k = n - i < WRITER_BULK_ROWS ? n - i : WRITER_BULK_ROWS;
		for (size_t j = 0; j < k; j++)
			row_cells(&w->cell[j * WRITER_COLUMNS], row[i + j]);
		e = db_run_bulk(w->db, Q_COUNT_INSERT, w->cell, k);
	}
	return e;
}

/* What was asked inside of the transaction: the version of the references, and
 * from when on rows are kept until it ends.  E_BUSY: one of the rows is older.
 */
static enum err heed(struct writer *w, const struct db_rows *said,
	struct count *const *row, size_t n, int64_t *version)
{
	*version = said->n ? said->cell[1].i : 0;
	if (said->n && !said->cell[2].null)
		w->kept_from = when_from_number(said->cell[2].i);
	for (size_t i = 0; i < n; i++)
		if (row[i]->start_at < w->kept_from)
			return E_BUSY;
	return E_OK;
}

/* The start of a camera's last row, of those that begin with this one. */
static int64_t last_start(struct count *const *row, size_t n)
{
	size_t i = 0;

	while (i + 1 < n && row[i + 1]->camera_id == row[0]->camera_id)
		i++;
	return row[i]->start_at;
}

/* Whoever remembers references must know when they change: what changes after
 * this look comes after these rows.  They change too when a camera goes. */
static enum err check_version(struct writer *w, struct count *const *row,
	size_t n, const struct db_rows *said)
{
	struct directory_camera *camera;
	int64_t version;
	enum err e = heed(w, said, row, n, &version);

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
			row[i]->suspect = writer_suspect(camera, row[i]);
	}
	return e;
}

/* Few, and none with a text. */
static bool listed(struct count *const *row, size_t n)
{
	for (size_t i = 0; n <= LISTED_ROWS && i < n; i++)
		if (row[i]->detail)
			return false;
	return n <= LISTED_ROWS;
}

/* Sends what is listed by now. */
static enum err send(struct writer *w, struct arena *a, struct db_rows *said)
{
	enum err e = w->lists.full ? E_NOMEM
				   : db_lists(w->db, w->lists.at, w->lists.n,
					     Q_COMMIT_ROWS, a, said);

	text_clear(&w->lists);
	return e;
}

/* Of the transaction that has begun, or begins with what is listed. */
static enum err add(struct writer *w, struct count *const *row, size_t n)
{
	struct db_rows said;
	enum err e = E_OK;

	w->fresh = row;
	w->fresh_n = n;
	writer_list_marks(&w->lists, row, n);
	if (listed(row, n))
		writer_list_rows(&w->lists, row, n);
	else if (!(e = send(w, NULL, &said)))
		e = insert(w, row, n);
	for (size_t i = 0; i < n && !e; i++)
		row[i]->verdict = COUNT_INSERTED;
	return e;
}

static void start(struct writer *w)
{
	text_free(&w->lists);
	text_init(&w->lists, LISTS_MAX);
	w->fresh_n = 0;
}

enum err writer_begin(struct writer *w, size_t n, bool others)
{
	struct db_rows said;
	enum err e;

	start(w);
	if (!n)
		return db_begin(w->db);
	text_str(&w->lists, stmt_defs[Q_BEGIN].text);
	text_str(&w->lists, ";");
	e = add(w, w->todo, n);
	return e || !others || !w->lists.n ? e : send(w, NULL, &said);
}

static enum err end(struct writer *w, bool *committed)
{
	int64_t version = directory_known(w->cameras);
	struct db_rows said;
	struct arena a;
	enum err e;

	*committed = false;
	arena_init(&a, 4096);
	writer_list_end(&w->lists, version, w->fresh, w->fresh_n);
	e = send(w, &a, &said);
	if (!e && said.n && said.cell[0].i) {
		*committed = true;
		/* A restore may have set it back. */
		w->kept_from = when_from_number(said.cell[2].i);
	} else if (!e) {
		e = check_version(w, w->fresh, w->fresh_n, &said);
	}
	arena_reset(&a);
	return e;
}

enum err writer_commit(struct writer *w)
{
	bool committed = false;
	enum err e = E_OK;

	if (!w->fresh_n)
		return db_commit(w->db);
	/* The second time nothing can have changed again. */
	for (int try = 0; try < 2 && !e && !committed; try++)
		e = end(w, &committed);
	if (committed)
		db_committed(w->db);
	return e || committed ? e : E_BUSY;
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

/* Before it is found out what is stored already. */
static enum err look_up_bound(struct writer *w, size_t n)
{
	struct db_rows said;
	struct arena a;
	int64_t version;
	enum err e;

	arena_init(&a, 4096);
	e = db_run(w->db, Q_VERSION_AND_BOUND, NULL, &a, &said);
	if (!e)
		e = heed(w, &said, w->todo, n, &version);
	arena_reset(&a);
	return e;
}

enum err writer_write_judged(struct writer *w, struct commit_job *job, size_t n)
{
	struct count **todo = w->todo, **fresh = todo + n;
	size_t fresh_n = 0;
	enum err e;

	if ((e = look_up_bound(w, n)))
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
	return fresh_n ? add(w, fresh, fresh_n) : E_OK;
}
