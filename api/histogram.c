// SPDX-License-Identifier: MIT
#include "api/histogram.h"

const struct histogram_kind histogram_us = {
	{500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000,
		1000000, 2500000, 5000000, 10000000, 30000000, 60000000},
	1e6,
};

const struct histogram_kind histogram_rows = {
	{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 5000, 10000, 20000,
		40000},
	1,
};

void histogram_add(
	struct histogram *h, const struct histogram_kind *kind, uint64_t v)
{
	size_t i = 0;

	while (i < HISTOGRAM_BOUNDS && v > kind->bound[i])
		i++;
	atomic_fetch_add_explicit(&h->n[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->sum, v, memory_order_relaxed);
}

static void sample(struct text *t, const char *family, const char *part,
	const char *labels, double v)
{
	text_printf(t, "%s_%s%s%s%s ", family, part, *labels ? "{" : "", labels,
		*labels ? "}" : "");
	text_double(t, v);
	text_str(t, "\n");
}

void histogram_write(struct text *t, const struct histogram *h,
	const struct histogram_kind *kind, const char *family,
	const char *labels)
{
	uint64_t n = 0;

	for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++) {
		n += atomic_load_explicit(&h->n[i], memory_order_relaxed);
		text_printf(t, "%s_bucket{%s%sle=\"", family, labels,
			*labels ? "," : "");
		if (i < HISTOGRAM_BOUNDS)
			text_double(t, (double)kind->bound[i] / kind->per);
		else
			text_str(t, "+Inf");
		text_printf(t, "\"} %llu\n", (unsigned long long)n);
	}
	sample(t, family, "sum", labels,
		(double)atomic_load_explicit(&h->sum, memory_order_relaxed) /
			kind->per);
	sample(t, family, "count", labels, (double)n);
}
