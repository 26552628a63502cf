// SPDX-License-Identifier: MIT
#include "analytics/count_csv.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int kind;
} other[] = {
	{"camera", COLUMN_CAMERA},
	{"start_at", COLUMN_START},
	{"end_at", COLUMN_END},
	{"observed_s", COLUMN_OBSERVED},
	{"start_date", COLUMN_START},
	{"end_date", COLUMN_END},
};

void count_csv_init(struct count_csv *c, struct count_batch *b,
	const struct count_times *t, const char *camera, const char *old_camera)
{
	csv_init(&c->csv);
	c->batch = b;
	c->times = t;
	c->names = NULL;
	c->camera = camera;
	c->old_camera = old_camera;
	c->old = false;
	c->now = when_now();
	c->columns_n = 0;
	c->seen = 0;
	c->why[0] = '\0';
	c->waits = c->guarded = false;
}

static bool is(const struct slice *cell, const char *name)
{
	return strlen(name) == cell->n && !memcmp(name, cell->at, cell->n);
}

static int kind_of(const struct slice *cell, const struct count_columns *names)
{
	for (int i = 0; names && i < COLUMN_KINDS; i++)
		if (names->name[i] && is(cell, names->name[i]))
			return i;
	if (names)
		return -1;
	for (int i = 0; i < COUNT_FIGURES_N; i++)
		if (is(cell, count_name[i]))
			return i;
	for (size_t i = 0; i < ARRAY_LEN(other); i++)
		if (is(cell, other[i].name))
			return other[i].kind;
	return -1;
}

static bool is_remark(struct count_csv *c, const struct slice *cell)
{
	bool reason = is(cell, COUNT_CSV_REASON);

	c->guarded |= reason;
	return reason || is(cell, COUNT_CSV_TEXT);
}

/* What each column is, and c->seen. */
static bool read_kinds(struct count_csv *c)
{
	const struct csv *v = &c->csv;

	for (size_t i = 0; i < v->n; i++) {
		int kind = c->column[i] = kind_of(&v->cell[i], c->names);

		if (kind < 0 && (c->names || is_remark(c, &v->cell[i])))
			continue;
		if (kind < 0) {
			snprintf(c->why, sizeof(c->why),
				"line %zu, column %zu: \"%.60s\" is no column "
				"of a count",
				v->line, i + 1, v->cell[i].at);
			return false;
		}
		if (c->seen & 1u << kind) {
			snprintf(c->why, sizeof(c->why),
				"line %zu, column %zu: \"%.60s\" is there "
				"twice",
				v->line, i + 1, v->cell[i].at);
			return false;
		}
		c->seen |= 1u << kind;
		c->old |= kind == COLUMN_START && is(&v->cell[i], "start_date");
	}
	return true;
}

/* A kind that must be there and is not, as the file calls it; or NULL. */
static const char *lacking(const struct count_csv *c)
{
	if (c->names) {
		for (int i = 0; i < COLUMN_KINDS; i++)
			if (c->names->wanted & ~c->seen & 1u << i)
				return c->names->name[i];
		return NULL;
	}
	if (!(c->seen & 1u << COLUMN_START))
		return "start_at";
	if (!(c->seen & 1u << COLUMN_END))
		return "end_at";
	return c->seen & 1u << COLUMN_CAMERA || c->camera ? NULL : "camera";
}

static bool header(struct count_csv *c)
{
	const struct csv *v = &c->csv;
	const char *name;

	if (v->fault || v->n > CSV_COLUMNS_MAX) {
		snprintf(c->why, sizeof(c->why), "line %zu, column %zu: %s",
			v->line, v->column, v->why);
		return false;
	}
	if (!read_kinds(c))
		return false;
	c->columns_n = v->n;
	if (!(c->seen & 1u << COLUMN_CAMERA) && !c->camera && c->old)
		c->camera = c->old_camera;
	if ((name = lacking(c)))
		snprintf(c->why, sizeof(c->why),
			"line %zu: the header lacks %.60s", v->line, name);
	return !name;
}

/* An empty cell is a figure that was not measured. */
static void set_figure(struct count_batch *b, struct count *row, int32_t *at,
	const struct slice *cell, const char *field, int32_t most)
{
	int32_t v = 0;

	if (!cell->n)
		return;
	for (size_t i = 0; i < cell->n; i++) {
		char ch = cell->at[i];

		if (ch == '-' && i == 0 && cell->n > 1)
			v = most + 1;
		else if (ch == '.' && i > 0 && i + 1 < cell->n &&
			strspn(cell->at + i + 1, "0") == cell->n - i - 1)
			break; /* 12.0 is whole, as in JSON */
		else if (ch < '0' || ch > '9' || (i == 1 && *cell->at == '0')) {
			count_refuse(b, row, field, "not_an_integer",
				"%s: \"%.40s\" is not a whole number", field,
				cell->at);
			return;
		} else if (v <= most) {
			v = v * 10 + (ch - '0');
		}
	}
	if (v > most)
		count_refuse(b, row, field, "out_of_range",
			"%s is not from 0 to %d", field, (int)most);
	else
		*at = v;
}

static void set_camera(
	struct count_batch *b, struct count *row, const struct slice *cell)
{
	if (!cell->n)
		count_refuse(b, row, "camera", "missing", "camera is missing");
	else if (!(row->camera = arena_copy(b->arena, cell->at, cell->n)))
		row->camera = "";
}

static void set_cell(struct count_csv *c, struct count *row, size_t i)
{
	struct slice unguarded = c->csv.cell[i];
	const struct slice *cell = &unguarded;
	int kind = c->column[i];

	if (c->guarded)
		csv_unguard(&unguarded);

	switch (kind) {
	case -1:
		break;
	case COLUMN_CAMERA:
		set_camera(c->batch, row, cell);
		break;
	case COLUMN_NAME:
		row->name = arena_copy(c->batch->arena, cell->at, cell->n);
		break;
	case COLUMN_START:
	case COLUMN_END:
		count_set_time(
			c->batch, row, kind == COLUMN_START, *cell, c->times);
		break;
	case COLUMN_OBSERVED:
		set_figure(c->batch, row, &row->observed_s, cell, "observed_s",
			DAY_S);
		break;
	default:
		set_figure(c->batch, row, &row->figure[kind], cell,
			count_name[kind], COUNT_MAX);
	}
}

static enum csv_step data_row(struct count_csv *c)
{
	const struct csv *v = &c->csv;
	struct count *row;

	c->waits = c->batch->n == COUNT_ROWS_MAX;
	if (c->waits)
		return CSV_ROW;
	if (!(row = count_add(c->batch, (unsigned)v->line))) {
		snprintf(c->why, sizeof(c->why), "line %zu: out of memory",
			v->line);
		return CSV_REFUSED;
	}
	if (v->fault) {
		count_refuse(c->batch, row, "", "bad_row", "column %zu: %s",
			v->column, v->why);
		return CSV_ROW;
	}
	if (v->n != c->columns_n) {
		count_refuse(c->batch, row, "", "bad_row",
			"%zu cells where the header has %zu", v->n,
			c->columns_n);
		return CSV_ROW;
	}
	row->camera = c->camera;
	for (size_t i = 0; i < v->n && row->verdict != COUNT_REJECTED; i++)
		set_cell(c, row, i);
	return CSV_ROW;
}

enum csv_step count_csv_next(
	struct count_csv *c, const char *buf, size_t n, bool end, size_t *used)
{
	size_t part;

	*used = 0;
	if (c->waits)
		return data_row(c);
	for (;; buf += part, n -= part) {
		enum csv_step s = csv_next(&c->csv, buf, n, end, &part);
		bool first = !c->columns_n;

		*used += part;
		switch (s) {
		case CSV_MORE:
			return s;
		case CSV_END:
			if (!first)
				return s;
			snprintf(c->why, sizeof(c->why),
				"the file is empty: no header");
			return CSV_REFUSED;
		case CSV_REFUSED:
			snprintf(c->why, sizeof(c->why),
				"line %zu, column %zu: %s", c->csv.line,
				c->csv.column, c->csv.why);
			return s;
		case CSV_ROW:
			if (!first)
				return data_row(c);
			if (!header(c))
				return CSV_REFUSED;
		}
	}
}

enum count_step count_csv_feed(
	struct count_csv *c, const char *buf, size_t n, bool end, size_t *used)
{
	struct count_batch *b = c->batch;
	size_t k;

	for (*used = 0;;) {
		enum csv_step s =
			count_csv_next(c, buf + *used, n - *used, end, &k);

		*used += k;
		if (s == CSV_REFUSED)
			return COUNT_UNREADABLE;
		if (s != CSV_ROW)
			return COUNT_MORE;
		if (c->waits)
			return COUNT_FULL;
		count_check(b, &b->row[b->n - 1], c->now);
	}
}
