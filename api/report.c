// SPDX-License-Identifier: MIT
#include "api/report.h"

#include <stdlib.h>

enum {
	ERRORS_BYTES = 4 << 20,
	ERROR_BYTES = 4096 /* more than any has */
};

void report_init(struct report *r)
{
	*r = (struct report){0};
	text_init(&r->errors, ERRORS_BYTES);
}

void report_free(struct report *r)
{
	text_free(&r->errors);
}

/* A row has one error at most, so lines tell them apart. */
static int by_line(const void *l, const void *r)
{
	const struct count_error *a = *(const struct count_error *const *)l;
	const struct count_error *b = *(const struct count_error *const *)r;

	return (a->line > b->line) - (a->line < b->line);
}

/* The first most of them as elements of an array; how many.  The committer
 * finds its errors in the order of cameras and times. */
static size_t write_errors(
	struct text *t, const struct count_batch *b, size_t most)
{
	const struct count_error **order;
	size_t n = 0;

	if (!b->errors_n)
		return 0;
	if (!(order = malloc(b->errors_n * sizeof(*order)))) {
		t->full = true;
		return 0;
	}
	for (size_t i = 0; i < b->errors_n; i++)
		order[i] = &b->error[i];
	qsort(order, b->errors_n, sizeof(*order), by_line);
	for (; n < b->errors_n && n < most && t->max - t->n > ERROR_BYTES;
		n++) {
		json_open(t, NULL, '{');
		json_int(t, "line", order[n]->line);
		json_str(t, "field", order[n]->field);
		json_str(t, "type", order[n]->type);
		json_str(t, "detail", order[n]->detail);
		json_close(t, '}');
	}
	free(order);
	return n;
}

static void count_up(int64_t n[COUNT_REJECTED + 1], const struct count_batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		n[b->row[i].verdict]++;
}

void report_add(struct report *r, const struct count_batch *b)
{
	r->parts++;
	r->rows += (int64_t)b->n;
	if (b->n)
		r->line = b->row[b->n - 1].line;
	count_up(r->n, b);
	r->errors_n +=
		write_errors(&r->errors, b, REPORT_ERRORS_MAX - r->errors_n);
}

void report_write(struct text *t, const struct report *before,
	const struct count_batch *b, bool none)
{
	int64_t n[COUNT_REJECTED + 1] = {0};

	count_up(n, b);
	if (none)
		n[COUNT_INSERTED] = n[COUNT_DUPLICATE] = n[COUNT_REPLACED] = 0;
	for (int i = 0; i <= COUNT_REJECTED; i++)
		n[i] += before->n[i];
	json_int(t, "received", before->rows + (int64_t)b->n);
	json_int(t, "inserted", n[COUNT_INSERTED]);
	json_int(t, "duplicate", n[COUNT_DUPLICATE]);
	json_int(t, "replaced", n[COUNT_REPLACED]);
	json_int(t, "rejected", n[COUNT_REJECTED]);
	if (none && before->parts) {
		json_int(t, "stored_rows", before->rows);
		json_int(t, "stored_line", before->line);
	}
	json_open(t, "errors", '[');
	text_add(t, before->errors.at, before->errors.n);
	t->full |= before->errors.full;
	write_errors(t, b, REPORT_ERRORS_MAX - before->errors_n);
	json_close(t, ']');
}
