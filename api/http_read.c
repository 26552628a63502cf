// SPDX-License-Identifier: MIT
#include <string.h>

#include "api/http_in.h"

enum { HOST_MAX = 262 };

bool http_is(struct slice s, const char *lower)
{
	size_t i;

	for (i = 0; i < s.n && lower[i]; i++) {
		char c = s.at[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + ('a' - 'A'));
		if (c != lower[i])
			return false;
	}
	return i == s.n && !lower[i];
}

/* "host" or "host:port", without user and password. */
static bool is_authority(struct slice s)
{
	size_t i = 0, port = 0;

	if (s.n == 0 || s.n > HOST_MAX)
		return false;
	if (s.at[0] == '[') {
		while (++i < s.n && s.at[i] != ']')
			if (http_hex(s.at[i]) < 0 && !strchr(":.", s.at[i]))
				return false;
		if (i < 3 || i++ == s.n)
			return false;
	} else {
		/* A comma is legal in a name, but only two names joined by
		 * somebody on the way would have one. */
		for (; i < s.n && s.at[i] != ':'; i++)
			if (!http_target_byte(s.at[i]) ||
				strchr("/?@,[]{}|^`\\", s.at[i]))
				return false;
		if (i == 0)
			return false;
	}
	if (i == s.n)
		return true;
	if (s.at[i++] != ':' || s.n - i > 5)
		return false;
	for (; i < s.n; i++) {
		if (!http_digit(s.at[i]))
			return false;
		port = port * 10 + (size_t)(s.at[i] - '0');
	}
	return port <= 65535;
}

static const char *const method_name[HTTP_OTHER] = {
	[HTTP_GET] = "GET",
	[HTTP_HEAD] = "HEAD",
	[HTTP_POST] = "POST",
	[HTTP_PUT] = "PUT",
	[HTTP_PATCH] = "PATCH",
	[HTTP_DELETE] = "DELETE",
	[HTTP_OPTIONS] = "OPTIONS",
};

const char *http_method_name(enum http_method m)
{
	return m < HTTP_OTHER ? method_name[m] : "other";
}

static enum http_method method_of(struct slice s)
{
	enum http_method m = HTTP_GET;

	while (m < HTTP_OTHER &&
		(s.n != strlen(method_name[m]) ||
			memcmp(s.at, method_name[m], s.n) != 0))
		m++;
	return m;
}

static void split_target(struct http_head *h, struct slice s)
{
	const char *mark = memchr(s.at, '?', s.n);

	h->path = s;
	h->query = (struct slice){NULL, 0};
	if (!mark)
		return;
	h->path.n = (size_t)(mark - s.at);
	h->query = (struct slice){mark + 1, s.n - h->path.n - 1};
}

/* "http://host/path?query" */
static bool read_absolute(struct http_head *h)
{
	struct slice t = h->target, host;
	size_t from;

	if (t.n > 7 && http_is((struct slice){t.at, 7}, "http://"))
		from = 7;
	else if (t.n > 8 && http_is((struct slice){t.at, 8}, "https://"))
		from = 8;
	else
		return false;
	host.at = t.at + from;
	for (host.n = 0; from + host.n < t.n; host.n++)
		if (host.at[host.n] == '/' || host.at[host.n] == '?')
			break;
	if (!is_authority(host))
		return false;
	from += host.n;
	split_target(h, (struct slice){t.at + from, t.n - from});
	/* No path means "/": the slash before the host serves as one, and
	 * the slice stays within the buffer. */
	if (h->path.n == 0)
		h->path = (struct slice){host.at - 1, 1};
	return true;
}

/* s holds method, target and version, each found well-formed by scan. */
enum http_step http_read_line(
	struct http_head *h, struct slice s, struct http_refusal *no)
{
	const char *target = (const char *)memchr(s.at, ' ', s.n) + 1;
	const char *version = s.at + s.n - 8;

	h->method_text = (struct slice){s.at, (size_t)(target - 1 - s.at)};
	h->method = method_of(h->method_text);
	h->target = (struct slice){target, (size_t)(version - 1 - target)};
	h->minor = version[7] - '0';
	if (version[5] != '1')
		return http_refuse(no, 505, "this server speaks HTTP/1.1");
	if (h->method_text.n == 7 && !memcmp(s.at, "CONNECT", 7))
		return http_refuse(no, 501, "this server is no proxy");
	split_target(h, h->target);
	if (h->target.n == 1 && *target == '*') {
		if (h->method == HTTP_OPTIONS)
			return HTTP_DONE;
		return http_refuse(
			no, 400, "the target * goes with OPTIONS alone");
	}
	if (*target != '/' && !read_absolute(h))
		return http_refuse(no, 400,
			"the target is neither a path nor an http address");
	return HTTP_DONE;
}

/* Fields that frame or name the request: a second one could be the one that
 * somebody else obeys. */
enum {
	AUTHORIZATION,
	CONNECTION,
	CONTENT_LENGTH,
	CONTENT_TYPE,
	COOKIE,
	EXPECT,
	HOST,
	IDEMPOTENCY_KEY,
	ORIGIN,
	TRANSFER_ENCODING,
	UNKNOWN
};

struct reading {
	struct http_head *h;
	unsigned seen;	    /* bit 1 << field */
	bool close, linger; /* in Connection */
	struct http_refusal *no;
};

static enum http_step read_length(struct reading *r, struct slice v)
{
	uint64_t length = 0;

	/* 18 digits never overflow. */
	if (v.n == 0 || v.n > 18)
		return http_refuse(r->no, 400, "Content-Length is no number");
	for (size_t i = 0; i < v.n; i++) {
		if (!http_digit(v.at[i]))
			return http_refuse(
				r->no, 400, "Content-Length is no number");
		length = length * 10 + (uint64_t)(v.at[i] - '0');
	}
	r->h->has_length = true;
	r->h->length = length;
	return HTTP_DONE;
}

static struct slice trim(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return (struct slice){at, (size_t)(end - at)};
}

/* Takes the first element off a list; false at its end. */
static bool next_element(struct slice *list, struct slice *element)
{
	const char *comma;

	if (!list->at)
		return false;
	comma = memchr(list->at, ',', list->n);
	if (comma) {
		*element = trim(list->at, comma);
		list->n -= (size_t)(comma + 1 - list->at);
		list->at = comma + 1;
	} else {
		*element = trim(list->at, list->at + list->n);
		*list = (struct slice){NULL, 0};
	}
	return true;
}

static enum http_step read_coding(struct reading *r, struct slice v)
{
	struct slice list = v, element;
	bool foreign = false, chunked = false;

	while (next_element(&list, &element)) {
		if (chunked || element.n == 0)
			return http_refuse(r->no, 400,
				"Transfer-Encoding must end with chunked");
		for (size_t i = 0; i < element.n; i++)
			if (!http_token_byte(element.at[i]))
				return http_refuse(r->no, 400,
					"Transfer-Encoding is not well-formed");
		if (http_is(element, "chunked"))
			chunked = true;
		else
			foreign = true;
	}
	if (foreign)
		return http_refuse(
			r->no, 501, "only the transfer coding chunked is read");
	r->h->chunked = true;
	return HTTP_DONE;
}

static void read_connection(struct reading *r, struct slice v)
{
	struct slice list = v, element;

	while (next_element(&list, &element)) {
		r->close = r->close || http_is(element, "close");
		r->linger = r->linger || http_is(element, "keep-alive");
	}
}

static int field_of(struct slice name)
{
	static const char *const names[] = {
		[AUTHORIZATION] = "authorization",
		[CONNECTION] = "connection",
		[CONTENT_LENGTH] = "content-length",
		[CONTENT_TYPE] = "content-type",
		[COOKIE] = "cookie",
		[EXPECT] = "expect",
		[HOST] = "host",
		[IDEMPOTENCY_KEY] = "idempotency-key",
		[ORIGIN] = "origin",
		[TRANSFER_ENCODING] = "transfer-encoding",
	};

	for (int i = 0; i < UNKNOWN; i++)
		if (http_is(name, names[i]))
			return i;
	return UNKNOWN;
}

static enum http_step read_field(
	struct reading *r, struct slice name, struct slice v)
{
	int field = field_of(name);
	unsigned bit = 1u << field;

	if (r->seen & bit && field != UNKNOWN && field != CONNECTION)
		return http_refuse(
			r->no, 400, "a field that stands once came twice");
	r->seen |= bit;
	if (field == HOST && !is_authority(v))
		return http_refuse(r->no, 400, "Host is no host");
	if (field == CONTENT_LENGTH)
		return read_length(r, v);
	if (field == TRANSFER_ENCODING)
		return read_coding(r, v);
	if (field == CONNECTION)
		read_connection(r, v);
	/* HTTP/1.0 knows no expectations (RFC 9110, section 10.1.1). */
	if (field == EXPECT && r->h->minor > 0) {
		if (!http_is(v, "100-continue"))
			return http_refuse(
				r->no, 417, "Expect is not 100-continue");
		r->h->expect_continue = true;
	}
	return HTTP_DONE;
}

/* What the fields say together. */
static enum http_step read_framing(struct reading *r)
{
	struct http_head *h = r->h;

	if (h->chunked && h->has_length)
		return http_refuse(r->no, 400,
			"Content-Length and Transfer-Encoding came together");
	if (h->chunked && h->minor == 0)
		return http_refuse(
			r->no, 400, "HTTP/1.0 knows no Transfer-Encoding");
	if (h->minor > 0 && !(r->seen & 1u << HOST))
		return http_refuse(r->no, 400, "Host is missing");
	h->keep_alive = !r->close && (h->minor > 0 || r->linger);
	h->expect_continue =
		h->expect_continue && (h->chunked || h->length > 0);
	return HTTP_DONE;
}

/* s: the whole head, found well-formed by scan. */
enum http_step http_read_head(
	struct http_head *h, struct slice s, struct http_refusal *no)
{
	struct reading r = {.h = h, .no = no};
	const char *line = s.at, *end = s.at + s.n, *cr;
	enum http_step step;

	h->chunked = h->has_length = h->expect_continue = false;
	h->length = 0;
	h->headers_n = 0;
	while (*line == '\r')
		line += 2;
	cr = memchr(line, '\r', (size_t)(end - line));
	step = http_read_line(h, (struct slice){line, (size_t)(cr - line)}, no);
	while (step == HTTP_DONE && (line = cr + 2, *line != '\r')) {
		const char *colon = memchr(line, ':', (size_t)(end - line));
		struct http_header *f = &h->header[h->headers_n];

		if (h->headers_n++ == HTTP_HEADERS_MAX)
			return http_refuse(no, 431, "more than 64 fields");
		cr = memchr(colon, '\r', (size_t)(end - colon));
		f->name = (struct slice){line, (size_t)(colon - line)};
		f->value = trim(colon + 1, cr);
		step = read_field(&r, f->name, f->value);
	}
	return step == HTTP_DONE ? read_framing(&r) : step;
}
