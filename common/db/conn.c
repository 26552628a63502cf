// SPDX-License-Identifier: MIT
#include "common/db/conn.h"

#include <errmsg.h>
#include <errno.h>
#include <fcntl.h>
#include <mysqld_error.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/db/stmt.h"
#include "common/log.h"
#include "common/token.h"

enum { MARIADB_LEAST = 100600 };

struct db_account db_account_of(
	const struct conf *c, const char *user, const char *password_file)
{
	struct db_account a = {.host = c->database_host,
		.socket = c->database_socket,
		.name = c->database_name,
		.password_file = password_file,
		.ca = c->database_ca,
		.port = (unsigned)c->database_port,
		.timeout_s = DB_TIMEOUT_S};
	struct passwd pw, *found = NULL;
	char buf[4096];

	/* Not the connector's own guess: it believes the environment. */
	if (!*user && !getpwuid_r(geteuid(), &pw, buf, sizeof(buf), &found) &&
		found)
		user = pw.pw_name;
	snprintf(a.user, sizeof(a.user), "%s", user);
	return a;
}

static void start_library(void)
{
	if (mysql_library_init(0, NULL, NULL))
		log_error("database: the client library does not start");
}

MYSQL *conn_new(const struct db_account *a, bool nonblock)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	unsigned connect_s = CONN_CONNECT_S, none = 0;
	my_bool yes = 1, no = 0;
	MYSQL *my;

	pthread_once(&once, start_library);
	if (!(my = mysql_init(NULL)))
		return NULL;
	if (nonblock)
		mysql_options(my, MYSQL_OPT_NONBLOCK, 0);
	mysql_options(my, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
	mysql_options(my, MYSQL_OPT_READ_TIMEOUT, &a->timeout_s);
	mysql_options(my, MYSQL_OPT_WRITE_TIMEOUT, &a->timeout_s);
	mysql_options(my, MYSQL_OPT_RECONNECT, &no);
	mysql_options(my, MYSQL_OPT_LOCAL_INFILE, &none);
	mysql_options(my, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_options(my, MYSQL_INIT_COMMAND, stmt_defs[Q_SESSION].text);
	if (a->session)
		mysql_options(my, MYSQL_INIT_COMMAND, a->session);
	if (*a->ca) {
		mysql_options(my, MYSQL_OPT_SSL_ENFORCE, &yes);
		mysql_options(my, MYSQL_OPT_SSL_CA, a->ca);
		mysql_options(my, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
	}
	return my;
}

enum err conn_password(
	const struct db_account *a, char password[CONN_PASSWORD_MAX])
{
	ssize_t n = 0;
	int fd;

	password[0] = '\0';
	if (!*a->password_file)
		return E_OK;
	fd = open(a->password_file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (n = read(fd, password, CONN_PASSWORD_MAX)) < 0) {
		log_error("database: password file %s: %s", a->password_file,
			strerror(errno));
		if (fd >= 0)
			close(fd);
		return E_IO;
	}
	close(fd);
	if (n == CONN_PASSWORD_MAX) {
		log_error("database: password file %s: over %d bytes",
			a->password_file, CONN_PASSWORD_MAX - 1);
		token_wipe(password, CONN_PASSWORD_MAX);
		return E_TOO_BIG;
	}
	while (n && (password[n - 1] == '\n' || password[n - 1] == '\r'))
		n--;
	password[n] = '\0';
	return E_OK;
}

const char *conn_or_null(const char *s)
{
	return *s ? s : NULL;
}

const char *conn_words(
	MYSQL *my, const struct db_account *a, char words[CONN_WORDS])
{
	bool tls = mysql_errno(my) == CR_SSL_CONNECTION_ERROR && *a->ca;

	snprintf(words, CONN_WORDS, "%.300s%s%.180s%s", mysql_error(my),
		tls ? " (database.ca is " : "", tls ? a->ca : "",
		tls ? ")" : "");
	return words;
}

enum err conn_check(MYSQL *my, const struct db_account *a, char why[200])
{
	const char *version = mysql_get_server_info(my);
	unsigned long features = 0;

	/* A version text can be set by hand; only MariaDB announces features
	 * of its own in the handshake. */
	mariadb_get_infov(
		my, MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES, &features);
	if (!features && !strstr(version, "MariaDB")) {
		snprintf(why, 200, "the server is not MariaDB but %.80s",
			version);
		return E_REFUSED;
	}
	if (strstr(version, "MariaDB") &&
		mysql_get_server_version(my) < MARIADB_LEAST) {
		snprintf(why, 200, "MariaDB 10.6 or later is wanted, not %.80s",
			version);
		return E_REFUSED;
	}
	if (*a->ca && !mysql_get_ssl_cipher(my)) {
		snprintf(why, 200,
			"the connection is not encrypted, though a CA is set");
		return E_REFUSED;
	}
	return E_OK;
}

enum err conn_meaning(unsigned number)
{
	switch (number) {
	case 0:
		return E_OK;
	case CR_CONNECTION_ERROR:
	case CR_CONN_HOST_ERROR:
	case CR_SERVER_GONE_ERROR:
	case CR_SERVER_HANDSHAKE_ERR:
	case CR_SERVER_LOST:
	case CR_SERVER_LOST_EXTENDED:
	case CR_COMMANDS_OUT_OF_SYNC:
	case ER_SERVER_SHUTDOWN:
	case ER_NORMAL_SHUTDOWN:
	case ER_CONNECTION_KILLED:
	case ER_NET_READ_ERROR:
	case ER_NET_READ_INTERRUPTED:
	case ER_NET_ERROR_ON_WRITE:
	case ER_NET_WRITE_INTERRUPTED:
	case ER_CON_COUNT_ERROR:
		return E_DB_GONE;
	case ER_LOCK_WAIT_TIMEOUT:
	case ER_LOCK_DEADLOCK:
	/* The server has rolled back by itself for these two as well: no room
	 * for locks, and a deadlock over a table's counter. */
	case ER_LOCK_TABLE_FULL:
	case ER_AUTOINC_READ_FAILED:
	case ER_CHECKREAD:
	case ER_UNKNOWN_COM_ERROR: /* a Galera node that is not ready */
		return E_BUSY;
	case ER_DUP_ENTRY:
		return E_EXISTS;
	case ER_QUERY_INTERRUPTED:
	case ER_STATEMENT_TIMEOUT:
		return E_TIMEOUT;
	}
	return E_DB;
}
