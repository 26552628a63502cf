// SPDX-License-Identifier: MIT
#include "analytics/backup_due.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/backup.h"
#include "common/log.h"
#include "common/when.h"

enum { MINUTE_S = 60, RETRY_PERIODS = 15 };

struct backup_duty {
	const struct conf *conf;
	struct db_account account;
	bool told_database;    /* that backups are wanted, or not */
	bool running;	       /* the thread is to be joined */
	_Atomic bool done;     /* it has nothing more to do */
	bool noted;	       /* how it ended; false also before the first */
	int64_t not_before_ms; /* after a failure */
	pthread_t thread;
	/* The thread's, until done. */
	int64_t start;
	struct backup_facts made;
	enum err err;
	char why[SEAL_WHY];
};

int backup_minute(const char *at)
{
	int hour, minute;

	if (strlen(at) != 5 || strspn(at, "0123456789") != 2 || at[2] != ':' ||
		strspn(at + 3, "0123456789") != 2)
		return -1;
	hour = (at[0] - '0') * 10 + at[1] - '0';
	minute = (at[3] - '0') * 10 + at[4] - '0';
	return hour < 24 && minute < 60 ? hour * 60 + minute : -1;
}

/* Of the local day; where the clock was put forward past it, just as long
 * after. */
static int64_t instant(const struct tz *tz, int64_t day, int minute)
{
	int64_t local = day * DAY_S + (int64_t)minute * MINUTE_S, found[2];

	if (tz_local(tz, local, found))
		return found[0];
	return local - tz_offset(tz, local - DAY_S);
}

bool backup_due(const struct tz *tz, int minute, int64_t last, int64_t now)
{
	int64_t today = (now + tz_offset(tz, now)) / DAY_S;
	int64_t at = instant(tz, today, minute);

	if (at > now)
		at = instant(tz, today - 1, minute);
	return last < at || last > now;
}

enum err backup_is_due(struct db *db, const struct conf *c, bool since_wanted,
	struct arena *a, bool *due)
{
	struct db_rows rows;
	int64_t last = INT64_MIN, wanted;
	struct tz *tz;
	enum err e;

	*due = false;
	if ((e = db_run(db, Q_BACKUP_LAST, NULL, a, &rows)))
		return e;
	if (!rows.n)
		return E_NOT_FOUND;
	if ((e = tz_load(rows.cell[0].s.at, &tz)))
		return e;
	if (!rows.cell[2].null)
		last = when_from_number(rows.cell[2].i);
	if (since_wanted && !rows.cell[1].null) {
		wanted = when_from_number(rows.cell[1].i);
		last = wanted > last ? wanted : last;
	}
	*due = backup_due(tz, backup_minute(c->backup_at), last, when_now());
	tz_free(tz);
	return E_OK;
}

const char *backup_conf_fault(const struct conf *c)
{
	if (backup_minute(c->backup_at) < 0)
		return "backup.at: a time of day is wanted, HH:MM";
	if (*c->backup_dir && !*c->backup_public_key)
		return "backup.dir is set, so backup.public_key is wanted: "
		       "`tally backup key FILE` makes it";
	return NULL;
}

enum err backup_duty_open(struct backup_duty **d, const struct conf *c,
	const struct db_account *a)
{
	if (!(*d = calloc(1, sizeof(**d))))
		return E_NOMEM;
	(*d)->conf = c;
	(*d)->account = *a;
	(*d)->noted = true;
	return E_OK;
}

void backup_duty_close(struct backup_duty *d)
{
	if (!d)
		return;
	if (d->running)
		pthread_join(d->thread, NULL);
	free(d);
}

bool backup_duty_runs(const struct backup_duty *d)
{
	return d->running && !d->done;
}

static void *go(void *arg)
{
	struct backup_duty *d = arg;

	d->err = backup_make(d->conf, &d->account, d->conf->backup_dir,
		(unsigned)d->conf->backup_keep, &d->made, d->why);
	d->done = true;
	return NULL;
}

static void begin(struct backup_duty *d)
{
	char path[4200];

	if (backup_key_inside(d->conf, d->conf->backup_dir, path))
		log_warn("backup: the secret key %s lies in the folder of the "
			 "backups: who takes them has it, too",
			path);
	d->done = d->noted = false;
	d->start = when_now();
	if (pthread_create(&d->thread, NULL, go, d)) {
		log_error("backup: no thread can be started");
		d->noted = true;
		return;
	}
	d->running = true;
}

static void tell(const struct backup_duty *d)
{
	if (d->err == E_BUSY)
		log_info("backup: %s", d->why);
	else if (d->err)
		log_error("backup: %s", d->why);
	else
		log_info("backup: %s/%s: %llu bytes, %llu rows of %llu tables, "
			 "verified, %lld ms; %u older removed",
			d->conf->backup_dir, d->made.file,
			(unsigned long long)d->made.bytes,
			(unsigned long long)d->made.rows,
			(unsigned long long)d->made.tables,
			(long long)d->made.ms, d->made.removed);
}

/* The thread has ended: once in the log, and until it works in the database. */
static enum err finish(struct backup_duty *d, struct db *db)
{
	enum err e;

	if (d->running) {
		pthread_join(d->thread, NULL);
		d->running = false;
		tell(d);
	}
	if (d->err == E_BUSY) {
		d->noted = true;
		return E_OK;
	}
	e = db_run(db, Q_BACKUP_NOTE,
		DB_ARGS(DB_S("worker"), DB_I(d->start), DB_I(d->made.taken_at),
			DB_S(d->made.file), DB_I((int64_t)d->made.bytes),
			DB_I((int64_t)d->made.tables),
			DB_I((int64_t)d->made.rows),
			d->err ? DB_S(d->why) : DB_NULL),
		NULL, NULL);
	d->noted = e != E_DB_GONE && e != E_BUSY;
	/* Nor is one that cannot be noted made again at once. */
	if (d->err || e)
		d->not_before_ms = when_clock_ms() +
			(int64_t)RETRY_PERIODS * 1000 *
				d->conf->worker_period_s;
	return e;
}

enum err backup_duty_look(struct backup_duty *d, struct db *db, struct arena *a)
{
	bool wanted = *d->conf->backup_dir, due;
	enum err e;

	if (!d->told_database) {
		e = db_run(
			db, Q_BACKUP_WANT, DB_ARGS(DB_I(wanted)), NULL, NULL);
		if (e)
			return e;
		d->told_database = true;
	}
	if (backup_duty_runs(d))
		return E_OK;
	if (!d->noted)
		return finish(d, db);
	if (!wanted || when_clock_ms() < d->not_before_ms)
		return E_OK;
	if (!(e = backup_is_due(db, d->conf, true, a, &due)) && due)
		begin(d);
	return e;
}
