// SPDX-License-Identifier: MIT
/*
 * The rows of a text are the same however its bytes were cut.  The first byte
 * seeds the cutting.
 */
#include "common/csv.h"
#include "common/text.h"
#include "tests/fuzz/fuzz.h"

static void tell(struct text *t, const struct csv *c, enum csv_step step)
{
	text_printf(t, "%d line %zu n %zu fault %d column %zu %s\n", step,
		c->line, c->n, c->fault, c->column, c->why);
	if (step != CSV_ROW)
		return;
	HOLD(c->n >= 1 && c->fault < CSV_ENCODING);
	for (size_t i = 0; i < c->n && i < CSV_COLUMNS_MAX; i++) {
		HOLD(c->cell[i].n <= CSV_CELL_MAX);
		HOLD(c->cell[i].at[c->cell[i].n] == '\0');
		HOLD(!memchr(c->cell[i].at, '\0', c->cell[i].n));
		text_printf(t, "[%s]", c->cell[i].at);
	}
}

static void read_rows(struct text *t, const char *buf, size_t n, unsigned *seed)
{
	static struct csv c;
	enum csv_step step;
	size_t at = 0, used;

	csv_init(&c);
	do {
		size_t give = fuzz_cut(n - at, seed);

		step = csv_next(&c, buf + at, give, at + give == n, &used);
		HOLD(used <= give);
		HOLD(step != CSV_MORE || (used == give && at + give < n));
		at += used;
		if (step != CSV_MORE)
			tell(t, &c, step);
	} while (step == CSV_MORE || step == CSV_ROW);
	HOLD(step != CSV_END || at == n);
	HOLD(step != CSV_REFUSED || c.fault >= CSV_ENCODING);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	unsigned seed = n ? data[0] : 0;
	struct text whole, cut;
	char *copy;

	if (n < 1)
		return 0;
	n--;
	copy = fuzz_copy(data + 1, n);
	text_init(&whole, 1 << 26);
	text_init(&cut, 1 << 26);
	read_rows(&whole, copy, n, NULL);
	read_rows(&cut, copy, n, &seed);
	HOLD(whole.n == cut.n && !memcmp(whole.at, cut.at, whole.n));
	text_free(&whole);
	text_free(&cut);
	free(copy);
	return 0;
}
