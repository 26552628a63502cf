// SPDX-License-Identifier: MIT
#include "api/query.h"

#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "common/utf8.h"

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Into out, which has room for s.n + 1 bytes; NULL, or what is wrong. */
static const char *decode(char *out, struct slice s, bool plus)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.at[i];

		if (c == '%') {
			int hi = s.n - i > 2 ? hex(s.at[i + 1]) : -1;
			int lo = s.n - i > 2 ? hex(s.at[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return "a % without two hexadecimal digits";
			c = (char)(hi << 4 | lo);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		if (c == '\0')
			return "a NUL";
		out[n++] = c;
	}
	out[n] = '\0';
	return utf8_check(out, n) == n ? NULL : "bytes that are no UTF-8";
}

enum err query_decode(
	const char **text, struct arena *a, struct slice s, bool plus)
{
	char *out = arena_alloc(a, s.n + 1);

	*text = NULL;
	if (!out)
		return E_NOMEM;
	if (decode(out, s, plus))
		return E_SYNTAX;
	*text = out;
	return E_OK;
}

/* "name=value"; why says what is wrong with it. */
static enum err add(
	struct query *q, struct arena *a, struct slice s, char why[QUERY_WHY])
{
	const char *eq = memchr(s.at, '=', s.n), *fault;
	struct slice name = {s.at, eq ? (size_t)(eq - s.at) : s.n};
	struct slice value = {eq ? eq + 1 : "", eq ? s.n - name.n - 1 : 0};
	char *key, *text;

	if (q->n == QUERY_MAX) {
		snprintf(why, QUERY_WHY, "more than %d parameters", QUERY_MAX);
		return E_TOO_BIG;
	}
	key = arena_alloc(a, name.n + 1);
	text = key ? arena_alloc(a, value.n + 1) : NULL;
	if (!text) {
		snprintf(why, QUERY_WHY, "the parameters are too long");
		return E_NOMEM;
	}
	if (name.n == 0)
		fault = "no bytes at all";
	else
		fault = decode(key, name, true);
	if (fault) {
		snprintf(why, QUERY_WHY, "the name of parameter %zu holds %s",
			q->n + 1, fault);
		return E_SYNTAX;
	}
	if ((fault = decode(text, value, true))) {
		size_t n = 0, k;

		/* Whole characters, at most 40 bytes of them. */
		while ((k = utf8_len(key + n, strlen(key + n))) && n + k <= 40)
			n += k;
		snprintf(why, QUERY_WHY, "parameter %.*s holds %s", (int)n, key,
			fault);
		return E_SYNTAX;
	}
	q->param[q->n++] = (struct query_param){key, text};
	return E_OK;
}

enum err query_parse(
	struct query *q, struct arena *a, struct slice s, char why[QUERY_WHY])
{
	enum err e = E_OK;

	q->n = 0;
	while (!e && s.n) {
		const char *amp = memchr(s.at, '&', s.n);
		size_t n = amp ? (size_t)(amp - s.at) : s.n;

		if (n)
			e = add(q, a, (struct slice){s.at, n}, why);
		n += amp ? 1 : 0;
		s.at += n;
		s.n -= n;
	}
	if (e)
		q->n = 0;
	return e;
}

const char *query_get(const struct query *q, const char *name)
{
	size_t at = 0;

	return query_each(q, name, &at);
}

const char *query_each(const struct query *q, const char *name, size_t *at)
{
	while (*at < q->n) {
		const struct query_param *p = &q->param[(*at)++];

		if (!strcmp(p->name, name))
			return p->value;
	}
	return NULL;
}

bool query_has(const struct query *q, const char *name, const char *value)
{
	const char *v;
	size_t at = 0;

	while ((v = query_each(q, name, &at)))
		if (!strcmp(v, value))
			return true;
	return false;
}

static bool among(const char *name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(name, list[i]))
			return true;
	return false;
}

const char *query_unknown(
	const struct query *q, const char *const *known, size_t n)
{
	for (size_t i = 0; i < q->n; i++)
		if (!among(q->param[i].name, known, n))
			return q->param[i].name;
	return NULL;
}

const char *query_repeated(
	const struct query *q, const char *const *many, size_t n)
{
	for (size_t i = 1; i < q->n; i++) {
		const char *name = q->param[i].name;

		for (size_t k = 0; k < i; k++)
			if (!strcmp(q->param[k].name, name) &&
				!among(name, many, n))
				return name;
	}
	return NULL;
}

/* Bytes that stand for themselves in a query (RFC 3986, section 2.3). */
static bool plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || strchr("-._~/:*", c);
}

void query_encode(struct text *t, const char *s)
{
	for (; *s; s++)
		if (plain(*s))
			text_add(t, s, 1);
		else
			text_printf(t, "%%%02X", (unsigned)(unsigned char)*s);
}
