// SPDX-License-Identifier: MIT
/*
 * What a row says beside its figures: who left, how many there were at a time,
 * how long they stayed, how fast they were.  Kept as one text, so that rows
 * without it cost nothing.
 */
#include <math.h>
#include <string.h>

#include "analytics/count.h"
#include "common/json.h"
#include "common/text.h"

enum { MEMBERS = 3, DETAIL_BYTES = 1000 };

static const struct {
	const char *name;
	const char *member[MEMBERS];
} parts[] = {
	{"people", {"left", "peak", "stay_s"}},
	{"vehicle", {"left", "peak", "stay_s"}},
	{"face", {"left", "peak", "stay_s"}},
	{"speed", {"n", "sum_cm_s", "max_cm_s"}},
};

static bool is_whole(const struct json *v)
{
	double d = json_number(v);

	return json_type(v) == JSON_NUMBER && d >= 0 && d <= COUNT_DETAIL_MAX &&
		d == floor(d);
}

/* Is each member known, and there once? */
static bool knows(const struct json *v, const char *const *name, size_t n,
	const char **wrong)
{
	*wrong = "";
	if (json_type(v) != JSON_OBJECT)
		return false;
	for (const struct json *m = json_first(v); m; m = json_next(m)) {
		size_t i = 0;

		while (i < n && strcmp(name[i], json_name(m)) != 0)
			i++;
		*wrong = json_name(m);
		if (i == n || json_member(v, name[i]) != m)
			return false;
	}
	return true;
}

static bool write_part(
	struct text *t, size_t part, const struct json *v, const char **wrong)
{
	if (!knows(v, parts[part].member, MEMBERS, wrong))
		return false;
	json_open(t, parts[part].name, '{');
	for (size_t i = 0; i < MEMBERS; i++) {
		const struct json *m = json_member(v, parts[part].member[i]);

		*wrong = parts[part].member[i];
		if (m && !is_whole(m))
			return false;
		if (m)
			json_int(t, *wrong, (int64_t)json_number(m));
	}
	json_close(t, '}');
	return true;
}

const char *count_detail(
	struct arena *a, const struct json *v, const char **wrong)
{
	const char *name[ARRAY_LEN(parts)], *kept = NULL;
	bool ok;
	struct text t;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		name[i] = parts[i].name;
	text_init(&t, DETAIL_BYTES);
	json_open(&t, NULL, '{');
	ok = knows(v, name, ARRAY_LEN(parts), wrong);
	for (size_t i = 0; ok && i < ARRAY_LEN(parts); i++) {
		const struct json *part = json_member(v, name[i]);

		ok = !part || write_part(&t, i, part, wrong);
	}
	json_close(&t, '}');
	if (ok && !t.full)
		kept = arena_copy(a, t.at, t.n);
	text_free(&t);
	return kept;
}
