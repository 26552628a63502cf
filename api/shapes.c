// SPDX-License-Identifier: MIT
/*
 * GET /api/v1/cameras/{code}/shapes, PUT and DELETE
 * /api/v1/cameras/{code}/lines/{line} and …/zones/{zone}.  The code of a
 * camera stands percent-encoded in the path.
 */
#include "api/shapes.h"

#include <string.h>

#include "analytics/camera.h"
#include "analytics/drawing.h"
#include "api/api.h"
#include "api/audit.h"
#include "api/body.h"
#include "api/cameras.h"
#include "api/resources.h"
#include "api/work.h"

/* Columns of Q_CONFIG and Q_CAMERA_SHAPES. */
enum { C_CODE, C_ZONE, C_KIND, C_NAME, C_DEFINITION };

struct drawn {
	const char *camera, *name;
	enum shape_kind kind;
	struct shape shape;
	enum drawing outcome;
};

/* Rows of one camera, its lines before its zones: the members that tell them.
 */
static void write_kind(struct text *t, const struct db_rows *rows, size_t from,
	size_t to, enum shape_kind kind)
{
	json_open(t, kind == SHAPE_LINE ? "lines" : "zones", '[');
	for (size_t i = from; i < to; i++) {
		const struct db_cell *c = &rows->cell[i * rows->cols];

		if (!c[C_KIND].null &&
			!strcmp(c[C_KIND].s.at, shape_kind_name(kind)))
			json_raw(t, NULL, c[C_DEFINITION].s.at,
				c[C_DEFINITION].s.n);
	}
	json_close(t, ']');
}

size_t shapes_write(struct text *t, const struct db_rows *rows, size_t from)
{
	const struct db_cell *c = &rows->cell[from * rows->cols];
	size_t to = from;

	while (to < rows->n &&
		!strcmp(rows->cell[to * rows->cols].s.at, c[C_CODE].s.at))
		to++;
	json_open(t, NULL, '{');
	json_str(t, "camera", c[C_CODE].s.at);
	json_str(t, "tz", c[C_ZONE].s.at);
	write_kind(t, rows, from, to, SHAPE_LINE);
	write_kind(t, rows, from, to, SHAPE_ZONE);
	json_close(t, '}');
	return to;
}

/* What the path names; a code that could be none's is nobody's. */
static enum step read_path(struct req *r, struct drawn **out)
{
	struct drawn *d = arena_alloc(&r->arena, sizeof(*d));

	*out = d;
	if (!d)
		return req_fail(r, E_NOMEM);
	r->state = d;
	if (query_decode(&d->camera, &r->arena, r->param[0], false) ||
		(r->param[1].n &&
			query_decode(&d->name, &r->arena, r->param[1], false)))
		return req_problem(r, 400, "bad-parameter",
			"the path is not percent-encoded UTF-8");
	if (!camera_code_ok(d->camera, strlen(d->camera)))
		return camera_unknown(r, d->camera);
	return STEP_NEXT;
}

enum step shapes_ask(struct req *r)
{
	struct drawn *d;
	enum step s;

	if ((s = req_no_params(r)) != STEP_NEXT ||
		(s = read_path(r, &d)) != STEP_NEXT)
		return s;
	if (!principal_covers(&r->who, d->camera))
		return camera_unknown(r, d->camera);
	return req_query(r, Q_CAMERA_SHAPES, DB_ARGS(DB_S(d->camera)), 1);
}

enum step shapes_list(struct req *r)
{
	const struct drawn *d = r->state;

	if (!r->rows.n)
		return camera_unknown(r, d->camera);
	shapes_write(&r->out, &r->rows, 0);
	return req_json(r, 200);
}

/* ---- PUT and DELETE ---- */

static enum err put(struct req *r, struct db *db)
{
	struct drawn *d = r->state;
	struct audit_by by = audit_who(r);

	return drawing_put(db, d->camera, &d->shape, &by, &d->outcome);
}

static enum step put_shape(struct req *r, enum shape_kind kind)
{
	const char *field, *what = kind == SHAPE_LINE ? "a line" : "a zone";
	char why[SHAPE_WHY];
	struct drawn *d;
	enum step s;

	if ((s = read_path(r, &d)) != STEP_NEXT ||
		(s = body_object(r, what)) != STEP_NEXT)
		return s;
	if (!shape_read(&d->shape, kind, d->name, r->json, &field, why))
		return body_invalid(r, field, why);
	if (!principal_covers(&r->who, d->camera))
		return req_problem(r, 403, "forbidden",
			"the token is not for this camera");
	return work_run(r->api->work, r, put);
}

enum step line_put(struct req *r)
{
	return put_shape(r, SHAPE_LINE);
}

enum step zone_put(struct req *r)
{
	return put_shape(r, SHAPE_ZONE);
}

static enum err take_away(struct req *r, struct db *db)
{
	struct drawn *d = r->state;
	struct audit_by by = audit_who(r);

	return drawing_remove(
		db, d->camera, d->kind, d->name, &by, &d->outcome);
}

static enum step remove_shape(struct req *r, enum shape_kind kind)
{
	struct drawn *d;
	enum step s;

	if ((s = req_no_params(r)) != STEP_NEXT ||
		(s = read_path(r, &d)) != STEP_NEXT)
		return s;
	d->kind = kind;
	if (!principal_covers(&r->who, d->camera))
		return camera_unknown(r, d->camera);
	return work_run(r->api->work, r, take_away);
}

enum step line_remove(struct req *r)
{
	return remove_shape(r, SHAPE_LINE);
}

enum step zone_remove(struct req *r)
{
	return remove_shape(r, SHAPE_ZONE);
}

enum step shape_answer(struct req *r)
{
	const struct drawn *d = r->state;

	switch (d->outcome) {
	case DRAWING_MADE:
	case DRAWING_REPLACED:
		shape_json(&r->out, &d->shape);
		return req_json(r, d->outcome == DRAWING_MADE ? 201 : 200);
	case DRAWING_REMOVED:
		return req_reply(r, 204, NULL);
	case DRAWING_NO_CAMERA:
		return camera_unknown(r, d->camera);
	case DRAWING_NO_SHAPE:
		return req_problem(r, 404, "not-found",
			"camera \"%.60s\" has no %s \"%.40s\"", d->camera,
			shape_kind_name(d->kind), d->name);
	case DRAWING_NOT_WHOLE:
		return req_problem(r, 409, "conflict",
			"camera \"%.60s\" is a line or a zone itself",
			d->camera);
	case DRAWING_OTHER_KIND:
		return req_problem(r, 409, "exists",
			"\"%.40s\" is there as a shape of the other kind",
			d->name);
	case DRAWING_TAKEN:
		return req_problem(r, 409, "exists",
			"what \"%.40s\" would count belongs to another camera",
			d->name);
	case DRAWING_TOO_LONG:
		return body_invalid(r, shape_kind_name(d->shape.kind),
			"makes codes of more than 120 bytes with the camera's");
	case DRAWING_TOO_MANY:
		return req_problem(r, 409, "conflict",
			"the camera has %d %ss already, the most it may",
			d->shape.kind == SHAPE_LINE ? SHAPE_LINES_MAX
						    : SHAPE_ZONES_MAX,
			shape_kind_name(d->shape.kind));
	}
	return req_fail(r, E_CORRUPT);
}
