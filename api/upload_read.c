// SPDX-License-Identifier: MIT
#include "api/upload_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "common/charset.h"
#include "common/log.h"

enum {
	RAW = 32 << 10,
	OUT = 64 << 10,
	HEAD = 512,	      /* bytes that tell what it is */
	RATIO_FROM = 1 << 20, /* below this no ratio does harm */
	GZIP_ONLY = 16 + 15
};

struct upload_reader {
	int fd;
	off_t at;
	bool gzip, inflating, ended; /* a member is open; it was whole */
	z_stream z;
	struct charset *charset;
	char charset_name[32];
	struct text utf8;
	bool malformed;
	uint64_t malformed_byte;
	unsigned char raw[RAW], out[OUT];
};

/* ---- bytes ---- */

static enum err read_some(struct upload_reader *r, size_t *n)
{
	ssize_t got;

	do
		got = pread(r->fd, r->raw, RAW, r->at);
	while (got < 0 && errno == EINTR);
	if (got < 0) {
		log_error("upload: %s", strerror(errno));
		return E_IO;
	}
	r->at += got;
	*n = (size_t)got;
	return E_OK;
}

/* More input, where all was taken; a further member begins with it. */
static enum err refill(struct upload_reader *r, bool *end)
{
	size_t n = 0;
	enum err e = r->z.avail_in ? E_OK : read_some(r, &n);

	if (e)
		return e;
	if (!r->z.avail_in) {
		r->z.next_in = r->raw;
		r->z.avail_in = (uInt)n;
	}
	*end = !r->z.avail_in;
	if (*end || r->inflating)
		return *end && r->inflating ? E_CORRUPT : E_OK;
	if (inflateReset(&r->z) != Z_OK)
		return E_NOMEM;
	r->inflating = true;
	return E_OK;
}

static enum err unpack(struct upload_reader *r, struct slice *piece)
{
	bool end = false;
	enum err e;
	int z;

	r->z.next_out = r->out;
	r->z.avail_out = OUT;
	while (r->z.avail_out == OUT) {
		if ((e = refill(r, &end)) || end)
			return e;
		z = inflate(&r->z, Z_NO_FLUSH);
		if (z == Z_MEM_ERROR)
			return E_NOMEM;
		if (z != Z_OK && z != Z_STREAM_END && z != Z_BUF_ERROR)
			return E_CORRUPT;
		if (z == Z_STREAM_END)
			r->inflating = false;
	}
	*piece = (struct slice){(const char *)r->out, OUT - r->z.avail_out};
	return E_OK;
}

static enum err bytes_next(struct upload_reader *r, struct slice *piece)
{
	size_t n = 0;
	enum err e;

	*piece = (struct slice){"", 0};
	if (r->gzip)
		return unpack(r, piece);
	e = read_some(r, &n);
	*piece = (struct slice){(const char *)r->raw, n};
	return e;
}

/* ---- text ---- */

static enum err open_charset(struct upload_reader *r)
{
	charset_close(r->charset);
	r->charset = NULL;
	r->malformed = false;
	if (!*r->charset_name)
		return E_OK;
	return charset_open(&r->charset,
		(struct slice){r->charset_name, strlen(r->charset_name)});
}

enum err upload_reader_open(
	struct upload_reader **out, int fd, bool gzip, struct slice charset)
{
	struct upload_reader *r = calloc(1, sizeof(*r));
	enum err e;

	*out = r;
	if (!r)
		return E_NOMEM;
	r->fd = fd;
	text_init(&r->utf8, 4 * OUT);
	snprintf(r->charset_name, sizeof(r->charset_name), "%.*s",
		(int)charset.n, charset.at);
	if ((e = open_charset(r)))
		return e;
	if (!gzip)
		return E_OK;
	r->gzip = inflateInit2(&r->z, GZIP_ONLY) == Z_OK;
	return r->gzip ? E_OK : E_NOMEM;
}

void upload_reader_close(struct upload_reader *r)
{
	if (!r)
		return;
	if (r->gzip)
		inflateEnd(&r->z);
	charset_close(r->charset);
	text_free(&r->utf8);
	free(r);
}

enum err upload_reader_rewind(struct upload_reader *r)
{
	r->at = 0;
	r->z.avail_in = 0;
	r->inflating = r->ended = false;
	return open_charset(r);
}

enum err upload_reader_next(
	struct upload_reader *r, struct slice *piece, uint64_t *byte)
{
	struct slice raw;
	enum err e;

	*piece = (struct slice){"", 0};
	*byte = r->malformed_byte;
	while (!r->malformed && !r->ended) {
		if ((e = bytes_next(r, &raw)))
			return e;
		r->ended = !raw.n;
		if (!r->charset) {
			*piece = raw;
			return E_OK;
		}
		text_clear(&r->utf8);
		e = charset_add(r->charset, raw.at, raw.n, r->ended, &r->utf8,
			&r->malformed_byte);
		r->malformed = e == E_INVALID;
		*byte = r->malformed_byte;
		if (r->utf8.full || (e && e != E_INVALID))
			return E_NOMEM;
		*piece = (struct slice){r->utf8.at, r->utf8.n};
		if (piece->n)
			return E_OK;
	}
	return r->malformed ? E_INVALID : E_OK;
}

/* ---- what it is ---- */

static void refuse(
	struct upload_fault *f, int status, const char *slug, const char *why)
{
	f->status = status;
	f->slug = slug;
	snprintf(f->why, sizeof(f->why), "%s", why);
}

static bool begins(struct slice s, const char *with, size_t n)
{
	return s.n >= n && !memcmp(s.at, with, n);
}

/* Bytes of zero tell other files from text; of UTF-16 the readers speak. */
static bool is_binary(struct slice s)
{
	bool utf16 = s.n > 1 &&
		(!s.at[0] || !s.at[1] || s.at[0] == '\xff' ||
			s.at[0] == '\xfe');

	return memchr(s.at, '\0', s.n) && !utf16;
}

static void look_at(struct slice s, bool *ndjson, struct upload_fault *f)
{
	if (begins(s, "PK\3\4", 4)) {
		refuse(f, 415, "unsupported-type",
			"the file is a ZIP archive or a workbook (.xlsx, "
			".ods); save it as CSV and send that");
		return;
	}
	if (begins(s, "\x1f\x8b", 2) || begins(s, "%PDF", 4) || is_binary(s)) {
		refuse(f, 415, "unsupported-type",
			"the file is neither CSV nor NDJSON, plain or gzip");
		return;
	}
	if (begins(s, "\xef\xbb\xbf", 3)) {
		s.at += 3;
		s.n -= 3;
	}
	while (s.n && strchr(" \t\r\n", *s.at) && *s.at) {
		s.at++;
		s.n--;
	}
	*ndjson = begins(s, "{", 1);
	if (begins(s, "[", 1))
		refuse(f, 415, "unsupported-type",
			"the file is a JSON array; send an object a line "
			"(NDJSON), or CSV");
	else if (begins(s, "<", 1))
		refuse(f, 415, "unsupported-type",
			"the file is HTML or XML; send CSV or NDJSON");
	else if (!s.n)
		refuse(f, 422, "empty", "the file is empty");
}

/* Unpacks it to its end. */
static enum err look_through(struct upload_reader *r,
	const struct upload_bounds *bounds, struct slice *head,
	struct upload_fault *f)
{
	uint64_t n = 0;
	struct slice piece;
	enum err e;

	while (!(e = bytes_next(r, &piece)) && piece.n && !f->status) {
		char *to = (char *)(uintptr_t)head->at + head->n;
		size_t k = HEAD - head->n < piece.n ? HEAD - head->n : piece.n;

		memcpy(to, piece.at, k);
		head->n += k;
		n += piece.n;
		if (n > bounds->expanded_max)
			refuse(f, 413, "too-large",
				"what the gzip file holds is over "
				"api.upload_expanded_max");
		else if (n > RATIO_FROM &&
			n > (uint64_t)r->at * bounds->ratio_max)
			refuse(f, 413, "too-large",
				"what the gzip file holds is over "
				"api.upload_ratio_max times its size");
	}
	if (e == E_CORRUPT) {
		refuse(f, 422, "bad-gzip",
			"the gzip file is damaged or cut off");
		e = E_OK;
	}
	return e;
}

enum err upload_look(int fd, const struct upload_bounds *bounds, bool *gzip,
	bool *ndjson, struct upload_fault *f)
{
	static const struct slice utf8 = {"", 0};
	struct upload_reader *r = NULL;
	char buf[HEAD];
	struct slice head = {buf, 0};
	ssize_t n = pread(fd, buf, HEAD, 0);
	enum err e = E_OK;

	if (n < 0) {
		log_error("upload: %s", strerror(errno));
		return E_IO;
	}
	head.n = (size_t)n;
	*gzip = begins(head, "\x1f\x8b", 2);
	if (*gzip) {
		head.n = 0;
		if (!(e = upload_reader_open(&r, fd, true, utf8)))
			e = look_through(r, bounds, &head, f);
	}
	if (!e && !f->status)
		look_at(head, ndjson, f);
	upload_reader_close(r);
	return e;
}
