// SPDX-License-Identifier: MIT
#include "analytics/audit.h"

enum err audit_add(struct db *db, const struct audit_by *by, const char *action,
	const char *subject, const char *detail)
{
	/* As the table names them. */
	static const char *const kind[] = {[AUDIT_COMMAND] = "command",
		[AUDIT_TOKEN] = "token",
		[AUDIT_USER] = "user"};

	if (!by)
		return E_OK;
	return db_run(db, Q_AUDIT_ADD,
		DB_ARGS(DB_S(kind[by->kind]),
			by->kind == AUDIT_COMMAND ? DB_NULL : DB_I(by->id),
			DB_S(by->name),
			by->address ? DB_S(by->address) : DB_NULL, DB_S(action),
			subject ? DB_S(subject) : DB_NULL,
			detail ? DB_S(detail) : DB_NULL),
		NULL, NULL);
}
