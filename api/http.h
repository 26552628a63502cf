// SPDX-License-Identifier: MIT
/*
 * http: the request side of HTTP/1.1 (RFC 9112, RFC 9110), strictly.  Bytes
 * in, verdicts out: no I/O, no allocation, no clock, no state of its own, so
 * any thread may parse.  What the RFC says to refuse is refused, and what it
 * merely tolerates (bare LF, obs-fold, several Content-Length) is refused too:
 * two readers of one message must never see two different messages.
 *
 * A refusal is final: answer it once and close, for where the next request
 * would begin is no longer known.
 *
 * Bounds: the target 8192 bytes (414), 64 fields and max bytes of head (431),
 * two empty lines before the request line, 8 digits of chunk size, 4096 bytes
 * of chunk extensions a body (400), 8192 bytes of trailer (431).
 */
#ifndef TALLY_API_HTTP_H
#define TALLY_API_HTTP_H

#include "common/base.h"

enum { HTTP_HEADERS_MAX = 64, HTTP_TARGET_MAX = 8192 };

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_OTHER /* a token, but none of these: 405 is the caller's */
};

/* "GET"; "other" for what is none of these. */
const char *http_method_name(enum http_method m);

struct http_header {
	struct slice name;  /* at least one token character */
	struct slice value; /* without blanks around it; may be empty */
};

/*
 * Slices point into the caller's buffer.  The path begins with '/' (no
 * decoding is done, "//a" stays as it is) or is "*" with OPTIONS; the host
 * inside an absolute target ("http://host/path") is checked and dropped.
 */
struct http_head {
	enum http_method method;
	struct slice method_text, target, path;
	struct slice query;   /* without '?'; at is NULL where there is none */
	int minor;	      /* HTTP/1.minor; above 1 it means 1 */
	bool keep_alive;      /* what the client asks for */
	bool expect_continue; /* it waits for 100; only where a body follows */
	bool chunked, has_length;
	uint64_t length; /* bytes, 0 without has_length */
	size_t headers_n;
	struct http_header header[HTTP_HEADERS_MAX];
};

enum http_step {
	HTTP_MORE, /* wants more bytes */
	HTTP_DONE,
	HTTP_REFUSED
};

struct http_refusal {
	int status;	 /* 400, 414, 417, 431, 501 or 505 */
	const char *why; /* static text, nothing of the request in it */
};

/*
 * buf[0..n): the bytes of this request so far.  *scanned is 0 at first and
 * kept by the caller between calls: no byte is judged twice, and a fault of
 * form in an unfinished head is refused at once.  max bounds the head in
 * bytes.  On HTTP_DONE h is whole and *used bytes were the head, the empty
 * line included; otherwise h means nothing.
 */
MUST enum http_step http_head_parse(struct http_head *h, const char *buf,
	size_t n, size_t max, size_t *scanned, size_t *used,
	struct http_refusal *no);

/* The first field of that name, given in lower case; NULL where absent.
 * Authorization, Content-Length, Content-Type, Cookie, Expect, Host,
 * Idempotency-Key, Origin and Transfer-Encoding never occur twice. */
const struct slice *http_find(const struct http_head *h, const char *lower);

/* Moves every slice of h from one buffer to a copy of it. */
void http_head_rebase(struct http_head *h, const char *from, const char *to);

/* Where in a body the reader stands; opaque. */
struct http_body {
	int state;
	unsigned digits;    /* of the chunk size so far */
	unsigned ext_left;  /* bytes of extensions still allowed */
	unsigned tail_left; /* bytes of trailer still allowed */
	uint64_t left;	    /* bytes of this body or chunk to come */
};

void http_body_init(struct http_body *b, const struct http_head *h);

/*
 * Takes bytes of the body from buf[0..n), at most one piece of content a call:
 * *piece lies in buf, piece->n may be 0.  *used bytes were taken; with
 * HTTP_MORE and *used < n call again with the rest.  HTTP_DONE: the body has
 * ended behind *used; the last piece may come with it.  Extensions and
 * trailers are checked and dropped.  How large a body may be is the caller's.
 */
MUST enum http_step http_body_next(struct http_body *b, const char *buf,
	size_t n, size_t *used, struct slice *piece, struct http_refusal *no);

#endif
