// SPDX-License-Identifier: MIT
/*
 * The requests of a connection, one behind the other, read the same however the
 * bytes were cut; what was accepted says the same to a reader that only splits
 * at CRLF.  The first byte of the input seeds the cutting.
 */
#include <strings.h>

#include "api/http.h"
#include "common/text.h"
#include "tests/fuzz/fuzz.h"

enum { MAX = 16384, INPUT_MAX = 1 << 16 };

static bool same(struct slice s, const char *at, size_t n)
{
	return s.n == n && !memcmp(s.at, at, n);
}

static bool named(struct slice s, const char *name)
{
	return s.n == strlen(name) && !strncasecmp(s.at, name, s.n);
}

static void inside(struct slice s, const char *buf, size_t n)
{
	HOLD(s.at >= buf && s.n <= n && s.at <= buf + (n - s.n));
}

/* ---- the reader that only splits ---- */

static struct slice line_of(const char **at, const char *end)
{
	const char *crlf = memmem(*at, (size_t)(end - *at), "\r\n", 2);
	struct slice line = {*at, 0};

	HOLD(crlf);
	line.n = (size_t)(crlf - *at);
	*at = crlf + 2;
	return line;
}

static void check_line(const struct http_head *h, struct slice line)
{
	struct text t;

	text_init(&t, INPUT_MAX);
	text_add(&t, h->method_text.at, h->method_text.n);
	text_str(&t, " ");
	text_add(&t, h->target.at, h->target.n);
	text_printf(&t, " HTTP/1.%d", h->minor);
	HOLD(same(line, t.at, t.n));
	text_free(&t);
}

static void check_field(const struct http_header *f, struct slice line)
{
	const char *at = line.at + f->name.n + 1, *end = line.at + line.n;

	HOLD(f->name.n && line.n > f->name.n);
	HOLD(!memcmp(line.at, f->name.at, f->name.n));
	HOLD(at[-1] == ':');
	while (at < end && strchr(" \t", *at))
		at++;
	while (end > at && strchr(" \t", end[-1]))
		end--;
	HOLD(same(f->value, at, (size_t)(end - at)));
	HOLD(!memchr(f->value.at, '\0', f->value.n));
}

/* One length or one coding frames a body, or nothing does. */
static void check_framing(const struct http_head *h)
{
	unsigned lengths = 0, codings = 0, hosts = 0;

	for (size_t i = 0; i < h->headers_n; i++) {
		const struct http_header *f = &h->header[i];

		if (named(f->name, "Content-Length")) {
			lengths++;
			HOLD(strtoull(f->value.at, NULL, 10) == h->length);
		} else if (named(f->name, "Transfer-Encoding")) {
			codings++;
			HOLD(named(f->value, "chunked"));
		} else if (named(f->name, "Host")) {
			hosts++;
		}
	}
	HOLD(lengths + codings <= 1);
	HOLD(lengths == h->has_length && codings == h->chunked);
	HOLD(hosts == 1 || (h->minor == 0 && !hosts));
	HOLD(h->has_length || !h->length);
}

static void check_head(const struct http_head *h, const char *buf, size_t n)
{
	const char *at = buf, *end = buf + n;

	while (at[0] == '\r')
		at += 2;
	check_line(h, line_of(&at, end));
	HOLD(h->headers_n <= HTTP_HEADERS_MAX);
	for (size_t i = 0; i < h->headers_n; i++)
		check_field(&h->header[i], line_of(&at, end));
	HOLD(line_of(&at, end).n == 0 && at == end);
	check_framing(h);
	inside(h->path, buf, n);
	HOLD(h->path.n && (h->path.at[0] == '/' || h->path.at[0] == '*'));
	HOLD(!memchr(h->path.at, '?', h->path.n));
	if (h->query.at)
		inside(h->query, buf, n);
}

/* The content of chunks, and the bytes that they took. */
static size_t split_chunks(struct text *t, const char *buf, size_t n)
{
	const char *at = buf, *end = buf + n;

	for (;;) {
		struct slice line = line_of(&at, end);
		char digits[9] = "";
		size_t size;

		memcpy(digits, line.at, line.n < 8 ? line.n : 8);
		size = strtoul(digits, NULL, 16);
		if (!size)
			break;
		HOLD(size + 2 <= (size_t)(end - at));
		text_add(t, at, size);
		at += size;
		HOLD(line_of(&at, end).n == 0);
	}
	while (line_of(&at, end).n)
		;
	return (size_t)(at - buf);
}

static void check_body(const struct http_head *h, struct slice content,
	const char *buf, size_t used)
{
	struct text t;

	if (!h->chunked) {
		HOLD(content.n == h->length && used == content.n);
		HOLD(!used || !memcmp(content.at, buf, used));
		return;
	}
	text_init(&t, INPUT_MAX);
	HOLD(split_chunks(&t, buf, used) == used);
	HOLD(!content.n || same(content, t.at, t.n));
	HOLD(content.n == t.n);
	text_free(&t);
}

/* ---- the reader that is tested ---- */

static void tell_head(struct text *t, const struct http_head *h)
{
	text_printf(t, "\nhead %d %d %d %d\n", h->method, h->keep_alive,
		h->expect_continue, h->minor);
	text_add(t, h->path.at, h->path.n);
	text_str(t, h->query.at ? " query " : " none ");
	if (h->query.at)
		text_add(t, h->query.at, h->query.n);
}

/* As the connection moves it. */
static void move_head(
	struct text *t, struct http_head *h, const char *buf, size_t n)
{
	struct http_head moved = *h;
	char *copy = fuzz_copy((const uint8_t *)buf, n);

	http_head_rebase(&moved, buf, copy);
	check_head(&moved, copy, n);
	tell_head(t, &moved);
	free(copy);
}

static enum http_step read_body(struct text *t, const struct http_head *h,
	const char *buf, size_t n, unsigned *seed, size_t *taken)
{
	struct http_refusal no = {0};
	enum http_step step;
	struct http_body b;
	struct slice piece;
	size_t at = 0, used, from = t->n;

	http_body_init(&b, h);
	do {
		size_t give = fuzz_cut(n - at, seed);

		step = http_body_next(&b, buf + at, give, &used, &piece, &no);
		HOLD(used <= give && piece.n <= used);
		HOLD(step == HTTP_REFUSED ? no.status >= 400 && no.why
					  : !no.status);
		if (piece.n)
			inside(piece, buf + at, used);
		text_add(t, piece.at, piece.n);
		at += used;
	} while (step == HTTP_MORE && at < n);
	*taken = at;
	if (step == HTTP_DONE)
		check_body(
			h, (struct slice){t->at + from, t->n - from}, buf, at);
	text_printf(t, "\nbody %d %d\n", step, no.status);
	return step;
}

/* The bytes of one request; 0 where the connection ends. */
static size_t read_request(
	struct text *t, const char *buf, size_t n, unsigned *seed)
{
	struct http_refusal no = {0};
	size_t scanned = 0, have = 0, used, taken;
	static struct http_head h;
	enum http_step step;

	do {
		have += fuzz_cut(n - have, seed);
		step = http_head_parse(
			&h, buf, have, MAX, &scanned, &used, &no);
		HOLD(scanned <= have && used <= have && used <= MAX);
		HOLD(step == HTTP_REFUSED ? no.status >= 400 && no.why
					  : !no.status);
	} while (step == HTTP_MORE && have < n);
	if (step != HTTP_DONE) {
		text_printf(t, "\nhead %d %d\n", step, no.status);
		return 0;
	}
	check_head(&h, buf, used);
	move_head(t, &h, buf, used);
	if (read_body(t, &h, buf + used, n - used, seed, &taken) != HTTP_DONE)
		return 0;
	return used + taken;
}

static void read_all(struct text *t, const char *buf, size_t n, unsigned *seed)
{
	size_t at = 0, used;

	while (at < n && (used = read_request(t, buf + at, n - at, seed)))
		at += used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	unsigned seed = n ? data[0] : 0;
	struct text whole, cut;
	char *copy;

	if (n < 1 || n > INPUT_MAX)
		return 0;
	n--;
	copy = fuzz_copy(data + 1, n);
	text_init(&whole, 1 << 26);
	text_init(&cut, 1 << 26);
	read_all(&whole, copy, n, NULL);
	read_all(&cut, copy, n, &seed);
	HOLD(whole.n == cut.n && (!cut.n || !memcmp(whole.at, cut.at, cut.n)));
	text_free(&whole);
	text_free(&cut);
	free(copy);
	return 0;
}
