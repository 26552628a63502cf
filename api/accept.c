// SPDX-License-Identifier: MIT
#include "api/accept.h"

#include <string.h>

#include "api/field.h"
#include <strings.h>

/* Cuts off what stands before the first `by` outside of a quoted text. */
static struct slice cut(struct slice *rest, char by)
{
	struct slice s = *rest;
	bool quoted = false;
	size_t i = 0;

	for (; i < s.n && (quoted || s.at[i] != by); i++) {
		if (s.at[i] == '"')
			quoted = !quoted;
		else if (quoted && s.at[i] == '\\' && i + 1 < s.n)
			i++;
	}
	*rest = i < s.n ? (struct slice){s.at + i + 1, s.n - i - 1}
			: (struct slice){s.at + i, 0};
	return field_trimmed((struct slice){s.at, i});
}

/* "0.5", at most three digits behind the point; -1 for what is none. */
static int weight(struct slice s)
{
	int q, unit = 100;

	if (!s.n || (*s.at != '0' && *s.at != '1') ||
		(s.n > 1 && s.at[1] != '.') || s.n > 5)
		return -1;
	q = (*s.at - '0') * ACCEPT_MOST;
	for (size_t i = 2; i < s.n; i++, unit /= 10) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return -1;
		q += (s.at[i] - '0') * unit;
	}
	return q > ACCEPT_MOST ? -1 : q;
}

/* The element's q; -1 where it is malformed. */
static int weight_of(struct slice parameters)
{
	int q = ACCEPT_MOST;

	while (parameters.n) {
		struct slice value = cut(&parameters, ';');
		struct slice name = cut(&value, '=');

		if (field_is(name, "q"))
			q = weight(field_trimmed(value));
	}
	return q;
}

/* How narrowly a range speaks of a value: 0 not at all, 3 by its name. */
typedef int (*match_fn)(struct slice range, const char *value);

static int match_type(struct slice range, const char *type)
{
	size_t major = (size_t)(strchr(type, '/') - type) + 1;

	if (field_is(range, type))
		return 3;
	if (range.n == major + 1 && range.at[major] == '*' &&
		!strncasecmp(range.at, type, major))
		return 2;
	return field_is(range, "*/*") ? 1 : 0;
}

static int match_coding(struct slice range, const char *coding)
{
	return field_is(range, coding) ? 3 : field_is(range, "*") ? 1 : 0;
}

static int most(const struct http_head *h, const char *field, const char *value,
	match_fn match)
{
	int best = 0, q = -1;

	for (size_t i = 0; i < h->headers_n; i++) {
		struct slice list = h->header[i].value;

		if (!field_is(h->header[i].name, field))
			continue;
		while (list.n) {
			struct slice element = cut(&list, ',');
			int narrow = match(cut(&element, ';'), value);
			int w = weight_of(element);

			q = q < 0 ? 0 : q;
			if (w < 0 || narrow < best || !narrow)
				continue;
			q = narrow > best || w > q ? w : q;
			best = narrow;
		}
	}
	return q;
}

int accept_type(const struct http_head *h, const char *type)
{
	return most(h, "accept", type, match_type);
}

int accept_coding(const struct http_head *h, const char *coding)
{
	return most(h, "accept-encoding", coding, match_coding);
}

bool accept_gzip(const struct http_head *h)
{
	int q = accept_coding(h, "gzip");

	return q > 0 && q >= accept_coding(h, "identity");
}
