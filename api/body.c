// SPDX-License-Identifier: MIT
#include "api/body.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "api/field.h"
#include "api/server.h"

enum { WHOLE_MAX = 1000000000 };

void body_open(struct req *r, size_t max)
{
	text_init(&r->body, max);
	r->body_room = r->head.has_length && r->head.length < max
		? (size_t)r->head.length
		: max;
	req_weigh(r);
}

/* JSON, as it says, or as curl -d would have it, or without a word. */
static bool says_json(const struct req *r)
{
	const struct slice *v = http_find(&r->head, "content-type");
	struct media m;

	if (!v || !v->n)
		return true;
	return field_media(*v, &m) && media_is_utf8(&m) &&
		(media_is(&m, "application/json") ||
			media_is(&m, "application/x-www-form-urlencoded"));
}

enum step body_begin(struct req *r)
{
	body_open(r, BODY_MAX);
	if (field_encoded(&r->head))
		return req_problem(r, 415, "unsupported-encoding",
			"a body with Content-Encoding is not accepted");
	if (!says_json(r))
		return req_problem(r, 415, "unsupported-type",
			"Content-Type is not application/json in UTF-8");
	return req_no_params(r);
}

enum step body_take(struct req *r, const char *at, size_t n)
{
	/* Of a known length: no copy is left behind by growing. */
	if (!r->body.cap && r->head.has_length)
		text_reserve(&r->body, (size_t)r->head.length);
	text_add(&r->body, at, n);
	if (!r->body.full)
		return STEP_NEXT;
	server_counters(r->conn->server)->refused_bodies++;
	return req_problem(r, 413, "too-large",
		"the body takes at most %zu bytes", r->body.max);
}

enum step body_charge(struct req *r, size_t *charged, size_t holds)
{
	struct server_counters *count = server_counters(r->conn->server);

	count->body_bytes += holds - *charged;
	*charged = holds;
	if (count->body_bytes <= r->api->conf.api_bodies_max &&
		server_has_room(r->conn->server, 0))
		return STEP_NEXT;
	count->refused_bodies++;
	text_str(&r->headers, "Retry-After: 1\r\n");
	return req_problem(
		r, 503, "busy", "too many bodies are in memory; try again");
}

enum step body_invalid(struct req *r, const char *member, const char *why)
{
	char detail[256];

	snprintf(detail, sizeof(detail), "%.80s %.160s", member, why);
	req_problem_open(r, 422, "invalid", detail);
	json_str(&r->out, "field", member);
	return req_problem_end(r, 422);
}

enum step body_object(struct req *r, const char *what)
{
	enum json_fault f;
	size_t at;

	f = json_parse(r->body.at ? r->body.at : "", r->body.n, &r->json, &at);
	if (f == JSON_MEMORY)
		return req_fail(r, E_NOMEM);
	if (f == JSON_DIGITS || f == JSON_NUL)
		return req_problem(r, 422, "invalid",
			"%s has no such number or text (byte %zu)", what, at);
	if (f)
		return req_problem(r, 400, "not-json",
			"the body is not JSON (byte %zu)", at);
	if (json_type(r->json) != JSON_OBJECT)
		return req_problem(r, 422, "invalid", "%s is an object", what);
	return STEP_NEXT;
}

/* What is wrong with the value, or NULL. */
static const char *fault(enum body_kind kind, const struct json *v)
{
	double n = json_number(v);

	switch (kind) {
	case BODY_TEXT:
		return json_type(v) == JSON_STRING ? NULL : "is no text";
	case BODY_TEXTS:
		if (json_type(v) != JSON_ARRAY)
			return "is no array of texts";
		for (const struct json *i = json_first(v); i; i = json_next(i))
			if (json_type(i) != JSON_STRING)
				return "is no array of texts";
		return NULL;
	case BODY_WHOLE:
		return json_type(v) == JSON_NUMBER && n >= 0 &&
				n <= WHOLE_MAX && n == floor(n)
			? NULL
			: "is no whole number from 0 on";
	case BODY_TRUTH:
		return json_type(v) == JSON_BOOL ? NULL
						 : "is neither true nor false";
	}
	return NULL;
}

enum step body_members(
	struct req *r, const char *what, struct body_member *member, size_t n)
{
	unsigned seen = 0;
	const char *why;
	enum step s;

	if ((s = body_object(r, what)) != STEP_NEXT)
		return s;
	for (const struct json *v = json_first(r->json); v; v = json_next(v)) {
		size_t i = 0;

		while (i < n && strcmp(member[i].name, json_name(v)) != 0)
			i++;
		if (i == n)
			return body_invalid(r, json_name(v), "is not known");
		if (seen & 1u << i)
			return body_invalid(
				r, member[i].name, "is there twice");
		seen |= 1u << i;
		if (json_type(v) == JSON_NULL && !member[i].required)
			continue;
		if ((why = fault(member[i].kind, v)))
			return body_invalid(r, member[i].name, why);
		member[i].value = v;
	}
	for (size_t i = 0; i < n; i++)
		if (member[i].required && !member[i].value)
			return body_invalid(r, member[i].name, "is missing");
	return STEP_NEXT;
}

bool body_is_null(const struct req *r, const char *member)
{
	const struct json *v = json_member(r->json, member);

	return v && json_type(v) == JSON_NULL;
}
