// SPDX-License-Identifier: MIT
#include "api/routes.h"

#include <string.h>

#include "api/accept.h"
#include "api/body.h"
#include "api/list.h"
#include "api/memo.h"
#include "api/resources.h"

#define V1 "/api/v1"
#define STATS_STEPS \
	{ \
		memo_ask, memo_find, stats_cameras, stats_found, stats_rows, \
			memo_pack, memo_ask, memo_keep \
	}

#define UPLOAD_STEPS \
	{ \
		upload_end, upload_looked, upload_part, upload_commit, \
			upload_again, upload_keep, upload_answer \
	}

const struct route routes[] = {
	{HTTP_POST, V1 "/counts", SCOPE_INGEST, false, counts_begin,
		counts_body, {counts_commit, counts_answer, counts_kept}},
	{HTTP_GET, V1 "/counts", SCOPE_READ, false, listing_begin, NULL,
		{listing_cameras, listing_found, listing_rows, list_pack,
			list_send}},
	{HTTP_DELETE, V1 "/counts", SCOPE_ADMIN, false, erase_begin, NULL,
		{erase_cameras, erase_run, erase_answer}},
	{HTTP_POST, V1 "/records", SCOPE_INGEST, false, records_begin,
		records_body, {records_store, records_answer}},
	{HTTP_GET, V1 "/records", SCOPE_READ, false, record_list_begin, NULL,
		{record_list_cameras, record_list_found, record_list_keys,
			list_pack, list_send}},
	{HTTP_POST, V1 "/uploads", SCOPE_INGEST, false, upload_begin,
		upload_body, UPLOAD_STEPS},
	{HTTP_GET, V1 "/uploads", SCOPE_READ, false, NULL, NULL,
		{uploads_find, uploads_list, list_pack, list_send}},
	{HTTP_GET, V1 "/uploads/{id}", SCOPE_READ, false, NULL, NULL,
		{upload_find, upload_show}},
	{HTTP_GET, V1 "/uploads/{id}/rejected.csv", SCOPE_READ, false, NULL,
		NULL, {rejected_find, rejected_show}},
	{HTTP_GET, V1 "/stats/{period}", SCOPE_READ, false, stats_begin, NULL,
		STATS_STEPS},
	{HTTP_GET, V1 "/stats/weekday/{period}", SCOPE_READ, false, stats_begin,
		NULL, STATS_STEPS},
	{HTTP_GET, V1 "/outliers", SCOPE_READ, false, outliers_begin, NULL,
		{outliers_cameras, outliers_found, outliers_rows, list_pack,
			list_send}},
	{HTTP_GET, V1 "/outliers/{id}", SCOPE_READ, false, NULL, NULL,
		{outlier_find, outlier_show}},
	{HTTP_PATCH, V1 "/outliers/{id}", SCOPE_REVIEW | SCOPE_ADMIN, false,
		body_begin, body_take,
		{outlier_find, outlier_review, outlier_reviewed}},
	{HTTP_GET, V1 "/cameras", SCOPE_READ, false, NULL, NULL,
		{cameras_find, cameras_found, cameras_list, list_pack,
			list_send}},
	{HTTP_POST, V1 "/cameras", SCOPE_ADMIN, false, body_begin, body_take,
		{camera_make, camera_made}},
	{HTTP_GET, V1 "/cameras/{code}", SCOPE_READ, false, NULL, NULL,
		{camera_find, camera_found, camera_show}},
	{HTTP_PATCH, V1 "/cameras/{code}", SCOPE_ADMIN, false, body_begin,
		body_take,
		{camera_alter, camera_altered, camera_find, camera_found,
			camera_show}},
	{HTTP_GET, V1 "/sites", SCOPE_READ, false, NULL, NULL,
		{sites_find, sites_list, list_pack, list_send}},
	{HTTP_POST, V1 "/sites", SCOPE_ADMIN | SCOPE_UNBOUND, false, body_begin,
		body_take, {site_make, site_done}},
	{HTTP_PATCH, V1 "/sites/{id}", SCOPE_ADMIN | SCOPE_UNBOUND, false,
		body_begin, body_take, {site_alter, site_done}},
	{HTTP_GET, V1 "/cameras/{code}/shapes", SCOPE_READ, false, NULL, NULL,
		{shapes_ask, shapes_list}},
	{HTTP_PUT, V1 "/cameras/{code}/lines/{line}", SCOPE_ADMIN, false,
		body_begin, body_take, {line_put, shape_answer}},
	{HTTP_DELETE, V1 "/cameras/{code}/lines/{line}", SCOPE_ADMIN, false,
		NULL, NULL, {line_remove, shape_answer}},
	{HTTP_PUT, V1 "/cameras/{code}/zones/{zone}", SCOPE_ADMIN, false,
		body_begin, body_take, {zone_put, shape_answer}},
	{HTTP_DELETE, V1 "/cameras/{code}/zones/{zone}", SCOPE_ADMIN, false,
		NULL, NULL, {zone_remove, shape_answer}},
	{HTTP_GET, V1 "/ingest/config", SCOPE_INGEST, false, config_begin, NULL,
		{config_ask, config_find, config_answer}},
	{HTTP_POST, V1 "/ingest/status", SCOPE_INGEST, false,
		ingest_status_begin, body_take,
		{ingest_status_take, ingest_status_kept}},
	{HTTP_POST, V1 "/ingest/frames", SCOPE_INGEST, false, frames_begin,
		frames_take, {frames_keep}},
	{HTTP_GET, V1 "/cameras/{code}/live.mjpeg", SCOPE_READ, false,
		live_begin, NULL, {live_ask, live_join, live_show}},
	{HTTP_GET, V1 "/cameras/{code}/snapshot.jpg", SCOPE_READ, false,
		snapshot_begin, NULL, {live_ask, live_join, live_show}},
	{HTTP_GET, V1 "/tokens", SCOPE_ADMIN | SCOPE_UNBOUND, false, NULL, NULL,
		{tokens_find, tokens_list, list_pack, list_send}},
	{HTTP_POST, V1 "/tokens", SCOPE_ADMIN | SCOPE_UNBOUND, false,
		body_begin, body_take, {token_make_new, token_made}},
	{HTTP_POST, V1 "/tokens/{id}/rotate", SCOPE_ADMIN | SCOPE_UNBOUND,
		false, body_begin, body_take, {token_rotate_it, token_made}},
	{HTTP_DELETE, V1 "/tokens/{id}", SCOPE_ADMIN | SCOPE_UNBOUND, false,
		NULL, NULL, {token_end, token_ended}},
	{HTTP_GET, V1 "/users", SCOPE_ADMIN | SCOPE_UNBOUND, false, NULL, NULL,
		{users_find, users_list, list_pack, list_send}},
	{HTTP_POST, V1 "/users", SCOPE_ADMIN | SCOPE_UNBOUND, false, body_begin,
		body_take, {user_make, user_made}},
	{HTTP_PATCH, V1 "/users/{name}", SCOPE_ADMIN | SCOPE_UNBOUND, false,
		body_begin, body_take, {user_patch, user_patched}},
	{HTTP_DELETE, V1 "/users/{name}", SCOPE_ADMIN | SCOPE_UNBOUND, false,
		NULL, NULL, {user_end, user_ended}},
	{HTTP_GET, V1 "/session", SCOPE_ANY, false, NULL, NULL, {session_show}},
	{HTTP_DELETE, V1 "/session", SCOPE_ANY | SCOPE_SESSION, false, NULL,
		NULL, {session_leave, session_left}},
	{HTTP_DELETE, V1 "/sessions", SCOPE_ANY | SCOPE_SESSION, false, NULL,
		NULL, {sessions_leave, session_left}},
	{HTTP_PUT, V1 "/session/password", SCOPE_ANY | SCOPE_SESSION, false,
		body_begin, body_take, {password_change, password_changed}},
	{HTTP_GET, V1 "/stream", SCOPE_READ, false, stream_begin, NULL,
		{stream_number, stream_ask, stream_start}},
	{HTTP_GET, V1 "/audit", SCOPE_ADMIN | SCOPE_UNBOUND, false, NULL, NULL,
		{audit_find, audit_list, list_pack, list_send}},
	{HTTP_POST, V1 "/jobs/roll_up", SCOPE_ADMIN | SCOPE_UNBOUND, false,
		NULL, NULL, {roll_up_run, roll_up_answer}},
	{HTTP_GET, V1 "/openapi.json", 0, false, NULL, NULL, {page_openapi}},
	{HTTP_GET, "/healthz", 0, false, NULL, NULL,
		{health_ask, health_answer}},
	{HTTP_GET, "/readyz", 0, false, ready_begin, NULL,
		{health_ask, ready_ask, ready_answer}},
	{HTTP_GET, "/metrics",
		SCOPE_READ | SCOPE_ADMIN | SCOPE_UNBOUND | SCOPE_OR_LISTED,
		false, req_no_params, NULL,
		{health_ask, metrics_begin_scrape, metrics_ask,
			metrics_answer}},
	{HTTP_GET, "/", 0, true, NULL, NULL, {page_home}},
	{HTTP_GET, "/explore", 0, true, NULL, NULL, {page_own}},
	{HTTP_GET, "/outliers", 0, true, NULL, NULL, {page_own}},
	{HTTP_GET, "/cameras", 0, true, NULL, NULL, {page_own}},
	{HTTP_GET, "/access", 0, true, NULL, NULL, {page_own}},
	{HTTP_GET, "/docs", 0, false, NULL, NULL, {page_docs}},
	{HTTP_GET, "/upload", 0, true, NULL, NULL, {upload_page}},
	{HTTP_POST, "/upload", 0, true, upload_page_begin, upload_body,
		UPLOAD_STEPS},
	{HTTP_POST, "/upload/{id}/rejected.csv", 0, false, rejected_begin,
		body_take, {rejected_ask, rejected_show}},
	{HTTP_GET, "/static/{file}", 0, false, NULL, NULL, {page_static}},
	{HTTP_POST, "/login", 0, false, login_begin, body_take,
		{login_check, login_answer}},
	{HTTP_POST, "/logout", 0, false, login_begin, body_take,
		{logout_end, logout_answer}},
};

const size_t routes_n = ARRAY_LEN(routes);

static const char *const method_name[] = {
	[HTTP_GET] = "GET, HEAD",
	[HTTP_HEAD] = "HEAD",
	[HTTP_POST] = "POST",
	[HTTP_PUT] = "PUT",
	[HTTP_PATCH] = "PATCH",
	[HTTP_DELETE] = "DELETE",
};

/* Does the path fit the pattern?  {…} stands for one segment. */
static bool fits(const char *pattern, struct slice path, struct slice *param)
{
	const char *at = path.at, *end = path.at + path.n;

	while (*pattern) {
		if (*pattern == '{') {
			const char *from = at;

			while (at < end && *at != '/')
				at++;
			if (at == from)
				return false;
			*param++ = (struct slice){from, (size_t)(at - from)};
			pattern = strchr(pattern, '}') + 1;
		} else if (at == end || *at++ != *pattern++) {
			return false;
		}
	}
	return at == end;
}

static enum step allow(struct req *r, const bool allowed[HTTP_OTHER])
{
	text_str(&r->headers, "Allow: ");
	for (int m = 0; m < HTTP_OPTIONS; m++)
		if (allowed[m])
			text_printf(&r->headers, "%s, ", method_name[m]);
	text_str(&r->headers, "OPTIONS\r\n");
	if (r->head.method == HTTP_OPTIONS)
		return req_reply(r, 204, NULL);
	return req_problem(r, 405, "method-not-allowed",
		"this route does not know the method");
}

/* What a browser says, and a program does not unless it wants to. */
static bool prefers_html(const struct req *r)
{
	return accept_type(&r->head, "text/html") >
		accept_type(&r->head, "application/problem+json");
}

explain_fn route_explain(const struct req *r)
{
	const struct slice *p = &r->head.path;

	/* A person reads what comes back from a form, refusals as well. */
	if (p->n >= 7 && !memcmp(p->at, "/upload", 7) &&
		(p->n == 7 || p->at[7] == '/'))
		return upload_explain;
	if (p->n == 6 && !memcmp(p->at, "/login", 6) && prefers_html(r))
		return login_explain;
	return NULL;
}

enum step route_find(struct req *r)
{
	enum http_method method = r->head.method;
	bool allowed[HTTP_OTHER + 1] = {false}, any = false;

	/* "OPTIONS *" asks about the server as a whole. */
	if (method == HTTP_OPTIONS && r->head.path.n == 1 &&
		*r->head.path.at == '*')
		return req_reply(r, 204, NULL);
	if (method == HTTP_HEAD)
		method = HTTP_GET;
	for (size_t i = 0; i < routes_n; i++) {
		/* Of the request before, or of a route that did not fit. */
		memset(r->param, 0, sizeof(r->param));
		if (!fits(routes[i].path, r->head.path, r->param))
			continue;
		if (routes[i].method == method) {
			r->route = &routes[i];
			return STEP_NEXT;
		}
		allowed[routes[i].method] = any = true;
	}
	if (any)
		return allow(r, allowed);
	return req_problem(r, 404, "not-found", "there is no such route");
}
