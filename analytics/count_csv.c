// SPDX-License-Identifier: MIT
#include "analytics/count_csv.h"

#include <stdio.h>
#include <string.h>

/* Kinds of columns: a figure, or one of these. */
enum { CAMERA = COUNT_FIGURES_N, START, END, OBSERVED };

static const struct {
	const char *name;
	int kind;
} other[] = {
	{"camera", CAMERA},
	{"start_at", START},
	{"end_at", END},
	{"observed_s", OBSERVED},
	{"start_date", START},
	{"end_date", END},
};

void count_csv_init(struct count_csv *c, struct count_batch *b,
	const struct count_times *t, const char *camera, const char *old_camera)
{
	csv_init(&c->csv);
	c->batch = b;
	c->times = t;
	c->camera = camera;
	c->old_camera = old_camera;
	c->old = false;
	c->now = when_now();
	c->columns_n = 0;
	c->seen = 0;
	c->why[0] = '\0';
	c->many = false;
}

static int kind_of(const struct slice *cell)
{
	for (int i = 0; i < COUNT_FIGURES_N; i++)
		if (strlen(count_name[i]) == cell->n &&
			!memcmp(count_name[i], cell->at, cell->n))
			return i;
	for (size_t i = 0; i < ARRAY_LEN(other); i++)
		if (strlen(other[i].name) == cell->n &&
			!memcmp(other[i].name, cell->at, cell->n))
			return other[i].kind;
	return -1;
}

static bool header(struct count_csv *c)
{
	const struct csv *v = &c->csv;

	if (v->fault || v->n > CSV_COLUMNS_MAX) {
		snprintf(c->why, sizeof(c->why), "line %zu, column %zu: %s",
			v->line, v->column, v->why);
		return false;
	}
	for (size_t i = 0; i < v->n; i++) {
		int kind = kind_of(&v->cell[i]);

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
		c->old |= kind == START && !strcmp(v->cell[i].at, "start_date");
		c->column[i] = kind;
	}
	c->columns_n = v->n;
	if (!(c->seen & 1u << CAMERA) && !c->camera && c->old)
		c->camera = c->old_camera;
	if (!(c->seen & 1u << START) || !(c->seen & 1u << END))
		snprintf(c->why, sizeof(c->why),
			"line %zu: the header lacks %s", v->line,
			c->seen & 1u << START ? "end_at" : "start_at");
	else if (!(c->seen & 1u << CAMERA) && !c->camera)
		snprintf(c->why, sizeof(c->why),
			"line %zu: the header lacks camera", v->line);
	return !c->why[0];
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
		else if (ch < '0' || ch > '9') {
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
	const struct slice *cell = &c->csv.cell[i];
	int kind = c->column[i];

	if (kind == CAMERA)
		set_camera(c->batch, row, cell);
	else if (kind == START || kind == END)
		count_set_time(c->batch, row, kind == START, *cell, c->times);
	else if (kind == OBSERVED)
		set_figure(c->batch, row, &row->observed_s, cell, "observed_s",
			DAY_S);
	else
		set_figure(c->batch, row, &row->figure[kind], cell,
			count_name[kind], COUNT_MAX);
}

static bool data_row(struct count_csv *c)
{
	const struct csv *v = &c->csv;
	struct count *row = count_add(c->batch, (unsigned)v->line);

	if (!row) {
		c->many = true;
		snprintf(c->why, sizeof(c->why),
			"line %zu: more than %d rows in one request", v->line,
			COUNT_ROWS_MAX);
		return false;
	}
	if (v->fault) {
		count_refuse(c->batch, row, "", "bad_row", "column %zu: %s",
			v->column, v->why);
		return true;
	}
	if (v->n != c->columns_n) {
		count_refuse(c->batch, row, "", "bad_row",
			"%zu cells where the header has %zu", v->n,
			c->columns_n);
		return true;
	}
	row->camera = c->camera;
	for (size_t i = 0; i < v->n && row->verdict != COUNT_REJECTED; i++)
		set_cell(c, row, i);
	count_check(c->batch, row, c->now);
	return true;
}

bool count_csv_feed(struct count_csv *c, const char *buf, size_t n, bool end)
{
	size_t used;

	for (;;) {
		enum csv_step s = csv_next(&c->csv, buf, n, end, &used);

		buf += used;
		n -= used;
		switch (s) {
		case CSV_MORE:
			return true;
		case CSV_END:
			if (c->columns_n)
				return true;
			snprintf(c->why, sizeof(c->why),
				"the file is empty: no header");
			return false;
		case CSV_REFUSED:
			snprintf(c->why, sizeof(c->why),
				"line %zu, column %zu: %s", c->csv.line,
				c->csv.column, c->csv.why);
			return false;
		case CSV_ROW:
			if (!(c->columns_n ? data_row(c) : header(c)))
				return false;
			break;
		}
	}
}
