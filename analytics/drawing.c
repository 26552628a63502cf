// SPDX-License-Identifier: MIT
#include "analytics/drawing.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analytics/camera.h"
#include "common/json.h"
#include "common/text.h"

enum { TRIES = 5, BUSY_US = 1000, DEFINITION_MAX = 8192, SERIES = 2 };

struct change {
	struct db *db;
	const char *camera;
	enum shape_kind kind;
	const char *name;
	const struct shape *shape; /* NULL: remove it */
	const struct audit_by *by;
	struct arena arena;
	int64_t camera_id, site_id;
	struct db_cell tz;
	bool there;
	struct shape old;
	size_t same_kind; /* others of the camera's */
	enum drawing outcome;
};

/* The i-th series' code; NULL where there are no more.  Over its bound it is
 * cut, which its caller has to look for. */
static const char *series(char code[CAMERA_CODE_MAX + 2], const char *camera,
	const struct shape *s, int i)
{
	const char *direction = i ? s->out : s->in;

	if (s->kind == SHAPE_ZONE ? i > 0 : i >= SERIES)
		return NULL;
	snprintf(code, CAMERA_CODE_MAX + 2, "%s/%s%s%s", camera, s->name,
		s->kind == SHAPE_LINE ? "/" : "",
		s->kind == SHAPE_LINE ? direction : "");
	return code;
}

static bool too_long(const struct change *c)
{
	char code[CAMERA_CODE_MAX + 2];

	for (int i = 0; series(code, c->camera, c->shape, i); i++)
		if (strlen(code) > CAMERA_CODE_MAX)
			return true;
	return false;
}

static enum err find_camera(struct change *c)
{
	struct db_rows rows;
	enum err e = db_run(c->db, Q_SHAPE_CAMERA, DB_ARGS(DB_S(c->camera)),
		&c->arena, &rows);

	if (e)
		return e;
	if (!rows.n) {
		c->outcome = DRAWING_NO_CAMERA;
		return E_CONFLICT;
	}
	if (strcmp(rows.cell[3].s.at, "camera") != 0) {
		c->outcome = DRAWING_NOT_WHOLE;
		return E_CONFLICT;
	}
	c->camera_id = rows.cell[0].i;
	c->site_id = rows.cell[1].i;
	c->tz = rows.cell[2];
	return E_OK;
}

static enum err take_old(struct change *c, const struct db_cell *row)
{
	const char *field;
	char why[SHAPE_WHY];
	struct json *v;

	c->there = true;
	if (strcmp(row[1].s.at, shape_kind_name(c->kind)) != 0) {
		c->outcome = DRAWING_OTHER_KIND;
		return E_CONFLICT;
	}
	if (json_parse(row[2].s.at, row[2].s.n, &v, NULL))
		return E_CORRUPT;
	if (!shape_read(&c->old, c->kind, NULL, v, &field, why))
		c->old = (struct shape){.kind = c->kind};
	json_free(v);
	return E_OK;
}

static enum err find_shape(struct change *c)
{
	struct db_rows rows;
	enum err e = db_run(
		c->db, Q_SHAPES, DB_ARGS(DB_I(c->camera_id)), &c->arena, &rows);

	for (size_t i = 0; !e && i < rows.n; i++) {
		const struct db_cell *row = &rows.cell[i * rows.cols];

		if (!strcmp(row[0].s.at, c->name))
			e = take_old(c, row);
		else
			c->same_kind +=
				!strcmp(row[1].s.at, shape_kind_name(c->kind));
	}
	return e;
}

static enum err retire_series(struct change *c)
{
	char code[CAMERA_CODE_MAX + 2];
	enum err e = E_OK;

	for (int i = 0; !e && c->there && series(code, c->camera, &c->old, i);
		i++)
		e = db_run(c->db, Q_SHAPE_SERIES_RETIRE,
			DB_ARGS(DB_I(c->camera_id), DB_S(code)), NULL, NULL);
	return e;
}

/* A camera of that code which nobody owns becomes the series: its rows came
 * from programs that counted by themselves. */
static enum err put_one(struct change *c, const char *code)
{
	const char *kind = shape_kind_name(c->kind);
	struct db_rows rows;
	enum err e = db_run(c->db, Q_SHAPE_SERIES_OF, DB_ARGS(DB_S(code)),
		&c->arena, &rows);

	if (e)
		return e;
	if (rows.n && rows.cell[0].i && rows.cell[0].i != c->camera_id) {
		c->outcome = DRAWING_TAKEN;
		return E_CONFLICT;
	}
	return db_run(c->db, Q_SHAPE_SERIES_PUT,
		DB_ARGS(DB_S(code), DB_S(code), DB_I(c->site_id),
			DB_I(c->camera_id), DB_S(kind), c->tz,
			DB_I(c->camera_id), DB_S(kind)),
		NULL, NULL);
}

static enum err put_series(struct change *c)
{
	char code[CAMERA_CODE_MAX + 2];
	enum err e = E_OK;

	for (int i = 0; !e && series(code, c->camera, c->shape, i); i++)
		e = put_one(c, code);
	return e;
}

static enum err note(struct change *c, const char *definition)
{
	char subject[CAMERA_CODE_MAX + SHAPE_NAME_MAX + 2], action[16];

	snprintf(subject, sizeof(subject), "%s/%s", c->camera, c->name);
	snprintf(action, sizeof(action), "%s.%s", shape_kind_name(c->kind),
		definition ? "set" : "remove");
	return audit_add(c->db, c->by, action, subject, definition);
}

static enum err put(struct change *c)
{
	const char *kind = shape_kind_name(c->kind);
	struct text t;
	enum err e;

	if (c->same_kind >=
		(c->kind == SHAPE_LINE ? SHAPE_LINES_MAX : SHAPE_ZONES_MAX)) {
		c->outcome = DRAWING_TOO_MANY;
		return E_CONFLICT;
	}
	text_init(&t, DEFINITION_MAX);
	shape_json(&t, c->shape);
	e = t.full ? E_NOMEM : retire_series(c);
	if (!e)
		e = put_series(c);
	if (!e)
		e = db_run(c->db, Q_SHAPE_PUT,
			DB_ARGS(DB_I(c->camera_id), DB_S(c->name), DB_S(kind),
				DB_S(t.at), DB_S(t.at)),
			NULL, NULL);
	if (!e)
		e = note(c, t.at);
	text_free(&t);
	c->outcome = c->there ? DRAWING_REPLACED : DRAWING_MADE;
	return e;
}

static enum err take_away(struct change *c)
{
	enum err e;

	if (!c->there) {
		c->outcome = DRAWING_NO_SHAPE;
		return E_CONFLICT;
	}
	if ((e = retire_series(c)))
		return e;
	if ((e = db_run(c->db, Q_SHAPE_DELETE,
		     DB_ARGS(DB_I(c->camera_id), DB_S(c->name)), NULL, NULL)))
		return e;
	c->outcome = DRAWING_REMOVED;
	return note(c, NULL);
}

/* E_CONFLICT: c->outcome says why nothing was done. */
static enum err change(struct change *c)
{
	enum err e = db_begin(c->db);

	c->there = false;
	c->same_kind = 0;
	if (e)
		return e;
	if (!(e = find_camera(c)) && !(e = find_shape(c)))
		e = c->shape ? put(c) : take_away(c);
	if (!e)
		return db_commit(c->db);
	db_rollback(c->db);
	return e;
}

static enum err change_until_done(struct change *c, enum drawing *d)
{
	enum err e = E_OK;

	arena_init(&c->arena, 1 << 20);
	if (c->shape && too_long(c)) {
		*d = DRAWING_TOO_LONG;
		return E_OK;
	}
	for (int try = 0; try < TRIES; try++) {
		if ((e = change(c)) != E_BUSY)
			break;
		arena_reset(&c->arena);
		usleep((useconds_t)(BUSY_US << try));
	}
	arena_reset(&c->arena);
	*d = c->outcome;
	return e == E_CONFLICT ? E_OK : e;
}

enum err drawing_put(struct db *db, const char *camera, const struct shape *s,
	const struct audit_by *by, enum drawing *d)
{
	struct change c = {.db = db,
		.camera = camera,
		.kind = s->kind,
		.name = s->name,
		.shape = s,
		.by = by};

	return change_until_done(&c, d);
}

enum err drawing_remove(struct db *db, const char *camera, enum shape_kind kind,
	const char *name, const struct audit_by *by, enum drawing *d)
{
	struct change c = {.db = db,
		.camera = camera,
		.kind = kind,
		.name = name,
		.by = by};

	return change_until_done(&c, d);
}
