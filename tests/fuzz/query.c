// SPDX-License-Identifier: MIT
/*
 * What a query string decodes to is UTF-8, bounded, and reads the same when it
 * is encoded again.
 */
#include "api/query.h"
#include "common/text.h"
#include "common/utf8.h"
#include "tests/fuzz/fuzz.h"

static void encode(struct text *t, const char *s)
{
	for (; *s; s++)
		text_printf(t, "%%%02x", (unsigned char)*s);
}

typedef void (*encode_fn)(struct text *t, const char *s);

/* Written again by that encoder it says the same. */
static void check_round(const struct query *q, struct arena *a, encode_fn enc)
{
	char why[QUERY_WHY];
	struct query again;
	struct text t;

	text_init(&t, 1 << 20);
	for (size_t i = 0; i < q->n; i++) {
		text_str(&t, i ? "&" : "");
		enc(&t, q->param[i].name);
		text_str(&t, "=");
		enc(&t, q->param[i].value);
	}
	HOLD(t.full || !query_parse(&again, a, (struct slice){t.at, t.n}, why));
	HOLD(t.full || again.n == q->n);
	for (size_t i = 0; !t.full && i < q->n; i++)
		HOLD(!strcmp(q->param[i].value, again.param[i].value) &&
			!strcmp(q->param[i].name, again.param[i].name));
	text_free(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct query q;
	struct arena a;
	char why[QUERY_WHY] = "";
	char *copy = fuzz_copy(data, n);

	arena_init(&a, 1 << 20);
	if (query_parse(&q, &a, (struct slice){copy, n}, why)) {
		HOLD(q.n == 0 && *why && strlen(why) < QUERY_WHY);
		HOLD(utf8_check(why, strlen(why)) == strlen(why));
	} else {
		for (size_t i = 0; i < q.n; i++) {
			const struct query_param *p = &q.param[i];

			HOLD(*p->name && query_get(&q, p->name));
			HOLD(utf8_check(p->value, strlen(p->value)) ==
				strlen(p->value));
		}
		check_round(&q, &a, encode);
		check_round(&q, &a, query_encode);
	}
	arena_reset(&a);
	free(copy);
	return 0;
}
