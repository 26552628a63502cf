// SPDX-License-Identifier: MIT
/*
 * resources: the steps of every route, file by file in the order they run.
 * api/routes.c puts them together.
 */
#ifndef TALLY_API_RESOURCES_H
#define TALLY_API_RESOURCES_H

#include "api/req.h"

/* counts.c: POST /counts */
enum step counts_begin(struct req *r);
enum step counts_body(struct req *r, const char *at, size_t n);
enum step counts_commit(struct req *r);
enum step counts_answer(struct req *r);
enum step counts_kept(struct req *r);

/* records.c: POST /records */
enum step records_begin(struct req *r);
enum step records_body(struct req *r, const char *at, size_t n);
enum step records_store(struct req *r);
enum step records_answer(struct req *r);

/* record_list.c: GET /records */
enum step record_list_begin(struct req *r);
enum step record_list_cameras(struct req *r);
enum step record_list_found(struct req *r);
enum step record_list_keys(struct req *r);

/* upload.c, upload_store.c, upload_answer.c: POST /uploads, POST /upload */
enum step upload_begin(struct req *r);
enum step upload_page_begin(struct req *r);
enum step upload_body(struct req *r, const char *at, size_t n);
enum step upload_end(struct req *r);
enum step upload_looked(struct req *r);
enum step upload_part(struct req *r);
enum step upload_commit(struct req *r);
enum step upload_again(struct req *r);
enum step upload_keep(struct req *r);
enum step upload_answer(struct req *r);

/* upload_page.c: GET /upload */
enum step upload_page(struct req *r);
enum step upload_explain(struct req *r, int status, const char *detail);

/* uploads.c: GET /uploads, /uploads/{id}, /uploads/{id}/rejected.csv,
 * POST /upload/{id}/rejected.csv */
enum step uploads_find(struct req *r);
enum step uploads_list(struct req *r);
enum step upload_find(struct req *r);
enum step upload_show(struct req *r);
enum step rejected_find(struct req *r);
enum step rejected_show(struct req *r);
enum step rejected_begin(struct req *r);
enum step rejected_ask(struct req *r);

/* erase.c: DELETE /counts */
enum step erase_begin(struct req *r);
enum step erase_cameras(struct req *r);
enum step erase_run(struct req *r);
enum step erase_answer(struct req *r);

/* listing.c: GET /counts */
enum step listing_begin(struct req *r);
enum step listing_cameras(struct req *r);
enum step listing_found(struct req *r);
enum step listing_rows(struct req *r);

/* stats.c: GET /stats/{period}, GET /stats/weekday/{period} */
enum step stats_begin(struct req *r);
enum step stats_cameras(struct req *r);
enum step stats_found(struct req *r);
enum step stats_rows(struct req *r);

/* outliers.c: GET /outliers, GET and PATCH /outliers/{id} */
enum step outliers_begin(struct req *r);
enum step outliers_cameras(struct req *r);
enum step outliers_found(struct req *r);
enum step outliers_rows(struct req *r);
enum step outlier_find(struct req *r);
enum step outlier_show(struct req *r);
enum step outlier_review(struct req *r);
enum step outlier_reviewed(struct req *r);

/* cameras.c: GET /cameras, GET /cameras/{code} */
enum step cameras_find(struct req *r);
enum step cameras_found(struct req *r);
enum step cameras_list(struct req *r);
enum step camera_find(struct req *r);
enum step camera_found(struct req *r);
enum step camera_show(struct req *r);

/* camera.c: POST /cameras, PATCH /cameras/{code} */
enum step camera_make(struct req *r);
enum step camera_made(struct req *r);
enum step camera_alter(struct req *r);
enum step camera_altered(struct req *r);

/* sites.c: GET and POST /sites, PATCH /sites/{id} */
enum step sites_find(struct req *r);
enum step sites_list(struct req *r);
enum step site_make(struct req *r);
enum step site_alter(struct req *r);
enum step site_done(struct req *r);

/* shapes.c: GET /cameras/{code}/shapes, PUT and DELETE
 * /cameras/{code}/lines/{line} and …/zones/{zone} */
enum step shapes_ask(struct req *r);
enum step shapes_list(struct req *r);
enum step line_put(struct req *r);
enum step zone_put(struct req *r);
enum step line_remove(struct req *r);
enum step zone_remove(struct req *r);
enum step shape_answer(struct req *r);

/* config.c: GET /ingest/config */
enum step config_begin(struct req *r);
enum step config_ask(struct req *r);
enum step config_find(struct req *r);
enum step config_answer(struct req *r);
/* Those that wait look again, at once. */
void config_wake(void);

/* frames.c: POST /ingest/frames */
enum step frames_begin(struct req *r);
enum step frames_take(struct req *r, const char *at, size_t n);
enum step frames_keep(struct req *r);

/* live.c: GET /cameras/{code}/live.mjpeg, …/snapshot.jpg */
enum step live_begin(struct req *r);
enum step snapshot_begin(struct req *r);
enum step live_ask(struct req *r);
enum step live_join(struct req *r);
enum step live_show(struct req *r);

/* ingests.c: POST /ingest/status */
enum step ingest_status_begin(struct req *r);
enum step ingest_status_take(struct req *r);
enum step ingest_status_kept(struct req *r);

/* tokens.c: GET and POST /tokens, POST /tokens/{id}/rotate, DELETE
 * /tokens/{id} */
enum step tokens_find(struct req *r);
enum step tokens_list(struct req *r);
enum step token_make_new(struct req *r);
enum step token_rotate_it(struct req *r);
enum step token_made(struct req *r);
enum step token_end(struct req *r);
enum step token_ended(struct req *r);

/* stream.c: GET /stream */
enum step stream_begin(struct req *r);
enum step stream_number(struct req *r);
enum step stream_ask(struct req *r);
enum step stream_start(struct req *r);

/* audit.c: GET /audit */
enum step audit_find(struct req *r);
enum step audit_list(struct req *r);

/* jobs.c: POST /jobs/roll_up */
enum step roll_up_run(struct req *r);
enum step roll_up_answer(struct req *r);

/* health.c: GET /healthz */
enum step health_ask(struct req *r);
enum step health_answer(struct req *r);

/* ready.c: GET /readyz, which asks as health.c does */
enum step ready_begin(struct req *r);
enum step ready_ask(struct req *r);
enum step ready_answer(struct req *r);

/* metrics.c: GET /metrics, likewise */
enum step metrics_begin_scrape(struct req *r);
enum step metrics_ask(struct req *r);
enum step metrics_answer(struct req *r);

/* pages.c: GET /, GET /docs, GET /api/v1/openapi.json, GET /static/{file} */
enum step page_home(struct req *r);
/* The form of the log-in once more, with why. */
enum step login_explain(struct req *r, int status, const char *detail);
/* "/outliers" is outliers.html, for who is logged in. */
enum step page_own(struct req *r);
enum step page_docs(struct req *r);
enum step page_openapi(struct req *r);
enum step page_static(struct req *r);

/* users.c: GET and POST /users, PATCH and DELETE /users/{name} */
enum step users_find(struct req *r);
enum step users_list(struct req *r);
enum step user_make(struct req *r);
enum step user_made(struct req *r);
enum step user_patch(struct req *r);
enum step user_patched(struct req *r);
enum step user_end(struct req *r);
enum step user_ended(struct req *r);

/* me.c: GET and DELETE /session, DELETE /sessions, PUT /session/password */
enum step session_show(struct req *r);
enum step session_leave(struct req *r);
enum step sessions_leave(struct req *r);
enum step session_left(struct req *r);
enum step password_change(struct req *r);
enum step password_changed(struct req *r);

/* session.c: POST /login, POST /logout */
enum step login_begin(struct req *r);
enum step login_check(struct req *r);
enum step login_answer(struct req *r);
enum step logout_end(struct req *r);
enum step logout_answer(struct req *r);

#endif
