// SPDX-License-Identifier: MIT
/*
 * POST /upload and POST /api/v1/uploads: a file on its way in.  The form is
 * taken apart as it arrives; the file goes to disk, in pieces, by a thread.
 * Whoever has no session gives a token in the form: before the file, so that
 * nobody unknown ever writes to the disk.
 */
#include "api/upload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "api/auth.h"
#include "api/resources.h"
#include "api/server.h"
#include "api/work.h"
#include "common/log.h"
#include "common/tz.h"
#include "common/utf8.h"

enum {
	PART_FILE = UPLOAD_FIELDS_N,
	PART_NONE,
	FORM_MAX = 256 << 10, /* bytes of a form besides its file */
	REST_MAX = 128 << 10, /* a piece of body is smaller */
	DB_WAIT_S = 8,
	ZONES_MAX_BYTES = 64 << 10
};

#define FILE_NAME "upload-XXXXXX"

const char *const upload_field_name[UPLOAD_FIELDS_N] = {
#define X(name) #name,
	UPLOAD_FIELDS(X)
#undef X
};

/* ---- the process ---- */

/* Names of zones, for the page's list; without the file there is none. */
static char *read_zones(void)
{
	FILE *f = fopen(TZ_DIR "/tzdata.zi", "re");
	char line[512], name[TZ_NAME_MAX + 1];
	struct text t;

	text_init(&t, ZONES_MAX_BYTES);
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Z %64s", name) == 1 && strchr(name, '/'))
			text_printf(&t, "%s\n", name);
	if (f)
		fclose(f);
	text_add(&t, "", 0);
	return t.at;
}

static int is_left(const struct dirent *d)
{
	return strlen(d->d_name) == sizeof(FILE_NAME) - 1 &&
		!strncmp(d->d_name, FILE_NAME, sizeof("upload-") - 1);
}

/* Files have no names but for a moment: whoever died in it left one. */
static void clean(const struct upload_room *room)
{
	struct dirent **found = NULL;
	char path[4500];
	int n = scandir(room->dir, &found, is_left, alphasort);

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", room->dir,
			found[i]->d_name);
		if (!unlink(path))
			log_info("upload %s: left behind, removed",
				found[i]->d_name);
		free(found[i]);
	}
	if (n >= 0)
		free(found);
}

static void choose_dir(struct upload_room *room, const struct api *api)
{
	const struct conf *c = &api->conf;
	const char *slash = strrchr(c->api_port_file, '/');
	int n = slash ? (int)(slash + 1 - c->api_port_file) : 0;

	if (*c->api_upload_dir)
		snprintf(room->dir, sizeof(room->dir), "%s", c->api_upload_dir);
	else
		snprintf(room->dir, sizeof(room->dir), "%.*supload", n,
			c->api_port_file);
	/* Each process cleans up behind its own forerunner alone. */
	if (c->api_processes > 1 &&
		(!mkdir(room->dir, 0700) || errno == EEXIST)) {
		size_t k = strlen(room->dir);

		snprintf(room->dir + k, sizeof(room->dir) - k, "/%u",
			api->process);
	}
	if (mkdir(room->dir, 0700) && errno != EEXIST)
		log_warn("api.upload_dir: %s: %s; there will be no uploads",
			room->dir, strerror(errno));
}

enum err upload_room_open(struct upload_room **out, struct api *api)
{
	struct upload_room *room = calloc(1, sizeof(*room));

	*out = room;
	if (!room || !(room->zones = read_zones()))
		return E_NOMEM;
	choose_dir(room, api);
	clean(room);
	return work_open(&room->work, api, DB_WAIT_S);
}

void upload_room_close(struct upload_room *room)
{
	if (!room)
		return;
	work_close(room->work);
	free(room->zones);
	free(room);
}

int upload_file(const struct upload_room *room)
{
	char path[4500];
	int fd;

	snprintf(path, sizeof(path), "%s/" FILE_NAME, room->dir);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0 || unlink(path))
		log_error("upload: %s: %s", path, strerror(errno));
	return fd;
}

enum err upload_write(int fd, const char *s, size_t n)
{
	while (n) {
		ssize_t k = write(fd, s, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0) {
			log_error("upload: %s", strerror(errno));
			return errno == ENOSPC || errno == EDQUOT ? E_FULL
								  : E_IO;
		}
		s += k;
		n -= (size_t)k;
	}
	return E_OK;
}

/* ---- refusals ---- */

void upload_fault(
	struct upload *u, int status, const char *slug, const char *fmt, ...)
{
	va_list ap;

	u->fault.status = status;
	u->fault.slug = slug;
	va_start(ap, fmt);
	vsnprintf(u->fault.why, sizeof(u->fault.why), fmt, ap);
	va_end(ap);
}

enum step upload_refuse(struct req *r, struct upload *u)
{
	if (u->fault.status == 503)
		text_str(&r->headers, "Retry-After: 10\r\n");
	return req_problem(
		r, u->fault.status, u->fault.slug, "%s", u->fault.why);
}

/* ---- to disk ---- */

static struct upload_room *room_of(const struct req *r)
{
	return r->api->uploads;
}

static void release(struct req *r)
{
	struct upload *u = r->state;
	struct upload_room *room = room_of(r);

	if (u->fd >= 0)
		close(u->fd);
	upload_rejected_free(u->rejected);
	upload_reader_close(u->text.reader);
	arena_reset(&u->rows);
	free(u->order);
	tz_free(u->tz);
	if (u->value.at)
		token_wipe(u->value.at, u->value.cap);
	if (u->rest.at)
		token_wipe(u->rest.at, u->rest.cap);
	if (u->field[UPLOAD_token])
		token_wipe((void *)(uintptr_t)u->field[UPLOAD_token],
			strlen(u->field[UPLOAD_token]));
	text_free(&u->value);
	text_free(&u->buffer);
	text_free(&u->rest);
	room->disk -= u->disk;
	room->open -= u->open;
}

/* On a work thread. */
static enum err flush(struct req *r, struct db *db)
{
	struct upload *u = r->state;
	enum err e = E_FULL;

	(void)db;
	if (u->fd < 0)
		u->fd = upload_file(room_of(r));
	if (u->fd >= 0)
		e = upload_write(u->fd, u->buffer.at, u->buffer.n);
	if (e == E_FULL)
		upload_fault(u, 507, "disk-full",
			"the server has no room on disk for the file");
	text_clear(&u->buffer);
	return e == E_FULL ? E_OK : e;
}

struct upload *upload_of(const struct req *r)
{
	return r->release == release ? r->state : NULL;
}

static void file_data(struct req *r, struct upload *u, struct slice s)
{
	const struct conf *c = &r->api->conf;
	struct upload_room *room = room_of(r);

	u->bytes += s.n;
	if (u->bytes > c->api_upload_max) {
		upload_fault(u, 413, "too-large",
			"the file is over %zu bytes (api.upload_max)",
			c->api_upload_max);
		return;
	}
	if (room->disk + s.n > c->api_uploads_disk) {
		room->refused++;
		upload_fault(u, 503, "busy",
			"too many files are on their way; try again");
		return;
	}
	u->disk += s.n;
	room->disk += s.n;
	text_add(&u->buffer, s.at, s.n);
	if (u->buffer.full)
		upload_fault(u, 500, "internal", "out of memory");
}

/* ---- the form ---- */

/* What of a name may be shown: the last step of a path, without control
 * characters, well-formed, and not too long. */
static const char *shown_name(struct arena *a, struct slice s)
{
	char *name, *to;

	for (size_t i = s.n; i-- > 0;)
		if (s.at[i] == '/' || s.at[i] == '\\') {
			s.n -= i + 1;
			s.at += i + 1;
			break;
		}
	if (!s.n || !(name = to = arena_alloc(a, UPLOAD_NAME_MAX + 4)))
		return NULL;
	while (s.n && to - name < UPLOAD_NAME_MAX) {
		size_t n = utf8_len(s.at, s.n);
		bool bad = !n || (unsigned char)*s.at < ' ' || *s.at == 127 ||
			(n == 2 && *s.at == '\xc2' &&
				(unsigned char)s.at[1] < 0xa0);

		if (to - name + (bad ? 3 : (ptrdiff_t)n) > UPLOAD_NAME_MAX)
			break;
		memcpy(to, bad ? "\xef\xbf\xbd" : s.at, bad ? 3 : n);
		to += bad ? 3 : n;
		s.at += n ? n : 1;
		s.n -= n ? n : 1;
	}
	return name;
}

/* The charset in a Content-Type, as it was sent; empty where it names none or
 * UTF-8. */
static struct slice charset_of(struct arena *a, struct slice type)
{
	static const char name[] = "charset=";
	struct slice none = {"", 0};
	const char *at = type.at ? strcasestr(type.at, name) : NULL;
	size_t n;

	if (!at)
		return none;
	at += sizeof(name) - 1 + (at[sizeof(name) - 1] == '"');
	n = strcspn(at, "\"; \t");
	if ((n == 5 && !strncasecmp(at, "utf-8", n)) ||
		(n == 8 && !strncasecmp(at, "us-ascii", n)))
		return none;
	at = arena_copy(a, at, n);
	return at ? (struct slice){at, n} : none;
}

static bool is(struct slice s, const char *name)
{
	return s.n == strlen(name) && !memcmp(s.at, name, s.n);
}

static void part_begins(struct req *r, struct upload *u)
{
	struct slice name = u->form.name;

	text_clear(&u->value);
	u->part = PART_FILE;
	if (is(name, "file")) {
		if (u->file_seen)
			upload_fault(
				u, 422, "bad-form", "the form has two files");
		u->file_seen = true;
		/* A form sent without a choice has a file without a name. */
		u->file = u->form.file.at ? shown_name(&r->arena, u->form.file)
					  : NULL;
		u->charset = charset_of(&r->arena, u->form.type);
		u->waits_for_auth = !u->open;
		return;
	}
	for (u->part = 0; u->part < UPLOAD_FIELDS_N; u->part++)
		if (is(name, upload_field_name[u->part]))
			break;
	if (u->part == UPLOAD_FIELDS_N)
		upload_fault(u, 422, "bad-form",
			"the form has a field that is not known");
	else if (u->field[u->part])
		upload_fault(u, 422, "bad-form", "%s is there twice",
			upload_field_name[u->part]);
}

static void field_ends(struct req *r, struct upload *u)
{
	const char *s = u->value.at ? u->value.at : "";
	size_t n = u->value.n;

	if (u->part == PART_FILE)
		return;
	if (utf8_check(s, n) != n || memchr(s, '\0', n) || u->value.full) {
		upload_fault(u, 422, "bad-form", "%s is no text, or too long",
			upload_field_name[u->part]);
		return;
	}
	/* What a form leaves open comes as an empty text. */
	if (n && !(u->field[u->part] = arena_copy(&r->arena, s, n)))
		upload_fault(u, 500, "internal", "out of memory");
	if (n)
		token_wipe(u->value.at, n);
	u->manual |= n && u->part >= UPLOAD_start_at;
}

static void part_data(struct req *r, struct upload *u, struct slice s)
{
	if (u->part == PART_FILE)
		file_data(r, u, s);
	else
		text_add(&u->value, s.at, s.n);
}

/* ---- who ---- */

/* STEP_NEXT: whoever sends may, and has a place. */
static enum step admit(struct req *r, struct upload *u)
{
	struct upload_room *room = room_of(r);
	unsigned may = SCOPE_INGEST | (r->who.by_cookie ? SCOPE_ADMIN : 0);

	if (!(r->who.scopes & may))
		return req_problem(r, 403, "forbidden",
			r->who.by_cookie
				? "this wants an admin's log-in, or a token "
				  "with the scope ingest"
				: "this wants a token with the scope ingest");
	if (room->open >= (unsigned)r->api->conf.api_uploads_max) {
		room->refused++;
		upload_fault(u, 503, "busy",
			"too many files are on their way; try again");
		return upload_refuse(r, u);
	}
	room->open += u->open = true;
	return STEP_NEXT;
}

/* Again as long as it returns STEP_WAIT. */
static enum step authorize(struct req *r, struct upload *u)
{
	const char *token = u->field[UPLOAD_token];
	enum step s = STEP_NEXT;

	/* Whoever gives a token goes by that; a session wants its page's form.
	 */
	if (token)
		s = auth_token(
			r, (struct slice){token, strlen(token)}, &u->lookup);
	else if (r->who.known)
		s = auth_csrf_is(r, u->field[UPLOAD_csrf]);
	else
		return req_problem(r, 401, "unauthorized",
			"log in, or give a token; in the form it comes before "
			"the file");
	return s == STEP_NEXT ? admit(r, u) : s;
}

/* ---- the body ---- */

/* Takes what is there, up to where something has to be waited for. */
static enum step take(struct req *r, struct upload *u, struct slice s)
{
	enum multipart_step step = MULTIPART_DATA;
	struct slice piece = s;
	size_t used = s.n;

	for (; s.n && !u->waits_for_auth; s.at += used, s.n -= used) {
		if (!u->raw)
			step = multipart_next(
				&u->form, s.at, s.n, &used, &piece);
		if (step == MULTIPART_HEAD)
			part_begins(r, u);
		else if (step == MULTIPART_DATA)
			part_data(r, u, piece);
		else if (step == MULTIPART_TAIL)
			field_ends(r, u);
		else if (step == MULTIPART_REFUSED)
			upload_fault(u, 400, "bad-form", "%s", u->form.why);
		if (u->fault.status)
			return upload_refuse(r, u);
	}
	text_add(&u->rest, s.at, s.n);
	if (u->rest.full)
		return req_fail(r, E_NOMEM);
	return u->buffer.n < UPLOAD_PIECE
		? STEP_NEXT
		: work_run(room_of(r)->work, r, flush);
}

/* The file begins: who sends it?  Then what came behind. */
static enum step take_rest(struct req *r, struct upload *u)
{
	enum step s = authorize(r, u);
	struct text rest = u->rest;

	if (s != STEP_NEXT)
		return s;
	u->waits_for_auth = false;
	text_init(&u->rest, REST_MAX);
	s = take(r, u, (struct slice){rest.at, rest.n});
	if (rest.at)
		token_wipe(rest.at, rest.cap);
	text_free(&rest);
	return s;
}

enum step upload_body(struct req *r, const char *at, size_t n)
{
	struct upload *u = r->state;
	enum step s;

	if (n) {
		s = take(r, u, (struct slice){at, n});
		return s == STEP_NEXT && u->waits_for_auth ? take_rest(r, u)
							   : s;
	}
	if (u->fault.status)
		return upload_refuse(r, u);
	return u->waits_for_auth ? take_rest(r, u) : STEP_NEXT;
}

/* ---- the head ---- */

/* Fields may stand in the address, but for secrets. */
static enum step read_query(struct req *r, struct upload *u)
{
	const char *v =
		query_unknown(&r->query, upload_field_name, UPLOAD_token);

	if (v)
		return req_problem(r, 400, "unknown-parameter",
			"the parameter %.60s is not known", v);
	if ((v = query_repeated(&r->query, NULL, 0)))
		return req_problem(
			r, 400, "bad-parameter", "%.60s is there twice", v);
	for (int i = 0; i < UPLOAD_token; i++)
		u->field[i] = query_get(&r->query, upload_field_name[i]);
	return STEP_NEXT;
}

/* The types under which a file comes as it is. */
static bool is_file_type(struct slice v)
{
	static const char *const type[] = {"text/csv", "application/gzip",
		"application/x-gzip", "application/x-ndjson",
		"application/ndjson", "application/jsonl",
		"application/octet-stream"};
	size_t n = 0;

	while (n < v.n && v.at[n] != ';' && v.at[n] != ' ')
		n++;
	for (size_t i = 0; i < ARRAY_LEN(type); i++)
		if (n == strlen(type[i]) && !strncasecmp(v.at, type[i], n))
			return true;
	return false;
}

static enum step read_type(struct req *r, struct upload *u)
{
	const struct slice *v = http_find(&r->head, "content-type");
	struct slice type = v ? *v : (struct slice){"", 0};

	switch (multipart_init(&u->form, type)) {
	case E_OK:
		return STEP_NEXT;
	case E_INVALID:
		return req_problem(r, 400, "bad-form",
			"Content-Type has no boundary, or one that is "
			"malformed");
	default:
		break;
	}
	if (u->html || !is_file_type(type))
		return req_problem(r, 415, "unsupported-type",
			"Content-Type is none of multipart/form-data, "
			"text/csv, application/x-ndjson and application/gzip");
	type.at = arena_copy(&r->arena, type.at, type.n);
	u->charset = charset_of(&r->arena, type);
	u->raw = u->file_seen = true;
	u->part = PART_FILE;
	return type.at ? STEP_NEXT : req_fail(r, E_NOMEM);
}

static enum step open_upload(struct req *r, bool html)
{
	struct upload *u = arena_alloc(&r->arena, sizeof(*u));
	enum step s;

	if (!u)
		return req_fail(r, E_NOMEM);
	u->room = room_of(r);
	u->html = html;
	u->fd = -1;
	u->part = PART_NONE;
	text_init(&u->value, UPLOAD_FIELD_MAX);
	text_init(&u->buffer, UPLOAD_PIECE + REST_MAX);
	text_init(&u->rest, REST_MAX);
	arena_init(&u->rows, REQ_ARENA);
	r->state = u;
	r->release = release;
	if ((s = read_query(r, u)) != STEP_NEXT ||
		(s = read_type(r, u)) != STEP_NEXT)
		return s;
	conn_stream(r->conn);
	r->conn->body_max = r->api->conf.api_upload_max + FORM_MAX;
	/* A person's form tells more: authorize(). */
	return r->who.known && !r->who.by_cookie ? admit(r, u) : STEP_NEXT;
}

enum step upload_begin(struct req *r)
{
	return open_upload(r, false);
}

enum step upload_page_begin(struct req *r)
{
	enum step s = auth_same_origin(r);

	return s == STEP_NEXT ? open_upload(r, true) : s;
}

/* ---- the end of the body ---- */

/* A row by hand becomes a file of one row: it goes the same way. */
static void write_by_hand(struct req *r, struct upload *u)
{
	struct text t;

	text_init(&t, UPLOAD_PIECE);
	for (int line = 0; line < 2; line++) {
		text_str(&t, line ? "\n" : "");
		for (int i = UPLOAD_camera; i < UPLOAD_FIELDS_N; i++) {
			if (i > UPLOAD_camera && i < UPLOAD_start_at)
				continue;
			text_str(&t, i > UPLOAD_camera ? "," : "");
			csv_quote(&t,
				!line		      ? upload_field_name[i]
					: u->field[i] ? u->field[i]
						      : "",
				false);
		}
	}
	file_data(r, u, (struct slice){t.at, t.n});
	text_free(&t);
}

static bool choice(struct upload *u, enum upload_field f, const char *no,
	const char *yes, bool *out)
{
	const char *v = u->field[f];

	if (!v)
		return true;
	*out = !strcmp(v, yes);
	if (*out || !strcmp(v, no))
		return true;
	upload_fault(u, 400, "bad-parameter", "%s is neither %s nor %s",
		upload_field_name[f], no, yes);
	return false;
}

static void read_times(struct upload *u)
{
	const char *fold = u->field[UPLOAD_fold], *tz = u->field[UPLOAD_tz];

	if (fold && !strcmp(fold, "first"))
		u->times.fold = FOLD_FIRST;
	else if (fold && !strcmp(fold, "second"))
		u->times.fold = FOLD_SECOND;
	else if (fold && strcmp(fold, "refuse") != 0)
		upload_fault(u, 400, "bad-parameter",
			"fold is none of first, second and refuse");
	if (tz && !strcmp(tz, "camera"))
		u->times.camera_tz = true;
	else if (tz && tz_load(tz, &u->tz))
		upload_fault(u, 400, "bad-parameter",
			"tz is neither camera nor the name of a time zone");
	u->times.tz = u->tz;
}

static void read_options(struct upload *u)
{
	const char *charset = u->field[UPLOAD_charset];
	bool partial = true;

	if (!choice(u, UPLOAD_partial, "false", "true", &partial) ||
		!choice(u, UPLOAD_on_conflict, "refuse", "replace",
			&u->job.replace))
		return;
	u->whole = !partial;
	read_times(u);
	u->job.fold = u->times.fold;
	if (charset)
		u->charset = strcasecmp(charset, "utf-8") != 0
			? (struct slice){charset, strlen(charset)}
			: (struct slice){"", 0};
}

static void check_form(struct upload *u)
{
	if (!u->raw && !multipart_ended(&u->form))
		upload_fault(u, 400, "bad-form",
			"the form ends before its last boundary");
	else if (u->manual && u->bytes)
		upload_fault(u, 422, "bad-form",
			"send either a file or a row by hand");
	else if (!u->manual && !u->bytes && u->file)
		upload_fault(u, 422, "empty", "the file is empty");
	else if (!u->manual && !u->bytes && u->raw)
		upload_fault(u, 400, "empty", "the body is empty");
	else if (!u->manual && !u->bytes)
		upload_fault(u, 422, "bad-form",
			"choose a file: file is "
			"missing");
	else
		read_options(u);
}

/* On a work thread: the last piece, and what it all is. */
static enum err look(struct req *r, struct db *db)
{
	struct upload *u = r->state;
	struct upload_bounds bounds = {r->api->conf.api_upload_expanded_max,
		(unsigned)r->api->conf.api_upload_ratio_max};
	enum err e = flush(r, db);

	if (!e && !u->fault.status)
		e = upload_look(
			u->fd, &bounds, &u->gzip, &u->is_ndjson, &u->fault);
	if (!e && !u->fault.status)
		e = upload_reader_open(
			&u->text.reader, u->fd, u->gzip, u->charset);
	if (e != E_NOT_FOUND)
		return e;
	upload_fault(u, 415, "unsupported-charset",
		"charset is neither UTF-8 nor CP949");
	return E_OK;
}

enum step upload_end(struct req *r)
{
	struct upload *u = r->state;
	enum step s;

	if (!u->open && (s = authorize(r, u)) != STEP_NEXT)
		return step_again(s);
	check_form(u);
	if (!u->fault.status && u->manual)
		write_by_hand(r, u);
	return u->fault.status ? upload_refuse(r, u)
			       : work_run(room_of(r)->work, r, look);
}
