// SPDX-License-Identifier: MIT
/*
 * POST /api/v1/cameras and PATCH of one: they are made and changed here.  PATCH
 * goes on with the steps of GET (cameras.c).
 */
#include "analytics/camera.h"

#include "api/api.h"
#include "api/audit.h"
#include "api/body.h"
#include "api/cameras.h"
#include "api/resources.h"
#include "api/work.h"

static const char *text_or_null(const struct json *v)
{
	return v ? json_string(v) : NULL;
}

/* ---- POST ---- */

struct making {
	struct camera_new camera;
	const char *field;
	bool exists;
};

static enum err make(struct req *r, struct db *db)
{
	struct making *m = r->state;
	struct audit_by by = audit_who(r);
	enum err e = camera_create(db, &m->camera, &by, NULL, &m->field);

	m->exists = e == E_EXISTS;
	if (m->exists || e == E_INVALID)
		return E_OK;
	/* What was left out has been chosen now. */
	return e ? e
		 : db_run(db, Q_CAMERA_ONE, DB_ARGS(DB_S(m->camera.code)),
			   &r->rows_arena, &r->rows);
}

enum step camera_make(struct req *r)
{
	enum { CAMERA, NAME, SITE, TZ };
	struct body_member b[] = {{"camera", BODY_TEXT, true, NULL},
		{"name", BODY_TEXT, false, NULL},
		{"site", BODY_TEXT, false, NULL},
		{"tz", BODY_TEXT, false, NULL}};
	struct making *m = arena_alloc(&r->arena, sizeof(*m));
	enum step s = body_members(r, "a camera", b, ARRAY_LEN(b));

	if (s != STEP_NEXT)
		return s;
	if (!m)
		return req_fail(r, E_NOMEM);
	r->state = m;
	m->camera = (struct camera_new){.code = json_string(b[CAMERA].value),
		.name = text_or_null(b[NAME].value),
		.site = text_or_null(b[SITE].value),
		.tz = text_or_null(b[TZ].value)};
	if (!principal_covers(&r->who, m->camera.code))
		return req_problem(r, 403, "forbidden",
			"the token is not for this camera");
	return work_run(r->api->work, r, make);
}

enum step camera_made(struct req *r)
{
	const struct making *m = r->state;

	if (m->exists)
		return req_problem(r, 409, "exists",
			"camera \"%s\" is registered already", m->camera.code);
	if (m->field)
		return body_invalid(r, m->field, camera_rule(m->field));
	if (!r->rows.n)
		return req_fail(r, E_DB);
	json_open(&r->out, NULL, '{');
	json_str(&r->out, "camera", m->camera.code);
	json_str(&r->out, "name", r->rows.cell[0].s.at);
	json_str(&r->out, "site", r->rows.cell[1].s.at);
	json_str(&r->out, "tz", r->rows.cell[2].s.at);
	json_close(&r->out, '}');
	return req_json(r, 201);
}

/* ---- PATCH ---- */

struct changing {
	struct camera_change change;
	const char *field;
	enum err outcome;
	char why[CAMERA_WHY];
};

static enum err change(struct req *r, struct db *db)
{
	struct changing *c = r->state;
	struct audit_by by = audit_who(r);

	c->outcome = camera_change(db, &c->change, &by, &c->field, c->why);
	if (c->field || c->outcome == E_NOT_FOUND || c->outcome == E_CONFLICT)
		return E_OK;
	return c->outcome;
}

static enum step read_change(struct req *r, struct camera_change *c)
{
	enum { NAME, SITE, TZ, RETIRED };
	struct body_member b[] = {{"name", BODY_TEXT, false, NULL},
		{"site", BODY_TEXT, false, NULL},
		{"tz", BODY_TEXT, false, NULL},
		{"retired", BODY_TRUTH, false, NULL}};
	enum step s = body_members(r, "a change", b, ARRAY_LEN(b));

	if (s != STEP_NEXT)
		return s;
	c->name = text_or_null(b[NAME].value);
	c->site = text_or_null(b[SITE].value);
	c->tz = text_or_null(b[TZ].value);
	c->has_tz = c->tz || body_is_null(r, "tz");
	c->has_retired = b[RETIRED].value;
	c->retired = c->has_retired && json_true(b[RETIRED].value);
	if (!c->name && !c->site && !c->has_tz && !c->has_retired)
		return body_invalid(r, "name",
			"is missing, and so are site, tz and retired");
	return STEP_NEXT;
}

enum step camera_alter(struct req *r)
{
	struct changing *c = arena_alloc(&r->arena, sizeof(*c));
	enum step s;

	if (!c)
		return req_fail(r, E_NOMEM);
	r->state = c;
	if ((s = camera_code(r, &c->change.code)) != STEP_NEXT)
		return s;
	if (!principal_covers(&r->who, c->change.code))
		return req_problem(r, 403, "forbidden",
			"the token is not for this camera");
	if ((s = read_change(r, &c->change)) != STEP_NEXT)
		return s;
	/* To count it anew in another zone may take its time. */
	return work_run(c->change.site || c->change.has_tz ? r->api->jobs
							   : r->api->work,
		r, change);
}

enum step camera_altered(struct req *r)
{
	const struct changing *c = r->state;

	if (c->field)
		return body_invalid(r, c->field, camera_rule(c->field));
	if (c->outcome == E_NOT_FOUND)
		return camera_unknown(r, c->change.code);
	if (c->outcome == E_CONFLICT)
		return req_problem(r, 409, "conflict", "%s", c->why);
	return STEP_NEXT;
}
