// SPDX-License-Identifier: MIT
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/http.h"

enum { MAX = 16384, MORE = -1, DONE = 0 };

/* MORE, DONE or the status of the refusal; at most step bytes a call. */
struct outcome {
	int head, body;
	size_t used, content_n;
	char content[512];
	struct http_head h;
	const char *why;
};

static void read_body(struct outcome *o, const char *s, size_t n, size_t step)
{
	struct http_refusal no = {0};
	struct http_body b;
	struct slice piece;
	enum http_step e;
	size_t at = 0, used;

	http_body_init(&b, &o->h);
	do {
		e = http_body_next(&b, s + at, n - at < step ? n - at : step,
			&used, &piece, &no);
		at += used;
		ck_assert(o->content_n + piece.n <= sizeof(o->content));
		memcpy(o->content + o->content_n, piece.at, piece.n);
		o->content_n += piece.n;
	} while (e == HTTP_MORE && at < n);
	o->used += at;
	o->why = no.why;
	o->body = e == HTTP_MORE ? MORE : no.status;
}

static void read_cut(struct outcome *o, const char *s, size_t n, size_t step)
{
	struct http_refusal no = {0};
	size_t scanned = 0, have = 0;
	enum http_step e;

	*o = (struct outcome){.body = MORE};
	do {
		have = n - have < step ? n : have + step;
		e = http_head_parse(
			&o->h, s, have, MAX, &scanned, &o->used, &no);
	} while (e == HTTP_MORE && have < n);
	o->why = no.why;
	o->head = e == HTTP_MORE ? MORE : no.status;
	if (e == HTTP_DONE)
		read_body(o, s + o->used, n - o->used, step);
}

/* The text whole and byte by byte: the same must come of it. */
static void read_both(struct outcome *o, const char *s, size_t n)
{
	struct outcome slow;

	read_cut(o, s, n, SIZE_MAX);
	read_cut(&slow, s, n, 1);
	ck_assert_msg(o->head == slow.head && o->body == slow.body,
		"%s: %d %d, byte by byte %d %d", s, o->head, o->body, slow.head,
		slow.body);
	if (o->head == DONE && o->body != DONE && o->body != MORE)
		return;
	ck_assert_uint_eq(o->content_n, slow.content_n);
	ck_assert_mem_eq(o->content, slow.content, o->content_n);
}

static bool equal(struct slice s, const char *text)
{
	return s.n == strlen(text) && !memcmp(s.at, text, s.n);
}

struct row {
	int want;
	const char *s;
	size_t n;
};

#define ROW(want, s) \
	{ \
		want, s, sizeof(s) - 1 \
	}
#define HOST	 "Host: a\r\n"
#define POST	 "POST / HTTP/1.1\r\n" HOST
#define CHUNKS	 POST "Transfer-Encoding: chunked\r\n\r\n"
#define FIELD(f) "GET / HTTP/1.1\r\n" HOST f "\r\n\r\n"

static void heads(const struct row *row, size_t n)
{
	static struct outcome o;

	for (size_t i = 0; i < n; i++) {
		read_both(&o, row[i].s, row[i].n);
		ck_assert_msg(o.head == row[i].want, "%s: %d (%s), not %d",
			row[i].s, o.head, o.why, row[i].want);
	}
}

static void bodies(const struct row *row, size_t n)
{
	static struct outcome o;

	for (size_t i = 0; i < n; i++) {
		read_both(&o, row[i].s, row[i].n);
		ck_assert_msg(o.head == DONE && o.body == row[i].want,
			"%s: %d (%s), not %d", row[i].s, o.body, o.why,
			row[i].want);
	}
}

START_TEST(a_request_line_has_three_parts_and_two_blanks)
{
	static const struct row row[] = {
		ROW(DONE, "GET / HTTP/1.1\r\n" HOST "\r\n"),
		ROW(DONE, "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n"),
		ROW(DONE, "BREW / HTTP/1.1\r\n" HOST "\r\n"),
		ROW(DONE, "GET / HTTP/1.9\r\n" HOST "\r\n"),
		ROW(DONE, "GET / HTTP/1.0\r\n\r\n"),
		ROW(MORE, ""),
		ROW(MORE, "\r"),
		ROW(MORE, "GET / HTTP/1.1\r\n"),
		ROW(MORE, "GET / HTTP/1.1\r\n" HOST "\r"),
		ROW(400, "\r\n\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n"),
		ROW(400, "\nGET / HTTP/1.1\r\n" HOST "\r\n"),
		ROW(400, " GET / HTTP/1.1\r\n" HOST "\r\n"),
		ROW(400, "GET  / HTTP/1.1\r\n" HOST "\r\n"),
		ROW(400, "GET /  HTTP/1.1\r\n" HOST "\r\n"),
		ROW(400, "GET\t/ HTTP/1.1\r\n" HOST "\r\n"),
		ROW(400, "GET / HTTP/1.1 \r\n" HOST "\r\n"),
		ROW(400, "GET / HTTP/1.1\n" HOST "\r\n"),
		ROW(400, "GET / HTTP/1.1\r" HOST "\r\n"),
		ROW(400, "GET /\r\n"),
		ROW(400, "GET\r\n"),
		ROW(400, "GET / \r\n"),
		ROW(400, "GET / http/1.1\r\n"),
		ROW(400, "GET / HTTP/01.1\r\n"),
		ROW(400, "GET / HTTP/1.10\r"),
		ROW(400, "GET / HTTP/1\r\n"),
		ROW(400, "GET / HTTPS/1.1\r\n"),
		ROW(400, "G\x80T / HTTP/1.1\r\n"),
		ROW(400, "G(T / HTTP/1.1"),
		ROW(400, "\x16\x03\x01\x02"),
		ROW(400, "\0"),
		ROW(505, "GET / HTTP/2.0\r\n"),
		ROW(505, "GET / HTTP/0.9\r\n"),
		ROW(505, "GET / HTTP/9.9\r\n"),
		ROW(505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
		ROW(501, "GETGETGETGETGETGETGETGETGETGETGETG"),
	};

	heads(row, ARRAY_LEN(row));
}
END_TEST

START_TEST(a_target_is_a_path_or_an_http_address)
{
	static const struct row row[] = {
		ROW(DONE, "GET //evil/x HTTP/1.1\r\n" HOST "\r\n"),
		ROW(DONE, "GET /?a=[]{}|^` HTTP/1.1\r\n" HOST "\r\n"),
		ROW(DONE, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n"),
		ROW(DONE, "GET https://a.b:443/x HTTP/1.1\r\n" HOST "\r\n"),
		ROW(400, "GET * HTTP/1.1\r\n"),
		ROW(400, "GET a HTTP/1.1\r\n"),
		ROW(400, "GET ?a HTTP/1.1\r\n"),
		ROW(400, "GET ftp://a/ HTTP/1.1\r\n"),
		ROW(400, "GET http:// HTTP/1.1\r\n"),
		ROW(400, "GET http:///x HTTP/1.1\r\n"),
		ROW(400, "GET http://u@a/ HTTP/1.1\r\n"),
		ROW(400, "GET http://a:b/ HTTP/1.1\r\n"),
		ROW(400, "GET a:80 HTTP/1.1\r\n"),
		ROW(501, "CONNECT a:80 HTTP/1.1\r\n"),
		ROW(400, "GET /\x80 HTTP/1.1\r\n"),
		ROW(400, "GET /\xc3\xa9 HTTP/1.1\r\n"),
		ROW(400, "GET /\x01 HTTP/1.1\r\n"),
		ROW(400, "GET /\x7f HTTP/1.1\r\n"),
		ROW(400, "GET /\0 HTTP/1.1\r\n"),
		ROW(400, "GET /#x HTTP/1.1\r\n"),
		ROW(400, "GET /\\x HTTP/1.1\r\n"),
		ROW(400, "GET /<x> HTTP/1.1\r\n"),
		ROW(400, "GET /\"x HTTP/1.1\r\n"),
	};

	heads(row, ARRAY_LEN(row));
}
END_TEST

START_TEST(path_and_query_are_found)
{
	static const struct {
		const char *target, *path, *query;
	} row[] = {{"/", "/", NULL}, {"/a?", "/a", ""}, {"/a?b?c", "/a", "b?c"},
		{"//evil/x?y", "//evil/x", "y"}, {"http://a", "/", NULL},
		{"http://a?b", "/", "b"},
		{"HTTP://[::1]:80/c?d=/", "/c", "d=/"}};
	static struct outcome o;
	char s[128];

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		snprintf(s, sizeof(s), "GET %s HTTP/1.1\r\n" HOST "\r\n",
			row[i].target);
		read_both(&o, s, strlen(s));
		read_cut(&o, s, strlen(s), SIZE_MAX);
		ck_assert_int_eq(o.head, DONE);
		ck_assert(equal(o.h.target, row[i].target));
		ck_assert_msg(equal(o.h.path, row[i].path), "%s", s);
		ck_assert(!o.h.query.at == !row[i].query);
		ck_assert(!row[i].query || equal(o.h.query, row[i].query));
	}
}
END_TEST

START_TEST(fields_are_held_to_their_grammar)
{
	static const struct row row[] = {
		ROW(DONE, FIELD("A:")),
		ROW(DONE, FIELD("A:\t b \t")),
		ROW(DONE, FIELD("A!#$%&'*+-.^_`|~9: \x80\xff")),
		ROW(DONE, FIELD("Upgrade: h2c\r\nConnection: upgrade")),
		ROW(DONE, FIELD("A: 1\r\nA: 2")),
		ROW(400, FIELD("A : b")),
		ROW(400, FIELD("A\t: b")),
		ROW(400, FIELD(": b")),
		ROW(400, FIELD("A")),
		ROW(400, FIELD("A b: c")),
		ROW(400, FIELD("A(: c")),
		ROW(400, FIELD("\xc3\xa9: c")),
		ROW(400, FIELD("A\0: c")),
		ROW(400, FIELD("A: b\r\n c")),
		ROW(400, FIELD("A: b\r\n\tc")),
		ROW(400, "GET / HTTP/1.1\r\n " HOST "\r\n"),
		ROW(400, FIELD("A: b\nB: c")),
		ROW(400, FIELD("A: b\rB: c")),
		ROW(400, FIELD("A: b\r\r")),
		ROW(400, FIELD("A: b\0c")),
		ROW(400, FIELD("A: b\x01")),
		ROW(400, FIELD("A: b\x7f")),
		ROW(400, FIELD("A: b\x0b")),
		ROW(400, "GET / HTTP/1.1\r\n" HOST "\n"),
	};

	heads(row, ARRAY_LEN(row));
}
END_TEST

START_TEST(host_is_there_once_and_names_a_host)
{
	static const struct row row[] = {
		ROW(DONE, "GET / HTTP/1.1\r\nhOsT:a-b_c.d%20:80\r\n\r\n"),
		ROW(DONE, "GET / HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n\r\n"),
		ROW(DONE, "GET / HTTP/1.1\r\nHost: 10.0.0.1:\r\n\r\n"),
		ROW(400, "GET / HTTP/1.1\r\n\r\n"),
		ROW(400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
		ROW(400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
		ROW(400, "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"),
		ROW(400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
		ROW(400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
		ROW(400, "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"),
		ROW(400, "GET / HTTP/1.1\r\nHost: a:8o\r\n\r\n"),
		ROW(400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
		ROW(400, "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"),
		ROW(400, "GET / HTTP/1.1\r\nHost: \xc3\xa9\r\n\r\n"),
		ROW(400, "GET / HTTP/1.1\r\n" HOST HOST "\r\n"),
		ROW(400, "GET / HTTP/1.1\r\n" HOST "hoSt: b\r\n\r\n"),
		ROW(400, "GET / HTTP/1.0\r\n" HOST HOST "\r\n"),
		ROW(400, "GET http://a/ HTTP/1.1\r\n\r\n"),
	};

	heads(row, ARRAY_LEN(row));
}
END_TEST

START_TEST(what_must_not_come_twice_is_refused)
{
	static const char *const names[] = {"Authorization", "Content-Type",
		"Cookie", "Origin", "Expect", "Content-Length",
		"Transfer-Encoding"};
	static const char *const values[] = {"Bearer x", "text/csv", "a=b",
		"http://a", "100-continue", "0", "chunked"};
	static struct outcome o;
	char s[256];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(s, sizeof(s), POST "%s: %s\r\n\r\n", names[i],
			values[i]);
		read_both(&o, s, strlen(s));
		ck_assert_msg(o.head == DONE, "%s", s);
		snprintf(s, sizeof(s), POST "%s: %s\r\nA: b\r\n%s: %s\r\n\r\n",
			names[i], values[i], names[i], values[i]);
		read_both(&o, s, strlen(s));
		ck_assert_msg(o.head == 400, "%s", s);
	}
}
END_TEST

START_TEST(a_length_is_decimal_digits)
{
	static const struct row row[] = {
		ROW(DONE, POST "Content-Length: 0\r\n\r\n"),
		ROW(DONE, POST "Content-Length:  2 \r\n\r\n"),
		ROW(DONE, POST "Content-Length: 002\r\n\r\n"),
		ROW(DONE, POST "Content-Length: 999999999999999999\r\n\r\n"),
		ROW(400, POST "Content-Length:\r\n\r\n"),
		ROW(400, POST "Content-Length: +2\r\n\r\n"),
		ROW(400, POST "Content-Length: -2\r\n\r\n"),
		ROW(400, POST "Content-Length: -0\r\n\r\n"),
		ROW(400, POST "Content-Length: 0x2\r\n\r\n"),
		ROW(400, POST "Content-Length: 2 2\r\n\r\n"),
		ROW(400, POST "Content-Length: 2, 2\r\n\r\n"),
		ROW(400, POST "Content-Length: 2.0\r\n\r\n"),
		ROW(400, POST "Content-Length: 2e1\r\n\r\n"),
		ROW(400, POST "Content-Length: \xb2\r\n\r\n"),
		ROW(400, POST "Content-Length: 18446744073709551618\r\n\r\n"),
		ROW(400, POST "Content-Length: 2\r\ncontent-length: 3\r\n\r\n"),
		ROW(400, POST "Content-Length : 2\r\n\r\n"),
	};

	heads(row, ARRAY_LEN(row));
}
END_TEST

START_TEST(chunked_is_the_only_coding_and_stands_alone)
{
	static const struct row row[] = {
		ROW(DONE, POST "Transfer-Encoding: Chunked\r\n\r\n"),
		ROW(501, POST "Transfer-Encoding: gzip\r\n\r\n"),
		ROW(501, POST "Transfer-Encoding: xchunked\r\n\r\n"),
		ROW(501, POST "Transfer-Encoding: identity\r\n\r\n"),
		ROW(501, POST "Transfer-Encoding: gzip, chunked\r\n\r\n"),
		ROW(400, POST "Transfer-Encoding: chunked, gzip\r\n\r\n"),
		ROW(400, POST "Transfer-Encoding: chunked, chunked\r\n\r\n"),
		ROW(400, POST "Transfer-Encoding: chunked,\r\n\r\n"),
		ROW(400, POST "Transfer-Encoding: ,chunked\r\n\r\n"),
		ROW(400, POST "Transfer-Encoding:\r\n\r\n"),
		ROW(400, POST "Transfer-Encoding: chunked;a=b\r\n\r\n"),
		ROW(400, POST "Transfer-Encoding: \"chunked\"\r\n\r\n"),
		ROW(400, POST "Transfer-Encoding: chunked\x80\r\n\r\n"),
		ROW(400,
			POST "Transfer-Encoding: \x0b"
			     "chunked\r\n\r\n"),
		ROW(400, POST "Transfer-Encoding : chunked\r\n\r\n"),
		ROW(400, POST "Transfer-Encoding:\r\n chunked\r\n\r\n"),
		ROW(400,
			POST "Transfer-Encoding: chunked\r\n"
			     "Content-Length: 2\r\n\r\n"),
		ROW(400,
			POST "Content-Length: 2\r\n"
			     "Transfer-Encoding: chunked\r\n\r\n"),
		ROW(400,
			"POST / HTTP/1.0\r\n" HOST
			"Transfer-Encoding: chunked\r\n\r\n"),
	};

	heads(row, ARRAY_LEN(row));
}
END_TEST

START_TEST(chunks_are_framed_exactly)
{
	static const struct row row[] = {
		ROW(DONE, CHUNKS "0\r\n\r\n"),
		ROW(DONE, CHUNKS "2\r\nab\r\n0\r\n\r\n"),
		ROW(DONE, CHUNKS "00000002\r\nab\r\n000\r\n\r\n"),
		ROW(DONE,
			CHUNKS "a\r\n0123456789\r\nA\r\n0123456789\r\n"
			       "0\r\n\r\n"),
		ROW(DONE, CHUNKS "2;x=y\r\nab\r\n0;z\r\n\r\n"),
		ROW(DONE, CHUNKS "2;x=\"a;b\"\r\nab\r\n0\r\n\r\n"),
		ROW(DONE, CHUNKS "0\r\nA: b\r\nC:\r\n\r\n"),
		ROW(MORE, CHUNKS "2\r\nab\r\n0\r\n"),
		ROW(MORE, CHUNKS "2\r\na"),
		ROW(MORE, CHUNKS ""),
		ROW(400, CHUNKS "2 \r\n"),
		ROW(400, CHUNKS " 2\r\n"),
		ROW(400, CHUNKS "0x2\r\n"),
		ROW(400, CHUNKS "+2\r\n"),
		ROW(400, CHUNKS "-0\r\n"),
		ROW(400, CHUNKS "\r\n"),
		ROW(400, CHUNKS ";x\r\n"),
		ROW(400, CHUNKS "g\r\n"),
		ROW(400, CHUNKS "000000002\r\n"),
		ROW(400, CHUNKS "ffffffffffffffff2\r\n"),
		ROW(400, CHUNKS "2\nab\r\n0\r\n\r\n"),
		ROW(400, CHUNKS "2\rab\r\n0\r\n\r\n"),
		ROW(400, CHUNKS "2\r\nab\n0\r\n\r\n"),
		ROW(400, CHUNKS "2\r\nab\rx0\r\n\r\n"),
		ROW(400, CHUNKS "2\r\nabc\r\n0\r\n\r\n"),
		ROW(400, CHUNKS "2\r\nabxx0\r\n\r\n"),
		ROW(400, CHUNKS "2\r\nab0\r\n\r\n"),
		ROW(400, CHUNKS "2;\r\nab\r\n0\r\n\r\n"),
		ROW(400, CHUNKS "2;x\nab\r\n0\r\n\r\n"),
		ROW(400, CHUNKS "2;x=\"\n\"\r\nab\r\n0\r\n\r\n"),
		ROW(400, CHUNKS "2;x\0\r\nab\r\n0\r\n\r\n"),
		ROW(400, CHUNKS "0\r\nA : b\r\n\r\n"),
		ROW(400, CHUNKS "0\r\n A: b\r\n\r\n"),
		ROW(400, CHUNKS "0\r\nA: b\r\n c\r\n\r\n"),
		ROW(400, CHUNKS "0\r\nA: b\n\r\n"),
		ROW(400, CHUNKS "0\r\nA: \x01\r\n\r\n"),
		ROW(400, CHUNKS "0\r\nGET / HTTP/1.1\r\n\r\n"),
		ROW(400, CHUNKS "0\r\n\rx"),
		ROW(400, CHUNKS "0\r\n\n"),
	};

	bodies(row, ARRAY_LEN(row));
}
END_TEST

START_TEST(a_body_gives_its_content_and_nothing_behind_it)
{
	static const char next[] = "GET /next HTTP/1.1\r\n";
	static const struct row row[] = {
		ROW(5, POST "Content-Length: 5\r\n\r\nhello"),
		ROW(5,
			CHUNKS "2;a\r\nhe\r\n3\r\nllo\r\n0\r\nContent-Length: "
			       "9\r\n\r\n"),
		ROW(0, POST "\r\n"),
		ROW(0, POST "Content-Length: 0\r\n\r\n"),
		ROW(5,
			"GET / HTTP/1.1\r\n" HOST
			"Content-Length: 5\r\n\r\nhello"),
	};
	static struct outcome o;
	char s[256];

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		snprintf(s, sizeof(s), "%s%s", row[i].s, next);
		read_both(&o, s, strlen(s));
		ck_assert_int_eq(o.head, DONE);
		ck_assert_int_eq(o.body, DONE);
		ck_assert_uint_eq(o.used, row[i].n);
		ck_assert_uint_eq(o.content_n, (size_t)row[i].want);
		ck_assert_mem_eq(o.content, "hello", o.content_n);
	}
}
END_TEST

/* head, then n times text, then tail. */
static int repeated(const char *head, const char *text, size_t n,
	const char *tail, bool body)
{
	static struct outcome o;
	size_t size = strlen(head) + n * strlen(text) + strlen(tail) + 1;
	char *s = malloc(size), *end = s;

	ck_assert_ptr_nonnull(s);
	end = stpcpy(end, head);
	while (n--)
		end = stpcpy(end, text);
	stpcpy(end, tail);
	read_both(&o, s, size - 1);
	free(s);
	return body ? o.body : o.head;
}

START_TEST(every_bound_holds_at_its_edge)
{
	const char *tail = " HTTP/1.1\r\n" HOST "\r\n", *get;

	ck_assert_int_eq(repeated("GET /", "a", 8191, tail, false), DONE);
	ck_assert_int_eq(repeated("GET /", "a", 8192, tail, false), 414);
	ck_assert_int_eq(repeated("GET /", "a", 8192, "", false), 414);
	get = "GET / HTTP/1.1\r\n" HOST;
	ck_assert_int_eq(repeated(get, "A: b\r\n", 63, "\r\n", false), DONE);
	ck_assert_int_eq(repeated(get, "A: b\r\n", 64, "\r\n", false), 431);
	ck_assert_int_eq(repeated(get, "A:\r\n", 1500, "\r\n", false), 431);
	get = "GET / HTTP/1.1\r\n" HOST "A: ";
	ck_assert_int_eq(
		repeated(get, "b", MAX - strlen(get) - 4, "\r\n\r\n", false),
		DONE);
	ck_assert_int_eq(
		repeated(get, "b", MAX - strlen(get) - 3, "\r\n\r\n", false),
		431);
	ck_assert_int_eq(repeated(get, "b", 65536, "", false), 431);
	ck_assert_int_eq(
		repeated(CHUNKS "2;", "x", 4096, "\r\nab\r\n0\r\n\r\n", true),
		DONE);
	ck_assert_int_eq(repeated(CHUNKS "2;", "x", 4097, "\r\n", true), 400);
	ck_assert_int_eq(repeated(CHUNKS, "1;x23456789\r\na\r\n", 500,
				 "0\r\n\r\n", true),
		400);
	ck_assert_int_eq(
		repeated(CHUNKS "0\r\nA: ", "b", 8000, "\r\n\r\n", true), DONE);
	ck_assert_int_eq(
		repeated(CHUNKS "0\r\n", "A: b\r\n", 2000, "\r\n", true), 431);
}
END_TEST

START_TEST(a_fault_is_refused_before_the_head_ends)
{
	static const struct row row[] = {ROW(400, "GET / HTTP/1.1\n"),
		ROW(400, "GET / HTTP/1.1\r\nHost:a\n"),
		ROW(400, "GET / HTTP/1.1\r\nHost "),
		ROW(400, "GET / HTTP/1.1\r\nA: b\r\n "),
		ROW(505, "GET / HTTP/3.0\r\n"), ROW(400, "G ET /"),
		ROW(400, "\x80")};

	heads(row, ARRAY_LEN(row));
}
END_TEST

START_TEST(keep_alive_follows_version_and_connection)
{
	static const struct {
		bool keep;
		const char *line, *field;
	} row[] = {{true, "GET / HTTP/1.1\r\n", ""},
		{false, "GET / HTTP/1.1\r\n", "Connection: close\r\n"},
		{false, "GET / HTTP/1.1\r\n", "Connection: a, CLOSE ,b\r\n"},
		{true, "GET / HTTP/1.1\r\n", "Connection: closed\r\n"},
		{false, "GET / HTTP/1.1\r\n",
			"Connection: keep-alive\r\nConnection: close\r\n"},
		{false, "GET / HTTP/1.0\r\n", ""},
		{true, "GET / HTTP/1.0\r\n", "Connection: Keep-Alive\r\n"}};
	static struct outcome o;
	char s[128];

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		snprintf(s, sizeof(s), "%s" HOST "%s\r\n", row[i].line,
			row[i].field);
		read_both(&o, s, strlen(s));
		ck_assert_int_eq(o.head, DONE);
		ck_assert_msg(o.h.keep_alive == row[i].keep, "%s", s);
	}
}
END_TEST

START_TEST(only_100_continue_is_expected_and_only_with_a_body)
{
	static const struct {
		int want;
		bool expect;
		const char *s;
	} row[] = {
		{DONE, true,
			POST "Expect: 100-Continue\r\nContent-Length: 1\r\n"},
		{DONE, true,
			POST "Expect: 100-continue\r\n"
			     "Transfer-Encoding: chunked\r\n"},
		{DONE, false, POST "Expect: 100-continue\r\n"},
		{DONE, false,
			"POST / HTTP/1.0\r\nExpect: 100-continue\r\n"
			"Content-Length: 1\r\n"},
		{417, false, POST "Expect: 200-ok\r\nContent-Length: 1\r\n"},
		{417, false, POST "Expect:\r\nContent-Length: 1\r\n"},
	};
	static struct outcome o;
	char s[160];

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		snprintf(s, sizeof(s), "%s\r\n", row[i].s);
		read_both(&o, s, strlen(s));
		ck_assert_msg(o.head == row[i].want, "%s", s);
		ck_assert(o.head || o.h.expect_continue == row[i].expect);
	}
}
END_TEST

START_TEST(a_head_moves_with_its_buffer)
{
	static const char text[] =
		"GET /a?b HTTP/1.1\r\n" HOST "X-Y:  z \r\n\r\n";
	static struct outcome o;
	char copy[sizeof(text)];

	read_cut(&o, text, sizeof(text) - 1, SIZE_MAX);
	memcpy(copy, text, sizeof(text));
	http_head_rebase(&o.h, text, copy);
	ck_assert(o.h.path.at == copy + 4 && o.h.query.at == copy + 7);
	ck_assert(equal(*http_find(&o.h, "x-y"), "z"));
	ck_assert(http_find(&o.h, "x-y")->at > copy);
	ck_assert_ptr_null(http_find(&o.h, "x"));
	ck_assert_ptr_null(http_find(&o.h, "x-y-z"));
}
END_TEST

Suite *test_api_http(void);
Suite *test_api_http(void)
{
	Suite *s = suite_create("api/http");
	TCase *t = tcase_create("http");

	tcase_add_test(t, a_request_line_has_three_parts_and_two_blanks);
	tcase_add_test(t, a_target_is_a_path_or_an_http_address);
	tcase_add_test(t, path_and_query_are_found);
	tcase_add_test(t, fields_are_held_to_their_grammar);
	tcase_add_test(t, host_is_there_once_and_names_a_host);
	tcase_add_test(t, what_must_not_come_twice_is_refused);
	tcase_add_test(t, a_length_is_decimal_digits);
	tcase_add_test(t, chunked_is_the_only_coding_and_stands_alone);
	tcase_add_test(t, chunks_are_framed_exactly);
	tcase_add_test(t, a_body_gives_its_content_and_nothing_behind_it);
	tcase_add_test(t, every_bound_holds_at_its_edge);
	tcase_add_test(t, a_fault_is_refused_before_the_head_ends);
	tcase_add_test(t, keep_alive_follows_version_and_connection);
	tcase_add_test(t, only_100_continue_is_expected_and_only_with_a_body);
	tcase_add_test(t, a_head_moves_with_its_buffer);
	suite_add_tcase(s, t);
	return s;
}
