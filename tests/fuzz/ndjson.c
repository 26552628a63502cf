// SPDX-License-Identifier: MIT
/*
 * The lines of a text are the same however its bytes were cut, and each is read
 * as JSON in its place.  The first byte seeds the cutting.
 */
#include "common/json.h"
#include "common/lines.h"
#include "common/text.h"
#include "tests/fuzz/fuzz.h"

static void tell(struct text *t, struct lines *l)
{
	struct json *root;
	enum json_fault f;
	size_t at = 0;

	HOLD(l->n && l->n <= LINES_MAX && !memchr(l->at, '\n', l->n));
	f = json_parse_wide(l->at, l->n, &root, &at);
	HOLD(!f == !!root && at <= l->n && f != JSON_DIGITS);
	text_printf(t, "%zu fault %d at %zu\n", l->line, f, f ? at : 0);
	text_add(t, l->at, l->n);
	json_free(root);
}

static void read_lines(
	struct text *t, const char *buf, size_t n, unsigned *seed)
{
	static struct lines l;
	enum lines_step step;
	size_t at = 0, used;

	lines_init(&l);
	do {
		size_t give = fuzz_cut(n - at, seed);

		step = lines_next(&l, buf + at, give, at + give == n, &used);
		HOLD(used <= give);
		HOLD(step != LINES_MORE || (used == give && at + give < n));
		at += used;
		if (step == LINES_LINE)
			tell(t, &l);
	} while (step == LINES_MORE || step == LINES_LINE);
	HOLD(step != LINES_END || at == n);
	text_printf(t, "%d %zu", step, step == LINES_LONG ? l.line : 0);
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
	read_lines(&whole, copy, n, NULL);
	read_lines(&cut, copy, n, &seed);
	HOLD(whole.n == cut.n && !memcmp(whole.at, cut.at, whole.n));
	text_free(&whole);
	text_free(&cut);
	free(copy);
	return 0;
}
