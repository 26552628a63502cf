// SPDX-License-Identifier: MIT
/*
 * sample: `tally sample add | remove`: a site with weeks of made-up rows, sent
 * as any program of the video team would: over HTTP, with tokens, in batches.
 *
 * The last week is sent after the weeks before it were rolled up: by then there
 * are references, and its rows are judged by them as they arrive.
 */
#include "analytics/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analytics/ctl/ctl.h"
#include "common/client.h"
#include "common/json.h"
#include "common/text.h"
#include "common/when.h"

enum {
	WEEKS = 8,
	WEEKS_MAX = 520,
	WEEK_S = 7 * DAY_S,
	BATCH = 2000,		/* rows of one request */
	BODY_MAX = BATCH * 512, /* bytes */
	ANSWER_S = 330,		/* a roll-up may wait for 300 */
	TRIES = 5,
	PAGES_MAX = 1000,
	ROWS_A_CALL = 5000, /* to delete */
	BUSY_TRIES = 20
};

struct sending {
	struct client *client;
	const char *token_file;
	bool there[SAMPLE_CAMERAS]; /* registered before */
	struct tz *tz[SAMPLE_CAMERAS];
	struct text body;
	size_t in_body;
	int64_t now;
	unsigned long rows, stored_before, total;
};

/* ---- asking ---- */

static int wrong(const char *path, const struct client_answer *a)
{
	struct json *root = NULL;
	const char *detail = "";

	if (!json_parse(a->body.at, a->body.n, &root, NULL))
		detail = json_string(json_member(root, "detail"));
	ctl_say("sample: %s: HTTP %ld%s%.300s", path, a->status,
		*detail ? ": " : "", detail);
	json_free(root);
	return CTL_FAILED;
}

/* Asks until the answer is not "later"; all that is asked here may be asked
 * again.  body.at NULL: GET.  Anything but the wanted status is said. */
static int ask(struct sending *s, const char *member, const char *path,
	struct slice body, long wanted, struct client_answer *a)
{
	char why[CLIENT_WHY];
	enum err e;

	if (client_token(s->client, s->token_file, member, why)) {
		ctl_say("sample: token file %s: %s", s->token_file, why);
		return CTL_FAILED;
	}
	for (int tries = 1;; tries++) {
		if (body.at)
			e = client_post(s->client, path, body, a, why);
		else
			e = client_get(s->client, path, a, why);
		if (e) {
			ctl_say("sample: %s: %s", path, why);
			return CTL_FAILED;
		}
		if ((a->status != 503 && a->status != 429) || tries == TRIES)
			break;
		usleep(a->retry_after_us > 0 && a->retry_after_us < 10000000
				? (useconds_t)a->retry_after_us
				: 1000000);
	}
	return a->status == wanted ? CTL_OK : wrong(path, a);
}

/* ---- cameras ---- */

/* Marks what is there already; one on another site is not ours to fill. */
static int note_cameras(struct sending *s, const struct json *items)
{
	for (const struct json *v = json_first(items); v; v = json_next(v)) {
		const char *code = json_string(json_member(v, "camera"));
		const char *site = json_string(json_member(v, "site"));
		size_t i = 0;

		while (i < SAMPLE_CAMERAS &&
			strcmp(code, sample_camera[i].code))
			i++;
		if (i == SAMPLE_CAMERAS)
			continue;
		if (strcmp(site, SAMPLE_SITE) != 0) {
			ctl_say("sample: camera %s belongs to site %.200s",
				code, site);
			return CTL_FAILED;
		}
		s->there[i] = true;
	}
	return CTL_OK;
}

static int find_cameras(struct sending *s)
{
	char path[1024] = "/api/v1/cameras";
	struct client_answer a;
	struct json *root;
	int status = CTL_OK;

	for (int page = 0; *path && !status && page < PAGES_MAX; page++) {
		if ((status = ask(s, "read_token", path,
			     (struct slice){NULL, 0}, 200, &a)))
			return status;
		/* A coverage has digits that no count may have. */
		if (json_parse_wide((char *)(uintptr_t)a.body.at, a.body.n,
			    &root, NULL)) {
			ctl_say("sample: %s: the answer is not JSON", path);
			return CTL_FAILED;
		}
		status = note_cameras(s, json_member(root, "items"));
		snprintf(path, sizeof(path), "%s",
			json_string(json_member(root, "next")));
		json_free(root);
	}
	return status;
}

static int add_camera(struct sending *s, const struct sample_camera *c)
{
	struct client_answer a;

	text_clear(&s->body);
	json_open(&s->body, NULL, '{');
	json_str(&s->body, "camera", c->code);
	json_str(&s->body, "name", c->name);
	json_str(&s->body, "site", SAMPLE_SITE);
	json_str(&s->body, "tz", c->tz);
	json_close(&s->body, '}');
	return ask(s, "admin_token", "/api/v1/cameras",
		(struct slice){s->body.at, s->body.n}, 201, &a);
}

/* ---- rows ---- */

static void write_time(struct text *t, const char *name, int64_t at)
{
	char buf[WHEN_TEXT];

	json_str(t, name, when_format(buf, at, 0, true));
}

static void write_count(struct text *t, const char *name, const char *name_new,
	struct sample_count n)
{
	if (n.present == SAMPLE_NULL)
		return;
	json_int(t, name, n.present);
	json_int(t, name_new, n.began);
}

static void write_row(struct text *t, const struct sample_camera *c, int64_t at,
	const struct sample_row *row)
{
	json_open(t, NULL, '{');
	json_str(t, "camera", c->code);
	write_time(t, "start_at", at);
	write_time(t, "end_at", at + c->interval_s);
	write_count(t, "people", "people_new", row->people);
	write_count(t, "vehicle", "vehicle_new", row->vehicle);
	write_count(t, "face", "face_new", row->face);
	if (row->vehicle.present != SAMPLE_NULL) {
		json_open(t, "classes", '{');
		for (int i = 0; i < SAMPLE_CLASSES; i++)
			json_int(t, sample_class[i], row->class[i]);
		json_close(t, '}');
	}
	json_int(t, "observed_s", row->observed_s);
	json_close(t, '}');
}

static void tell_progress(const struct sending *s)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\rsample: %lu of about %lu rows ", s->rows,
			s->total);
}

static int send_batch(struct sending *s)
{
	struct client_answer a;
	struct json *root = NULL;
	int status;

	if (!s->in_body)
		return CTL_OK;
	json_close(&s->body, ']');
	if (s->body.full)
		return ctl_status(E_NOMEM, "sample");
	if ((status = ask(s, "ingest_token", "/api/v1/counts",
		     (struct slice){s->body.at, s->body.n}, 200, &a)))
		return status;
	if (!json_parse(a.body.at, a.body.n, &root, NULL))
		s->stored_before += (unsigned long)json_number(
			json_member(root, "duplicate"));
	json_free(root);
	s->rows += s->in_body;
	s->in_body = 0;
	tell_progress(s);
	return CTL_OK;
}

static int send_camera(struct sending *s, size_t i, int64_t from, int64_t to)
{
	const struct sample_camera *c = &sample_camera[i];
	struct sample_row row;
	int status;

	if (to > s->now - c->silent_s)
		to = s->now - c->silent_s;
	from += (c->interval_s - from % c->interval_s) % c->interval_s;
	for (int64_t at = from; at + c->interval_s <= to; at += c->interval_s) {
		if (!sample_row(c, s->tz[i], at, &row))
			continue;
		if (!s->in_body) {
			text_clear(&s->body);
			json_open(&s->body, NULL, '[');
		}
		write_row(&s->body, c, at, &row);
		if (++s->in_body == BATCH && (status = send_batch(s)))
			return status;
	}
	return CTL_OK;
}

/* All cameras' rows that lie in [from, to), and what follows from them. */
static int send_rows(struct sending *s, int64_t from, int64_t to)
{
	struct client_answer a;
	int status = CTL_OK;

	for (size_t i = 0; i < SAMPLE_CAMERAS && !status; i++)
		status = send_camera(s, i, from, to);
	if (!status)
		status = send_batch(s);
	if (!status)
		status = ask(s, "admin_token", "/api/v1/jobs/roll_up",
			(struct slice){"", 0}, 200, &a);
	return status;
}

/* ---- add ---- */

static int send_all(struct sending *s, int weeks)
{
	int64_t from = s->now - (int64_t)weeks * WEEK_S;
	int64_t last = s->now - WEEK_S;
	int status = find_cameras(s);
	enum err e;

	/* Where weeks meet, no row may be left between them. */
	last -= last % 3600;
	for (size_t i = 0; i < SAMPLE_CAMERAS && !status; i++) {
		s->total += (unsigned long)(weeks *
			(WEEK_S / sample_camera[i].interval_s));
		if ((e = tz_load(sample_camera[i].tz, &s->tz[i])))
			status = ctl_status(e, sample_camera[i].tz);
		else if (!s->there[i])
			status = add_camera(s, &sample_camera[i]);
	}
	if (!status && from < last)
		status = send_rows(s, from, last);
	return status ? status : send_rows(s, last, s->now);
}

static void tell_added(const struct sending *s)
{
	if (isatty(STDERR_FILENO))
		fputc('\n', stderr);
	printf("sample: %d cameras on site \"%s\", %lu rows (%lu of them were "
	       "there)\n",
		SAMPLE_CAMERAS, SAMPLE_SITE, s->rows, s->stored_before);
}

int ctl_sample_add(struct ctl *ctl, int argc, char **argv)
{
	struct ctl_option o[] = {{.name = "--weeks"}};
	struct client_settings set = {.url = ctl->conf.ingest_url,
		.ca = ctl->conf.ingest_ca,
		.answer_us = ANSWER_S * INT64_C(1000000)};
	struct sending s = {
		.token_file = ctl->conf.ingest_token_file, .now = when_now()};
	char why[CLIENT_WHY], *end = NULL;
	long weeks = WEEKS;
	int status;
	enum err e;

	if (!ctl_args(&argc, argv, o, ARRAY_LEN(o), (int[2]){0, 0}))
		return CTL_USAGE;
	if (o[0].n)
		weeks = strtol(o[0].value[0], &end, 10);
	if (weeks < 1 || weeks > WEEKS_MAX || (end && *end)) {
		ctl_say("--weeks wants a number from 1 to %d", WEEKS_MAX);
		return CTL_USAGE;
	}
	if (!*s.token_file) {
		ctl_say("ingest.token_file: none is set");
		return CTL_USAGE;
	}
	if ((e = client_open(&s.client, &set, why))) {
		ctl_say("ingest.%s: %s", e == E_IO ? "ca" : "url", why);
		return CTL_USAGE;
	}
	text_init(&s.body, BODY_MAX);
	if (!(status = send_all(&s, (int)weeks)))
		tell_added(&s);
	for (size_t i = 0; i < SAMPLE_CAMERAS; i++)
		tz_free(s.tz[i]);
	text_free(&s.body);
	client_close(s.client);
	return status;
}

/* ---- remove ---- */

/* The procedure commits by itself, and tokens may go with the camera. */
static enum err remove_camera(
	struct ctl *ctl, int64_t camera_id, const char *code, int64_t *rows_n)
{
	struct db_rows rows = {0};
	int busy = 0;
	enum err e;

	do {
		e = db_run(ctl->db, Q_CAMERA_REMOVE,
			DB_ARGS(DB_I(camera_id), DB_I(ROWS_A_CALL)),
			&ctl->arena, &rows);
		if (!e)
			*rows_n += rows.cell[0].i;
	} while ((e == E_BUSY && ++busy < BUSY_TRIES) ||
		(!e && !rows.cell[1].i));
	return e ? e
		 : audit_add(ctl->db, &ctl->by, "camera.remove", code, NULL);
}

/* Nobody's real camera goes with the sample. */
static bool all_ours(const struct db_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		const char *code = rows->cell[i * rows->cols + 1].s.at;

		if (strncmp(code, SAMPLE_PREFIX, strlen(SAMPLE_PREFIX)) != 0) {
			ctl_say("sample: camera %s on site \"%s\" is not the "
				"sample's: move it to another site first",
				code, SAMPLE_SITE);
			return false;
		}
	}
	return true;
}

int ctl_sample_remove(struct ctl *ctl, int argc, char **argv)
{
	struct db_rows rows;
	int64_t site_id, rows_n = 0;
	enum err e;

	if (!ctl_args(&argc, argv, NULL, 0, (int[2]){0, 0}))
		return CTL_USAGE;
	if ((e = db_run(ctl->db, Q_SITE_OF, DB_ARGS(DB_S(SAMPLE_SITE)),
		     &ctl->arena, &rows)))
		return ctl_status(e, "sample remove");
	if (!rows.n) {
		printf("sample: there is no site \"%s\"\n", SAMPLE_SITE);
		return CTL_OK;
	}
	site_id = rows.cell[0].i;
	if ((e = db_run(ctl->db, Q_SITE_CAMERAS, DB_ARGS(DB_I(site_id)),
		     &ctl->arena, &rows)))
		return ctl_status(e, "sample remove");
	if (!all_ours(&rows))
		return CTL_FAILED;
	for (size_t i = 0; i < rows.n && !e; i++)
		e = remove_camera(ctl, rows.cell[i * rows.cols].i,
			rows.cell[i * rows.cols + 1].s.at, &rows_n);
	if (!e)
		e = db_run(ctl->db, Q_SITE_REMOVE, DB_ARGS(DB_I(site_id)), NULL,
			NULL);
	if (e)
		return ctl_status(e, "sample remove");
	printf("sample: removed site \"%s\", %zu cameras, %lld rows\n",
		SAMPLE_SITE, rows.n, (long long)rows_n);
	return CTL_OK;
}
