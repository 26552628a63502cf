// SPDX-License-Identifier: MIT
#include "analytics/site.h"

#include "analytics/calendar.h"
#include "common/text.h"
#include "common/tz.h"
#include "common/utf8.h"

enum { DETAIL_MAX = 4096, TRIES = 5 };

static enum err note(struct db *db, const struct site_change *s,
	const struct audit_by *by, int64_t site_id, const char *name)
{
	struct text t;
	enum err e = E_NOMEM;

	text_init(&t, DETAIL_MAX);
	json_open(&t, NULL, '{');
	json_int(&t, "id", site_id);
	if (s->name)
		json_str(&t, "name", s->name);
	if (s->tz)
		json_str(&t, "tz", s->tz);
	json_close(&t, '}');
	if (!t.full)
		e = audit_add(db, by,
			s->site_id ? "site.change" : "site.create", name, t.at);
	text_free(&t);
	return e;
}

static enum err add(struct db *db, const struct site_change *s, struct arena *a,
	int64_t *site_id)
{
	struct db_rows rows;
	enum err e = db_run(db, Q_SITE_DEFAULT, NULL, a, &rows);

	if (e || !rows.n)
		return e ? e : E_NOT_FOUND;
	e = db_run(db, Q_SITE_ADD,
		DB_ARGS(DB_S(s->name), s->tz ? DB_S(s->tz) : rows.cell[1]),
		NULL, NULL);
	*site_id = (int64_t)db_insert_id(db);
	return e;
}

/* *name: what it was called. */
static enum err change(struct db *db, const struct site_change *s,
	struct arena *a, const char **name)
{
	struct db_rows rows;
	enum err e =
		db_run(db, Q_SITE_LOCK, DB_ARGS(DB_I(s->site_id)), a, &rows);

	if (e || !rows.n)
		return e ? e : E_NOT_FOUND;
	*name = rows.cell[0].s.at;
	return db_run(db, Q_SITE_CHANGE,
		DB_ARGS(s->name ? DB_S(s->name) : DB_NULL,
			s->tz ? DB_S(s->tz) : DB_NULL, DB_I(s->site_id)),
		NULL, NULL);
}

static enum err put(struct db *db, const struct site_change *s,
	const struct audit_by *by, int64_t *site_id, char why[CAMERA_WHY])
{
	const char *name = s->name;
	struct arena a;
	enum err e = db_begin(db);

	if (e)
		return e;
	arena_init(&a, 64 << 10);
	*site_id = s->site_id;
	e = s->site_id ? change(db, s, &a, &name) : add(db, s, &a, site_id);
	e = camera_refused(db, e, why);
	if (!e)
		e = note(db, s, by, *site_id, name);
	arena_reset(&a);
	if (!e)
		return db_commit(db);
	db_rollback(db);
	return e;
}

enum err site_put(struct db *db, const struct site_change *s,
	const struct audit_by *by, int64_t *site_id, const char **field,
	char why[CAMERA_WHY])
{
	enum err e = E_OK;

	*field = NULL;
	if (s->name && !utf8_shown(s->name, SITE_NAME_MAX * 4, SITE_NAME_MAX))
		*field = "name";
	else if (s->tz && !tz_name_ok(s->tz))
		*field = "tz";
	else if (s->tz)
		e = calendar_ensure(db, s->tz, NULL);
	if (e == E_NOT_FOUND || e == E_INVALID)
		*field = "tz";
	if (*field)
		return E_INVALID;
	if (e)
		return e;
	for (int tries = 0; tries < TRIES; tries++)
		if ((e = put(db, s, by, site_id, why)) != E_BUSY)
			break;
	return e;
}
