// SPDX-License-Identifier: MIT
/*
 * field: what single fields of a request say (RFC 9110, RFC 6750, RFC 6265,
 * RFC 8941).  Strict: what is malformed says nothing.  Pure; the slices point
 * into what was given.
 */
#ifndef TALLY_API_FIELD_H
#define TALLY_API_FIELD_H

#include "api/http.h"

enum { FIELD_KEY_MAX = 255 };

/* Without the blanks and tabs around it. */
struct slice field_trimmed(struct slice s);
/* Is it this text, in whatever case? */
bool field_is(struct slice s, const char *text);

/* The token in Authorization: "Bearer ", then letters, digits and -._~+/ with
 * "=" at the end.  False for all else. */
bool field_bearer(struct slice v, struct slice *token);

/* The value of the first cookie of that name; false where there is none. */
bool field_cookie(struct slice v, const char *name, struct slice *value);

/*
 * Idempotency-Key: a String of RFC 8941, section 3.3.3, or, as many send it,
 * the text without quotes, then without blanks and ",;\ as well.  Into key; its
 * length, or 0 where it is malformed, empty or over FIELD_KEY_MAX.
 */
size_t field_key(struct slice v, char key[FIELD_KEY_MAX + 1]);

/* Content-Type. */
struct media {
	struct slice type;    /* "text/csv", as it was written */
	struct slice charset; /* empty where none is named */
};

/* False where it is malformed, or names two charsets. */
bool field_media(struct slice v, struct media *m);
/* Is it this type, in lower case, whatever the charset? */
bool media_is(const struct media *m, const char *type);
/* Is it none, or one that all of UTF-8 goes by? */
bool media_is_utf8(const struct media *m);

/* Does Content-Encoding name any coding but identity? */
bool field_encoded(const struct http_head *h);

/*
 * Does If-None-Match name this tag ("\"abc\"", a strong one)?  Weak tags count
 * as strong ones, several fields as one list.  any: what "*" stands for is
 * there.
 */
bool field_none_match(const struct http_head *h, const char *tag, bool any);
/* Does If-Match name this tag, or "*"?  Weak tags match none.  tag NULL: for
 * what has none "*" alone matches.  True without the field. */
bool field_match(const struct http_head *h, const char *tag);

#endif
