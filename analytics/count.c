// SPDX-License-Identifier: MIT
#include "analytics/count.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/tz.h"

const char *const count_name[COUNT_FIGURES_N] = {
#define X(name) #name,
	COUNT_FIGURES(X)
#undef X
};

bool count_is_class(unsigned figure)
{
	return figure >= F_car;
}

struct count *count_add(struct count_batch *b, unsigned line)
{
	struct count *c;

	if (b->n >= COUNT_ROWS_MAX)
		return NULL;
	if (b->n == b->cap) {
		size_t cap = b->cap ? b->cap * 4 : 1;
		struct count *row;

		if (cap > COUNT_ROWS_MAX)
			cap = COUNT_ROWS_MAX;
		row = arena_alloc(b->arena, cap * sizeof(*row));
		if (!row)
			return NULL;
		if (b->n)
			memcpy(row, b->row, b->n * sizeof(*row));
		b->row = row;
		b->cap = cap;
	}
	c = &b->row[b->n++];
	*c = (struct count){.line = line, .observed_s = COUNT_NULL};
	for (unsigned i = 0; i < COUNT_FIGURES_N; i++)
		c->figure[i] = COUNT_NULL;
	return c;
}

void count_fault(struct count_batch *b, unsigned line, const char *field,
	const char *type, const char *detail)
{
	struct count_error *e;

	if (b->errors_n == b->errors_cap) {
		size_t cap = b->errors_cap ? b->errors_cap * 4 : 4;

		e = arena_alloc(b->arena, cap * sizeof(*e));
		if (!e)
			return;
		if (b->errors_n)
			memcpy(e, b->error, b->errors_n * sizeof(*e));
		b->error = e;
		b->errors_cap = cap;
	}
	e = &b->error[b->errors_n++];
	e->line = line;
	e->field = field;
	e->type = type;
	e->detail = arena_copy(b->arena, detail, strlen(detail));
	if (!e->detail)
		e->detail = "";
}

void count_refuse(struct count_batch *b, struct count *c, const char *field,
	const char *type, const char *fmt, ...)
{
	char detail[256];
	va_list ap;

	c->verdict = COUNT_REJECTED;
	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	count_fault(b, c->line, field, type, detail);
}

static const char *time_field(bool start)
{
	return start ? "start_at" : "end_at";
}

static bool to_utc(struct count_batch *b, struct count *c, bool start,
	const struct tz *tz, enum fold fold)
{
	int64_t *at = start ? &c->start_at : &c->end_at, found[2];
	int n = tz_local(tz, *at, found);

	if (n == 0 || (n == 2 && fold == FOLD_REFUSE)) {
		char text[WHEN_TEXT];

		when_format(text, *at, 0, true)[19] = '\0';
		count_refuse(b, c, time_field(start), "bad_time",
			n ? "%s is there twice in %s, the clock was put back: "
			    "give an offset, or fold=first or second"
			  : "%s does not exist in %s, the clock was put "
			    "forward",
			text, tz_name(tz));
		return false;
	}
	c->repeated |= start && n == 2;
	*at = found[n == 2 && fold == FOLD_SECOND];
	return true;
}

void count_set_time(struct count_batch *b, struct count *c, bool start,
	struct slice text, const struct count_times *t)
{
	const char *field = time_field(start);
	struct when w;

	if (t->form ? when_parse_as(text.at, t->form, &w)
		    : when_parse(text.at, text.n, &w) || w.date_only) {
		count_refuse(b, c, field, "bad_time", "%s is no time like %s",
			field, t->form ? t->form : "2026-11-21T09:00:00+09:00");
		return;
	}
	if (!w.whole) {
		count_refuse(b, c, field, "bad_time",
			"%s has a fraction of a second", field);
		return;
	}
	*(start ? &c->start_at : &c->end_at) = w.at;
	if (w.has_offset)
		return;
	if (t->camera_tz)
		*(start ? &c->start_local : &c->end_local) = true;
	else if (t->tz)
		to_utc(b, c, start, t->tz, t->fold);
	else
		count_refuse(b, c, field, "no_offset",
			"%s has no offset from UTC, such as Z or +09:00",
			field);
}

void count_localize(struct count_batch *b, struct count *c, const struct tz *tz,
	enum fold fold)
{
	if (c->start_local && !to_utc(b, c, true, tz, fold))
		return;
	c->start_local = false;
	if (c->end_local && !to_utc(b, c, false, tz, fold))
		return;
	c->end_local = false;
}

void count_check_interval(struct count_batch *b, struct count *c, int64_t now)
{
	static const struct civil first = {2000, 1, 1, 0, 0, 0};

	if (c->start_at < when_from_civil(&first))
		count_refuse(b, c, "start_at", "out_of_range",
			"start_at is before 2000-01-01");
	else if (c->start_at > now + COUNT_AHEAD_S)
		count_refuse(b, c, "start_at", "out_of_range",
			"start_at is more than 5 minutes ahead");
	else if (c->end_at <= c->start_at)
		count_refuse(b, c, "end_at", "bad_interval",
			"end_at is not after start_at");
	else if (c->end_at - c->start_at > DAY_S)
		count_refuse(b, c, "end_at", "bad_interval",
			"the interval is longer than 24 hours");
	else if (c->observed_s > c->end_at - c->start_at)
		count_refuse(b, c, "observed_s", "out_of_range",
			"observed_s is longer than the interval");
}

void count_check(struct count_batch *b, struct count *c, int64_t now)
{
	bool any = false;

	if (c->verdict == COUNT_REJECTED)
		return;
	for (unsigned i = 0; i < COUNT_FIGURES_N; i++)
		any |= c->figure[i] != COUNT_NULL;
	if (!any)
		count_refuse(b, c, "people", "missing",
			"at least one of people, vehicle and face is wanted");
	else if (!c->start_local && !c->end_local)
		count_check_interval(b, c, now);
}

static int32_t observed(const struct count *c)
{
	return c->observed_s == COUNT_NULL ? (int32_t)(c->end_at - c->start_at)
					   : c->observed_s;
}

bool count_same(const struct count *a, const struct count *b)
{
	return a->end_at == b->end_at && observed(a) == observed(b) &&
		!memcmp(a->figure, b->figure, sizeof(a->figure)) &&
		(!a->detail || (b->detail && !strcmp(a->detail, b->detail)));
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 32;
}

uint64_t count_digest(const struct count *c)
{
	uint64_t h = mix(mix(1, (uint64_t)c->end_at), (uint64_t)observed(c));

	for (unsigned i = 0; i < COUNT_FIGURES_N; i++)
		h = mix(h, (uint32_t)c->figure[i]);
	return h;
}
