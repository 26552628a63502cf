// SPDX-License-Identifier: MIT
/*
 * suspect: which of the rows that a transaction has written are outliers.  The
 * rule is SQL's alone, the view outlier_rule, and is asked for all suspects at
 * once; what it finds is inserted by VALUES, for INSERT ... SELECT would hold
 * the counter of the tables' numbers against other writers.
 */
#include "api/writer.h"

enum {
	AT_ONCE = 500,
	KEY_MAX = 64, /* bytes of a suspect's key */
	COMMON = 35,  /* cells of Q_OUTLIERS_AMONG for either table; then */
	HIGH = COMMON,
	LOW = HIGH + 2, /* the metrics, and the greatest or least z */
	OUTLIER_CELLS = COMMON + 2
};

_Static_assert(AT_ONCE *OUTLIER_CELLS <= WRITER_BULK_ROWS * WRITER_COLUMNS,
	"the outliers of one question fit into writer.cell");

/* Those of the rows that are outliers of one side, whose cells begin there. */
static enum err add(struct writer *w, enum stmt how, const struct db_rows *rows,
	size_t side)
{
	size_t n = 0;

	for (size_t i = 0; i < rows->n; i++) {
		const struct db_cell *row = &rows->cell[i * rows->cols];
		struct db_cell *to = &w->cell[n * OUTLIER_CELLS];

		if (!row[side].s.n)
			continue;
		memcpy(to, row, COMMON * sizeof(*to));
		memcpy(to + COMMON, row + side, 2 * sizeof(*to));
		n++;
	}
	return n ? db_run_bulk(w->db, how, w->cell, n) : E_OK;
}

static enum err judge_keys(struct writer *w, const struct text *keys)
{
	struct db_rows rows;
	struct arena a;
	enum err e;

	arena_init(&a, 4 << 20);
	e = db_run(w->db, Q_OUTLIERS_AMONG, DB_ARGS(DB_SN(keys->at, keys->n)),
		&a, &rows);
	if (!e)
		e = add(w, Q_OUTLIER_HIGH_ADD, &rows, HIGH);
	if (!e)
		e = add(w, Q_OUTLIER_LOW_ADD, &rows, LOW);
	arena_reset(&a);
	return e;
}

static enum err judge_at_once(
	struct writer *w, struct count *const *suspect, size_t n)
{
	struct text keys;
	enum err e;

	text_init(&keys, n * KEY_MAX);
	json_open(&keys, NULL, '[');
	for (size_t i = 0; i < n; i++) {
		json_open(&keys, NULL, '[');
		json_int(&keys, NULL, suspect[i]->camera_id);
		json_int(&keys, NULL, when_number(suspect[i]->start_at));
		json_close(&keys, ']');
	}
	json_close(&keys, ']');
	e = keys.full ? E_NOMEM : judge_keys(w, &keys);
	text_free(&keys);
	return e;
}

/* For an outlier that is stored already, of a row that had been deleted; and
 * for a rule that fails, which the procedure notes. */
static enum err judge_each(
	struct writer *w, struct count *const *suspect, size_t n)
{
	enum err e = E_OK;

	for (size_t i = 0; !e && i < n; i++)
		e = db_run(w->db, Q_JUDGE,
			DB_ARGS(DB_I(suspect[i]->camera_id),
				DB_I(when_number(suspect[i]->start_at))),
			NULL, NULL);
	return e;
}

static enum err judge(struct writer *w, struct count *const *suspect, size_t n)
{
	enum err e = n ? judge_at_once(w, suspect, n) : E_OK;

	return e == E_EXISTS || e == E_DB ? judge_each(w, suspect, n) : e;
}

enum err writer_suspect(struct writer *w, struct count *const *row, size_t n)
{
	struct count *suspect[AT_ONCE];
	size_t k = 0;
	enum err e;

	for (size_t i = 0; i < n; i++) {
		if (!row[i]->suspect)
			continue;
		suspect[k++] = row[i];
		if (k < AT_ONCE)
			continue;
		if ((e = judge(w, suspect, k)))
			return e;
		k = 0;
	}
	return judge(w, suspect, k);
}
