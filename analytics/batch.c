// SPDX-License-Identifier: MIT
#include "analytics/batch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRIES = 5, AWAY_US = 900000, BUSY_US = 1000 };

void count_cells(struct db_cell *cell, const struct count *r)
{
	int32_t whole = (int32_t)(r->end_at - r->start_at);

	*cell++ = DB_I(r->camera_id);
	*cell++ = DB_I(when_number(r->start_at));
	*cell++ = DB_I(when_number(r->end_at));
	for (int i = 0; i < COUNT_FIGURES_N; i++)
		*cell++ = r->figure[i] == COUNT_NULL ? DB_NULL
						     : DB_I(r->figure[i]);
	*cell = DB_I(r->observed_s == COUNT_NULL ? whole : r->observed_s);
}

static int by_key(const void *pa, const void *pb)
{
	const struct count *a = *(struct count *const *)pa;
	const struct count *b = *(struct count *const *)pb;

	if (a->camera_id != b->camera_id)
		return a->camera_id < b->camera_id ? -1 : 1;
	return a->start_at < b->start_at ? -1 : a->start_at > b->start_at;
}

/* put_batch's words for rows that are not new. */
static const struct {
	const char *word;
	enum count_verdict verdict;
	const char *type, *detail; /* of a refusal */
} verdicts[] = {
	{"duplicate", COUNT_DUPLICATE, NULL, NULL},
	{"replaced", COUNT_REPLACED, NULL, NULL},
	{"kept", COUNT_KEPT, NULL, NULL},
	{"conflict", COUNT_REJECTED, "conflict",
		"this camera's row of that time is stored with other values"},
	{"too_old", COUNT_REJECTED, "too_old", "rows that old are not kept"},
	{"no_camera", COUNT_REJECTED, "unknown_camera",
		"the camera is not registered any more"},
	{"no_calendar", COUNT_REJECTED, "out_of_range",
		"the camera's calendar does not reach that far"},
};

static void judge(struct count_batch *b, struct count *row, const char *word)
{
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(verdicts) && strcmp(word, verdicts[i].word))
		i++;
	row->verdict = verdicts[i].verdict;
	if (verdicts[i].type)
		count_refuse(b, row, "start_at", verdicts[i].type, "%s",
			verdicts[i].detail);
}

static enum err put(struct db *db, struct count_batch *b, struct count **row,
	size_t n, struct db_cell *cell, const struct db_cell *how)
{
	struct db_rows said;
	struct arena a;
	enum err e;

	for (size_t i = 0; i < n; i++) {
		struct db_cell *c = &cell[i * (1 + COUNT_CELLS)];

		c[0] = DB_I((int64_t)i);
		count_cells(c + 1, row[i]);
	}
	if ((e = db_run(db, Q_BATCH_MAKE, NULL, NULL, NULL)) ||
		(e = db_run_bulk(db, Q_BATCH_ROW, cell, n)))
		return e;
	arena_init(&a, 64 << 20);
	e = db_run(db, Q_BATCH_PUT, how, &a, &said);
	for (size_t i = 0; i < n && !e; i++)
		row[i]->verdict = COUNT_INSERTED;
	for (size_t i = 0; !e && i < said.n; i++) {
		const struct db_cell *c = &said.cell[i * said.cols];

		judge(b, row[c[0].i], c[1].s.at);
	}
	arena_reset(&a);
	return e;
}

enum err batch_put(struct db *db, struct count_batch *b, struct count **row,
	size_t n, enum batch_conflict conflict, bool store)
{
	static const char *const words[] = {"refuse", "replace", "keep"};
	struct db_cell how[] = {DB_S(words[conflict]), DB_I(store)};
	struct db_cell *cell;
	enum err e = E_OK;

	if (!n)
		return E_OK;
	if (!(cell = malloc(n * (1 + COUNT_CELLS) * sizeof(*cell))))
		return E_NOMEM;
	qsort(row, n, sizeof(*row), by_key);
	for (int try = 0; try < TRIES; try++) {
		e = put(db, b, row, n, cell, how);
		if (e != E_DB_GONE && e != E_BUSY && e != E_EXISTS)
			break;
		usleep(e == E_DB_GONE ? AWAY_US : BUSY_US << try);
	}
	free(cell);
	return e;
}
