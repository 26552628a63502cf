// SPDX-License-Identifier: MIT
#include "common/csv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/utf8.h"

enum state {
	MARK,	  /* perhaps in a byte order mark */
	CELL,	  /* before a cell's first byte */
	PLAIN,	  /* in an unquoted cell */
	QUOTED,	  /* in a quoted cell */
	QUOTE,	  /* behind a quote in it: its end, or a doubled one */
	CARRIAGE, /* behind a CR */
};

void csv_init(struct csv *c)
{
	memset(c, 0, offsetof(struct csv, text));
	c->state = MARK;
	c->first = true;
	c->line = c->line_now = 1;
}

PRINTF(4, 5)
static enum csv_step refuse(
	struct csv *c, enum csv_fault fault, size_t line, const char *fmt, ...)
{
	va_list ap;

	c->refused = true;
	c->fault = fault;
	c->line = line;
	c->column = c->n + 1;
	va_start(ap, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
	return CSV_REFUSED;
}

/* The first fault of a row stays. */
PRINTF(3, 4)
static void note(struct csv *c, enum csv_fault fault, const char *fmt, ...)
{
	va_list ap;

	if (c->fault)
		return;
	c->fault = fault;
	c->column = c->n + 1;
	va_start(ap, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
}

static void row_begin(struct csv *c)
{
	c->row_given = false;
	c->line = c->line_now;
	c->n = c->row_bytes = c->text_n = c->cell_at = 0;
	c->fault = CSV_OK;
	c->column = 0;
	c->why[0] = '\0';
	c->quoted = false;
}

static void keep(struct csv *c, const char *s, size_t n)
{
	size_t have = c->text_n - c->cell_at;

	if (c->n >= CSV_COLUMNS_MAX)
		return;
	if (n > CSV_CELL_MAX - have) {
		note(c, CSV_CELL_LONG, "the cell is over 256 bytes");
		n = CSV_CELL_MAX - have;
	}
	memcpy(c->text + c->text_n, s, n);
	c->text_n += n;
}

/* Where the cell's i-th byte stood: quotes took a byte more each. */
static uint64_t byte_of(const struct csv *c, const char *cell, size_t i)
{
	uint64_t byte = c->cell_byte + c->cell_quoted + i;

	while (c->cell_quoted && i--)
		byte += cell[i] == '"';
	return byte;
}

static void cell_end(struct csv *c)
{
	const char *at = c->text + c->cell_at;
	size_t n = c->text_n - c->cell_at, good;

	if (c->n < CSV_COLUMNS_MAX) {
		if ((good = utf8_check(at, n)) != n)
			note(c, CSV_NOT_UTF8,
				"the cell is not UTF-8 (byte %llu)",
				(unsigned long long)byte_of(c, at, good));
		c->cell[c->n] = (struct slice){at, n};
		c->text[c->text_n++] = '\0';
		c->cell_at = c->text_n;
	} else {
		note(c, CSV_MANY, "the row has more than 64 cells");
	}
	c->n++;
}

static const char *separator_name(char c)
{
	return c == '\t' ? "tabs" : c == ';' ? "';'" : "'|'";
}

/* A header of one cell with foreign separators in it. */
static enum csv_step header_check(struct csv *c)
{
	const char *at;

	if (!c->first || c->n != 1 || c->quoted)
		return CSV_ROW;
	if (!(at = strpbrk(c->cell[0].at, ";\t|")))
		return CSV_ROW;
	c->n = 0;
	return refuse(c, CSV_SEPARATOR, c->line,
		"the header's cells are separated by %s, not by commas",
		separator_name(*at));
}

/* CSV_MORE where the row is an empty line. */
static enum csv_step row_end(struct csv *c)
{
	enum csv_step step;

	cell_end(c);
	c->state = CELL;
	if (c->n == 1 && c->cell[0].n == 0 && !c->quoted) {
		row_begin(c);
		return CSV_MORE;
	}
	step = header_check(c);
	c->first = false;
	c->row_given = true;
	return step;
}

/* A byte that ends an unquoted cell, or may not stand there. */
static enum csv_step plain_special(struct csv *c, char ch)
{
	switch (ch) {
	case ',':
		cell_end(c);
		c->state = CELL;
		return CSV_MORE;
	case '\r':
		c->state = CARRIAGE;
		return CSV_MORE;
	case '\n':
		c->line_now++;
		return row_end(c);
	case '"':
		if (c->state == CELL) {
			c->state = QUOTED;
			c->quoted = c->cell_quoted = true;
			c->quote_line = c->line_now;
			return CSV_MORE;
		}
		return refuse(c, CSV_QUOTE, c->line_now,
			"a quote stands inside an unquoted cell");
	}
	if (c->first && c->line_now == 1 && c->row_bytes == 2)
		return refuse(c, CSV_ENCODING, 1,
			"the text is UTF-16LE; it must be UTF-8");
	return refuse(c, CSV_NUL, c->line_now, "the text holds a NUL byte");
}

static enum csv_step quote_end(struct csv *c, char ch)
{
	if (ch == '"') {
		keep(c, &ch, 1);
		c->state = QUOTED;
		return CSV_MORE;
	}
	if (ch == ',' || ch == '\r' || ch == '\n')
		return plain_special(c, ch);
	if (c->first && c->n == 0 && ch && strchr(";\t|", ch))
		return refuse(c, CSV_SEPARATOR, c->line_now,
			"the header's cells are separated by %s, not by commas",
			separator_name(ch));
	return refuse(c, CSV_QUOTE, c->line_now,
		"text stands behind the closing quote of a cell");
}

/* What ends a run of ordinary bytes in an unquoted cell, and in a quoted one.
 */
static const bool ends_plain[256] = {[','] = true,
	['"'] = true,
	['\r'] = true,
	['\n'] = true,
	['\0'] = true};
static const bool ends_quoted[256] = {
	['"'] = true, ['\n'] = true, ['\0'] = true};

static size_t run(const bool ends[256], const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && !ends[(unsigned char)s[i]])
		i++;
	return i;
}

/* Takes one special byte or a run of others; *used of them. */
static enum csv_step take(struct csv *c, const char *s, size_t n, size_t *used)
{
	bool quoted = c->state == QUOTED;
	size_t i = 0;

	if (c->state == CELL) {
		c->cell_byte = c->byte;
		c->cell_quoted = false;
	}
	if (quoted)
		i = run(ends_quoted, s, n);
	else if (c->state == PLAIN || c->state == CELL)
		i = run(ends_plain, s, n);
	*used = i ? i : 1;
	c->row_bytes += *used;
	if (i) {
		keep(c, s, i);
		c->state = quoted ? QUOTED : PLAIN;
		return CSV_MORE;
	}
	if (c->state == CARRIAGE) {
		if (*s == '\n')
			return plain_special(c, '\n');
		return refuse(c, CSV_LINE_END, c->line_now,
			"the line ends in CR alone; lines end in CRLF or LF");
	}
	if (c->state == QUOTE)
		return quote_end(c, *s);
	if (!quoted || !*s)
		return plain_special(c, *s);
	if (*s == '"') {
		c->state = QUOTE;
		return CSV_MORE;
	}
	c->line_now++;
	keep(c, s, 1);
	return CSV_MORE;
}

static enum csv_step row_long(struct csv *c)
{
	if (c->state == QUOTED)
		return refuse(c, CSV_QUOTE, c->quote_line,
			"the quote opened on line %zu is not closed within "
			"%d bytes",
			c->quote_line, CSV_ROW_MAX);
	return refuse(c, CSV_ROW_LONG, c->line, "the row is over %d bytes",
		CSV_ROW_MAX);
}

/* The first bytes.  What turns out to be no mark is given to the cell: such
 * bytes are never special. */
static enum csv_step mark(struct csv *c, char byte, size_t *used)
{
	unsigned char b = (unsigned char)byte;
	unsigned char was = (unsigned char)c->mark[0];

	*used = 1;
	if (c->mark_n == 0 && (b == 0xef || b == 0xff || b == 0xfe)) {
		c->mark[c->mark_n++] = byte;
		return CSV_MORE;
	}
	if (c->mark_n == 0 && b == 0)
		return refuse(c, CSV_ENCODING, 1,
			"the text is UTF-16BE; it must be UTF-8");
	if (c->mark_n == 1 &&
		((was == 0xff && b == 0xfe) || (was == 0xfe && b == 0xff)))
		return refuse(c, CSV_ENCODING, 1,
			"the text is UTF-16%s; it must be UTF-8",
			was == 0xff ? "LE" : "BE");
	if (c->mark_n == 1 && was == 0xef && b == 0xbb) {
		c->mark[c->mark_n++] = byte;
		return CSV_MORE;
	}
	c->state = CELL;
	if (c->mark_n == 2 && b == 0xbf)
		return CSV_MORE;
	*used = 0;
	if (c->mark_n) {
		keep(c, c->mark, c->mark_n);
		c->state = PLAIN;
	}
	return CSV_MORE;
}

static enum csv_step finish(struct csv *c)
{
	if (c->state == MARK && c->mark_n) {
		keep(c, c->mark, c->mark_n);
		c->state = PLAIN;
	}
	if (c->state == QUOTED)
		return refuse(c, CSV_QUOTE, c->quote_line,
			"the quote opened on line %zu is never closed",
			c->quote_line);
	if (c->state == CARRIAGE)
		return refuse(c, CSV_LINE_END, c->line_now,
			"the line ends in CR alone; lines end in CRLF or LF");
	if (c->n == 0 && (c->state == CELL || c->state == MARK))
		return CSV_END;
	return row_end(c);
}

enum csv_step csv_next(
	struct csv *c, const char *buf, size_t n, bool end, size_t *used)
{
	enum csv_step step = CSV_MORE;
	size_t i = 0, k;

	*used = 0;
	if (c->refused)
		return CSV_REFUSED;
	if (c->row_given)
		row_begin(c);
	while (step == CSV_MORE && i < n) {
		if (c->state == MARK) {
			step = mark(c, buf[i], &k);
		} else if (c->row_bytes >= CSV_ROW_MAX) {
			step = row_long(c);
			k = 0;
		} else {
			size_t room = CSV_ROW_MAX - c->row_bytes;

			step = take(
				c, buf + i, n - i < room ? n - i : room, &k);
		}
		i += k;
		c->byte += k;
	}
	*used = i;
	if (step == CSV_MORE && end)
		step = finish(c);
	return step;
}

/* What a spreadsheet would run, or what looks as if it had been guarded. */
static bool wants_guard(const char *s)
{
	s += strspn(s, "'");
	return *s && strchr("=+-@\t\r", *s);
}

void csv_unguard(struct slice *cell)
{
	if (!cell->n || *cell->at != '\'' || !wants_guard(cell->at))
		return;
	cell->at++;
	cell->n--;
}

void csv_quote(struct text *t, const char *s, bool guard)
{
	bool quoted = s[strcspn(s, ",\"\r\n")] != '\0';

	if (quoted)
		text_add(t, "\"", 1);
	if (guard && wants_guard(s))
		text_add(t, "'", 1);
	for (;;) {
		size_t n = strcspn(s, "\"");

		text_add(t, s, n);
		if (!s[n])
			break;
		text_add(t, "\"\"", 2);
		s += n + 1;
	}
	if (quoted)
		text_add(t, "\"", 1);
}
