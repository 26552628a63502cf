// SPDX-License-Identifier: MIT
/*
 * What json_check lets pass cJSON builds, and writing the tree with our own
 * writer gives a text that reads the same; strings and numbers survive.
 */
#include "common/json.h"
#include "common/text.h"
#include "tests/fuzz/fuzz.h"

static void write_members(struct text *t, const struct json *v);

static void write_value(struct text *t, const struct json *v)
{
	const char *name = json_name(v);

	switch (json_type(v)) {
	case JSON_NULL:
		json_null(t, name);
		break;
	case JSON_BOOL:
		json_bool(t, name, json_true(v));
		break;
	case JSON_NUMBER:
		json_double(t, name, json_number(v));
		break;
	case JSON_STRING:
		json_str(t, name, json_string(v));
		break;
	case JSON_ARRAY:
		json_open(t, name, '[');
		write_members(t, v);
		json_close(t, ']');
		break;
	case JSON_OBJECT:
		json_open(t, name, '{');
		write_members(t, v);
		json_close(t, '}');
		break;
	}
}

static void write_members(struct text *t, const struct json *v)
{
	for (v = json_first(v); v; v = json_next(v))
		write_value(t, v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *copy = fuzz_copy(data, n);
	struct text first, second;
	struct json *root;
	size_t at = 0;
	enum json_fault f;

	text_init(&first, 1 << 26);
	text_init(&second, 1 << 26);
	f = json_check(copy, n, &at);
	HOLD(at <= n);
	HOLD(json_parse(copy, n, &root, &at) == f);
	if (!f) {
		write_value(&first, root);
		json_free(root);
		HOLD(!first.full);
		HOLD(!json_parse(first.at, first.n, &root, &at));
		write_value(&second, root);
		HOLD(first.n == second.n &&
			!memcmp(first.at, second.at, first.n));
	}
	json_free(root);
	text_free(&first);
	text_free(&second);
	free(copy);
	return 0;
}
