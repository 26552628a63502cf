// SPDX-License-Identifier: MIT
#include "api/directory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/camera.h"
#include "analytics/count.h"
#include "common/log.h"
#include "common/text.h"
#include "common/when.h"

enum { WAYS = 4 };

struct directory {
	struct db *db;
	bool auto_register;
	int64_t version;
	struct directory_camera camera[DIRECTORY_ENTRIES];
};

enum err directory_open(struct directory **d, struct db *db, bool auto_register)
{
	*d = calloc(1, sizeof(**d));
	if (!*d)
		return E_NOMEM;
	(*d)->db = db;
	(*d)->auto_register = auto_register;
	return E_OK;
}

void directory_close(struct directory *d)
{
	for (int i = 0; d && i < DIRECTORY_ENTRIES; i++)
		free(d->camera[i].bounds);
	free(d);
}

/* A few places a code: where all are taken, the camera that was asked for the
 * longest time ago leaves, but none whose newest row is pending. */
static struct directory_camera *place(struct directory *d, const char *code)
{
	struct directory_camera *set, *to;
	uint32_t h = text_hash(TEXT_HASH, code);

	to = set = &d->camera[h % (DIRECTORY_ENTRIES / WAYS) * WAYS];
	for (int i = 0; i < WAYS; i++) {
		if (!strcmp(set[i].code, code))
			return &set[i];
		if (to->pending ||
			(!set[i].pending &&
				set[i].good_until_ms < to->good_until_ms))
			to = &set[i];
	}
	return to;
}

void directory_doubt(struct directory *d, const char *code)
{
	struct directory_camera *c = place(d, code);

	if (!strcmp(c->code, code)) {
		c->good_until_ms = 0;
		c->pending = false;
	}
}

void directory_settle(struct directory *d, const char *code)
{
	struct directory_camera *c = place(d, code);

	if (!strcmp(c->code, code))
		c->pending = false;
}

/* Not for the same time each: cameras that came together would be asked for
 * together ever after, all in one turn that everybody waits for. */
static int64_t believed_until(int64_t camera_id)
{
	return when_clock_ms() + DIRECTORY_TTL_MS -
		camera_id * 7919 % (DIRECTORY_TTL_MS / 2);
}

static enum err load(
	struct directory *d, const char *code, struct directory_camera *c)
{
	struct arena a;
	struct db_rows rows = {0};
	enum err e;

	arena_init(&a, 65536);
	e = db_run(d->db, Q_CAMERA_NEWEST, DB_ARGS(DB_S(code)), &a, &rows);
	if (!e && !rows.n)
		e = E_NOT_FOUND;
	if (!e) {
		snprintf(c->code, sizeof(c->code), "%s", code);
		/* Bounds belong to the camera that had this place. */
		if (c->camera_id != rows.cell[0].i)
			c->bounds_version = 0;
		c->camera_id = rows.cell[0].i;
		snprintf(c->zone, sizeof(c->zone), "%s", rows.cell[1].s.at);
		c->zone_id = rows.cell[5].i;
		c->pending = false;
		c->retired_at = rows.cell[4].null
			? INT64_MAX
			: when_from_number(rows.cell[4].i);
		c->has_newest = !rows.cell[2].null;
		if (c->has_newest) {
			c->newest_start = when_from_number(rows.cell[2].i);
			c->newest_end = when_from_number(rows.cell[3].i);
		}
		c->good_until_ms = believed_until(c->camera_id);
		c->version = d->version;
	}
	arena_reset(&a);
	return e;
}

enum err directory_still(
	struct directory *d, const char *code, int64_t camera_id, int64_t at)
{
	struct directory_camera *c = place(d, code);
	bool pending = c->pending && !strcmp(c->code, code);
	enum err e = load(d, code, c);

	if (e == E_NOT_FOUND ||
		(!e && (c->camera_id != camera_id || at >= c->retired_at)))
		e = E_BUSY;
	c->pending = pending;
	c->good_until_ms = e ? 0 : c->good_until_ms;
	return e;
}

bool directory_version(struct directory *d, int64_t version)
{
	bool new = version != d->version;

	d->version = version;
	return new;
}

int64_t directory_known(const struct directory *d)
{
	return d->version;
}

/* A bound that no count can pass, or every one does, stays one as a number. */
static int32_t bound(const struct db_cell *cell, int32_t without)
{
	double d = cell->null ? without : floor(cell->d);

	return (int32_t)fmax(-1, fmin(d, COUNT_MAX));
}

static void take_hour(struct directory_bounds *b, const struct db_cell *row)
{
	struct directory_hour *h = &b->hour[row[0].i % HOURS_A_WEEK];

	for (int i = 0; i < 3; i++) {
		h->high[i] = bound(&row[1 + i], COUNT_MAX);
		h->low[i] = bound(&row[4 + i], -1);
	}
}

static enum err load_bounds(struct directory *d, struct directory_camera *c)
{
	struct arena a;
	struct db_rows rows = {0};
	enum err e;

	free(c->bounds);
	c->bounds = NULL;
	arena_init(&a, 1 << 18);
	e = db_run(d->db, Q_REFERENCE_BOUNDS,
		DB_ARGS(DB_I(c->zone_id), DB_I(c->camera_id)), &a, &rows);
	if (!e && rows.n && !(c->bounds = malloc(sizeof(*c->bounds))))
		e = E_NOMEM;
	/* Every row may be an outlier, of an hour that is not told. */
	for (size_t i = 0; !e && rows.n && i < HOURS_A_WEEK; i++)
		c->bounds->hour[i] = (struct directory_hour){
			{-1, -1, -1}, {COUNT_MAX, COUNT_MAX, COUNT_MAX}};
	for (size_t i = 0; !e && i < rows.n; i++)
		if (!rows.cell[i * rows.cols].null)
			take_hour(c->bounds, &rows.cell[i * rows.cols]);
	if (!e)
		c->bounds_version = d->version;
	arena_reset(&a);
	return e;
}

static enum err find(struct directory *d, const char *code,
	const struct audit_by *by, struct directory_camera **out)
{
	struct directory_camera *c = place(d, code);
	const char *field;
	enum err e;

	*out = c;
	/* A pending row is known here alone. */
	if (!strcmp(c->code, code) &&
		(c->pending ||
			(c->good_until_ms > when_clock_ms() &&
				c->version == d->version)))
		return E_OK;
	c->good_until_ms = 0;
	c->pending = false;
	if (!camera_code_ok(code, strlen(code)))
		return E_INVALID;
	e = load(d, code, c);
	if (e != E_NOT_FOUND || !d->auto_register || !by)
		return e;
	e = camera_create(
		d->db, &(struct camera_new){.code = code}, by, NULL, &field);
	if (e && e != E_EXISTS)
		return e;
	if (!e)
		log_info("camera %s: registered by its first count", code);
	return load(d, code, c);
}

enum err directory_find(struct directory *d, const char *code,
	const struct audit_by *by, struct directory_camera **out)
{
	enum err e = find(d, code, by, out);

	if (!e && (*out)->bounds_version != d->version)
		e = load_bounds(d, *out);
	return e;
}
