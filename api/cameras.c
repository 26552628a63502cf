// SPDX-License-Identifier: MIT
/*
 * GET /api/v1/cameras and one of them: what they are and how they fare.
 *
 * What was watched today is asked of the quarter hours, not of the rows, for
 * all cameras of a page at once: a thousand of them have a hundred thousand
 * quarter hours, and millions of rows.
 *
 * Map of the file: a camera and its day; the list; one.
 */
#include "api/cameras.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/camera.h"
#include "api/api.h"
#include "api/list.h"
#include "api/page.h"
#include "api/resources.h"
#include "common/when.h"

enum {
	PAGE = 1000,
	SILENT_INTERVALS = 3, /* of the newest row's length without a row … */
	SILENT_LEAST_S = 60,  /* … and at least this long: silent */
	QUARTER_S = 900,
	QUARTERS = 120,	    /* of the longest day, and some */
	WORD = 60,	    /* quarters in one word of Q_CAMERAS_TODAY */
	ROLL_UP_LAG_S = 120 /* what ended before that is counted */
};

/* MariaDB's TO_SECONDS('1970-01-01'). */
#define TO_SECONDS_1970 62167219200

/* Columns of Q_CAMERAS and Q_CAMERA_SHOWN. */
enum {
	C_ID,
	C_CODE,
	C_NAME,
	C_SITE,
	C_ZONE,
	C_START,
	C_END,
	C_RETIRED,
	C_CREATED,
	C_FAILED,
	C_FAILED_ROW,
	C_INGEST
};
/* Columns from C_INGEST on, as the list has them. */
enum {
	G_NAME,
	G_AT,
	G_STATE,
	G_VERSION,
	G_ENGINE,
	G_PICTURES,
	G_DROPPED,
	G_FPS,
	G_WAITING,
	G_BYTES,
	G_OLDEST,
	G_REFUSED,
	G_GIVEN_UP,
	G_ERROR,
	G_N
};
/* Columns of Q_CAMERAS_TODAY. */
enum { T_AT, T_OBSERVED, T_FIRST, T_SECOND, T_LONG, T_N };

static const struct list_column columns[] = {
	{NULL, "camera", LIST_TEXT, false},
	{NULL, "name", LIST_TEXT, false},
	{NULL, "site", LIST_TEXT, false},
	{NULL, "tz", LIST_TEXT, false},
	{NULL, "last_seen", LIST_TEXT, false},
	{NULL, "state", LIST_TEXT, false},
	{"today", "coverage", LIST_REAL, false},
	{"today", "observed_s", LIST_INT, false},
	{"today", "elapsed_s", LIST_INT, false},
	{"today", "gaps", LIST_JSON, false},
	{"last_error", "at", LIST_TEXT, false},
	{"last_error", "detail", LIST_TEXT, false},
	{"ingest", "name", LIST_TEXT, false},
	{"ingest", "at", LIST_TEXT, false},
	{"ingest", "state", LIST_TEXT, false},
	{"ingest", "version", LIST_TEXT, false},
	{"ingest", "engine", LIST_TEXT, false},
	{"ingest", "pictures", LIST_INT, false},
	{"ingest", "dropped", LIST_INT, false},
	{"ingest", "fps", LIST_REAL, false},
	{"ingest", "waiting", LIST_INT, false},
	{"ingest", "bytes", LIST_INT, false},
	{"ingest", "oldest", LIST_TEXT, false},
	{"ingest", "refused", LIST_INT, false},
	{"ingest", "given_up", LIST_INT, false},
	{"ingest", "error", LIST_TEXT, false},
};
enum { COLUMN_INGEST = ARRAY_LEN(columns) - G_N };

struct row {
	int64_t id;
	const char *code, *name, *site, *zone;
	const char *state;
	int64_t seen_at, created_at;   /* seen_at: 0, never */
	int64_t failed_at, failed_row; /* 0: never */
	int64_t day_start;
	int64_t observed_s;
	bool watched[QUARTERS]; /* most of that quarter hour of the day */
	struct db_cell ingest[G_N];
};

struct cameras {
	struct list list;
	struct page page;
	const char *site, *wanted; /* "": any; wanted: the state */
	struct row *row;
	size_t n;
	int64_t now, asked; /* asked: rows of the last query, at most */
	bool more;
};

/* ---- a camera and its day ---- */

static const char *state_of(const struct db_cell *c, int64_t now)
{
	int64_t end, quiet;

	if (c[C_RETIRED].i)
		return "retired";
	if (c[C_END].null)
		return "new";
	end = when_from_number(c[C_END].i);
	quiet = SILENT_INTERVALS * (end - when_from_number(c[C_START].i));
	if (quiet < SILENT_LEAST_S)
		quiet = SILENT_LEAST_S;
	return now - end > quiet ? "silent" : "live";
}

static const char *copy(struct req *r, const struct db_cell *c)
{
	const char *s = arena_copy(&r->arena, c->s.at, c->s.n);

	/* The arena is full, then, which the reply will tell. */
	return s ? s : "";
}

static int64_t instant(const struct db_cell *c)
{
	return c->null ? 0 : when_from_number(c->i);
}

static enum err day_start(struct req *r, struct row *row, int64_t now)
{
	const struct tz *tz;
	struct civil c;
	enum err e = zones_find(&r->api->zones, row->zone, &tz);

	if (e)
		return e;
	c = when_to_civil(now + tz_offset(tz, now));
	row->day_start = tz_day_start(tz, c.year, c.month, c.day);
	return E_OK;
}

static void take_ingest(struct req *r, struct row *row, const struct db_cell *c)
{
	char at[WHEN_TEXT];

	for (int i = 0; i < G_N; i++) {
		row->ingest[i] = c[i];
		if (c[i].null)
			continue;
		if (i == G_AT || i == G_OLDEST)
			row->ingest[i] = DB_S(when_format(
				at, when_from_number(c[i].i), 0, true));
		if (columns[COLUMN_INGEST + i].kind == LIST_TEXT)
			row->ingest[i] = DB_S(copy(r, &row->ingest[i]));
	}
	/* It may speak of cameras that are not this caller's. */
	if (r->who.cameras)
		row->ingest[G_ERROR] = DB_NULL;
}

static enum err fill(
	struct req *r, struct row *row, const struct db_cell *c, int64_t now)
{
	*row = (struct row){.id = c[C_ID].i,
		.code = copy(r, &c[C_CODE]),
		.name = copy(r, &c[C_NAME]),
		.site = copy(r, &c[C_SITE]),
		.zone = copy(r, &c[C_ZONE]),
		.state = state_of(c, now),
		.seen_at = instant(&c[C_END]),
		.created_at = instant(&c[C_CREATED]),
		.failed_at = instant(&c[C_FAILED]),
		.failed_row = instant(&c[C_FAILED_ROW])};
	take_ingest(r, row, &c[C_INGEST]);
	return r->arena.full ? E_TOO_BIG : day_start(r, row, now);
}

static void watch(struct row *row, long quarter, long n)
{
	for (long i = quarter; i >= 0 && i < quarter + n && i < QUARTERS; i++)
		row->watched[i] = true;
}

/* The quarters that were watched, a bit each; and those with more in them than
 * a quarter hour, for a row belongs to the one it begins in: "36:3600". */
static void take_day(struct row *row, const struct db_cell *c)
{
	char *at = (char *)(uintptr_t)(c[T_LONG].null ? "" : c[T_LONG].s.at);

	row->observed_s = c[T_OBSERVED].i;
	for (int i = 0; i < WORD; i++) {
		row->watched[i] |= c[T_FIRST].i >> i & 1;
		row->watched[WORD + i] |= c[T_SECOND].i >> i & 1;
	}
	while (*at) {
		long quarter = strtol(at, &at, 10);
		long observed_s = strtol(at + 1, &at, 10);

		watch(row, quarter, (observed_s + QUARTER_S / 2) / QUARTER_S);
		at += *at == ',';
	}
}

/* Up to where something should have come by now. */
static int64_t due(const struct row *row, int64_t now)
{
	int64_t at = now - ROLL_UP_LAG_S;

	return strcmp(row->state, "silent") != 0 && row->seen_at < at
		? row->seen_at
		: at;
}

/* Quarter hours that were not watched, those side by side as one. */
static void write_gaps(struct text *t, const struct row *row, int64_t now)
{
	int64_t last = (due(row, now) - row->day_start) / QUARTER_S;
	char from[WHEN_TEXT], to[WHEN_TEXT];

	json_open(t, NULL, '[');
	for (int64_t i = 0; i < last && i < QUARTERS; i++) {
		int64_t begin = i;

		if (row->watched[i] ||
			row->day_start + i * QUARTER_S < row->created_at)
			continue;
		while (i < last && i < QUARTERS && !row->watched[i])
			i++;
		json_open(t, NULL, '{');
		json_str(t, "from",
			when_format(from, row->day_start + begin * QUARTER_S, 0,
				true));
		json_str(t, "to",
			when_format(
				to, row->day_start + i * QUARTER_S, 0, true));
		json_close(t, '}');
	}
	json_close(t, ']');
}

/* What is not running, or has never run, misses nothing. */
static bool has_day(const struct row *row)
{
	return !strcmp(row->state, "live") || !strcmp(row->state, "silent");
}

static void today(struct db_cell cell[4], struct text *gaps,
	const struct row *row, int64_t now)
{
	/* By the minute, so that the same is said for a while. */
	int64_t elapsed = (now - row->day_start) / 60 * 60;

	for (int i = 0; i < 4; i++)
		cell[i] = DB_NULL;
	if (!has_day(row) || elapsed <= 0)
		return;
	write_gaps(gaps, row, now);
	cell[0] = DB_D(row->observed_s < elapsed
			? (double)row->observed_s / (double)elapsed
			: 1);
	cell[1] = DB_I(row->observed_s);
	cell[2] = DB_I(elapsed);
	cell[3] = DB_SN(gaps->at ? gaps->at : "[]", gaps->at ? gaps->n : 2);
}

static void item(
	struct req *r, const struct list *l, const struct row *row, int64_t now)
{
	char seen[WHEN_TEXT], failed[WHEN_TEXT], of[WHEN_TEXT], detail[120];
	struct db_cell cell[ARRAY_LEN(columns)] = {DB_S(row->code),
		DB_S(row->name), DB_S(row->site), DB_S(row->zone), DB_NULL,
		DB_S(row->state), [10] = DB_NULL, [11] = DB_NULL};
	struct text gaps;

	memcpy(&cell[COLUMN_INGEST], row->ingest, sizeof(row->ingest));
	text_init(&gaps, 16384);
	if (row->seen_at)
		cell[4] = DB_S(when_format(seen, row->seen_at, 0, true));
	today(&cell[6], &gaps, row, now);
	if (row->failed_at) {
		snprintf(detail, sizeof(detail),
			"the outlier rule failed for the row of %s, which is "
			"stored",
			when_format(of, row->failed_row, 0, true));
		cell[10] = DB_S(when_format(failed, row->failed_at, 0, true));
		cell[11] = DB_S(detail);
	}
	list_item(r, l, cell);
	text_free(&gaps);
}

/* What was watched today, of all of them. */
static enum step ask_today(struct req *r, const struct row *row, size_t n)
{
	enum step s = STEP_DONE;
	const char *list = NULL;
	struct text t;

	text_init(&t, (n + 1) * 80);
	json_open(&t, NULL, '[');
	for (size_t i = 0; i < n; i++) {
		json_open(&t, NULL, '[');
		json_int(&t, NULL, row[i].id);
		json_int(&t, NULL, when_number(row[i].day_start));
		json_int(&t, NULL, row[i].day_start + TO_SECONDS_1970);
		json_close(&t, ']');
	}
	json_close(&t, ']');
	if (!t.full)
		list = arena_copy(&r->arena, t.at, t.n);
	s = list ? req_query(r, Q_CAMERAS_TODAY, DB_ARGS(DB_S(list)), 1)
		 : req_fail(r, E_TOO_BIG);
	text_free(&t);
	return s;
}

static void take_today(struct req *r, struct row *row, size_t n)
{
	for (size_t i = 0; i < r->rows.n; i++) {
		const struct db_cell *c = &r->rows.cell[i * r->rows.cols];

		if (c[T_AT].i >= 1 && c[T_AT].i <= (int64_t)n)
			take_day(&row[c[T_AT].i - 1], c);
	}
}

/* ---- the list ---- */

/* A token that is bound, or a state, may be for few of many: they are looked
 * through page by page, and "next" names none that is not listed. */
static enum step ask(struct req *r, struct cameras *s, const char *after)
{
	s->asked = (r->who.cameras || *s->wanted ? PAGE : s->page.limit) + 1;
	return req_query(r, Q_CAMERAS,
		DB_ARGS(DB_S(after), DB_S(s->site), DB_S(s->site),
			DB_I(s->asked)),
		4);
}

static bool is_state(const char *v)
{
	return !strcmp(v, "new") || !strcmp(v, "live") ||
		!strcmp(v, "silent") || !strcmp(v, "retired");
}

enum step cameras_find(struct req *r)
{
	static const char *const more[] = {"site", "state"};
	struct cameras *s = arena_alloc(&r->arena, sizeof(*s));
	const char *site = query_get(&r->query, "site");
	const char *state = query_get(&r->query, "state");
	enum step step;

	if (!s)
		return req_fail(r, E_NOMEM);
	r->state = s;
	if ((step = page_params(r, &s->page, more, ARRAY_LEN(more), PAGE,
		     PAGE)) != STEP_NEXT)
		return step;
	if ((step = list_choose(r, &s->list)) != STEP_NEXT)
		return step;
	if (s->page.after && *s->page.after &&
		!camera_code_ok(s->page.after, strlen(s->page.after)))
		return req_problem(r, 400, "bad-parameter",
			"after is not from the \"next\" of a page");
	if (state && !is_state(state))
		return req_problem(r, 400, "bad-parameter",
			"state is none of new, live, silent, retired");
	s->site = site ? site : "";
	s->wanted = state ? state : "";
	s->now = when_now();
	s->row =
		arena_alloc(&r->arena, (size_t)s->page.limit * sizeof(*s->row));
	return s->row ? ask(r, s, s->page.after ? s->page.after : "")
		      : req_fail(r, E_TOO_BIG);
}

static bool is_listed(
	const struct req *r, const struct cameras *s, const struct db_cell *c)
{
	return principal_covers(&r->who, c[C_CODE].s.at) &&
		(!*s->wanted || !strcmp(s->wanted, state_of(c, s->now)));
}

enum step cameras_found(struct req *r)
{
	struct cameras *s = r->state;
	const char *code = "";
	enum err e;

	for (size_t i = 0; i < r->rows.n && !s->more; i++) {
		const struct db_cell *c = &r->rows.cell[i * r->rows.cols];

		code = c[C_CODE].s.at;
		if (!is_listed(r, s, c))
			continue;
		s->more = s->n == (size_t)s->page.limit;
		if (!s->more && (e = fill(r, &s->row[s->n++], c, s->now)))
			return req_fail(r, e);
	}
	if (s->more || (int64_t)r->rows.n < s->asked)
		return ask_today(r, s->row, s->n);
	code = arena_copy(&r->arena, code, strlen(code));
	return code ? step_again(ask(r, s, code)) : req_fail(r, E_TOO_BIG);
}

enum step cameras_list(struct req *r)
{
	struct cameras *s = r->state;

	take_today(r, s->row, s->n);
	list_open(r, &s->list, NULL, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < s->n; i++)
		item(r, &s->list, &s->row[i], s->now);
	list_close(r, &s->list, "cameras",
		s->more ? page_next(r, s->row[s->n - 1].code) : NULL);
	return list_finish(r, &s->list);
}

/* ---- one ---- */

enum step camera_code(struct req *r, const char **code)
{
	enum err e = query_decode(code, &r->arena, r->param[0], false);

	if (e == E_NOMEM)
		return req_fail(r, e);
	if (e)
		return req_problem(r, 400, "bad-parameter",
			"the camera's code in the path is not encoded as it "
			"should be");
	/* No camera has it, and the database compares codes of ASCII alone. */
	if (!camera_code_ok(*code, strlen(*code)))
		return camera_unknown(r, *code);
	return STEP_NEXT;
}

enum step camera_unknown(struct req *r, const char *code)
{
	return req_problem(r, 404, "unknown-camera",
		"camera \"%.60s\" is not registered", code);
}

enum step camera_find(struct req *r)
{
	const char *code;
	enum step s;

	if ((s = req_no_params(r)) != STEP_NEXT ||
		(s = camera_code(r, &code)) != STEP_NEXT)
		return s;
	/* Not for this token, or not there: the same answer. */
	if (!principal_covers(&r->who, code))
		return camera_unknown(r, code);
	return req_query(r, Q_CAMERA_SHOWN, DB_ARGS(DB_S(code)), 1);
}

enum step camera_found(struct req *r)
{
	struct cameras *s = arena_alloc(&r->arena, sizeof(*s));
	const char *code;
	enum step step;
	enum err e;

	if ((step = camera_code(r, &code)) != STEP_NEXT)
		return step;
	if (!r->rows.n)
		return camera_unknown(r, code);
	if (!s || !(s->row = arena_alloc(&r->arena, sizeof(*s->row))))
		return req_fail(r, E_NOMEM);
	r->state = s;
	s->n = 1;
	s->now = when_now();
	if ((e = fill(r, s->row, r->rows.cell, s->now)))
		return req_fail(r, e);
	return ask_today(r, s->row, 1);
}

enum step camera_show(struct req *r)
{
	struct cameras *s = r->state;

	s->list = (struct list){.column = columns, .n = ARRAY_LEN(columns)};
	take_today(r, s->row, 1);
	text_clear(&r->out);
	item(r, &s->list, s->row, s->now);
	return req_json(r, 200);
}
