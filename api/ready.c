// SPDX-License-Identifier: MIT
/*
 * GET /readyz: 200 where this process should be sent requests: it is not
 * stopping, the database answers, and its schema has had every migration that
 * this program was built with.  (It may have had more: a schema goes ahead of
 * the programs.)
 */
#include "api/api.h"
#include "api/health.h"
#include "api/resources.h"
#include "api/server.h"

/* From the Makefile: "1,2,5". */
static const char migrations[] = MIGRATIONS;

static int64_t count(const char *list)
{
	int64_t n = 1;

	for (; *list; list++)
		n += *list == ',';
	return n;
}

static enum step unready(struct req *r, const char *slug, const char *detail)
{
	text_str(&r->headers, "Retry-After: 2\r\n");
	return req_problem(r, 503, slug, "%s", detail);
}

enum step ready_begin(struct req *r)
{
	enum step s = req_no_params(r);

	if (s != STEP_NEXT)
		return s;
	if (server_stopping(r->api->server))
		return unready(r, "stopping", "this process is stopping");
	return STEP_NEXT;
}

enum step ready_ask(struct req *r)
{
	if (!health_row(r))
		return unready(r, "database-unavailable",
			"the database is not reachable or does not answer");
	return req_query_over(r, health_pool(r->api->health), Q_MIGRATIONS_OF,
		DB_ARGS(DB_S(migrations)), 1);
}

enum step ready_answer(struct req *r)
{
	int64_t had = r->rows.n ? r->rows.cell[0].i : 0;

	if (had < count(migrations))
		return unready(r, "schema-outdated",
			"the schema lacks migrations that this program wants; "
			"`tally migrate` runs them");
	/* It may have come meanwhile. */
	if (server_stopping(r->api->server))
		return unready(r, "stopping", "this process is stopping");
	json_open(&r->out, NULL, '{');
	json_str(&r->out, "status", "ready");
	json_close(&r->out, '}');
	return req_json(r, 200);
}
