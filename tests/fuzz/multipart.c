// SPDX-License-Identifier: MIT
/*
 * The parts of a form are the same however its bytes were cut.  The first byte
 * seeds the cutting; up to the first LF stands the Content-Type.
 */
#include "common/multipart.h"
#include "common/text.h"
#include "tests/fuzz/fuzz.h"

static void tell(struct text *t, char what, const struct slice *s)
{
	HOLD(!s->at || !s->at[s->n]);
	HOLD(!s->at ||
		!(memchr(s->at, '\0', s->n) || memchr(s->at, '\n', s->n) ||
			memchr(s->at, '\r', s->n)));
	text_add(t, &what, 1);
	text_add(t, s->at ? s->at : "-", s->at ? s->n : 1);
}

static void read_parts(struct text *t, struct slice type, const char *buf,
	size_t n, unsigned *seed)
{
	static struct multipart m;
	enum multipart_step step = MULTIPART_MORE;
	size_t at = 0, used;
	struct slice piece;
	bool open = false;

	if (multipart_init(&m, type)) {
		text_str(t, "no form");
		return;
	}
	while (at < n && step != MULTIPART_REFUSED) {
		size_t give = fuzz_cut(n - at, seed);

		step = multipart_next(&m, buf + at, give, &used, &piece);
		HOLD(used <= give);
		HOLD(step != MULTIPART_MORE || used == give);
		HOLD(open ==
				(step == MULTIPART_DATA ||
					step == MULTIPART_TAIL) ||
			step == MULTIPART_MORE || step == MULTIPART_REFUSED);
		at += used;
		if (step == MULTIPART_HEAD) {
			HOLD(m.name.at);
			tell(t, 'n', &m.name);
			tell(t, 'f', &m.file);
			tell(t, 't', &m.type);
		}
		if (step == MULTIPART_DATA) {
			HOLD(piece.n && piece.n <= n);
			text_add(t, piece.at, piece.n);
		}
		if (step == MULTIPART_HEAD || step == MULTIPART_TAIL)
			open = step == MULTIPART_HEAD;
	}
	HOLD(!multipart_ended(&m) || !open);
	text_printf(t, "end %d %s", multipart_ended(&m), m.why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	unsigned seed = n ? data[0] : 0;
	struct text whole, cut;
	const char *lf, *s;
	struct slice type;

	if (n < 2 || !(lf = memchr(data + 1, '\n', n - 1)))
		return 0;
	s = (const char *)data + 1;
	type = (struct slice){s, (size_t)(lf - s)};
	n -= 2 + type.n;
	text_init(&whole, 1 << 26);
	text_init(&cut, 1 << 26);
	read_parts(&whole, type, lf + 1, n, NULL);
	read_parts(&cut, type, lf + 1, n, &seed);
	HOLD(whole.n == cut.n && !memcmp(whole.at, cut.at, whole.n));
	text_free(&whole);
	text_free(&cut);
	return 0;
}
