// SPDX-License-Identifier: MIT
/*
 * import: `tally import`: history out of a CSV file.
 *
 * Map: saying it, the options, the roll-up behind it, the command.
 */
#include "analytics/import.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "analytics/ctl/ctl.h"
#include "common/text.h"
#include "common/tz.h"

enum {
	SAID_MAX = 100, /* refused rows that are named, without --all */
	BAR = 24,	/* characters */
	STEP_S = 2,
	ROLL_UP_S = 240,
	TIMEOUT_S = 300, /* of the connection */
	REPORT_LINE = 64 << 10
};

struct command {
	struct import im;
	struct import_counts n;
	struct count_columns columns;
	struct tz *tz;
	FILE *report;
	struct text line; /* of the report */
	bool all, strict, dry_run, roll_up;
	bool shown; /* a line of progress */
	int64_t begun_ms;
	uint64_t said;
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

/* ---- saying it */

static void hide_progress(struct command *c)
{
	if (c->shown)
		fputs("\r\033[K", stderr);
	c->shown = false;
}

static double seconds(const struct command *c)
{
	return (double)(when_clock_ms() - c->begun_ms + 1) / 1e3;
}

static bool go_on(void *ctx, const struct import_counts *n, double done)
{
	struct command *c = ctx;
	int full = done < 1 ? (int)(done * BAR) : BAR;

	if (isatty(STDERR_FILENO)) {
		fprintf(stderr,
			"\r\033[K%3.0f %% [%.*s%*s] %" PRIu64
			" rows, %.0f rows/s, %" PRIu64 " refused",
			done * 100, full, "########################",
			BAR - full, "", n->read, (double)n->read / seconds(c),
			n->refused);
		fflush(stderr);
		c->shown = true;
	}
	return !stopped;
}

static void refused(void *ctx, const struct import_refusal *r)
{
	struct command *c = ctx;

	if (c->report) {
		text_clear(&c->line);
		text_printf(&c->line, "%zu,", r->line);
		csv_quote(&c->line, r->column, true);
		text_str(&c->line, ",");
		csv_quote(&c->line, r->reason, true);
		text_str(&c->line, ",");
		csv_quote(&c->line, r->row, true);
		text_str(&c->line, "\n");
		fwrite(c->line.at, 1, c->line.n, c->report);
	}
	if (c->said == SAID_MAX && !c->all)
		return;
	hide_progress(c);
	c->said++;
	fprintf(stderr, "line %zu%s%s: %s\n", r->line, *r->column ? ", " : "",
		r->column, r->reason);
}

static void tell(const char *what, uint64_t n)
{
	if (n)
		printf("%s: %" PRIu64 "\n", what, n);
}

static void summary(const struct command *c, bool store)
{
	const struct import_counts *n = &c->n;

	if (n->refused > c->said)
		fprintf(stderr,
			"%" PRIu64 " more rows refused; --all names "
			"them, --report FILE lists them\n",
			n->refused - c->said);
	printf("%" PRIu64 " rows read: %" PRIu64 " new, %" PRIu64
	       " duplicate, %" PRIu64 " replaced, %" PRIu64
	       " refused; %.1f s, %.0f rows/s\n",
		n->read, n->inserted, n->duplicate, n->replaced, n->refused,
		seconds(c), (double)n->read / seconds(c));
	tell("Kept as stored, with other values", n->kept);
	tell("Cameras added", n->cameras);
	tell(c->im.times.fold == FOLD_SECOND
			? "At a time that the clock shows twice, taken as the "
			  "second"
			: "At a time that the clock shows twice, taken as the "
			  "first",
		n->repeated);
	if (!store)
		puts(c->dry_run ? "Nothing was stored: --dry-run"
				: "Nothing was stored: --strict, and rows are "
				  "refused");
}

/* ---- the options */

enum {
	CAMERA,
	CAMERA_COLUMN,
	NAME_COLUMN,
	TIME_COLUMN,
	TIME_FORMAT,
	END_COLUMN,
	INTERVAL,
	OBSERVED_COLUMN,
	ZONE,
	FOLD,
	ON_CONFLICT,
	REGISTER,
	SITE,
	CAMERA_TZ,
	DRY_RUN,
	STRICT,
	ROLL_UP,
	ALL,
	REPORT,
	FIGURE /* the first of COUNT_FIGURES_N */
};

/* Which of the words the option has, the first without it; -1: said. */
static int word_of(
	const struct ctl_option *o, const char *const *word, size_t n)
{
	struct text t;

	if (!o->n)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (!strcmp(o->value[0], word[i]))
			return (int)i;
	text_init(&t, 256);
	for (size_t i = 0; i < n; i++)
		text_printf(&t, "%s%s", i ? ", " : "", word[i]);
	ctl_say("%s: \"%s\" is none of %s", o->name, o->value[0],
		t.at ? t.at : "");
	text_free(&t);
	return -1;
}

/* "1h", "15m", "90s", "1d": at most a day. */
static bool read_interval(const struct ctl_option *o, int64_t *s)
{
	static const char units[] = "smhd";
	static const long unit_s[] = {1, 60, 3600, DAY_S};
	const char *unit;
	char *end;
	long n;

	if (!o->n)
		return true;
	n = strtol(o->value[0], &end, 10);
	unit = *end && !end[1] ? strchr(units, *end) : NULL;
	if (*o->value[0] < '0' || *o->value[0] > '9' || !unit || n < 1 ||
		n > DAY_S / unit_s[unit - units]) {
		ctl_say("%s: \"%s\" is no length like 15m, 1h or 1d (a day at "
			"most)",
			o->name, o->value[0]);
		return false;
	}
	*s = n * unit_s[unit - units];
	return true;
}

static bool read_times(struct command *c, const struct ctl_option *o)
{
	static const char *const folds[] = {"refuse", "first", "second"};
	struct count_times *t = &c->im.times;
	const char *zone = o[ZONE].value[0];
	int fold = word_of(&o[FOLD], folds, ARRAY_LEN(folds));

	if (fold < 0 || !read_interval(&o[INTERVAL], &c->im.interval_s))
		return false;
	t->fold = (enum fold)fold;
	t->form = o[TIME_FORMAT].value[0];
	if (t->form && !when_form_ok(t->form)) {
		ctl_say("--time-format: %%s, %%c, %%x, %%X, %%r, %%Z, %%E, %%O "
			"and what strptime does not know are not taken");
		return false;
	}
	t->camera_tz = zone && !strcmp(zone, "camera");
	if (zone && !t->camera_tz && tz_load(zone, &c->tz)) {
		ctl_say("--tz: \"%s\" is neither camera nor the name of a time "
			"zone, such as Asia/Seoul",
			zone);
		return false;
	}
	t->tz = c->tz;
	return true;
}

static void name(struct command *c, int kind, const struct ctl_option *o,
	const char *own, bool wanted)
{
	c->columns.name[kind] = o->n ? o->value[0] : own;
	if (c->columns.name[kind] && (o->n || wanted))
		c->columns.wanted |= 1u << kind;
}

/* What the columns are, where any of them is not Tally's own. */
static bool read_columns(struct command *c, const struct ctl_option *o)
{
	bool foreign = o[INTERVAL].n, figures = false;
	const char *const *n = c->columns.name;

	for (int i = CAMERA_COLUMN; i <= OBSERVED_COLUMN; i++)
		foreign |= i != TIME_FORMAT && o[i].n;
	for (int i = 0; i < COUNT_FIGURES_N; i++)
		figures |= o[FIGURE + i].n;
	if (!foreign && !figures)
		return true;
	c->im.columns = &c->columns;
	name(c, COLUMN_CAMERA, &o[CAMERA_COLUMN], o[CAMERA].n ? NULL : "camera",
		true);
	name(c, COLUMN_NAME, &o[NAME_COLUMN], NULL, false);
	name(c, COLUMN_START, &o[TIME_COLUMN], "start_at", true);
	name(c, COLUMN_END, &o[END_COLUMN], o[INTERVAL].n ? NULL : "end_at",
		true);
	name(c, COLUMN_OBSERVED, &o[OBSERVED_COLUMN], "observed_s", false);
	for (int i = 0; i < COUNT_FIGURES_N; i++)
		name(c, i, &o[FIGURE + i], figures ? NULL : count_name[i],
			false);
	for (int i = 0; i < COLUMN_KINDS; i++)
		for (int k = 0; k < i; k++)
			if (n[i] && n[k] && !strcmp(n[i], n[k])) {
				ctl_say("column \"%s\" cannot be two things",
					n[i]);
				return false;
			}
	return true;
}

static bool exclude(
	const struct ctl_option *a, const struct ctl_option *b, bool wanted)
{
	if (!a->n || !!b->n == wanted)
		return true;
	ctl_say(wanted ? "%s is for %s" : "%s and %s cannot be given together",
		a->name, b->name);
	return false;
}

static bool read_options(struct command *c, const struct ctl_option *o)
{
	static const char *const conflicts[] = {"refuse", "replace", "keep"};
	int conflict =
		word_of(&o[ON_CONFLICT], conflicts, ARRAY_LEN(conflicts));

	if (conflict < 0 || !exclude(&o[CAMERA], &o[CAMERA_COLUMN], false) ||
		!exclude(&o[INTERVAL], &o[END_COLUMN], false) ||
		!exclude(&o[DRY_RUN], &o[ROLL_UP], false) ||
		!exclude(&o[NAME_COLUMN], &o[REGISTER], true) ||
		!exclude(&o[SITE], &o[REGISTER], true) ||
		!exclude(&o[CAMERA_TZ], &o[REGISTER], true) ||
		!read_times(c, o) || !read_columns(c, o))
		return false;
	c->im.conflict = (enum batch_conflict)conflict;
	c->im.camera = o[CAMERA].value[0];
	c->im.add_cameras = o[REGISTER].n;
	c->im.site = o[SITE].value[0];
	c->im.camera_tz = o[CAMERA_TZ].value[0];
	c->im.keep_rows = o[REPORT].n;
	c->all = o[ALL].n;
	c->strict = o[STRICT].n;
	c->dry_run = o[DRY_RUN].n;
	c->roll_up = o[ROLL_UP].n;
	if (c->im.camera_tz && !tz_name_ok(c->im.camera_tz)) {
		ctl_say("--camera-tz: \"%s\" is not the name of a time zone, "
			"such as Asia/Seoul",
			c->im.camera_tz);
		return false;
	}
	return true;
}

/* ---- the roll-up behind it */

static int roll_up(struct command *c)
{
	int64_t left = INT64_MAX, before;
	struct db_rows rows;
	struct arena a;
	enum err e;

	arena_init(&a, 64 << 10);
	do {
		before = left;
		arena_reset(&a);
		e = db_run(c->im.db, Q_ROLL_UP_SOME, DB_ARGS(DB_I(STEP_S)), &a,
			&rows);
		left = !e && rows.n ? rows.cell[2].i : 0;
		hide_progress(c);
		if (isatty(STDERR_FILENO)) {
			fprintf(stderr,
				"rolling up: %" PRId64 " quarter hours left",
				left);
			c->shown = true;
		}
	} while (!e && left && left < before && !stopped);
	hide_progress(c);
	/* What others hold back, and the references. */
	if (!e && !stopped)
		e = db_run(c->im.db, Q_ROLL_UP_NOW, DB_ARGS(DB_I(ROLL_UP_S)),
			&a, &rows);
	arena_reset(&a);
	if (!e)
		puts(stopped ? "Stopped; the roll-up goes on by itself."
			     : "All levels and references are up to date.");
	return ctl_status(e, "roll-up");
}

/* ---- the command */

/* The parts are committed; what they changed is listed once. */
static enum err note(struct command *c)
{
	struct text t;
	enum err e = E_NOMEM;

	if (!(c->n.inserted + c->n.replaced))
		return E_OK;
	text_init(&t, REPORT_LINE);
	json_open(&t, NULL, '{');
	json_str(&t, "file", c->im.path);
	json_int(&t, "inserted", (int64_t)c->n.inserted);
	json_int(&t, "replaced", (int64_t)c->n.replaced);
	json_close(&t, '}');
	if (!t.full)
		e = audit_add(c->im.db, c->im.by, "counts.import", NULL, t.at);
	text_free(&t);
	return e;
}

static int pass(struct command *c, bool store)
{
	char why[IMPORT_WHY];
	enum err e;

	c->im.store = store;
	c->begun_ms = when_clock_ms();
	e = import_run(&c->im, &c->n, why);
	if (store && note(c) && !e)
		ctl_say("the audit list could not be written");
	hide_progress(c);
	if (e && *why)
		ctl_say("%s: %s", c->im.path, why);
	if (e == E_BUSY && stopped)
		ctl_say("stopped; the same command again goes on from here");
	else if (e && !*why)
		(void)ctl_status(e, c->im.path);
	if (store || c->dry_run || e || c->n.refused)
		summary(c, store);
	return e == E_DB_GONE || e == E_REFUSED ? CTL_NO_DATABASE
		: e || c->n.refused		? CTL_FAILED
						: CTL_OK;
}

static int run(struct command *c)
{
	int status = CTL_OK;

	if (c->dry_run || c->strict)
		status = pass(c, false);
	if (c->dry_run || status)
		return status;
	status = pass(c, true);
	if (status == CTL_NO_DATABASE || stopped)
		return status;
	if (c->roll_up) {
		int after = roll_up(c);

		return after ? after : status;
	}
	if (c->n.inserted + c->n.replaced)
		puts("Statistics follow within minutes; --roll-up brings them "
		     "at once.");
	return status;
}

static enum err open_database(struct command *c, const struct conf *conf)
{
	struct db_account a = db_account_of(
		conf, conf->database_user, conf->database_password_file);

	a.timeout_s = TIMEOUT_S;
	return db_open(&c->im.db, &a);
}

static bool open_report(struct command *c, const char *path)
{
	if (!path)
		return true;
	if ((c->report = fopen(path, "w"))) {
		fputs("line,column,reason,row\n", c->report);
		return true;
	}
	ctl_say("--report: %s: %s", path, strerror(errno));
	return false;
}

int ctl_import(struct ctl *ctl, int argc, char **argv)
{
	struct ctl_option o[] = {
		{.name = "--camera"}, {.name = "--camera-column"},
		{.name = "--name-column"}, {.name = "--time-column"},
		{.name = "--time-format"}, {.name = "--end-column"},
		{.name = "--interval"}, {.name = "--observed_s"},
		{.name = "--tz"}, {.name = "--fold"}, {.name = "--on-conflict"},
		{.name = "--register", .flag = true}, {.name = "--site"},
		{.name = "--camera-tz"}, {.name = "--dry-run", .flag = true},
		{.name = "--strict", .flag = true},
		{.name = "--roll-up", .flag = true},
		{.name = "--all", .flag = true}, {.name = "--report"},
#define X(figure) {.name = "--" #figure},
		COUNT_FIGURES(X)
#undef X
	};
	struct sigaction act = {
		.sa_handler = on_signal, .sa_flags = SA_RESETHAND | SA_RESTART};
	struct command c = {
		.im = {.refused = refused, .go_on = go_on, .ctx = &c}};
	int status = CTL_USAGE;

	if (ctl_args(&argc, argv, o, ARRAY_LEN(o), (int[2]){1, 1}) &&
		read_options(&c, o)) {
		status = CTL_FAILED;
		c.im.path = argv[0];
		c.im.by = &ctl->by;
		text_init(&c.line, REPORT_LINE);
		sigaction(SIGINT, &act, NULL);
		sigaction(SIGTERM, &act, NULL);
		if (open_report(&c, o[REPORT].value[0]) &&
			!open_database(&c, &ctl->conf))
			status = run(&c);
	}
	if (c.report && (ferror(c.report) | fclose(c.report))) {
		ctl_say("--report: %s cannot be written", o[REPORT].value[0]);
		status = CTL_FAILED;
	}
	db_close(c.im.db);
	text_free(&c.line);
	tz_free(c.tz);
	return status;
}
