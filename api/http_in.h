// SPDX-License-Identifier: MIT
/*
 * http_in: the inside of the request parser, shared by its three files: what a
 * byte may be (RFC 9110, section 5.6; RFC 3986) and what a well-formed head
 * says.  Pure.
 */
#ifndef TALLY_API_HTTP_IN_H
#define TALLY_API_HTTP_IN_H

#include "api/http.h"

/*
 * One letter a byte, sixteen a line:
 *	t token and target     u target alone     # token alone
 *	v neither, but visible     o beyond ASCII     x never, anywhere
 * and the blank, h (tab), r (CR) and n (LF) for themselves.  Of what RFC 3986
 * keeps out of a target, browsers do send ^ ` { | } [ ] in a query; they stay.
 */
static inline char http_byte(char byte)
{
	static const char kind[] = "xxxxxxxxxhnxxrxx"
				   "xxxxxxxxxxxxxxxx"
				   " tv#ttttuuttuttu"
				   "ttttttttttuuvuvu"
				   "uttttttttttttttt"
				   "tttttttttttuvutt"
				   "tttttttttttttttt"
				   "tttttttttttututx";
	unsigned char c = (unsigned char)byte;

	return c < 0x80 ? kind[c] : 'o';
}

static inline bool http_token_byte(char byte)
{
	char k = http_byte(byte);

	return k == 't' || k == '#';
}

static inline bool http_target_byte(char byte)
{
	char k = http_byte(byte);

	return k == 't' || k == 'u';
}

/* Inside a field's value; bytes beyond ASCII too. */
static inline bool http_value_byte(char byte)
{
	char k = http_byte(byte);

	return k != 'x' && k != 'r' && k != 'n';
}

static inline bool http_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* 0 to 15, or -1. */
static inline int http_hex(char c)
{
	if (http_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Always HTTP_REFUSED. */
static inline enum http_step http_refuse(
	struct http_refusal *no, int status, const char *why)
{
	*no = (struct http_refusal){status, why};
	return HTTP_REFUSED;
}

/* Equal but for the case of s. */
bool http_is(struct slice s, const char *lower);

/* A request line without its CRLF: method, target and version, one blank
 * between, each of legal bytes.  HTTP_DONE or HTTP_REFUSED. */
MUST enum http_step http_read_line(
	struct http_head *h, struct slice line, struct http_refusal *no);

/* A whole head with its empty line, every byte in a legal place. */
MUST enum http_step http_read_head(
	struct http_head *h, struct slice head, struct http_refusal *no);

#endif
