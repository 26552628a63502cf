// SPDX-License-Identifier: MIT
#include "common/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

/* The pass over the bytes: a recursive descent, bounded by JSON_DEPTH_MAX. */
struct scan {
	const char *s;
	char *wide; /* s once more where it may be written to, else NULL */
	size_t n, i;
	int depth, values;
	enum json_fault later; /* well-formed, but not for us */
	size_t later_at;
};

static void blanks(struct scan *c)
{
	while (c->i < c->n && c->s[c->i] && strchr(" \t\r\n", c->s[c->i]))
		c->i++;
}

static bool eat(struct scan *c, char ch)
{
	if (c->i >= c->n || c->s[c->i] != ch)
		return false;
	c->i++;
	return true;
}

static bool digit(const struct scan *c)
{
	return c->i < c->n && c->s[c->i] >= '0' && c->s[c->i] <= '9';
}

static void note(struct scan *c, enum json_fault f, size_t at)
{
	if (c->later)
		return;
	c->later = f;
	c->later_at = at;
}

/* A double cannot keep the number from there to c->i.  Its shortest form has
 * five bytes, as 2e300 has, so infinity fits in its place. */
static void inexact(struct scan *c, size_t from)
{
	if (!c->wide) {
		note(c, JSON_DIGITS, from);
		return;
	}
	memset(c->wide + from, ' ', c->i - from);
	memcpy(c->wide + from, "1e999", 5);
}

static enum json_fault number(struct scan *c)
{
	size_t from = c->i, significant = 0;
	bool nonzero = false;
	char copy[64];
	double v;

	eat(c, '-');
	if (!digit(c))
		return JSON_SYNTAX;
	if (eat(c, '0')) {
		if (digit(c))
			return JSON_SYNTAX;
	}
	for (; digit(c); c->i++) {
		significant++;
		nonzero = true;
	}
	if (eat(c, '.')) {
		if (!digit(c))
			return JSON_SYNTAX;
		for (; digit(c); c->i++) {
			nonzero = nonzero || c->s[c->i] != '0';
			significant += nonzero;
		}
	}
	if (eat(c, 'e') || eat(c, 'E')) {
		if (!eat(c, '+'))
			eat(c, '-');
		if (!digit(c))
			return JSON_SYNTAX;
		for (; digit(c); c->i++)
			;
	}
	if (significant > 15 || c->i - from >= sizeof(copy)) {
		inexact(c, from);
		return JSON_OK;
	}
	memcpy(copy, c->s + from, c->i - from);
	copy[c->i - from] = '\0';
	/* No locale is ever set, so '.' is the decimal point. */
	v = fabs(strtod(copy, NULL));
	if (v > 1e300 || (v < 1e-300 && nonzero))
		inexact(c, from);
	return JSON_OK;
}

static bool hex4(struct scan *c, unsigned *v)
{
	*v = 0;
	for (int k = 0; k < 4; k++, c->i++) {
		char ch = c->i < c->n ? c->s[c->i] : '\0';

		if (ch >= '0' && ch <= '9')
			*v = *v * 16 + (unsigned)(ch - '0');
		else if (ch >= 'a' && ch <= 'f')
			*v = *v * 16 + (unsigned)(ch - 'a' + 10);
		else if (ch >= 'A' && ch <= 'F')
			*v = *v * 16 + (unsigned)(ch - 'A' + 10);
		else
			return false;
	}
	return true;
}

/* Behind "\u". */
static enum json_fault unicode(struct scan *c)
{
	size_t from = c->i;
	unsigned hi, lo;

	if (!hex4(c, &hi))
		return JSON_SYNTAX;
	if (hi == 0 || (hi >= 0xdc00 && hi <= 0xdfff))
		note(c, JSON_NUL, from);
	if (hi < 0xd800 || hi > 0xdbff)
		return JSON_OK;
	if (c->n - c->i < 6 || c->s[c->i] != '\\' || c->s[c->i + 1] != 'u') {
		note(c, JSON_NUL, from);
		return JSON_OK;
	}
	c->i += 2;
	if (!hex4(c, &lo))
		return JSON_SYNTAX;
	if (lo < 0xdc00 || lo > 0xdfff)
		note(c, JSON_NUL, from);
	return JSON_OK;
}

static enum json_fault string(struct scan *c)
{
	enum json_fault f;

	if (!eat(c, '"'))
		return JSON_SYNTAX;
	for (;;) {
		unsigned char ch;

		if (c->i >= c->n)
			return JSON_SYNTAX;
		ch = (unsigned char)c->s[c->i];
		if (ch < 0x20)
			return JSON_SYNTAX;
		c->i++;
		if (ch == '"')
			return JSON_OK;
		if (ch != '\\')
			continue;
		if (c->i >= c->n)
			return JSON_SYNTAX;
		ch = (unsigned char)c->s[c->i++];
		if (ch == 'u') {
			if ((f = unicode(c)))
				return f;
		} else if (!ch || !strchr("\"\\/bfnrt", ch)) {
			c->i--;
			return JSON_SYNTAX;
		}
	}
}

static enum json_fault value(struct scan *c);

static enum json_fault container(struct scan *c, char close)
{
	enum json_fault f;

	blanks(c);
	if (eat(c, close))
		return JSON_OK;
	for (;;) {
		blanks(c);
		if (close == '}') {
			if ((f = string(c)))
				return f;
			blanks(c);
			if (!eat(c, ':'))
				return JSON_SYNTAX;
		}
		if ((f = value(c)))
			return f;
		blanks(c);
		if (eat(c, close))
			return JSON_OK;
		if (!eat(c, ','))
			return JSON_SYNTAX;
	}
}

static bool word(struct scan *c, const char *w)
{
	size_t k = strlen(w);

	if (c->n - c->i < k || memcmp(c->s + c->i, w, k) != 0)
		return false;
	c->i += k;
	return true;
}

static enum json_fault value(struct scan *c)
{
	enum json_fault f;

	blanks(c);
	if (++c->values > JSON_VALUES_MAX)
		return JSON_MANY;
	if (c->i >= c->n)
		return JSON_SYNTAX;
	switch (c->s[c->i]) {
	case '{':
	case '[':
		if (++c->depth > JSON_DEPTH_MAX)
			return JSON_DEPTH;
		f = container(c, c->s[c->i++] == '{' ? '}' : ']');
		c->depth--;
		return f;
	case '"':
		return string(c);
	case 't':
		return word(c, "true") ? JSON_OK : JSON_SYNTAX;
	case 'f':
		return word(c, "false") ? JSON_OK : JSON_SYNTAX;
	case 'n':
		return word(c, "null") ? JSON_OK : JSON_SYNTAX;
	default:
		return number(c);
	}
}

static enum json_fault check(const char *s, char *wide, size_t n, size_t *at)
{
	struct scan c = {.s = s, .wide = wide, .n = n};
	enum json_fault f;
	size_t bad = utf8_check(s, n);

	if (bad < n) {
		c.i = bad;
		f = JSON_NOT_UTF8;
	} else {
		blanks(&c);
		f = c.i == n ? JSON_EMPTY : value(&c);
		if (!f) {
			blanks(&c);
			if (c.i != n)
				f = JSON_SYNTAX;
		}
	}
	if (!f && c.later) {
		f = c.later;
		c.i = c.later_at;
	}
	if (at)
		*at = c.i;
	return f;
}

enum json_fault json_check(const char *s, size_t n, size_t *at)
{
	return check(s, NULL, n, at);
}

static const cJSON *node(const struct json *v)
{
	return (const cJSON *)(const void *)v;
}

static const struct json *wrap(const cJSON *v)
{
	return (const struct json *)(const void *)v;
}

static enum json_fault parse(
	const char *s, char *wide, size_t n, struct json **root, size_t *at)
{
	enum json_fault f = check(s, wide, n, at);
	cJSON *tree;

	*root = NULL;
	if (f)
		return f;
	/* What passed the check fails here for want of memory alone. */
	if (!(tree = cJSON_ParseWithLength(s, n)))
		return JSON_MEMORY;
	*root = (struct json *)(void *)tree;
	return JSON_OK;
}

enum json_fault json_parse(
	const char *s, size_t n, struct json **root, size_t *at)
{
	return parse(s, NULL, n, root, at);
}

enum json_fault json_parse_wide(
	char *s, size_t n, struct json **root, size_t *at)
{
	return parse(s, s, n, root, at);
}

void json_free(struct json *root)
{
	cJSON_Delete((cJSON *)(void *)root);
}

enum json_type json_type(const struct json *v)
{
	const cJSON *c = node(v);

	if (cJSON_IsBool(c))
		return JSON_BOOL;
	if (cJSON_IsNumber(c))
		return JSON_NUMBER;
	if (cJSON_IsString(c))
		return JSON_STRING;
	if (cJSON_IsArray(c))
		return JSON_ARRAY;
	if (cJSON_IsObject(c))
		return JSON_OBJECT;
	return JSON_NULL;
}

const struct json *json_first(const struct json *v)
{
	return wrap(node(v)->child);
}

const struct json *json_next(const struct json *v)
{
	return wrap(node(v)->next);
}

const char *json_name(const struct json *v)
{
	return node(v)->string;
}

const struct json *json_member(const struct json *v, const char *name)
{
	if (!v || json_type(v) != JSON_OBJECT)
		return NULL;
	return wrap(cJSON_GetObjectItemCaseSensitive(node(v), name));
}

const char *json_string(const struct json *v)
{
	return v && cJSON_IsString(node(v)) ? node(v)->valuestring : "";
}

double json_number(const struct json *v)
{
	return v && cJSON_IsNumber(node(v)) ? node(v)->valuedouble : 0;
}

bool json_true(const struct json *v)
{
	return v && cJSON_IsTrue(node(v));
}
