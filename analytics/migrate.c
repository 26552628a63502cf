// SPDX-License-Identifier: MIT
#include "analytics/migrate.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analytics/calendar.h"
#include "analytics/camera.h"
#include "analytics/pages.h"
#include "analytics/sqlfile.h"
#include "analytics/sqluser.h"
#include "common/db/sync.h"
#include "common/log.h"
#include "common/token.h"

enum { WORDS = 5, PARTS_MAX = 8, ACCOUNT_MAX = 128, TIMEOUT_S = 3600 };

struct run {
	const struct conf *conf;
	struct db *db;
	struct arena arena;
	char schema[80], api[ACCOUNT_MAX], worker[ACCOUNT_MAX];
	const char *account; /* {account}, {hash}: while an account is made */
	const char *hash;
	/* Texts that several objects have: {name} of each file of parts/. */
	struct sqlfile_word part[PARTS_MAX];
	size_t parts;
	struct migrate_report *report;
};

/* Names go into statements as text, so only what needs no escape is let in. */
static bool plain(const char *what, const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789_-.";

	if (*name && strspn(name, letters) == strlen(name))
		return true;
	log_error("%s: \"%s\" has other characters than letters, digits, "
		  "\"_\", \"-\" and \".\"",
		what, name);
	return false;
}

static enum err name_things(struct run *r, const struct conf *c)
{
	if (!plain("database.name", c->database_name) ||
		!plain("api.db_user", c->api_db_user) ||
		!plain("worker.db_user", c->worker_db_user))
		return E_INVALID;
	snprintf(r->schema, sizeof(r->schema), "`%s`", c->database_name);
	/* On a server of its own Tally's programs come over the socket; on
	 * another one the host is the administrator's choice. */
	snprintf(r->api, sizeof(r->api), "`%s`@%s", c->api_db_user,
		*c->database_host ? "`%`" : "localhost");
	snprintf(r->worker, sizeof(r->worker), "`%s`@%s", c->worker_db_user,
		*c->database_host ? "`%`" : "localhost");
	return E_OK;
}

static const char *path_of(struct run *r, const char *folder, const char *name)
{
	const char *path = arena_printf(&r->arena, "%s%s%s/%s",
		r->conf->database_sql_dir, *folder ? "/" : "", folder, name);

	return path ? path : "";
}

static enum err read_parts(struct run *r)
{
	struct slice text;
	const char **names;
	enum err e = sqlfile_list(
		&r->arena, path_of(r, "", "parts"), &names, &r->parts);

	if (!e && r->parts > PARTS_MAX) {
		log_error("sql/parts: over %d files", PARTS_MAX);
		e = E_TOO_BIG;
	}
	for (size_t i = 0; !e && i < r->parts; i++) {
		e = sqlfile_read(
			&r->arena, path_of(r, "parts", names[i]), &text);
		r->part[i] = (struct sqlfile_word){
			arena_copy(&r->arena, names[i], strlen(names[i]) - 4),
			text.at};
		if (!e && !r->part[i].key)
			e = E_TOO_BIG;
	}
	return e;
}

/* The file's text with its words filled in. */
static enum err load(struct run *r, const char *path, struct slice *text)
{
	struct sqlfile_word words[PARTS_MAX + WORDS];
	const struct sqlfile_word own[WORDS] = {{"schema", r->schema},
		{"api", r->api}, {"worker", r->worker}, {"account", r->account},
		{"hash", r->hash}};
	size_t n = r->account ? WORDS : WORDS - 2;
	enum err e = sqlfile_read(&r->arena, path, text);

	if (e)
		return e;
	memcpy(words, own, n * sizeof(*words));
	memcpy(words + n, r->part, r->parts * sizeof(*words));
	return sqlfile_fill(&r->arena, *text, words, n + r->parts, text);
}

/* Every statement of the file, each sent alone. */
static enum err run_statements(
	struct run *r, const char *path, struct slice text)
{
	struct slice rest = text, statement;
	char what[PATH_MAX + 16];
	enum err e = E_OK;

	while (!e && sqlfile_next(&rest, &statement)) {
		snprintf(what, sizeof(what), "%s:%d", path,
			sqlfile_line(text, statement.at));
		e = db_script(r->db, statement.at, statement.n, what);
		if (e == E_EXISTS || e == E_BUSY)
			log_error("database: %s: %u %s", what,
				db_error_no(r->db), db_error_text(r->db));
	}
	return e;
}

static enum err run_file(struct run *r, const char *name)
{
	const char *path = path_of(r, "", name);
	struct slice text;
	enum err e;

	if ((e = load(r, path, &text)))
		return e;
	return run_statements(r, path, text);
}

/* A folder of objects: each file is one statement, inner ";" and all. */
static enum err run_objects(struct run *r, const char *folder, bool many)
{
	const char **names, *path;
	struct slice text;
	enum err e;
	size_t n;

	if ((e = sqlfile_list(&r->arena, path_of(r, "", folder), &names, &n)))
		return e;
	for (size_t i = 0; i < n; i++) {
		path = path_of(r, folder, names[i]);
		if ((e = load(r, path, &text)))
			return e;
		e = many ? run_statements(r, path, text)
			 : db_script(r->db, text.at, text.n, path);
		if (e)
			return e;
		r->report->objects++;
	}
	return E_OK;
}

/* ---- migrations */

static void hex(const unsigned char hash[TOKEN_HASH], char out[65])
{
	for (int i = 0; i < TOKEN_HASH; i++)
		snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

/* The row of a version; NULL when it has not run. */
static const struct db_cell *recorded(
	const struct db_rows *done, int64_t version)
{
	for (size_t i = 0; i < done->n; i++)
		if (done->cell[i * done->cols].i == version)
			return &done->cell[i * done->cols];
	return NULL;
}

static enum err run_migration(
	struct run *r, const char *name, const struct db_rows *done)
{
	const char *path = path_of(r, "migrations", name);
	int64_t version = strtol(name, NULL, 10);
	unsigned char hash[TOKEN_HASH];
	const struct db_cell *row;
	struct slice text;
	char sum[65];
	enum err e;

	if (version <= 0 || strspn(name, "0123456789") != 4 || name[4] != '_') {
		log_error("%s: a migration is called NNNN_name.sql", path);
		return E_INVALID;
	}
	if ((e = sqlfile_read(&r->arena, path, &text)))
		return e;
	token_hash(text.at, text.n, hash);
	hex(hash, sum);
	if ((row = recorded(done, version))) {
		if (!strcmp(row[2].s.at, sum))
			return E_OK;
		log_error("%s: was edited after it ran as %s; a migration is "
			  "never changed, write another",
			path, row[1].s.at);
		return E_CONFLICT;
	}
	if ((e = load(r, path, &text)) || (e = run_statements(r, path, text)))
		return e;
	r->report->applied++;
	return db_run(r->db, Q_MIGRATION_ADD,
		DB_ARGS(DB_I(version), DB_S(name), DB_S(sum)), NULL, NULL);
}

static enum err run_migrations(struct run *r)
{
	struct db_rows done;
	const char **names;
	enum err e;
	size_t n;

	if ((e = sqlfile_list(
		     &r->arena, path_of(r, "", "migrations"), &names, &n)))
		return e;
	if (!n) {
		log_error("%s: no migrations there; [database] sql_dir names "
			  "the folder",
			path_of(r, "", "migrations"));
		return E_NOT_FOUND;
	}
	if ((e = db_run(r->db, Q_MIGRATIONS, NULL, &r->arena, &done)))
		return e;
	if (done.n &&
		done.cell[(done.n - 1) * done.cols].i >
			strtol(names[n - 1], NULL, 10)) {
		log_error("the schema has migration %s, which this program "
			  "does not know: it is older than the schema",
			done.cell[(done.n - 1) * done.cols + 1].s.at);
		return E_CONFLICT;
	}
	r->report->migrations = (unsigned)n;
	for (size_t i = 0; i < n; i++)
		if ((e = run_migration(r, names[i], &done)))
			return e;
	return E_OK;
}

/* ---- accounts */

/* Can nobody but this user (and root) reach the socket?  True when one of the
 * folders above it lets no one else pass. */
static bool socket_is_private(const char *path)
{
	char *real = *path ? realpath(path, NULL) : NULL;
	struct stat st;
	bool ok = false;
	char *slash;

	while (real && !ok && (slash = strrchr(real, '/')) && slash != real) {
		*slash = '\0';
		ok = !stat(real, &st) && !(st.st_mode & (S_IRWXG | S_IRWXO)) &&
			st.st_uid == geteuid();
	}
	free(real);
	return ok;
}

/* The server's hash of the password in the file; "" without a file. */
static enum err hash_of(struct run *r, const char *file, const char **hash)
{
	char password[256];
	struct db_rows rows;
	struct db_cell arg;
	size_t n = 0;
	enum err e;
	FILE *f;

	*hash = "";
	if (!*file)
		return E_OK;
	if (!(f = fopen(file, "re"))) {
		log_error("password file %s cannot be read", file);
		return E_IO;
	}
	n = fread(password, 1, sizeof(password), f);
	fclose(f);
	while (n && (password[n - 1] == '\n' || password[n - 1] == '\r'))
		n--;
	arg = DB_SN(password, n);
	e = db_run(r->db, Q_PASSWORD_HASH, &arg, &r->arena, &rows);
	token_wipe(password, sizeof(password));
	if (!e && (!n || rows.n != 1 || rows.cell[0].s.n != 41)) {
		log_error("password file %s is empty or over 255 bytes", file);
		e = E_INVALID;
	}
	if (!e)
		*hash = rows.cell[0].s.at;
	return e;
}

static enum err make_account(
	struct run *r, const char *account, const char *password_file)
{
	enum err e;

	if ((e = hash_of(r, password_file, &r->hash)))
		return e;
	r->account = account;
	e = run_file(r, "account.sql");
	r->account = NULL;
	return e;
}

/*
 * Accounts without a password are for a server that nobody else can reach:
 * MariaDB's unix_socket lets in the account of the system user's own name
 * only, so what keeps others out is the socket's folder.
 */
static enum err make_accounts(struct run *r)
{
	const struct conf *c = r->conf;
	struct db_rows rows;
	enum err e;

	if (*c->database_host)
		return E_OK;
	if (!*c->api_db_password_file || !*c->worker_db_password_file) {
		if ((e = db_run(r->db, Q_OFFLINE, NULL, &r->arena, &rows)))
			return e;
		if (!rows.cell[0].i || !socket_is_private(c->database_socket)) {
			log_error("others can reach this server, so the "
				  "programs' accounts want passwords: set "
				  "api.db_password_file and "
				  "worker.db_password_file, or keep the socket "
				  "in a folder of mode 0700 and the server off "
				  "the network");
			return E_REFUSED;
		}
	}
	if ((e = make_account(r, r->api, c->api_db_password_file)))
		return e;
	r->report->accounts = true;
	return make_account(r, r->worker, c->worker_db_password_file);
}

enum err migrate_print_accounts(const struct conf *c)
{
	struct run r = {.conf = c, .hash = "...", .report = NULL};
	const char *tls = *c->database_ca ? " REQUIRE SSL" : "";
	const char **names;
	struct slice text;
	enum err e;
	size_t n = 0;

	arena_init(&r.arena, 32 << 20);
	if (!(e = name_things(&r, c)))
		e = sqlfile_list(
			&r.arena, path_of(&r, "", "grants"), &names, &n);
	if (!e)
		printf("CREATE USER IF NOT EXISTS %s IDENTIFIED BY '...'%s;\n"
		       "CREATE USER IF NOT EXISTS %s IDENTIFIED BY '...'%s;\n"
		       "USE %s;\n",
			r.api, tls, r.worker, tls, r.schema);
	for (size_t i = 0; !e && i < n; i++)
		if (!(e = load(&r, path_of(&r, "grants", names[i]), &text)))
			printf("%.*s", (int)text.n, text.at);
	arena_reset(&r.arena);
	return e;
}

/* ---- the whole */

/* The camera of rows that name none, for the API and for SQL alike. */
static enum err seed_camera(struct run *r)
{
	const char *code = r->conf->api_default_camera, *field;
	struct db_rows rows;
	enum err e = db_run(
		r->db, Q_CAMERA_ID, DB_ARGS(DB_S(code)), &r->arena, &rows);

	if (!e && !rows.n)
		e = camera_create(r->db, &(struct camera_new){.code = code},
			NULL, NULL, &field);
	if (e == E_INVALID)
		log_error("api.default_camera: \"%s\" %s", code,
			camera_rule("camera"));
	return e ? e
		 : db_run(r->db, Q_DEFAULT_CAMERA_SET, DB_ARGS(DB_S(code)),
			   NULL, NULL);
}

static enum err seed(struct run *r)
{
	const struct conf *c = r->conf;
	enum err e = calendar_ensure(r->db, c->site_tz, NULL);

	if (e == E_NOT_FOUND)
		log_error("site.tz: no time zone \"%s\"", c->site_tz);
	if (!e && strcmp(c->site_tz, "UTC"))
		e = calendar_ensure(r->db, "UTC", NULL);
	if (!e)
		e = pages_compress(r->db, &r->arena, &r->report->pages);
	/* Rows may come before the event's first run. */
	if (!e)
		e = db_run(r->db, Q_MAKE_PARTITIONS, NULL, NULL, NULL);
	if (!e)
		e = db_run(r->db, Q_DEFAULT_SITE_ADD,
			DB_ARGS(DB_S(c->site_name), DB_S(c->site_tz)), NULL,
			NULL);
	if (e == E_EXISTS)
		log_error("site.name: \"%s\" is the name of another site",
			c->site_name);
	return e ? e : seed_camera(r);
}

static enum err apply(struct run *r)
{
	static const char *const folders[] = {
		"functions", "procedures", "views", "triggers"};
	struct db_rows lock;
	enum err e;

	if ((e = db_run(r->db, Q_MIGRATE_LOCK, NULL, &r->arena, &lock)))
		return e;
	if (!lock.n || lock.cell[0].i != 1) {
		log_error("another `tally migrate` is at work");
		return E_BUSY;
	}
	if ((e = read_parts(r)) || (e = run_migrations(r)))
		return e;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if ((e = run_objects(r, folders[i], false)))
			return e;
	if ((e = make_accounts(r)) || (e = seed(r)) ||
		(e = run_objects(r, "events", false)))
		return e;
	if (r->report->accounts && (e = run_objects(r, "grants", true)))
		return e;
	return sqluser_grant_all(r->db, r->conf);
}

enum err migrate(const struct conf *c, const struct db_account *account,
	struct migrate_report *report)
{
	struct db_account a = *account;
	struct run r = {.conf = c, .report = report};
	enum err e;

	memset(report, 0, sizeof(*report));
	arena_init(&r.arena, 64 << 20);
	if ((e = name_things(&r, c)))
		return e;
	a.timeout_s = TIMEOUT_S;
	a.name = ""; /* the schema may not be there yet */
	if ((e = db_open(&r.db, &a)))
		return e;
	e = run_file(&r, "schema.sql");
	db_close(r.db);
	a.name = c->database_name;
	if (!e && !(e = db_open(&r.db, &a))) {
		e = apply(&r);
		db_close(r.db);
	}
	arena_reset(&r.arena);
	return e;
}
