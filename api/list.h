// SPDX-License-Identifier: MIT
/*
 * list: a reply that lists items, as JSON or as CSV.  A table of columns says
 * what an item has; its cells come in the same order.
 *
 * JSON: {…,"items":[{"camera":…,"people":{"n":…}}],"next":…}.  A group all of
 * whose cells are NULL is null; one that is sparse leaves its NULLs out.
 * CSV (RFC 4180, UTF-8, CRLF, a header row): a column each, those of a group as
 * people_n, those of a sparse one by their own names; NULL is an empty cell,
 * and text that a spreadsheet would run as a formula gets an apostrophe.  The
 * next page is in the field Link.
 */
#ifndef TALLY_API_LIST_H
#define TALLY_API_LIST_H

#include "api/req.h"

enum { LIST_ETAG = 2 + 32 + 1 };

enum list_kind {
	LIST_TEXT,
	LIST_INT,
	LIST_REAL,
	LIST_TRUTH, /* an integer: true unless 0 */
	LIST_TEXTS, /* lines of a text: an array */
	LIST_JSON
};

struct list_column {
	const char *group; /* NULL: the item's own */
	const char *name;
	enum list_kind kind;
	bool sparse;
};

/* Bits of a 64-bit number choose among columns. */
enum { LIST_COLUMNS_MAX = 64, LIST_NAME_MAX = 26 };

/* What is the same in each item: ',"name":'; of a group's first column also
 * what opens it, and the column behind it. */
struct list_key {
	unsigned char n, group_n, end;
	bool numbers; /* from here to the group's end */
	char at[LIST_NAME_MAX + 6], group[LIST_NAME_MAX + 6];
};

struct list {
	const struct list_column *column;
	const struct list_key *key; /* of JSON; NULL without list_open */
	size_t n;
	uint64_t without; /* a bit for each column that is left out */
	bool csv;
	bool packed; /* to be */
	char etag[LIST_ETAG];
};

/* Reads ?format= and Accept.  STEP_NEXT, or a 400 or 406. */
enum step list_choose(struct req *r, struct list *l);
/* Begins the body in r->out; period: a member before the items, or NULL.  Names
 * are ASCII without quotes, of LIST_NAME_MAX bytes at most. */
void list_open(struct req *r, struct list *l, const char *period,
	const struct list_column *column, size_t n);
/* The same as JSON, into any text. */
void list_json(
	struct text *t, const struct list *l, const struct db_cell *cell);
/* cell: one for each column, those left out included. */
void list_item(struct req *r, const struct list *l, const struct db_cell *cell);
/* Ends the body, and adds what CSV says in header fields.  name: of the file,
 * without its suffix; next: path and query of the next page, or NULL. */
void list_close(struct req *r, const struct list *l, const char *name,
	const char *next);
const char *list_type(const struct list *l);
/*
 * The reply, by the route's next two steps, list_pack and list_send: as gzip
 * for who prefers that, with an ETag of what it says, and 304 for who has it.
 * It was made anew all the same: what is saved is its way.  l lives as long as
 * the request.
 */
enum step list_finish(struct req *r, struct list *l);
enum step list_pack(struct req *r);
enum step list_send(struct req *r);

#endif
