// SPDX-License-Identifier: MIT
/*
 * csv: rows out of comma-separated values (RFC 4180), as the bytes arrive; and
 * a cell into them.
 * Pure, constant memory (about 18 KiB, all in the struct), no ownership.
 *
 * Lines end in CRLF or LF.  Empty lines are skipped, so is a byte order mark
 * of UTF-8.  A quoted cell may hold commas, line ends and doubled quotes; a
 * quote inside an unquoted cell is refused.  Cells are given as they stood:
 * nothing is trimmed.
 *
 * Faults of a row (a cell too long, too many cells, bytes that are no UTF-8)
 * come with that row, and reading goes on.  Where the rows' borders cannot be
 * trusted any more, it ends.
 */
#ifndef TALLY_COMMON_CSV_H
#define TALLY_COMMON_CSV_H

#include "common/text.h"

enum {
	CSV_COLUMNS_MAX = 64,
	CSV_CELL_MAX = 256,  /* bytes of a cell's text */
	CSV_ROW_MAX = 32768, /* bytes of a row as it stands */
	CSV_WHY = 160
};

enum csv_step {
	CSV_MORE, /* wants more bytes */
	CSV_ROW,
	CSV_END,
	CSV_REFUSED /* for good; fault, line, column and why say it */
};

enum csv_fault {
	CSV_OK,
	/* of one row */
	CSV_CELL_LONG, /* the cell was cut at CSV_CELL_MAX */
	CSV_MANY,      /* cells beyond CSV_COLUMNS_MAX were dropped */
	CSV_NOT_UTF8,
	/* of the whole */
	CSV_ENCODING,  /* UTF-16, with a byte order mark or without */
	CSV_SEPARATOR, /* the header is cut by ; tab or | */
	CSV_QUOTE,     /* opened and not closed, or in a wrong place */
	CSV_LINE_END,  /* CR without LF */
	CSV_NUL,
	CSV_ROW_LONG
};

struct csv {
	/* With CSV_ROW, until the next call: */
	size_t line; /* where the row begins, from 1 */
	size_t n;    /* its cells, those beyond CSV_COLUMNS_MAX counted too */
	struct slice cell[CSV_COLUMNS_MAX]; /* each with a NUL behind it */
	/* With CSV_ROW the first fault of this row or CSV_OK; with CSV_REFUSED
	 * what ended it, and line is where. */
	enum csv_fault fault;
	size_t column;	   /* of the fault, from 1 */
	char why[CSV_WHY]; /* English, nothing of the input but numbers */

	/* The reader's own. */
	int state;
	bool row_given, first, quoted, refused;
	size_t line_now, row_bytes, quote_line, text_n, cell_at;
	/* Where in the whole text the next byte and this cell stand. */
	uint64_t byte, cell_byte;
	bool cell_quoted;
	unsigned mark_n; /* bytes of a possible byte order mark held back */
	char mark[2];
	char text[CSV_COLUMNS_MAX * (CSV_CELL_MAX + 1)];
};

void csv_init(struct csv *c);

/*
 * Takes bytes from buf[0..n) up to the end of a row; *used were taken.  end:
 * nothing follows buf.  Call again with the rest after CSV_ROW (also when
 * nothing is left and end is true) until CSV_MORE or CSV_END.
 */
MUST enum csv_step csv_next(
	struct csv *c, const char *buf, size_t n, bool end, size_t *used);

/* Writes a cell, in quotes where it wants them.  guard: with a ' before what a
 * spreadsheet would run, and before what looks as if it had one already. */
void csv_quote(struct text *t, const char *s, bool guard);
/* Takes that ' off a cell, which has a NUL behind it. */
void csv_unguard(struct slice *cell);

#endif
