// SPDX-License-Identifier: MIT
/*
 * verify: `tally verify`: recounts the raw rows and holds every stored bucket
 * against what they say.  A bucket that begins before raw rows are kept is held
 * against the sum of the next finer level's, as far as that is kept.
 */
#include "analytics/ctl/verify.h"

#include <string.h>

#include "analytics/ctl/ctl.h"
#include "common/when.h"

enum { CAMERAS_PAGE = 1000 };

static enum err check_all(struct verify *v)
{
	int64_t id[CAMERAS_PAGE], last = 0;
	struct db_rows rows;
	size_t n;
	enum err e;

	do {
		arena_reset(&v->arena);
		e = db_run(v->db, Q_VERIFY_CAMERAS,
			DB_ARGS(DB_I(last), DB_I(CAMERAS_PAGE)), &v->arena,
			&rows);
		n = e ? 0 : rows.n;
		for (size_t i = 0; i < n; i++)
			last = id[i] = rows.cell[i].i;
		for (size_t i = 0; i < n && !e; i++)
			e = verify_camera(v, id[i]);
	} while (!e && n == CAMERAS_PAGE);
	return e;
}

/* ---- cameras that are not there */

/* Goes from one camera_id that a table holds to the next; the tables are those
 * of Q_VERIFY_STRAYS: count_record, then the levels. */
static enum err check_strays(struct verify *v)
{
	enum { TABLES = 1 + LEVEL_COUNT };
	struct db_cell args[TABLES];
	struct db_rows rows, camera;
	int64_t id = 0;
	enum err e;

	if ((e = db_begin_read(v->db)))
		return e;
	while (!e && id <= UINT32_MAX) {
		int64_t next = UINT32_MAX + INT64_C(1);

		for (int i = 0; i < TABLES; i++)
			args[i] = DB_I(id);
		arena_reset(&v->arena);
		e = db_run(v->db, Q_VERIFY_STRAYS, args, &v->arena, &rows);
		for (int i = 0; i < TABLES && !e; i++)
			if (!rows.cell[i].null && rows.cell[i].i < next)
				next = rows.cell[i].i;
		if (!e)
			e = db_run(v->db, Q_VERIFY_CAMERA, DB_ARGS(DB_I(next)),
				&v->arena, &camera);
		for (int i = 0; i < TABLES && !e; i++)
			if (!camera.n && !rows.cell[i].null &&
				rows.cell[i].i == next)
				verify_say_stray(v, i ? "stats_" : "",
					i ? recount_level_name[i - 1]
					  : "count_record",
					next);
		id = next + 1;
	}
	db_rollback(v->db);
	return e;
}

/* ---- the command */

static bool read_date(const struct ctl_option *o, int64_t *date)
{
	struct when w;

	if (!o->n)
		return true;
	if (when_parse(o->value[0], strlen(o->value[0]), &w) || !w.date_only ||
		w.at < VERIFY_FIRST ||
		w.at > VERIFY_LAST - 400 * (int64_t)DAY_S) {
		ctl_say("%s: \"%s\" is no date like 2026-11-21", o->name,
			o->value[0]);
		return false;
	}
	*date = w.at;
	return true;
}

static enum err check_named(struct verify *v, const struct ctl_option *cameras)
{
	int64_t id[CTL_VALUES_MAX];
	struct db_rows rows;
	enum err e = E_OK;

	/* All names are looked at before the work begins. */
	for (unsigned i = 0; i < cameras->n; i++) {
		e = db_run(v->db, Q_CAMERA_ID, DB_ARGS(DB_S(cameras->value[i])),
			&v->arena, &rows);
		if (e)
			return e;
		if (!rows.n) {
			ctl_say("--camera: no camera \"%s\"",
				cameras->value[i]);
			return E_SYNTAX;
		}
		id[i] = rows.cell[0].i;
	}
	for (unsigned i = 0; i < cameras->n && !e; i++)
		e = verify_camera(v, id[i]);
	return e;
}

/* A connection of its own, whose session is fit for snapshots. */
static enum err open_database(struct verify *v, const struct conf *conf)
{
	struct db_account a = db_account_of(
		conf, conf->database_user, conf->database_password_file);

	a.session = stmt_defs[Q_SESSION_REPEATABLE].text;
	return db_open(&v->db, &a);
}

int ctl_verify(struct ctl *ctl, int argc, char **argv)
{
	enum { FROM, TO, CAMERA, ALL };
	struct ctl_option o[] = {{.name = "--from"}, {.name = "--to"},
		{.name = "--camera", .many = true},
		{.name = "--all", .flag = true}};
	struct verify v = {.from = INT64_MIN, .to = INT64_MAX};
	enum err e;

	if (!ctl_args(&argc, argv, o, ARRAY_LEN(o), (int[2]){0, 0}) ||
		!read_date(&o[FROM], &v.from) || !read_date(&o[TO], &v.to))
		return CTL_USAGE;
	if (v.from >= v.to) {
		ctl_say("--to is the day after the last one: it must lie "
			"behind --from");
		return CTL_USAGE;
	}
	v.all = o[ALL].n;
	arena_init(&v.arena, VERIFY_PAGE_BYTES);
	if (!(e = open_database(&v, &ctl->conf))) {
		e = o[CAMERA].n ? check_named(&v, &o[CAMERA]) : check_all(&v);
		if (!e && !o[CAMERA].n)
			e = check_strays(&v);
	}
	verify_hide_progress(&v);
	db_close(v.db);
	arena_reset(&v.arena);
	if (e == E_SYNTAX)
		return CTL_USAGE;
	if (e)
		return ctl_status(e, "verify");
	verify_say_summary(&v);
	return v.differences.n || v.overlaps.n ? CTL_FAILED : CTL_OK;
}
