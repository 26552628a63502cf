// SPDX-License-Identifier: MIT
/*
 * Every byte is judged by where it stands, as it arrives; the first fault in
 * byte order wins, so the verdict does not depend on how the bytes were cut.
 * When the head has ended, http_read.c reads what it says.
 */
#include "api/http.h"

#include <string.h>

#include "api/http_in.h"

enum { METHOD_MAX = 32, EMPTY_LINES_MAX = 2 };

/* Where a byte stands. */
enum place { METHOD, TARGET, VERSION, NAME, VALUE, LINE_END };

struct scan {
	const char *buf;
	enum place place;
	size_t at;    /* the byte to judge */
	size_t line;  /* where its line begins */
	size_t part;  /* where its method, target or version begins */
	size_t start; /* where the request line begins */
	struct http_refusal *no;
};

static enum http_step scan_method(struct scan *s, char c)
{
	if (http_token_byte(c)) {
		if (s->at - s->line < METHOD_MAX)
			return HTTP_MORE;
		return http_refuse(s->no, 501, "no method is that long");
	}
	if (c == '\r' && s->at == s->line && s->at < 2 * EMPTY_LINES_MAX) {
		s->place = LINE_END;
		return HTTP_MORE;
	}
	if (c != ' ' || s->at == s->line)
		return http_refuse(s->no, 400, "this is no HTTP request");
	s->place = TARGET;
	s->part = s->at + 1;
	return HTTP_MORE;
}

static enum http_step scan_target(struct scan *s, char c)
{
	if (http_target_byte(c)) {
		if (s->at - s->part < HTTP_TARGET_MAX)
			return HTTP_MORE;
		return http_refuse(s->no, 414, "the target is over 8192 bytes");
	}
	if (c != ' ' || s->at == s->part)
		return http_refuse(s->no, 400,
			"the target holds a byte that none may hold");
	s->place = VERSION;
	s->part = s->at + 1;
	return HTTP_MORE;
}

static enum http_step scan_version(struct scan *s, char c)
{
	size_t i = s->at - s->part;
	bool well;

	if (i == 8)
		well = c == '\r';
	else if (i == 5 || i == 7)
		well = http_digit(c);
	else
		well = c == "HTTP/1.1"[i];
	if (!well)
		return http_refuse(s->no, 400,
			"the request line does not end in a version");
	if (i == 8)
		s->place = LINE_END;
	return HTTP_MORE;
}

static enum http_step scan_name(struct scan *s, char c)
{
	if (http_token_byte(c))
		return HTTP_MORE;
	if (c == ':' && s->at > s->line) {
		s->place = VALUE;
		return HTTP_MORE;
	}
	if (c == '\r' && s->at == s->line) {
		s->place = LINE_END;
		return HTTP_MORE;
	}
	if ((c == ' ' || c == '\t') && s->at == s->line)
		return http_refuse(
			s->no, 400, "a field goes on in a second line");
	return http_refuse(
		s->no, 400, "a field's name holds what none may hold");
}

static enum http_step scan_value(struct scan *s, char c)
{
	if (c == '\r')
		s->place = LINE_END;
	else if (!http_value_byte(c))
		return http_refuse(s->no, 400,
			"a field's value holds a control character");
	return HTTP_MORE;
}

/* The byte after CR. */
static enum http_step scan_end(struct scan *s, struct http_head *h, char c)
{
	struct slice line = {s->buf + s->line, s->at - 1 - s->line};
	bool request_line = s->line == s->start;

	if (c != '\n')
		return http_refuse(s->no, 400, "a CR stands without its LF");
	s->line = s->at + 1;
	s->place = NAME;
	if (line.n == 0 && !request_line)
		return HTTP_DONE;
	if (line.n == 0) {
		s->start = s->line;
		s->place = METHOD;
	} else if (request_line &&
		http_read_line(h, line, s->no) == HTTP_REFUSED) {
		return HTTP_REFUSED;
	}
	return HTTP_MORE;
}

static enum http_step scan_byte(struct scan *s, struct http_head *h)
{
	char c = s->buf[s->at];

	switch (s->place) {
	case METHOD:
		return scan_method(s, c);
	case TARGET:
		return scan_target(s, c);
	case VERSION:
		return scan_version(s, c);
	case NAME:
		return scan_name(s, c);
	case VALUE:
		return scan_value(s, c);
	case LINE_END:
		return scan_end(s, h, c);
	}
	return HTTP_REFUSED;
}

/* Finds the place of buf[at] again; all before it is well-formed. */
static struct scan resume(const char *buf, size_t at, struct http_refusal *no)
{
	struct scan s = {.buf = buf, .at = at, .no = no};
	const char *lf = at ? memrchr(buf, '\n', at) : NULL, *gap;

	s.line = lf ? (size_t)(lf + 1 - buf) : 0;
	s.part = s.line;
	while (s.start + 1 < at && buf[s.start] == '\r')
		s.start += 2;
	if (at > s.line && buf[at - 1] == '\r') {
		s.place = LINE_END;
	} else if (s.line != s.start) {
		gap = at > s.line ? memchr(buf + s.line, ':', at - s.line)
				  : NULL;
		s.place = gap ? VALUE : NAME;
	} else {
		for (s.place = METHOD; (gap = s.part < at
				     ? memchr(buf + s.part, ' ', at - s.part)
				     : NULL);
			s.place++)
			s.part = (size_t)(gap + 1 - buf);
	}
	return s;
}

enum http_step http_head_parse(struct http_head *h, const char *buf, size_t n,
	size_t max, size_t *scanned, size_t *used, struct http_refusal *no)
{
	struct scan s = resume(buf, *scanned, no);
	enum http_step step = HTTP_MORE;
	size_t end = n < max ? n : max;

	*used = 0;
	while (step == HTTP_MORE && s.at < end) {
		/* Most of a head is values. */
		while (s.place == VALUE && s.at + 1 < end &&
			http_value_byte(buf[s.at]))
			s.at++;
		step = scan_byte(&s, h);
		s.at++;
	}
	*scanned = s.at;
	if (step == HTTP_MORE && s.at >= max) {
		if (s.place == TARGET)
			return http_refuse(no, 414, "the target is too long");
		return http_refuse(no, 431, "the head is too long");
	}
	if (step != HTTP_DONE)
		return step;
	*used = s.at;
	return http_read_head(h, (struct slice){buf, s.at}, no);
}

const struct slice *http_find(const struct http_head *h, const char *lower)
{
	for (size_t i = 0; i < h->headers_n; i++)
		if (http_is(h->header[i].name, lower))
			return &h->header[i].value;
	return NULL;
}

static void move(struct slice *s, const char *from, const char *to)
{
	if (s->at)
		s->at = to + (s->at - from);
}

void http_head_rebase(struct http_head *h, const char *from, const char *to)
{
	move(&h->method_text, from, to);
	move(&h->target, from, to);
	move(&h->path, from, to);
	move(&h->query, from, to);
	for (size_t i = 0; i < h->headers_n; i++) {
		move(&h->header[i].name, from, to);
		move(&h->header[i].value, from, to);
	}
}
