// SPDX-License-Identifier: MIT
#include "api/http.h"

#include "api/http_in.h"

enum { DIGITS_MAX = 8, EXTENSIONS_MAX = 4096, TRAILER_MAX = 8192 };

/* Where the next byte stands. */
enum place {
	LENGTH, /* in a body of known length */
	SIZE,
	EXTENSION_NAME, /* its first byte */
	EXTENSION,
	SIZE_END, /* between CR and LF, as the other ends */
	DATA,
	DATA_CR,
	DATA_END,
	TRAILER, /* at the begin of a line */
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_END,
	LAST_END,
	ENDED
};

static void size_begin(struct http_body *b)
{
	b->state = SIZE;
	b->digits = 0;
	b->left = 0;
}

void http_body_init(struct http_body *b, const struct http_head *h)
{
	*b = (struct http_body){.state = LENGTH,
		.left = h->length,
		.ext_left = EXTENSIONS_MAX,
		.tail_left = TRAILER_MAX};
	if (h->chunked)
		size_begin(b);
	else if (h->length == 0)
		b->state = ENDED;
}

/* The bytes of content at buf[0..n), as many as the length allows. */
static struct slice content(struct http_body *b, const char *buf, size_t n)
{
	struct slice piece = {buf, n < b->left ? n : (size_t)b->left};

	b->left -= piece.n;
	if (b->left == 0)
		b->state = b->state == LENGTH ? ENDED : DATA_CR;
	return piece;
}

static enum http_step scan_size(
	struct http_body *b, char c, struct http_refusal *no)
{
	int digit = http_hex(c);

	if (digit >= 0 && b->digits < DIGITS_MAX) {
		b->digits++;
		b->left = b->left * 16 + (uint64_t)digit;
	} else if (b->digits == 0 || (c != '\r' && c != ';')) {
		return http_refuse(no, 400,
			"a chunk's size is not 1 to 8 hexadecimal digits");
	} else {
		b->state = c == '\r' ? SIZE_END : EXTENSION_NAME;
	}
	return HTTP_MORE;
}

static enum http_step scan_extension(
	struct http_body *b, char c, struct http_refusal *no)
{
	if (b->state == EXTENSION && c == '\r') {
		b->state = SIZE_END;
		return HTTP_MORE;
	}
	if (b->ext_left-- == 0)
		return http_refuse(
			no, 400, "chunk extensions are over 4096 bytes");
	if (b->state == EXTENSION_NAME ? !http_token_byte(c)
				       : !http_value_byte(c))
		return http_refuse(
			no, 400, "a chunk extension is not well-formed");
	b->state = EXTENSION;
	return HTTP_MORE;
}

static enum http_step scan_trailer(
	struct http_body *b, char c, struct http_refusal *no)
{
	bool well = false;

	if (b->tail_left-- == 0)
		return http_refuse(no, 431, "the trailer is over 8192 bytes");
	switch ((enum place)b->state) {
	case TRAILER:
		well = c == '\r' || http_token_byte(c);
		b->state = c == '\r' ? LAST_END : TRAILER_NAME;
		break;
	case TRAILER_NAME:
		well = c == ':' || http_token_byte(c);
		if (c == ':')
			b->state = TRAILER_VALUE;
		break;
	default:
		well = c == '\r' || http_value_byte(c);
		if (c == '\r')
			b->state = TRAILER_END;
	}
	if (!well)
		return http_refuse(
			no, 400, "a trailer field is not well-formed");
	return HTTP_MORE;
}

/* CR behind a chunk's data, and LF behind any CR. */
static enum http_step scan_end(
	struct http_body *b, char c, struct http_refusal *no)
{
	if (c != (b->state == DATA_CR ? '\r' : '\n'))
		return http_refuse(no, 400,
			b->state == DATA_CR || b->state == DATA_END
				? "a chunk is not as long as it says"
				: "a CR stands without its LF");
	switch ((enum place)b->state) {
	case DATA_CR:
		b->state = DATA_END;
		break;
	case DATA_END:
		size_begin(b);
		break;
	case SIZE_END:
		b->state = b->left ? DATA : TRAILER;
		break;
	case TRAILER_END:
		b->state = TRAILER;
		break;
	default:
		b->state = ENDED;
	}
	return HTTP_MORE;
}

static enum http_step scan_byte(
	struct http_body *b, char c, struct http_refusal *no)
{
	switch ((enum place)b->state) {
	case SIZE:
		return scan_size(b, c, no);
	case EXTENSION_NAME:
	case EXTENSION:
		return scan_extension(b, c, no);
	case TRAILER:
	case TRAILER_NAME:
	case TRAILER_VALUE:
		return scan_trailer(b, c, no);
	case DATA_CR:
	case SIZE_END:
	case DATA_END:
	case TRAILER_END:
	case LAST_END:
		return scan_end(b, c, no);
	case LENGTH:
	case DATA:
	case ENDED:
		break;
	}
	return HTTP_DONE;
}

enum http_step http_body_next(struct http_body *b, const char *buf, size_t n,
	size_t *used, struct slice *piece, struct http_refusal *no)
{
	size_t i = 0;

	*used = 0;
	*piece = (struct slice){buf, 0};
	while (i < n && b->state != ENDED) {
		if (b->state == LENGTH || b->state == DATA) {
			*piece = content(b, buf + i, n - i);
			i += piece->n;
			break;
		}
		if (scan_byte(b, buf[i], no) == HTTP_REFUSED)
			return HTTP_REFUSED;
		i++;
	}
	*used = i;
	return b->state == ENDED ? HTTP_DONE : HTTP_MORE;
}
