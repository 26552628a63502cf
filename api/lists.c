// SPDX-License-Identifier: MIT
/*
 * lists: what a transaction is besides its rows, and few rows too, as lists of
 * numbers in one text: its marks, what /stream will tell, and its end.  Each
 * exchange costs a quarter of a millisecond where both cores are busy, as much
 * as ten rows.
 */
#include "api/writer.h"

enum { QUARTER_S = 900 };

/* Rows are in the order of their keys.  Does row i mark a quarter hour that
 * those before it do not mark? */
static bool marks(struct count *const *row, size_t i, int64_t *quarter)
{
	*quarter = row[i]->start_at - row[i]->start_at % QUARTER_S;
	/* In the order of keys, equal marks are neighbours. */
	return !i || row[i - 1]->camera_id != row[i]->camera_id ||
		row[i - 1]->start_at < *quarter;
}

/* For /stream.  Rows of one camera at even distances are one line. */
static void add_runs(struct text *t, struct count *const *row, size_t n)
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

static void add_head(struct text *t, enum stmt head)
{
	text_str(t, stmt_defs[head].text);
}

/* The row's cells; null is SQL's word and JSON's. */
static void add_row(struct text *t, const struct count *row)
{
	struct db_cell cell[COUNT_CELLS];

	count_cells(cell, row);
	for (size_t i = 0; i < COUNT_CELLS; i++) {
		text_str(t, i ? "," : "");
		if (cell[i].null)
			text_str(t, "null");
		else
			text_int(t, cell[i].i);
	}
}

void writer_list_marks(struct text *t, struct count *const *row, size_t n)
{
	int64_t quarter;

	add_head(t, Q_LIST_MARKS);
	for (size_t i = 0; i < n; i++) {
		if (!marks(row, i, &quarter))
			continue;
		text_str(t, i ? ",(" : "(");
		text_int(t, when_number(quarter));
		text_str(t, ",");
		text_int(t, row[i]->camera_id);
		text_str(t, ")");
	}
	text_str(t, ";");
	add_head(t, Q_LIST_STREAM);
	text_str(t, "(");
	text_int(t, (int64_t)n);
	text_str(t, ",'");
	add_runs(t, row, n);
	text_str(t, "');");
}

void writer_list_rows(struct text *t, struct count *const *row, size_t n)
{
	add_head(t, Q_LIST_ROWS);
	for (size_t i = 0; i < n; i++) {
		text_str(t, i ? ",(" : "(");
		add_row(t, row[i]);
		text_str(t, ")");
	}
	text_str(t, ";");
}

static void add_suspects(struct text *t, struct count *const *row, size_t n,
	enum count_suspect side)
{
	const char *before = ",'[[";

	for (size_t i = 0; i < n; i++) {
		if (!(row[i]->suspect & side))
			continue;
		text_str(t, before);
		add_row(t, row[i]);
		before = "],[";
	}
	text_str(t, *before == ',' ? ",'[]'" : "]]'");
}

void writer_list_end(
	struct text *t, int64_t version, struct count *const *row, size_t n)
{
	int64_t oldest = row[0]->start_at;

	for (size_t i = 1; i < n; i++)
		oldest = row[i]->start_at < oldest ? row[i]->start_at : oldest;
	add_head(t, Q_COMMIT_ROWS);
	text_int(t, version);
	text_str(t, ",");
	text_int(t, when_number(oldest));
	add_suspects(t, row, n, COUNT_SUSPECT_HIGH);
	add_suspects(t, row, n, COUNT_SUSPECT_LOW);
	text_str(t, ")");
}
