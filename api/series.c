// SPDX-License-Identifier: MIT
#include "api/series.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/camera.h"
#include "api/api.h"
#include "api/cameras.h"
#include "api/known.h"
#include "api/page.h"

enum {
	PART_MAX = 1000,
	OFFSET = 6,	 /* bytes of "+09:00" */
	TIME_LEAST = 22, /* of "2026-11-21T09:00+09:00" */
	TIME_MAX = 64
};

static enum step bad(struct req *r, const char *name, const char *why)
{
	return req_problem(r, 400, "bad-parameter", "%s %s", name, why);
}

/* A '+' that nobody escaped came as a blank: before an offset it can be
 * nothing else. */
static bool parse_time(const char *v, struct when *w)
{
	char plus[TIME_MAX];
	size_t n = strlen(v);

	if (!when_parse(v, n, w))
		return true;
	if (n >= sizeof(plus) || n < TIME_LEAST || v[n - OFFSET] != ' ')
		return false;
	memcpy(plus, v, n);
	plus[n - OFFSET] = '+';
	return !when_parse(plus, n, w);
}

static enum step read_time(
	struct req *r, const char *name, struct when *w, bool *has)
{
	const char *v = query_get(&r->query, name);

	if (!v)
		return STEP_NEXT;
	*has = true;
	if (!parse_time(v, w))
		return bad(r, name,
			"is no time like 2026-11-21T09:00:00+09:00, or date");
	return STEP_NEXT;
}

static enum step read_limit(struct req *r, struct series *s, int64_t most)
{
	const char *v = query_get(&r->query, "limit");
	char *end;
	long n;

	if (!v)
		return STEP_NEXT;
	n = strtol(v, &end, 10);
	if (*v < '0' || *v > '9' || *end || n < 1 || n > most)
		return req_problem(r, 400, "bad-parameter",
			"limit is not from 1 to %d", (int)most);
	s->limit = n;
	return STEP_NEXT;
}

static bool is_known(const char *name, const char *const *more, size_t n)
{
	static const char *const known[] = {
		"camera", "from", "to", "limit", "after", "format"};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (!strcmp(known[i], name))
			return true;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(more[i], name))
			return true;
	return false;
}

enum step series_params(struct req *r, struct series *s,
	const char *const *more, size_t more_n, int64_t limit, int64_t most)
{
	static const char *const many[] = {"camera"};
	const char *v;
	size_t at = 0;
	enum step step;

	*s = (struct series){.limit = limit};
	for (size_t i = 0; i < r->query.n; i++)
		if (!is_known(r->query.param[i].name, more, more_n))
			return req_problem(r, 400, "unknown-parameter",
				"the parameter %.60s is not known",
				r->query.param[i].name);
	if ((v = query_repeated(&r->query, many, 1)))
		return bad(r, v, "is there twice");
	while ((v = query_each(&r->query, "camera", &at))) {
		s->all |= !strcmp(v, "*");
		s->wanted[s->wanted_n++] = v;
	}
	s->all |= !s->wanted_n;
	s->after = query_get(&r->query, "after");
	if ((step = read_time(r, "from", &s->from, &s->has_from)) !=
			STEP_NEXT ||
		(step = read_time(r, "to", &s->to, &s->has_to)) != STEP_NEXT)
		return step;
	return read_limit(r, s, most);
}

/* What could be no code is none's; the database compares those of ASCII
 * alone. */
static const char *ask_for(const struct series *s, size_t i)
{
	const char *c = s->wanted[i];

	return camera_code_ok(c, strlen(c)) ? c : "";
}

enum step series_ask(struct req *r, struct series *s)
{
	struct db_cell code[QUERY_MAX];

	if (s->all)
		return req_query(r, Q_SERIES_ALL, NULL, 0);
	/* The statement for some wants all of them: the first fills up. */
	for (size_t i = 0; i < QUERY_MAX; i++) {
		code[i] = DB_S(ask_for(s, i < s->wanted_n ? i : 0));
		if (s->wanted_n == 1)
			return req_query(r, Q_SERIES_ONE, code, 1);
	}
	return req_query(r, Q_SERIES_SOME, code, QUERY_MAX);
}

static enum step add(struct req *r, struct series *s, const struct db_cell *row)
{
	struct series_camera *c = &s->camera[s->n++];

	c->camera_id = row[0].i;
	c->code = arena_copy(&r->arena, row[1].s.at, row[1].s.n);
	c->zone = arena_copy(&r->arena, row[2].s.at, row[2].s.n);
	if (!c->code || !c->zone)
		return req_fail(r, E_TOO_BIG);
	return zones_find(&r->api->zones, c->zone, &c->tz) ? req_fail(r, E_IO)
							   : STEP_NEXT;
}

static bool is_there(const struct series *s, const char *code)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->camera[i].code, code))
			return true;
	return false;
}

enum step series_take(struct req *r, struct series *s)
{
	enum step step;

	s->n = s->at = 0;
	s->camera =
		arena_alloc(&r->arena, (r->rows.n + 1) * sizeof(*s->camera));
	if (!s->camera)
		return req_fail(r, E_TOO_BIG);
	for (size_t i = 0; i < r->rows.n; i++) {
		const struct db_cell *row = &r->rows.cell[i * r->rows.cols];

		if (principal_covers(&r->who, row[1].s.at) &&
			(step = add(r, s, row)) != STEP_NEXT)
			return step;
	}
	/* Not there, or not for this token: the same answer. */
	for (size_t i = 0; !s->all && i < s->wanted_n; i++)
		if (!is_there(s, s->wanted[i]))
			return camera_unknown(r, s->wanted[i]);
	return STEP_NEXT;
}

/* The one camera, as it is known. */
static enum step use(
	struct req *r, struct series *s, const struct known_camera *c)
{
	if (!principal_covers(&r->who, s->wanted[0]))
		return camera_unknown(r, s->wanted[0]);
	if (!(s->camera = arena_alloc(&r->arena, sizeof(*s->camera))))
		return req_fail(r, E_TOO_BIG);
	*s->camera = (struct series_camera){.camera_id = c->camera_id,
		.code = s->wanted[0],
		.zone = tz_name(c->tz),
		.tz = c->tz};
	s->n = 1;
	s->k = c->k;
	s->one = true;
	return STEP_NEXT;
}

enum step series_know(struct req *r, struct series *s)
{
	const struct known_camera *c;

	s->n = s->at = 0;
	s->one = false;
	if (s->all || s->wanted_n != 1)
		return series_ask(r, s);
	c = known_find(r->api->known, memo_mark(r), s->wanted[0]);
	if (c)
		return use(r, s, c);
	return req_query(r, Q_STATS_SERIES, DB_ARGS(DB_S(ask_for(s, 0))), 1);
}

enum step series_known(struct req *r, struct series *s)
{
	struct known_camera c = {.mark = memo_mark(r)};
	const struct db_cell *row = r->rows.cell;

	if (s->one)
		return STEP_NEXT;
	if (s->all || s->wanted_n != 1)
		return series_take(r, s);
	if (!r->rows.n)
		return camera_unknown(r, s->wanted[0]);
	c.camera_id = row[0].i;
	c.k = row[2].d;
	if (zones_find(&r->api->zones, row[1].s.at, &c.tz))
		return req_fail(r, E_IO);
	/* What was found has a code's length. */
	strcpy(c.code, s->wanted[0]);
	known_put(r->api->known, &c);
	return use(r, s, &c);
}

static const struct civil first_day = {1970, 1, 1, 0, 0, 0};
static const struct civil last_day = {9999, 1, 1, 0, 0, 0};

/* Nothing is stored before the first or after the last. */
static int64_t within(int64_t at)
{
	int64_t first = when_from_civil(&first_day);
	int64_t last = when_from_civil(&last_day);

	return at < first ? first : at > last ? last : at;
}

/* Local times that the clock skips mean the moment it skips them.  What has
 * whole seconds starts in a part of one as in the next second. */
static int64_t instant(const struct when *w, const struct tz *tz)
{
	int64_t at = within(w->at + !w->whole), found[2];

	if (w->has_offset || at != w->at + !w->whole)
		return at;
	if (tz_local(tz, at, found))
		return within(found[0]);
	return within(tz_next_change(tz, at - tz_offset(tz, at) - DAY_S));
}

void series_range(
	const struct series *s, const struct tz *tz, int64_t *from, int64_t *to)
{
	*from = s->has_from ? instant(&s->from, tz)
			    : when_from_civil(&first_day);
	*to = s->has_to ? instant(&s->to, tz) : when_from_civil(&last_day);
}

/* "1795253400.gate-1", or "1795253400,7.gate-1" */
enum step series_after(
	struct req *r, const struct series *s, struct series_place *after)
{
	char *end;
	long part = 0;

	*after = (struct series_place){0};
	if (!s->after)
		return STEP_NEXT;
	after->start = strtoll(s->after, &end, 10);
	if (end != s->after && *end == ',')
		part = strtol(end + 1, &end, 10);
	if (end == s->after || *end != '.' || !end[1] || part < 0 ||
		part > PART_MAX || after->start != within(after->start))
		return bad(r, "after", "is not from the \"next\" of a page");
	after->part = (int)part;
	after->camera = end + 1;
	return STEP_NEXT;
}

const char *series_next(struct req *r, struct series_place last)
{
	const char *after;

	if (!last.camera)
		return NULL;
	after = last.part
		? arena_printf(&r->arena, "%lld,%d.%s", (long long)last.start,
			  last.part, last.camera)
		: arena_printf(&r->arena, "%lld.%s", (long long)last.start,
			  last.camera);
	return after ? page_next(r, after) : NULL;
}
