// SPDX-License-Identifier: MIT
/*
 * A request's head and body must read the same however the bytes were cut.
 * The first byte of the input seeds the cutting, the rest is the request.
 */
#include <stdlib.h>
#include <string.h>

#include "api/http.h"

enum { MAX = 16384, CONTENT = 1 << 16 };

struct outcome {
	enum http_step head, body;
	int status;
	size_t used, content_n;
	struct http_head h;
	char content[CONTENT];
};

#define HOLD(what) \
	do { \
		if (!(what)) \
			abort(); \
	} while (0)

static void inside(struct slice s, const char *buf, size_t n)
{
	HOLD(s.at >= buf && s.n <= n && s.at <= buf + (n - s.n));
}

static void check_head(const struct http_head *h, const char *buf, size_t n)
{
	HOLD(h->headers_n <= HTTP_HEADERS_MAX);
	HOLD(!h->chunked || !h->has_length);
	HOLD(h->has_length || !h->length);
	inside(h->method_text, buf, n);
	inside(h->target, buf, n);
	inside(h->path, buf, n);
	HOLD(h->path.n && (h->path.at[0] == '/' || h->path.at[0] == '*'));
	if (h->query.at)
		inside(h->query, buf, n);
	for (size_t i = 0; i < h->headers_n; i++) {
		inside(h->header[i].name, buf, n);
		inside(h->header[i].value, buf, n);
		HOLD(h->header[i].name.n);
		HOLD(!memchr(
			h->header[i].value.at, '\n', h->header[i].value.n));
	}
	HOLD(h->minor == 0 || http_find(h, "host"));
}

static void read_body(
	struct outcome *o, const char *buf, size_t n, unsigned *seed)
{
	struct http_refusal no = {0};
	struct http_body b;
	struct slice piece;
	size_t at = 0, used;

	http_body_init(&b, &o->h);
	do {
		size_t give = n - at;

		if (seed && give)
			give = 1 + (size_t)rand_r(seed) % give;
		o->body =
			http_body_next(&b, buf + at, give, &used, &piece, &no);
		HOLD(used <= give && piece.n <= used);
		if (piece.n)
			inside(piece, buf + at, used);
		HOLD(o->content_n + piece.n <= CONTENT);
		memcpy(o->content + o->content_n, piece.at, piece.n);
		o->content_n += piece.n;
		at += used;
	} while (o->body == HTTP_MORE && at < n);
	o->used += at;
	o->status = no.status;
	if (o->body == HTTP_DONE && o->h.has_length)
		HOLD(o->content_n == o->h.length);
}

static void read_request(
	struct outcome *o, const char *buf, size_t n, unsigned *seed)
{
	struct http_refusal no = {0};
	size_t scanned = 0, have = seed ? 0 : n, used;

	*o = (struct outcome){.body = HTTP_MORE};
	do {
		if (seed && have < n)
			have += 1 + (size_t)rand_r(seed) % (n - have);
		o->head = http_head_parse(
			&o->h, buf, have, MAX, &scanned, &used, &no);
		HOLD(scanned <= have && used <= have && used <= MAX);
		HOLD(o->head == HTTP_REFUSED ? no.status >= 400 && no.why
					     : !no.status);
	} while (o->head == HTTP_MORE && have < n);
	o->status = no.status;
	o->used = used;
	if (o->head != HTTP_DONE)
		return;
	check_head(&o->h, buf, used);
	read_body(o, buf + used, n - used, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct outcome whole, cut;
	unsigned seed = n ? data[0] : 0;
	char *copy;

	if (n < 1 || n > CONTENT)
		return 0;
	/* A buffer of its own, so that a byte read too far is seen. */
	n--;
	copy = malloc(n ? n : 1);
	HOLD(copy);
	memcpy(copy, data + 1, n);
	read_request(&whole, copy, n, NULL);
	read_request(&cut, copy, n, &seed);
	HOLD(whole.head == cut.head && whole.body == cut.body);
	HOLD(whole.status == cut.status);
	if (whole.head == HTTP_DONE && whole.body != HTTP_REFUSED) {
		HOLD(whole.used == cut.used);
		HOLD(whole.content_n == cut.content_n);
		HOLD(!memcmp(whole.content, cut.content, whole.content_n));
	}
	free(copy);
	return 0;
}
