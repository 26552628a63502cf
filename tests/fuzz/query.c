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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct query q, again;
	struct arena a;
	struct text t;
	char why[QUERY_WHY] = "";
	char *copy = fuzz_copy(data, n);

	arena_init(&a, 1 << 20);
	text_init(&t, 1 << 20);
	if (query_parse(&q, &a, (struct slice){copy, n}, why)) {
		HOLD(q.n == 0 && *why && strlen(why) < QUERY_WHY);
		HOLD(utf8_check(why, strlen(why)) == strlen(why));
	} else {
		for (size_t i = 0; i < q.n; i++) {
			const struct query_param *p = &q.param[i];

			HOLD(*p->name && query_get(&q, p->name));
			HOLD(utf8_check(p->value, strlen(p->value)) ==
				strlen(p->value));
			text_str(&t, i ? "&" : "");
			encode(&t, p->name);
			text_str(&t, "=");
			encode(&t, p->value);
		}
		HOLD(t.full ||
			!query_parse(
				&again, &a, (struct slice){t.at, t.n}, why));
		for (size_t i = 0; !t.full && i < q.n; i++)
			HOLD(!strcmp(q.param[i].value, again.param[i].value) &&
				!strcmp(q.param[i].name, again.param[i].name));
	}
	text_free(&t);
	arena_reset(&a);
	free(copy);
	return 0;
}
