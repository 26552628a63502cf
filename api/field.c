// SPDX-License-Identifier: MIT
#include "api/field.h"

#include <string.h>
#include <strings.h>

#include "api/http_in.h"

struct slice field_trimmed(struct slice s)
{
	while (s.n && (*s.at == ' ' || *s.at == '\t')) {
		s.at++;
		s.n--;
	}
	while (s.n && (s.at[s.n - 1] == ' ' || s.at[s.n - 1] == '\t'))
		s.n--;
	return s;
}

bool field_is(struct slice s, const char *text)
{
	return s.n == strlen(text) && !strncasecmp(s.at, text, s.n);
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static void skip_blanks(struct slice *s)
{
	while (s->n && blank(*s->at)) {
		s->at++;
		s->n--;
	}
}

/* Takes the first k bytes off. */
static struct slice take(struct slice *s, size_t k)
{
	struct slice taken = {s->at, k};

	s->at += k;
	s->n -= k;
	return taken;
}

static bool take_byte(struct slice *s, char c)
{
	if (!s->n || *s->at != c)
		return false;
	take(s, 1);
	return true;
}

static struct slice take_token(struct slice *s)
{
	size_t k = 0;

	while (k < s->n && http_token_byte(s->at[k]))
		k++;
	return take(s, k);
}

/* ---- who asks ---- */

static bool token68(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		http_digit(c) || (c && strchr("-._~+/", c));
}

bool field_bearer(struct slice v, struct slice *token)
{
	size_t n = 0;

	if (v.n < 7 || strncasecmp(v.at, "Bearer ", 7) != 0)
		return false;
	take(&v, 7);
	while (take_byte(&v, ' '))
		;
	while (n < v.n && token68(v.at[n]))
		n++;
	*token = v;
	while (n && n < v.n && v.at[n] == '=')
		n++;
	return n && n == v.n;
}

bool field_cookie(struct slice v, const char *name, struct slice *value)
{
	size_t n = strlen(name);

	while (v.n) {
		const char *end = memchr(v.at, ';', v.n);
		struct slice one = take(&v, end ? (size_t)(end - v.at) : v.n);

		take_byte(&v, ';');
		while (take_byte(&v, ' '))
			;
		if (one.n > n && !memcmp(one.at, name, n) && one.at[n] == '=') {
			take(&one, n + 1);
			*value = one;
			return true;
		}
	}
	return false;
}

/* ---- Idempotency-Key ---- */

static size_t quoted_key(struct slice v, char *key)
{
	size_t n = 0;

	for (size_t i = 0; i < v.n; i++) {
		char c = v.at[i];

		if (c == '"' || c < 0x20 || c > 0x7e)
			return 0;
		if (c == '\\') {
			c = ++i < v.n ? v.at[i] : '\0';
			if (c != '"' && c != '\\')
				return 0;
		}
		if (n == FIELD_KEY_MAX)
			return 0;
		key[n++] = c;
	}
	return n;
}

static size_t bare_key(struct slice v, char *key)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.at[i] < 0x21 || v.at[i] > 0x7e ||
			strchr("\",;\\", v.at[i]))
			return 0;
	if (v.n > FIELD_KEY_MAX)
		return 0;
	memcpy(key, v.at, v.n);
	return v.n;
}

size_t field_key(struct slice v, char key[FIELD_KEY_MAX + 1])
{
	bool quoted = v.n >= 2 && v.at[0] == '"' && v.at[v.n - 1] == '"';
	size_t n = quoted ? quoted_key((struct slice){v.at + 1, v.n - 2}, key)
			  : bare_key(v, key);

	key[n] = '\0';
	return n;
}

/* ---- Content-Type ---- */

/* A quoted text, without its quotes; escapes stay as they are. */
static bool take_quoted(struct slice *s, struct slice *value)
{
	size_t k = 1;

	while (k < s->n && s->at[k] != '"') {
		if (s->at[k] == '\\')
			k++;
		k++;
	}
	if (k >= s->n)
		return false;
	*value = take(s, k + 1);
	*value = (struct slice){value->at + 1, k - 1};
	return true;
}

static bool take_value(struct slice *s, struct slice *value)
{
	if (s->n && *s->at == '"')
		return take_quoted(s, value);
	*value = take_token(s);
	return value->n > 0;
}

bool field_media(struct slice v, struct media *m)
{
	const char *from = v.at;
	struct slice name, value;
	bool named = false;

	*m = (struct media){{v.at, 0}, {v.at, 0}};
	if (!take_token(&v).n || !take_byte(&v, '/') || !take_token(&v).n)
		return false;
	m->type.n = (size_t)(v.at - from);
	for (skip_blanks(&v); v.n; skip_blanks(&v)) {
		if (!take_byte(&v, ';'))
			return false;
		skip_blanks(&v);
		/* A parameter may be missing between its semicolons. */
		if (!v.n || *v.at == ';')
			continue;
		name = take_token(&v);
		if (!name.n || !take_byte(&v, '=') || !take_value(&v, &value))
			return false;
		if (!http_is(name, "charset"))
			continue;
		if (named)
			return false;
		named = true;
		m->charset = value;
	}
	return true;
}

bool media_is(const struct media *m, const char *type)
{
	return http_is(m->type, type);
}

bool media_is_utf8(const struct media *m)
{
	return !m->charset.n || http_is(m->charset, "utf-8") ||
		http_is(m->charset, "utf8") || http_is(m->charset, "us-ascii");
}

bool field_encoded(const struct http_head *h)
{
	for (size_t i = 0; i < h->headers_n; i++) {
		struct slice v = h->header[i].value;

		if (!http_is(h->header[i].name, "content-encoding"))
			continue;
		for (skip_blanks(&v); v.n; skip_blanks(&v))
			if (!take_byte(&v, ',') &&
				!http_is(take_token(&v), "identity"))
				return true;
	}
	return false;
}

/* ---- conditions ---- */

/* "W/"abc"" or ""abc"", without its W/. */
static bool take_tag(struct slice *s, struct slice *tag, bool *weak)
{
	size_t k = 1;

	*weak = s->n > 2 && s->at[0] == 'W' && s->at[1] == '/';
	if (*weak)
		take(s, 2);
	if (!s->n || *s->at != '"')
		return false;
	while (k < s->n && s->at[k] != '"' && s->at[k] != ' ' &&
		http_value_byte(s->at[k]) && s->at[k] != '\t')
		k++;
	if (k == s->n || s->at[k] != '"')
		return false;
	*tag = take(s, k + 1);
	return true;
}

/* A list of tags, empty elements let pass; false where it is malformed. */
static bool names_tag(struct slice s, const char *tag, bool weakly, bool *found)
{
	struct slice one;
	bool weak;

	for (skip_blanks(&s); s.n; skip_blanks(&s)) {
		if (take_byte(&s, ','))
			continue;
		if (!take_tag(&s, &one, &weak))
			return false;
		*found |= (weakly || !weak) && one.n == strlen(tag) &&
			!memcmp(one.at, tag, one.n);
		skip_blanks(&s);
		if (s.n && *s.at != ',')
			return false;
	}
	return true;
}

bool field_none_match(const struct http_head *h, const char *tag, bool any)
{
	for (size_t i = 0; i < h->headers_n; i++) {
		struct slice v = h->header[i].value;
		bool found = false;

		if (!http_is(h->header[i].name, "if-none-match"))
			continue;
		if (v.n == 1 && *v.at == '*' && any)
			return true;
		if (names_tag(v, tag, true, &found) && found)
			return true;
	}
	return false;
}

bool field_match(const struct http_head *h, const char *tag)
{
	bool there = false, stars = true, named = false;

	for (size_t i = 0; i < h->headers_n; i++) {
		struct slice v = h->header[i].value;
		bool found = false;

		if (!http_is(h->header[i].name, "if-match"))
			continue;
		there = true;
		stars &= v.n == 1 && *v.at == '*';
		named |= tag && names_tag(v, tag, false, &found) && found;
	}
	return !there || stars || named;
}
