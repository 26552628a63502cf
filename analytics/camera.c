// SPDX-License-Identifier: MIT
#include "analytics/camera.h"

#include <stdio.h>
#include <string.h>

#include "analytics/calendar.h"
#include "common/text.h"
#include "common/tz.h"
#include "common/utf8.h"

enum { DETAIL_MAX = 4096, TRIES = 5 };

/* What SIGNAL is to a client. */
enum { ERROR_SIGNAL = 1644 };

static bool code_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool camera_code_ok(const char *code, size_t n)
{
	bool part = false; /* something stands since the last slash */

	if (n > CAMERA_CODE_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (code[i] == '/' ? !part : !code_letter(code[i]))
			return false;
		part = code[i] != '/';
	}
	return part;
}

static const char *wrong_text(
	const char *name, const char *site, const char *tz)
{
	if (name && !utf8_shown(name, CAMERA_NAME_MAX, CAMERA_NAME_MAX))
		return "name";
	if (site && !utf8_shown(site, SITE_NAME_MAX * 4, SITE_NAME_MAX))
		return "site";
	if (tz && !tz_name_ok(tz))
		return "tz";
	return NULL;
}

static const char *wrong_field(const struct camera_new *c)
{
	if (!camera_code_ok(c->code, strlen(c->code)))
		return "camera";
	return wrong_text(c->name, c->site, c->tz);
}

const char *camera_rule(const char *field)
{
	if (!strcmp(field, "camera"))
		return "is not 1 to 120 of A-Z a-z 0-9 . _ - with single "
		       "slashes between them";
	if (!strcmp(field, "tz"))
		return "is not the name of a time zone, such as Asia/Seoul";
	return "is blank, too long, or has characters that cannot be shown";
}

/* The site's row: its id, and its zone in the arena. */
static enum err find_site(struct db *db, const char *name, struct arena *a,
	int64_t *id, const char **tz)
{
	struct db_rows rows;
	enum err e = name ? db_run(db, Q_SITE_OF, DB_ARGS(DB_S(name)), a, &rows)
			  : db_run(db, Q_SITE_DEFAULT, NULL, a, &rows);

	if (e)
		return e;
	if (!rows.n)
		return E_NOT_FOUND;
	*id = rows.cell[0].i;
	*tz = rows.cell[1].s.at;
	return E_OK;
}

static enum err find_or_add_site(
	struct db *db, const char *name, struct arena *a, int64_t *id)
{
	const char *tz;
	enum err e = find_site(db, name, a, id, &tz);

	if (e != E_NOT_FOUND || !name)
		return e;
	if ((e = find_site(db, NULL, a, id, &tz)))
		return e;
	e = db_run(db, Q_SITE_ADD, DB_ARGS(DB_S(name), DB_S(tz)), NULL, NULL);
	*id = (int64_t)db_insert_id(db);
	/* Added by somebody else since; the caller begins again. */
	return e == E_EXISTS ? E_BUSY : e;
}

static enum err note(
	struct db *db, const struct camera_new *c, const struct audit_by *by)
{
	struct text t;
	enum err e = E_NOMEM;

	text_init(&t, DETAIL_MAX);
	json_open(&t, NULL, '{');
	json_str(&t, "name", c->name);
	json_str(&t, "site", c->site);
	json_str(&t, "tz", c->tz);
	json_close(&t, '}');
	if (!t.full)
		e = audit_add(db, by, "camera.create", c->code, t.at);
	text_free(&t);
	return e;
}

/* In one transaction, so that a refused camera leaves no site behind. */
static enum err add(struct db *db, const struct camera_new *c,
	const struct audit_by *by, struct arena *a, int64_t *camera_id)
{
	const char *name = c->name ? c->name : c->code;
	int64_t site_id, id = 0;
	enum err e;

	if ((e = db_begin(db)))
		return e;
	if (!(e = find_or_add_site(db, c->site, a, &site_id)) &&
		!(e = db_run(db, Q_CAMERA_ADD,
			  DB_ARGS(DB_S(c->code), DB_S(name), DB_I(site_id),
				  c->tz ? DB_S(c->tz) : DB_NULL),
			  NULL, NULL))) {
		id = (int64_t)db_insert_id(db);
		e = note(db, c, by);
	}
	if (!e) {
		if (camera_id)
			*camera_id = id;
		return db_commit(db);
	}
	db_rollback(db);
	return e;
}

static enum err ensure_zone(struct db *db, const char *tz, const char **field)
{
	enum err e = tz ? calendar_ensure(db, tz, NULL) : E_OK;

	if (e != E_NOT_FOUND && e != E_INVALID)
		return e;
	*field = "tz";
	return E_INVALID;
}

enum err camera_create(struct db *db, const struct camera_new *c,
	const struct audit_by *by, int64_t *camera_id, const char **field)
{
	struct arena a;
	enum err e;

	if ((*field = wrong_field(c)))
		return E_INVALID;
	if ((e = ensure_zone(db, c->tz, field)))
		return e;
	arena_init(&a, 64 << 10);
	for (int tries = 0; tries < TRIES; tries++)
		if ((e = add(db, c, by, &a, camera_id)) != E_BUSY)
			break;
	arena_reset(&a);
	return e;
}

/* ---- changing ---- */

enum err camera_refused(struct db *db, enum err e, char why[CAMERA_WHY])
{
	if (e != E_DB || db_error_no(db) != ERROR_SIGNAL)
		return e;
	snprintf(why, CAMERA_WHY, "%s", db_error_text(db));
	return E_CONFLICT;
}

static enum err note_change(
	struct db *db, const struct camera_change *c, const struct audit_by *by)
{
	struct text t;
	enum err e = E_NOMEM;

	text_init(&t, DETAIL_MAX);
	json_open(&t, NULL, '{');
	if (c->name)
		json_str(&t, "name", c->name);
	if (c->site)
		json_str(&t, "site", c->site);
	if (c->has_tz)
		json_str(&t, "tz", c->tz);
	if (c->has_retired)
		json_bool(&t, "retired", c->retired);
	json_close(&t, '}');
	if (!t.full)
		e = audit_add(db, by, "camera.change", c->code, t.at);
	text_free(&t);
	return e;
}

/* Of the camera, and of what hangs on it all but the name. */
static enum err write_change(
	struct db *db, const struct camera_change *c, struct arena *a)
{
	struct db_cell tz = c->tz ? DB_S(c->tz) : DB_NULL, site = DB_NULL, id;
	struct db_cell name = c->name ? DB_S(c->name) : DB_NULL;
	struct db_cell retired = c->has_retired ? DB_I(c->retired) : DB_NULL;
	struct db_rows rows;
	int64_t site_id;
	enum err e =
		db_run(db, Q_CAMERA_LOCK, DB_ARGS(DB_S(c->code)), a, &rows);

	if (e || !rows.n)
		return e ? e : E_NOT_FOUND;
	id = DB_I(rows.cell[0].i);
	if (c->site) {
		if ((e = find_or_add_site(db, c->site, a, &site_id)))
			return e;
		site = DB_I(site_id);
	}
	return db_run(db, Q_CAMERA_CHANGE,
		DB_ARGS(id, name, site, DB_I(c->has_tz), tz, retired, retired,
			rows.cell[1], id, id),
		NULL, NULL);
}

static enum err change(struct db *db, const struct camera_change *c,
	const struct audit_by *by, struct arena *a, char why[CAMERA_WHY])
{
	enum err e = db_begin(db);

	if (e)
		return e;
	e = camera_refused(db, write_change(db, c, a), why);
	if (!e)
		e = note_change(db, c, by);
	if (!e)
		return db_commit(db);
	db_rollback(db);
	return e;
}

enum err camera_change(struct db *db, const struct camera_change *c,
	const struct audit_by *by, const char **field, char why[CAMERA_WHY])
{
	struct arena a;
	enum err e;

	if ((*field = wrong_text(c->name, c->site, c->tz)))
		return E_INVALID;
	if ((e = ensure_zone(db, c->tz, field)))
		return e;
	arena_init(&a, 64 << 10);
	for (int tries = 0; tries < TRIES; tries++)
		if ((e = change(db, c, by, &a, why)) != E_BUSY)
			break;
	arena_reset(&a);
	return e;
}
