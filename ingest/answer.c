// SPDX-License-Identifier: MIT
#include "ingest/answer.h"

#include <stdio.h>
#include <string.h>

#include "common/json.h"

static double number(const struct json *o, const char *name)
{
	return json_number(json_member(o, name));
}

/* Each row was inserted, there before, or took another's place. */
static enum answer read_stored(const struct json *o, size_t rows, char why[200])
{
	double kept = number(o, "inserted") + number(o, "duplicate") +
		number(o, "replaced");

	if (number(o, "received") == (double)rows && kept == (double)rows &&
		json_member(o, "rejected") && number(o, "rejected") == 0)
		return ANSWER_STORED;
	snprintf(why, 200, "an answer that does not account for %zu row%s",
		rows, rows == 1 ? "" : "s");
	return ANSWER_LATER;
}

static enum answer read_refused(
	long status, const struct json *o, char why[200])
{
	const struct json *errors = json_member(o, "errors"), *first = NULL;
	const char *detail, *field;

	if (!json_member(o, "rejected") && !json_member(o, "type")) {
		snprintf(why, 200, "HTTP %ld that is not the API's", status);
		return ANSWER_LATER;
	}
	if (errors && json_type(errors) == JSON_ARRAY)
		first = json_first(errors);
	field = json_string(json_member(first, "field"));
	detail = json_string(json_member(first, "detail"));
	if (!*detail)
		detail = json_string(json_member(o, "detail"));
	snprintf(why, 200, "HTTP %ld: %.40s%s%.120s", status, field,
		*field ? ": " : "", detail);
	/* One that has retired was taken out of use on purpose. */
	return !strcmp(field, "camera") &&
			strcmp(json_string(json_member(first, "type")),
				"retired_camera") != 0
		? ANSWER_CAMERA
		: ANSWER_REFUSED;
}

enum answer answer_read(
	long status, struct slice body, size_t rows, char why[200])
{
	enum answer a = ANSWER_LATER;
	struct json *root = NULL;

	snprintf(why, 200, "HTTP %ld", status);
	if (status == 401 || status == 403)
		return ANSWER_TOKEN;
	if (status != 200 && status != 409 && status != 422)
		return ANSWER_LATER;
	if (json_parse(body.at, body.n, &root, NULL) ||
		json_type(root) != JSON_OBJECT)
		snprintf(why, 200, "HTTP %ld that is not the API's", status);
	else if (status == 200)
		a = read_stored(root, rows, why);
	else
		a = read_refused(status, root, why);
	json_free(root);
	return a;
}
