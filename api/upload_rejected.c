// SPDX-License-Identifier: MIT
/*
 * The bad rows of an uploaded file as CSV, to mend and send again: the columns
 * of the file as they stood, and why each row is bad.  A second reader follows
 * the first one, as far as there are bad rows.
 *
 * Cells that a spreadsheet would run get an apostrophe, which reading takes off
 * again where there is the column with the reason (count_csv).  A row that
 * cannot be told in cells stays bad: of CSV, one with too few or too many
 * cells; of NDJSON, one whose members are not those of a count, of which there
 * is only the text.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/upload.h"
#include "common/json.h"
#include "common/utf8.h"

enum {
	CELL_MOST = 250, /* bytes of what Tally adds; CSV_CELL_MAX is read */
	COLUMNS = COUNT_FIGURES_N + 4
};

struct upload_rejected {
	struct upload_text text;
	bool begun;
	struct csv csv;
	bool guarded; /* the file was given back before, and … */
	bool remark[CSV_COLUMNS_MAX]; /* … these columns say why */
	struct lines lines;
	struct text out;
	int fd;
	uint64_t bytes;
	size_t rows;
};

static struct upload_rejected *open_rejected(struct upload *u)
{
	struct upload_rejected *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->fd = -1;
	text_init(&j->out, 2 * UPLOAD_PIECE);
	csv_init(&j->csv);
	lines_init(&j->lines);
	if (upload_reader_open(&j->text.reader, u->fd, u->gzip, u->charset)) {
		upload_rejected_free(j);
		return NULL;
	}
	return j;
}

void upload_rejected_free(struct upload_rejected *j)
{
	if (!j)
		return;
	upload_reader_close(j->text.reader);
	text_free(&j->out);
	if (j->fd >= 0)
		close(j->fd);
	free(j);
}

/* ---- the reader that follows ---- */

static enum err text_of(struct upload_rejected *j)
{
	uint64_t byte;

	return upload_text_next(&j->text, &byte);
}

static enum err csv_row(struct upload_rejected *j)
{
	enum csv_step step = CSV_MORE;
	size_t used;
	enum err e;

	while (step == CSV_MORE) {
		if ((e = text_of(j)))
			return e;
		step = csv_next(&j->csv, j->text.piece.at, j->text.piece.n,
			j->text.end, &used);
		j->text.piece.at += used;
		j->text.piece.n -= used;
		if (step == CSV_MORE && j->text.end)
			return E_CORRUPT;
	}
	return step == CSV_ROW ? E_OK : E_CORRUPT;
}

static enum err ndjson_line(struct upload_rejected *j)
{
	enum lines_step step = LINES_MORE;
	size_t used;
	enum err e;

	while (step == LINES_MORE) {
		if ((e = text_of(j)))
			return e;
		step = lines_next(&j->lines, j->text.piece.at, j->text.piece.n,
			j->text.end, &used);
		j->text.piece.at += used;
		j->text.piece.n -= used;
		if (step == LINES_MORE && j->text.end)
			return E_CORRUPT;
	}
	return step == LINES_LINE ? E_OK : E_CORRUPT;
}

/* ---- what is written ---- */

/* As much of a text as a cell may hold. */
static void remark(struct text *t, const char *s, size_t n)
{
	char cell[CELL_MOST + 4];
	size_t to = 0;

	while (n && to < CELL_MOST) {
		size_t k = utf8_len(s, n);
		bool bad = !k || !*s;

		if (to + (bad ? 3 : k) > CELL_MOST)
			break;
		memcpy(cell + to, bad ? "\xef\xbf\xbd" : s, bad ? 3 : k);
		to += bad ? 3 : k;
		s += k ? k : 1;
		n -= k ? k : 1;
	}
	cell[to] = '\0';
	csv_quote(t, cell, true);
}

static void reason(struct text *t, const struct count_error *e)
{
	char s[512];
	int n = snprintf(s, sizeof(s), "line %u%s%s: %s", e->line,
		*e->field ? ", " : "", e->field, e->detail);

	remark(t, s, (size_t)n < sizeof(s) ? (size_t)n : sizeof(s) - 1);
}

static void csv_cells(struct upload_rejected *j)
{
	for (size_t i = 0; i < j->csv.n && i < CSV_COLUMNS_MAX; i++) {
		struct slice cell = j->csv.cell[i];

		if (j->remark[i])
			continue;
		if (j->guarded)
			csv_unguard(&cell);
		csv_quote(&j->out, cell.at, true);
		text_add(&j->out, ",", 1);
	}
}

static enum err csv_header(struct upload_rejected *j)
{
	enum err e = csv_row(j);

	if (e)
		return e;
	for (size_t i = 0; i < j->csv.n && i < CSV_COLUMNS_MAX; i++) {
		const char *name = j->csv.cell[i].at;
		bool is_reason = !strcmp(name, COUNT_CSV_REASON);

		j->guarded |= is_reason;
		j->remark[i] = is_reason || !strcmp(name, COUNT_CSV_TEXT);
	}
	csv_cells(j);
	text_str(&j->out, COUNT_CSV_REASON "\r\n");
	return E_OK;
}

/* ---- NDJSON ---- */

static const char *column_name(int i)
{
	static const char *const before[] = {"camera", "start_at", "end_at"};

	if (i < 3)
		return before[i];
	return i < 3 + COUNT_FIGURES_N ? count_name[i - 3] : "observed_s";
}

/* Members into the columns of the same names; false where one fits none. */
static bool members(
	const struct json *v, bool classes, const struct json *column[COLUMNS])
{
	for (v = json_first(v); v; v = json_next(v)) {
		bool text = json_type(v) == JSON_STRING;
		int i = 0;

		if (json_type(v) == JSON_NULL)
			continue;
		if (!classes && json_type(v) == JSON_OBJECT &&
			!strcmp(json_name(v), "classes")) {
			if (!members(v, true, column))
				return false;
			continue;
		}
		while (i < COLUMNS && strcmp(column_name(i), json_name(v)) != 0)
			i++;
		if (i == COLUMNS || column[i] || text != (i < 3) ||
			(!text &&
				(json_type(v) != JSON_NUMBER ||
					!isfinite(json_number(v)))) ||
			classes !=
				(i >= 3 && i < COLUMNS - 1 &&
					count_is_class((unsigned)i - 3)))
			return false;
		column[i] = v;
	}
	return true;
}

static void json_cells(struct text *t, const struct json *root)
{
	const struct json *column[COLUMNS] = {NULL};
	bool told = root && json_type(root) == JSON_OBJECT &&
		members(root, false, column);

	for (int i = 0; i < COLUMNS; i++) {
		if (told && column[i] && i < 3)
			csv_quote(t, json_string(column[i]), true);
		else if (told && column[i])
			text_double(t, json_number(column[i]));
		text_add(t, ",", 1);
	}
}

static void ndjson_header(struct upload_rejected *j)
{
	for (int i = 0; i < COLUMNS; i++)
		text_printf(&j->out, "%s,", column_name(i));
	text_str(&j->out, COUNT_CSV_TEXT "," COUNT_CSV_REASON "\r\n");
}

static enum err ndjson_row(struct upload_rejected *j)
{
	/* Reading it as JSON may write to it. */
	char *copy = malloc(j->lines.n + 1);
	struct json *root = NULL;
	size_t at;

	if (!copy)
		return E_NOMEM;
	memcpy(copy, j->lines.at, j->lines.n);
	if (json_parse_wide(copy, j->lines.n, &root, &at))
		root = NULL;
	json_cells(&j->out, root);
	remark(&j->out, j->lines.at, j->lines.n);
	text_str(&j->out, ",");
	json_free(root);
	free(copy);
	return E_OK;
}

/* ---- both ---- */

static enum err add_row(struct upload *u, struct upload_rejected *j,
	const struct count_error *e)
{
	size_t before = j->out.n;
	enum err f = E_OK;

	do
		f = u->is_ndjson ? ndjson_line(j) : csv_row(j);
	while (!f && (u->is_ndjson ? j->lines.line : j->csv.line) < e->line);
	if (!f && u->is_ndjson)
		f = ndjson_row(j);
	else if (!f)
		csv_cells(j);
	if (f)
		return f;
	reason(&j->out, e);
	text_add(&j->out, "\r\n", 2);
	if (j->bytes + j->out.n > UPLOAD_REJECTED_MAX || j->out.full) {
		text_cut(&j->out, before);
		j->bytes = UPLOAD_REJECTED_MAX;
	} else {
		j->rows++;
	}
	return E_OK;
}

static enum err flush(struct upload *u, struct upload_rejected *j)
{
	enum err e;

	if (j->fd < 0 && (j->fd = upload_file(u->room)) < 0)
		return E_FULL;
	e = upload_write(j->fd, j->out.at, j->out.n);
	if (j->bytes < UPLOAD_REJECTED_MAX)
		j->bytes += j->out.n;
	text_clear(&j->out);
	return e;
}

enum err upload_rejected_add(struct upload *u)
{
	struct upload_rejected *j = u->rejected;
	enum err e = E_OK;

	if (!j && !(j = u->rejected = open_rejected(u)))
		return E_NOMEM;
	if (!j->begun && u->is_ndjson)
		ndjson_header(j);
	else if (!j->begun)
		e = csv_header(j);
	j->begun = true;
	for (size_t i = 0; i < u->batch.errors_n && !e; i++) {
		if (j->bytes >= UPLOAD_REJECTED_MAX)
			break;
		e = add_row(u, j, &u->batch.error[i]);
		if (!e && j->out.n >= UPLOAD_PIECE)
			e = flush(u, j);
	}
	return e || !j->out.n ? e : flush(u, j);
}

size_t upload_rejected_rows(const struct upload_rejected *j)
{
	return j ? j->rows : 0;
}

enum err upload_rejected_read(
	const struct upload_rejected *j, off_t *at, char *buf, size_t *n)
{
	ssize_t got =
		j && j->fd >= 0 ? pread(j->fd, buf, UPLOAD_PIECE, *at) : 0;

	*n = got > 0 ? (size_t)got : 0;
	*at += got;
	return got < 0 ? E_IO : E_OK;
}
