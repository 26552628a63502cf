// SPDX-License-Identifier: MIT
/*
 * lists: a transaction's beginning, the marks of its rows and what /stream will
 * tell of them, in one exchange by lists of numbers.  Each exchange costs a
 * quarter of a millisecond where both cores are busy, as much as ten rows.
 */
#include "api/writer.h"

enum {
	QUARTER_S = 900,
	LIST_MAX = 160 /* bytes of all that is said of a row */
};

bool writer_marks(struct count *const *row, size_t i, int64_t *quarter)
{
	*quarter = row[i]->start_at - row[i]->start_at % QUARTER_S;
	/* In the order of keys, equal marks are neighbours. */
	return !i || row[i - 1]->camera_id != row[i]->camera_id ||
		row[i - 1]->start_at < *quarter;
}

/* Rows of one camera at even distances are one line. */
void writer_runs(struct text *t, struct count *const *row, size_t n)
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

static void add_mark(struct text *t, int64_t quarter, int64_t camera_id)
{
	text_str(t, "(");
	text_int(t, when_number(quarter));
	text_str(t, ",");
	text_int(t, camera_id);
	text_str(t, ")");
}

static void add_all(struct text *t, struct count *const *row, size_t n)
{
	int64_t quarter;

	add_head(t, Q_LIST_MARKS);
	for (size_t i = 0; i < n; i++) {
		if (!writer_marks(row, i, &quarter))
			continue;
		text_str(t, i ? "," : "");
		add_mark(t, quarter, row[i]->camera_id);
	}
	add_head(t, Q_LIST_STREAM);
	text_str(t, "(");
	text_int(t, (int64_t)n);
	text_str(t, ",'");
	writer_runs(t, row, n);
	text_str(t, "')");
	add_head(t, Q_LIST_END);
}

enum err writer_begin_lists(struct writer *w, struct count *const *row,
	size_t n, struct arena *a, struct db_rows *out)
{
	struct text t;
	enum err e;

	text_init(&t, 1024 + n * LIST_MAX);
	add_all(&t, row, n);
	e = t.full ? E_NOMEM
		   : db_begin_text(w->db, t.at, t.n, Q_LIST_END, a, out);
	text_free(&t);
	return e;
}
