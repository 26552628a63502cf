// SPDX-License-Identifier: MIT
/*
 * upload: the inside of an upload, shared by its files in the order it takes:
 *
 *	upload.c	the form as it arrives, its fields, the file to disk
 *	upload_read.c	the text in it, plain or gzip
 *	upload_store.c	its rows, part by part, through the committer
 *	upload_rejected.c the bad rows, as CSV to mend and send again
 *	upload_answer.c	what is kept of it, and the reply
 *	upload_page.c	the page at /upload, and the reply as a page
 *	uploads.c	GET /uploads: what was kept
 */
#ifndef TALLY_API_UPLOAD_H
#define TALLY_API_UPLOAD_H

#include "analytics/count_csv.h"
#include "analytics/count_ndjson.h"
#include "api/commit.h"
#include "api/req.h"
#include "api/upload_read.h"
#include "common/multipart.h"

enum {
	UPLOAD_SHOWN = 100,		/* bad rows in a reply */
	UPLOAD_PIECE = 256 << 10,	/* bytes on their way to disk, to SQL */
	UPLOAD_REJECTED_MAX = 16 << 20, /* bytes of bad rows that are kept */
	UPLOAD_HOLDS = 2 << 20,		/* bytes in memory that one counts as */
	UPLOAD_FIELD_MAX = 256,
	UPLOAD_NAME_MAX = 200 /* bytes of a file's name */
};

/* The fields of the form besides the file.  The first of them may stand in the
 * query of the address, too; those from start_at on are a row by hand. */
#define UPLOAD_FIELDS(X) \
	X(tz) \
	X(fold) \
	X(camera) \
	X(on_conflict) \
	X(partial) \
	X(charset) \
	X(token) \
	X(csrf) \
	X(start_at) \
	X(end_at) \
	X(people) \
	X(vehicle) \
	X(face) \
	X(people_new) \
	X(vehicle_new) \
	X(face_new)

enum upload_field {
#define X(name) UPLOAD_##name,
	UPLOAD_FIELDS(X)
#undef X
		UPLOAD_FIELDS_N
};

extern const char *const upload_field_name[UPLOAD_FIELDS_N];

/* What the process keeps for all uploads. */
struct upload_room {
	struct work *work; /* threads that read and write the files */
	char dir[4200];
	unsigned open; /* uploads now, and what they hold on disk */
	uint64_t disk;
	uint64_t refused; /* by the bounds of both, since the start */
	char *zones;	  /* names, each ended by LF, for the page */
};

MUST enum err upload_room_open(struct upload_room **room, struct api *api);
void upload_room_close(struct upload_room *room);

/* How one of the two readers of a file stands. */
struct upload_text {
	struct upload_reader *reader;
	struct slice piece; /* what is left of the last piece */
	bool end;
};

struct upload_rejected;

struct upload {
	/* As it arrives. */
	const struct upload_room *room;
	bool html; /* for a person */
	bool raw;  /* the body is the file itself */
	struct multipart form;
	const char *field[UPLOAD_FIELDS_N]; /* NULL: not there */
	int part; /* the field that comes now, or one of upload.c's own */
	bool file_seen, manual;
	const char *file;     /* its name, to be shown; NULL: none */
	struct slice charset; /* of the file's Content-Type */
	struct text value;    /* of the field that comes */
	struct text buffer;   /* of the file, on its way to disk */
	struct text rest;     /* of the body, while something is waited for */
	void *lookup;	      /* auth_token's */
	bool waits_for_auth, open;
	int fd;
	uint64_t bytes, disk; /* of the file; what it counts on disk */
	struct upload_fault fault;

	/* As it is read and stored. */
	struct count_times times;
	struct tz *tz;
	bool whole; /* partial=false */
	bool gzip, is_ndjson;
	struct upload_text text;
	struct arena rows;
	struct count_batch batch;
	struct count_csv csv;
	struct count_ndjson ndjson;
	struct commit_job job;
	bool checking;	/* the pass before, which stores nothing */
	bool read_out;	/* there are no more rows */
	bool committed; /* the batch came back */
	unsigned parts;
	struct upload_order *order; /* of the rows, while checking */

	/* What became of it. */
	int64_t received, n[COUNT_REJECTED + 1];
	struct count_error shown[UPLOAD_SHOWN]; /* the first, in the arena */
	size_t shown_n;
	unsigned unread_line; /* from there on it cannot be read; or 0 */
	char unread_why[COUNT_CSV_WHY];
	const char *unread_slug;
	struct upload_rejected *rejected;
	int64_t id, at; /* as it is kept; 0: it is not */
	bool noted;	/* it is, as far as it has come */
};

/* The request's upload; NULL where none has begun. */
struct upload *upload_of(const struct req *r);
/* Refuses with u->fault. */
enum step upload_refuse(struct req *r, struct upload *u);
PRINTF(4, 5)
void upload_fault(
	struct upload *u, int status, const char *slug, const char *fmt, ...);

/* The next piece of a text into t->piece; at the end t->end.  As
 * upload_reader_next. */
MUST enum err upload_text_next(struct upload_text *t, uint64_t *byte);

/* The bad rows of the batch, whose errors are in the order of lines: on a work
 * thread.  E_IO, E_NOMEM; E_FULL: the disk is. */
MUST enum err upload_rejected_add(struct upload *u);
/* Forgets them. */
void upload_rejected_free(struct upload_rejected *j);
/* How many there are in the CSV; and its bytes from *at on, up to n. */
size_t upload_rejected_rows(const struct upload_rejected *j);
MUST enum err upload_rejected_read(
	const struct upload_rejected *j, off_t *at, char *buf, size_t *n);

/* A file without a name, 0600, gone with its descriptor.  -1 after saying why.
 */
int upload_file(const struct upload_room *room);
/* E_FULL: the disk is; E_IO. */
MUST enum err upload_write(int fd, const char *s, size_t n);

/* The errors as elements of a JSON array, and the members received … rejected.
 */
void upload_write_errors(struct text *t, const struct upload *u);
void upload_write_counts(struct text *t, const struct upload *u);

/* Keeps how far it has come, before each part: rows before this line are
 * stored.  Who dies behind it leaves that.  On a work thread. */
MUST enum err upload_note(struct req *r, struct db *db, unsigned line);

/* The page: a report on u, which is stored or was refused with this status. */
enum step upload_report(struct req *r, const struct upload *u, int status);
#endif
