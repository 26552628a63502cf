// SPDX-License-Identifier: MIT
/*
 * A MariaDB of the suite's own, with the real schema in it, because the table
 * of statements is what is run.
 */
#include "common/db/sync.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "analytics/calendar.h"
#include "analytics/camera.h"
#include "analytics/migrate.h"
#include "common/token.h"
#include "common/when.h"

static char dir[] = "/tmp/tally-unit-XXXXXX";
static char data_option[64], socket_option[64];
static struct conf conf;
static struct db_account account;
static pid_t server;
static struct db *db;
static struct arena arena;

static void run(const char *sql)
{
	ck_assert_msg(!db_text(db, sql, strlen(sql)), "%s", sql);
}

static bool answers(void)
{
	struct db *d;
	enum err e;

	ck_assert(!db_open(&d, &account));
	e = db_connect(d);
	db_close(d);
	return !e;
}

static void start_server(void)
{
	server = fork();
	ck_assert_int_ge(server, 0);
	if (!server) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp("mariadbd", "mariadbd", "--no-defaults", data_option,
			socket_option, "--skip-networking",
			"--innodb-buffer-pool-size=32M",
			geteuid() ? "--skip-log-bin" : "--user=root",
			"--log-error=server.log", (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 300 && !answers(); i++)
		nanosleep(&(struct timespec){0, 100000000}, NULL);
	ck_assert_msg(answers(), "mariadbd does not answer; see %s", dir);
}

static void set_up_server(void)
{
	char command[512], err[512], setting[128];
	struct migrate_report report;

	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	ck_assert(mkdtemp(dir));
	/* Any other server that starts removes what it finds in /tmp. */
	setenv("TMPDIR", dir, 1);
	snprintf(data_option, sizeof(data_option), "--datadir=%s/data", dir);
	snprintf(socket_option, sizeof(socket_option), "--socket=%s/s", dir);
	snprintf(command, sizeof(command),
		"mariadb-install-db --no-defaults %s --skip-test-db "
		"--auth-root-authentication-method=socket "
		"--auth-root-socket-user=$(id -un) %s >%s/install.log 2>&1",
		data_option, geteuid() ? "" : "--user=root", dir);
	ck_assert_int_eq(system(command), 0);
	conf_init(&conf);
	snprintf(setting, sizeof(setting), "database.socket=%s/s", dir);
	ck_assert(!conf_set(&conf, setting, err));
	account = db_account_of(&conf, "", "");
	account.name = "";
	start_server();
	account = db_account_of(&conf, "", "");
	account.lists = true;
	ck_assert(!migrate(&conf, &account, &report));
	ck_assert_int_gt(report.migrations, 0);
}

static void tear_down_server(void)
{
	char command[128];

	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
	conf_free(&conf);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static void connect_to_it(void)
{
	ck_assert(!db_open(&db, &account));
	arena_init(&arena, 1 << 20);
}

static void close_it(void)
{
	db_close(db);
	arena_reset(&arena);
}

/* Arguments of Q_TOKENS. */
static const struct db_cell all[] = {{.i = 0}, {.i = 10}};

static int64_t count(const char *name)
{
	struct db_rows rows;

	ck_assert(
		!db_run(db, Q_TOKEN_NAMED, DB_ARGS(DB_S(name)), &arena, &rows));
	return (int64_t)rows.n;
}

static enum err add_token(const char *name, char byte)
{
	char hash[TOKEN_HASH];

	memset(hash, byte, sizeof(hash));
	return db_run(db, Q_TOKEN_ADD,
		DB_ARGS(DB_S(name), DB_SN(hash, sizeof(hash)), DB_I(SCOPE_READ),
			DB_NULL, DB_I(1)),
		NULL, NULL);
}

/* Ends every connection there is. */
static void kill_connections(void)
{
	char command[512];

	snprintf(command, sizeof(command),
		"m='mariadb --no-defaults -N -S %s/s'; $m -e \"$($m -e "
		"\"SELECT CONCAT('KILL ', id, ';') FROM "
		"information_schema.processlist WHERE user <> "
		"'event_scheduler' AND id <> CONNECTION_ID()\")\"",
		dir);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(cells_go_in_and_come_out_as_they_were)
{
	struct db_rows rows;

	ck_assert(!add_token("caf\xc3\xa9 'x' \"y\" \\", 1));
	ck_assert_int_eq(db_affected(db), 1);
	ck_assert_int_gt(db_insert_id(db), 0);
	ck_assert(!db_run(db, Q_TOKENS, all, &arena, &rows));
	ck_assert_int_eq(rows.n, 1);
	ck_assert_int_eq(rows.cols, 9);
	ck_assert_str_eq(rows.cell[1].s.at, "caf\xc3\xa9 'x' \"y\" \\");
	ck_assert_int_eq(rows.cell[1].s.n, strlen(rows.cell[1].s.at));
	ck_assert(rows.cell[3].null && rows.cell[5].null);
	run("DELETE FROM token");
}
END_TEST

START_TEST(a_duplicate_is_told_by_its_error_and_changes_nothing)
{
	ck_assert(!add_token("one", 1));
	ck_assert(add_token("two", 1) == E_EXISTS);
	ck_assert_int_eq(db_error_no(db), 1062);
	ck_assert_int_eq(count("two"), 0);
	run("DELETE FROM token");
}
END_TEST

/* A text whose rows have three numbers. */
static enum err lists(const char *sql, struct db_rows *rows)
{
	return db_lists(db, sql, strlen(sql), Q_COMMIT_ROWS, &arena, rows);
}

static int64_t old_days(void)
{
	struct db_rows rows;

	ck_assert(!lists("START TRANSACTION;SELECT COUNT(*), NULL, 1 FROM "
			 "calendar_offset WHERE day_utc < '1990-01-01'",
		&rows));
	ck_assert(!db_commit(db));
	return rows.cell[0].i;
}

START_TEST(bulk_stores_every_row_or_none)
{
	enum { N = 500 };
	static struct db_cell cells[N * 5];
	struct db_rows rows;

	ck_assert(!calendar_ensure(db, "UTC", NULL));
	for (int i = 0; i < N; i++) {
		struct db_cell *c = &cells[5 * i];

		c[0] = DB_I(1);
		c[1] = DB_I(when_number((int64_t)(i - 4000) * DAY_S) / 1000000);
		c[2] = DB_I(900 * i);
		c[3] = i % 2
			? DB_I(when_number((int64_t)(i - 4000) * DAY_S + 60))
			: DB_NULL;
		c[4] = i % 2 ? DB_I(-900) : DB_NULL;
	}
	ck_assert(!db_begin(db));
	ck_assert(!db_run_bulk(db, Q_CALENDAR_OFFSET_PUT, cells, N));
	ck_assert(!db_commit(db));
	ck_assert_int_eq(old_days(), N);
	run("DELETE FROM calendar_offset WHERE day_utc < '1990-01-01'");
	ck_assert(!db_begin(db));
	cells[5 * 77 + 2] = DB_I(1); /* the table takes quarter hours only */
	ck_assert(db_run_bulk(db, Q_CALENDAR_OFFSET_PUT, cells, N) == E_DB);
	ck_assert(!db_rollback(db));
	ck_assert_int_eq(old_days(), 0);
	/* The statement takes single sets again. */
	ck_assert(!db_run(db, Q_CALENDAR_OFFSET_PUT, cells, NULL, NULL));
	ck_assert(!db_run(db, Q_ZONES, NULL, &arena, &rows));
	ck_assert_int_eq(rows.n, 1);
	run("DELETE FROM calendar_offset WHERE day_utc < '1990-01-01'");
}
END_TEST

START_TEST(a_lost_connection_is_opened_anew_but_never_inside_a_transaction)
{
	ck_assert(!db_begin(db));
	ck_assert(!add_token("lost", 1));
	kill_connections();
	ck_assert(add_token("lost", 2) == E_DB_GONE);
	/* Were this carried out, it would be outside of the transaction. */
	ck_assert(add_token("lost", 3) == E_DB_GONE);
	ck_assert(db_commit(db) == E_DB_GONE);
	ck_assert_int_eq(count("lost"), 0);
	kill_connections();
	ck_assert_msg(!db_begin(db), "nothing is lost by beginning again");
	ck_assert(!add_token("kept", 4));
	ck_assert(!db_commit(db));
	ck_assert_int_eq(count("kept"), 1);
	run("DELETE FROM token");
}
END_TEST

#define TOKEN(name, byte) \
	"INSERT INTO token (name, hash, scopes) VALUES ('" name \
	"', REPEAT('" byte "', 32), 1)"

START_TEST(a_text_begins_a_transaction_and_ends_at_its_first_failure)
{
	struct db_rows rows;

	ck_assert(!add_token("a", 'a'));
	ck_assert(!lists("START TRANSACTION;" TOKEN("b", "b") ";", &rows));
	ck_assert(!lists("SELECT -7, NULL, 1", &rows));
	ck_assert_int_eq(rows.n, 1);
	ck_assert_int_eq(rows.cell[0].i, -7);
	ck_assert(rows.cell[1].null);
	ck_assert(!db_commit(db));
	ck_assert_int_eq(count("b"), 1);
	/* What failed left its transaction open, with what came before it. */
	ck_assert(lists("START TRANSACTION;" TOKEN("c", "c") ";" TOKEN(
				"d", "a") ";" TOKEN("e", "e"),
			  &rows) == E_EXISTS);
	ck_assert_int_eq(count("c"), 1);
	ck_assert_int_eq(count("d") + count("e"), 0);
	db_rollback(db);
	ck_assert_int_eq(count("c"), 0);
	/* Other columns than it says. */
	ck_assert(lists("START TRANSACTION;SELECT 1", &rows) == E_INVALID);
	db_rollback(db);
	/* A connection that died while it was idle is opened anew. */
	kill_connections();
	ck_assert(!lists(
		"START TRANSACTION;" TOKEN("f", "f") ";COMMIT;SELECT 1, 2, 3",
		&rows));
	db_committed(db);
	ck_assert_int_eq(count("f"), 1);
	run("DELETE FROM token");
}
END_TEST

START_TEST(a_lock_waited_for_too_long_voids_the_transaction)
{
	struct db *other;
	struct db_cell id;

	ck_assert(!add_token("row", 1));
	id = DB_I((int64_t)db_insert_id(db));
	ck_assert(!db_open(&other, &account));
	ck_assert(!db_begin(other));
	ck_assert(!db_run(other, Q_TOKEN_REVOKE, &id, NULL, NULL));
	run("SET innodb_lock_wait_timeout = 1");
	ck_assert(!db_begin(db));
	ck_assert(!add_token("void", 2));
	ck_assert(db_run(db, Q_TOKEN_REVOKE, &id, NULL, NULL) == E_BUSY);
	ck_assert(!db_rollback(other));
	ck_assert(add_token("void", 3) == E_BUSY);
	ck_assert(db_commit(db) == E_BUSY);
	ck_assert_int_eq(count("void"), 0);
	db_close(other);
	run("DELETE FROM token");
}
END_TEST

START_TEST(a_server_that_is_away_is_told_at_once_and_each_time)
{
	struct db_account a = account;
	struct db *d;

	a.socket = "/nonexistent/socket";
	ck_assert(!db_open(&d, &a));
	ck_assert(db_connect(d) == E_DB_GONE);
	ck_assert_int_eq(db_error_no(d), 2002);
	ck_assert(db_begin(d) == E_DB_GONE);
	ck_assert(db_run(d, Q_ZONES, NULL, NULL, NULL) == E_DB_GONE);
	db_close(d);
}
END_TEST

START_TEST(results_have_a_bound)
{
	struct db_rows rows;
	struct arena small;

	ck_assert(!add_token("a name", 1));
	arena_init(&small, 100);
	ck_assert(db_run(db, Q_TOKENS, all, &small, &rows) == E_TOO_BIG);
	arena_reset(&small);
	ck_assert(!db_run(db, Q_TOKENS, all, &arena, &rows));
	ck_assert_int_eq(rows.n, 1);
	ck_assert(!db_run(db, Q_TOKENS, all, NULL, NULL));
	run("DELETE FROM token");
}
END_TEST

START_TEST(a_camera_brings_its_site_and_its_zone)
{
	struct camera_new c = {.code = "gate-1",
		.name = "Main gate",
		.site = "Plant 1",
		.tz = "Asia/Seoul"};
	const char *field;
	struct db_rows rows;
	int64_t id = 0;

	ck_assert(!camera_create(db, &c, NULL, &id, &field));
	ck_assert_int_gt(id, 0);
	ck_assert(camera_create(db, &c, NULL, NULL, &field) == E_EXISTS);
	ck_assert_ptr_null(field);
	c = (struct camera_new){.code = "gate-2"};
	ck_assert(!camera_create(db, &c, NULL, NULL, &field));
	c = (struct camera_new){.code = "gate-3", .tz = "Mars/Phobos"};
	ck_assert(camera_create(db, &c, NULL, NULL, &field) == E_INVALID);
	ck_assert_str_eq(field, "tz");
	/* A refused camera leaves no site behind. */
	c = (struct camera_new){.code = "gate-1", .site = "Nowhere"};
	ck_assert(camera_create(db, &c, NULL, NULL, &field) == E_EXISTS);
	ck_assert(!db_run(
		db, Q_SITE_OF, DB_ARGS(DB_S("Nowhere")), &arena, &rows));
	ck_assert_int_eq(rows.n, 0);
	ck_assert(!db_run(db, Q_CAMERA_NAMES, NULL, &arena, &rows));
	/* The first is the default camera, which every schema has. */
	ck_assert_int_eq(rows.n, 3);
	ck_assert_str_eq(rows.cell[rows.cols].s.at, "gate-1");
	ck_assert_str_eq(rows.cell[rows.cols + 2].s.at, "Plant 1");
	ck_assert_str_eq(rows.cell[rows.cols + 3].s.at, "Asia/Seoul");
	ck_assert_str_eq(rows.cell[2 * rows.cols + 2].s.at, "Default site");
	ck_assert_str_eq(rows.cell[2 * rows.cols + 3].s.at, "UTC");
}
END_TEST

Suite *test_common_sync(void);
Suite *test_common_sync(void)
{
	Suite *s = suite_create("common/sync");
	TCase *t = tcase_create("sync");

	tcase_add_unchecked_fixture(t, set_up_server, tear_down_server);
	tcase_add_checked_fixture(t, connect_to_it, close_it);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, cells_go_in_and_come_out_as_they_were);
	tcase_add_test(t, a_duplicate_is_told_by_its_error_and_changes_nothing);
	tcase_add_test(t, bulk_stores_every_row_or_none);
	tcase_add_test(t,
		a_lost_connection_is_opened_anew_but_never_inside_a_transaction);
	tcase_add_test(
		t, a_text_begins_a_transaction_and_ends_at_its_first_failure);
	tcase_add_test(t, a_lock_waited_for_too_long_voids_the_transaction);
	tcase_add_test(t, a_server_that_is_away_is_told_at_once_and_each_time);
	tcase_add_test(t, results_have_a_bound);
	tcase_add_test(t, a_camera_brings_its_site_and_its_zone);
	suite_add_tcase(s, t);
	return s;
}
