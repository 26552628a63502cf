// SPDX-License-Identifier: MIT
/*
 * Map: cameras, a row on its way in, a part on its way to the database, the
 * file.
 */
#include "analytics/import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <zlib.h>

#include "analytics/camera.h"
#include "analytics/seen.h"
#include "common/text.h"
#include "common/tz.h"
#include "common/zones.h"

enum {
	PIECE = 64 << 10,
	PART_BYTES = 32 << 20, /* of a part's rows, in memory */
	CAMERA_BYTES = 256 << 20,
	CAMERAS_FIRST = 64, /* places; a power of two */
	START_BITS = 40	    /* of a key: seconds since 1970 */
};

struct known_camera {
	const char *code;
	unsigned number;	  /* from 1, in the order of the file */
	int64_t camera_id;	  /* 0: would be added, were this no trial */
	const struct tz *tz;	  /* NULL: it is not there */
	const char *why;	  /* then; static */
	int64_t start_at, end_at; /* of its row before, on this line */
	unsigned line;
};

struct run {
	struct import *im;
	struct import_counts *n;
	char *why;
	int64_t now;
	struct arena cameras_arena, arena;
	struct zones zones;
	struct known_camera **camera; /* open addressing */
	size_t places, cameras;
	struct seen *seen;
	struct count_batch batch;
	struct count *todo[COUNT_ROWS_MAX];
	const char *text[COUNT_ROWS_MAX]; /* of the rows, where they are kept */
	struct count_csv csv;
	struct text line;
};

static enum err fail(struct run *r, enum err e, const char *why)
{
	snprintf(r->why, IMPORT_WHY, "%s", why);
	return e;
}

/* ---- cameras */

static struct known_camera **place(struct run *r, const char *code)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
	size_t i;

	for (const char *p = code; *p; p++)
		h = (h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	for (i = h & (r->places - 1);
		r->camera[i] && strcmp(r->camera[i]->code, code) != 0;
		i = (i + 1) & (r->places - 1))
		;
	return &r->camera[i];
}

static enum err grow(struct run *r)
{
	struct known_camera **old = r->camera;
	size_t n = r->places;

	r->places = n ? 2 * n : CAMERAS_FIRST;
	if (!(r->camera = calloc(r->places, sizeof(struct known_camera *)))) {
		r->camera = old;
		r->places = n;
		return E_NOMEM;
	}
	for (size_t i = 0; i < n; i++)
		if (old[i])
			*place(r, old[i]->code) = old[i];
	free(old);
	return E_OK;
}

/* Its id, and its zone in the arena; E_NOT_FOUND. */
static enum err ask(struct run *r, const char *code, struct arena *a,
	int64_t *id, const char **zone)
{
	struct db_rows rows;
	enum err e =
		db_run(r->im->db, Q_CAMERA_ZONE, DB_ARGS(DB_S(code)), a, &rows);

	if (e || !rows.n)
		return e ? e : E_NOT_FOUND;
	*id = rows.cell[0].i;
	*zone = rows.cell[1].s.at;
	return E_OK;
}

/* The zone that a camera would have, were it added. */
static enum err trial_zone(struct run *r, struct arena *a, const char **zone)
{
	const struct import *im = r->im;
	struct db_rows rows = {0};
	enum err e = E_OK;

	if ((*zone = im->camera_tz))
		return E_OK;
	if (im->site)
		e = db_run(
			im->db, Q_SITE_OF, DB_ARGS(DB_S(im->site)), a, &rows);
	if (!e && !rows.n)
		e = db_run(im->db, Q_SITE_DEFAULT, NULL, a, &rows);
	if (!e && !rows.n)
		return fail(r, E_NOT_FOUND, "there is no default site");
	if (!e)
		*zone = rows.cell[1].s.at;
	return e;
}

static enum err add(struct run *r, struct known_camera *k, const char *name)
{
	struct camera_new c = {.code = k->code,
		.name = name && *name ? name : NULL,
		.site = r->im->site,
		.tz = r->im->camera_tz};
	const char *field;
	enum err e = camera_create(r->im->db, &c, r->im->by, NULL, &field);

	if (e == E_INVALID && field && strcmp(field, "camera") &&
		strcmp(field, "name")) {
		snprintf(
			r->why, IMPORT_WHY, "%s %s", field, camera_rule(field));
		return E_SYNTAX;
	}
	if (e == E_INVALID && field)
		k->why = strcmp(field, "name") != 0
			? "it is not registered, and no code can be like that"
			: "it is not registered, and no name can be like this";
	if (!e)
		r->n->cameras++;
	return e;
}

/* Finds the camera in the database, or adds it. */
static enum err learn(struct run *r, struct known_camera *k, const char *name)
{
	const struct import *im = r->im;
	const char *zone = NULL;
	struct arena a;
	enum err e;

	arena_init(&a, 64 << 10);
	e = ask(r, k->code, &a, &k->camera_id, &zone);
	if (e == E_NOT_FOUND && !im->add_cameras) {
		k->why = "it is not registered";
		e = E_OK;
	} else if (e == E_NOT_FOUND && !im->store) {
		e = trial_zone(r, &a, &zone);
	} else if (e == E_NOT_FOUND) {
		e = add(r, k, name);
		if (!e || e == E_EXISTS) /* by somebody else, just now */
			e = ask(r, k->code, &a, &k->camera_id, &zone);
		else if (e == E_INVALID && k->why)
			e = E_OK;
	}
	if (!e && zone && (e = zones_find(&r->zones, zone, &k->tz)))
		snprintf(r->why, IMPORT_WHY, "time zone %s: %s", zone,
			err_text(e));
	arena_reset(&a);
	return e;
}

static enum err find_camera(
	struct run *r, const struct count *c, struct known_camera **out)
{
	struct known_camera **at, *k;
	enum err e;

	if (2 * r->cameras >= r->places && (e = grow(r)))
		return e;
	at = place(r, c->camera);
	if ((*out = *at))
		return E_OK;
	k = arena_alloc(&r->cameras_arena, sizeof(*k));
	if (!k ||
		!(k->code = arena_copy(
			  &r->cameras_arena, c->camera, strlen(c->camera))))
		return fail(r, E_TOO_BIG, "too many cameras");
	k->number = (unsigned)++r->cameras;
	*out = *at = k;
	return learn(r, k, c->name);
}

/* ---- a row on its way in */

static uint64_t key_of(const struct known_camera *k, const struct count *c)
{
	return (uint64_t)k->number << START_BITS | (uint64_t)c->start_at;
}

static void repeats(struct run *r, struct count *c, const struct seen_row *s)
{
	if (s->digest != count_digest(c))
		count_refuse(&r->batch, c, "start_at", "conflict",
			"line %u has the same camera and time with other "
			"values",
			s->line);
	else if (s->refused)
		count_refuse(&r->batch, c, "start_at", "conflict",
			"it repeats line %u, which was refused", s->line);
	else
		c->verdict = COUNT_DUPLICATE;
}

/* What the rows of the file before it say about this one. */
static void hold_against_file(
	struct run *r, struct known_camera *k, struct count *c)
{
	const struct seen_row *s = seen_find(r->seen, key_of(k, c));

	if (s) {
		repeats(r, c, s);
		return;
	}
	if (k->line && c->start_at < k->end_at && k->start_at < c->end_at) {
		count_refuse(&r->batch, c, "start_at", "overlap",
			"the interval overlaps the one of line %u", k->line);
		return;
	}
	seen_add(r->seen,
		&(struct seen_row){.key = key_of(k, c),
			.digest = count_digest(c),
			.line = c->line});
	k->start_at = c->start_at;
	k->end_at = c->end_at;
	k->line = c->line;
}

static enum err take_row(struct run *r, struct count *c)
{
	const struct import *im = r->im;
	struct known_camera *k;
	enum err e;

	if (c->verdict == COUNT_REJECTED)
		return E_OK;
	if ((e = find_camera(r, c, &k)))
		return e;
	if (!k->tz) {
		count_refuse(&r->batch, c, "camera", "unknown_camera",
			"camera \"%.120s\": %s", c->camera, k->why);
		return E_OK;
	}
	c->camera_id = k->camera_id;
	count_localize(&r->batch, c, k->tz, im->times.fold);
	if (im->interval_s)
		c->end_at = c->start_at + im->interval_s;
	count_check(&r->batch, c, r->now);
	if (c->verdict == COUNT_REJECTED)
		return E_OK;
	hold_against_file(r, k, c);
	r->n->repeated += c->repeated && c->verdict != COUNT_REJECTED;
	return E_OK;
}

/* The row as it stood, or nearly so: quotes only where they are wanted. */
static const char *row_text(struct run *r)
{
	const struct csv *v = &r->csv.csv;
	const char *copy;

	text_clear(&r->line);
	for (size_t i = 0; i < v->n && i < CSV_COLUMNS_MAX; i++) {
		text_str(&r->line, i ? "," : "");
		csv_quote(&r->line, v->cell[i].at, false);
	}
	text_str(&r->line, "");
	copy = r->line.at ? arena_copy(&r->arena, r->line.at, r->line.n) : NULL;
	return copy ? copy : "";
}

/* ---- a part on its way to the database */

/* Rows that repeat one of this part which the database then refused. */
static void refuse_repeats(struct run *r)
{
	struct count_batch *b = &r->batch;
	struct known_camera *k;
	struct seen_row *s;

	for (size_t i = 0; i < b->n; i++) {
		struct count *c = &b->row[i];

		if (!c->camera_id || !(k = *place(r, c->camera)) ||
			!(s = seen_find(r->seen, key_of(k, c))))
			continue;
		if (c->verdict == COUNT_REJECTED && s->line == c->line)
			s->refused = true;
		else if (c->verdict == COUNT_DUPLICATE && s->refused)
			repeats(r, c, s);
	}
}

static void count_up(struct import_counts *n, const struct count_batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		switch (b->row[i].verdict) {
		case COUNT_UNJUDGED:
		case COUNT_INSERTED:
			n->inserted++;
			break;
		case COUNT_DUPLICATE:
			n->duplicate++;
			break;
		case COUNT_REPLACED:
			n->replaced++;
			break;
		case COUNT_KEPT:
			n->kept++;
			break;
		case COUNT_REJECTED:
			n->refused++;
			break;
		}
}

static int by_line(const void *pa, const void *pb)
{
	const struct count_error *a = pa, *b = pb;

	return a->line < b->line ? -1 : a->line > b->line;
}

/* What the file calls a field. */
static const char *column_of(const struct import *im, const char *field)
{
	static const char *const other[] = {
		"camera", "start_at", "end_at", "observed_s"};
	const char *name = NULL;

	for (int i = 0; im->columns && i < COUNT_FIGURES_N; i++)
		if (!strcmp(field, count_name[i]))
			name = im->columns->name[i];
	for (size_t i = 0; im->columns && i < ARRAY_LEN(other); i++)
		if (!strcmp(field, other[i]))
			name = im->columns->name[COLUMN_CAMERA + i];
	return name ? name : field;
}

static void tell(struct run *r)
{
	struct count_batch *b = &r->batch;
	size_t row = 0;

	if (b->errors_n)
		qsort(b->error, b->errors_n, sizeof(*b->error), by_line);
	for (size_t i = 0; i < b->errors_n; i++) {
		while (row + 1 < b->n && b->row[row].line < b->error[i].line)
			row++;
		r->im->refused(r->im->ctx,
			&(struct import_refusal){.line = b->error[i].line,
				.column = column_of(r->im, b->error[i].field),
				.reason = b->error[i].detail,
				.row = r->im->keep_rows ? r->text[row] : ""});
	}
}

static enum err write_part(struct run *r)
{
	struct count_batch *b = &r->batch;
	size_t n = 0;
	enum err e;

	for (size_t i = 0; i < b->n; i++)
		if (b->row[i].verdict == COUNT_UNJUDGED && b->row[i].camera_id)
			r->todo[n++] = &b->row[i];
	if ((e = batch_put(
		     r->im->db, b, r->todo, n, r->im->conflict, r->im->store)))
		return e;
	refuse_repeats(r);
	r->n->read += b->n;
	count_up(r->n, b);
	tell(r);
	arena_reset(&r->arena);
	*b = (struct count_batch){.arena = &r->arena};
	return E_OK;
}

/* ---- the file */

struct input {
	gzFile gz;
	double size;
	char piece[PIECE];
};

static enum err open_input(struct run *r, struct input *in)
{
	struct stat st;

	errno = 0;
	if (!(in->gz = gzopen(r->im->path, "rb")) || stat(r->im->path, &st))
		return fail(r, E_IO, strerror(errno ? errno : ENOMEM));
	in->size = (double)st.st_size;
	return E_OK;
}

static enum err read_input(struct run *r, struct input *in, size_t *n)
{
	int got = gzread(in->gz, in->piece, PIECE), number;
	const char *why = gzerror(in->gz, &number);

	*n = got > 0 ? (size_t)got : 0;
	if (number == Z_ERRNO)
		return fail(r, E_IO, strerror(errno));
	/* The end in the middle of a stream is an error of its own. */
	if (got < 0 || (got == 0 && number != Z_OK && number != Z_STREAM_END))
		return fail(r, E_CORRUPT, why);
	return E_OK;
}

/* Writes the part; asks whether to go on. */
static enum err end_part(struct run *r, const struct input *in)
{
	double done = in->size > 0 ? (double)gzoffset(in->gz) / in->size : 1;
	enum err e = write_part(r);

	if (e)
		return e;
	return r->im->go_on(r->im->ctx, r->n, done) ? E_OK : E_BUSY;
}

static enum err take_last_row(struct run *r, const struct input *in)
{
	struct count_batch *b = &r->batch;
	struct count *c = &b->row[b->n - 1];
	enum err e;

	if (r->im->keep_rows)
		r->text[b->n - 1] = row_text(r);
	if ((e = take_row(r, c)))
		return e;
	return b->n == COUNT_ROWS_MAX || r->arena.used > PART_BYTES
		? end_part(r, in)
		: E_OK;
}

/* Takes the rows that end in this piece; last: nothing follows it. */
static enum err take_piece(
	struct run *r, const struct input *in, size_t n, bool last)
{
	const char *at = in->piece;
	size_t used;
	enum err e;

	for (;; at += used, n -= used) {
		switch (count_csv_next(&r->csv, at, n, last, &used)) {
		case CSV_MORE:
			return E_OK;
		case CSV_END:
			return end_part(r, in);
		case CSV_REFUSED:
			if ((e = write_part(r)))
				return e;
			return fail(r, E_SYNTAX, r->csv.why);
		case CSV_ROW:
			if ((e = take_last_row(r, in)))
				return e;
		}
	}
}

static enum err read_file(struct run *r)
{
	struct input *in = malloc(sizeof(*in));
	enum err e;
	size_t n;

	if (!in)
		return E_NOMEM;
	e = open_input(r, in);
	if (!e)
		do {
			if (!(e = read_input(r, in, &n)))
				e = take_piece(r, in, n, n == 0);
		} while (n && !e);
	if (in->gz)
		gzclose_r(in->gz);
	free(in);
	return e;
}

enum err import_run(
	struct import *im, struct import_counts *n, char why[IMPORT_WHY])
{
	struct run *r = calloc(1, sizeof(*r));
	enum err e = E_NOMEM;

	*n = (struct import_counts){0};
	*why = '\0';
	if (!r)
		return e;
	r->im = im;
	r->n = n;
	r->why = why;
	r->now = when_now();
	arena_init(&r->cameras_arena, CAMERA_BYTES);
	arena_init(&r->arena, 2 * PART_BYTES);
	r->batch.arena = &r->arena;
	text_init(&r->line, CSV_COLUMNS_MAX * (2 * CSV_CELL_MAX + 4));
	count_csv_init(&r->csv, &r->batch, &im->times, im->camera, NULL);
	r->csv.names = im->columns;
	if ((r->seen = seen_new()))
		e = read_file(r);
	seen_free(r->seen);
	text_free(&r->line);
	free(r->camera);
	zones_free(&r->zones);
	arena_reset(&r->arena);
	arena_reset(&r->cameras_arena);
	free(r);
	return e;
}
