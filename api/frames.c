// SPDX-License-Identifier: MIT
/*
 * POST /api/v1/ingest/frames?camera=: a picture for who watches.  Whether
 * somebody does is in the answer; what nobody wants is not kept, and the
 * database is not asked: a camera that is not there is watched by nobody.
 */
#include "api/api.h"
#include "api/body.h"
#include "api/conn.h"
#include "api/field.h"
#include "api/jpeg.h"
#include "api/live.h"
#include "api/relay.h"
#include "api/resources.h"
#include "api/server.h"

enum { FRAMES_AT_ONCE = 64 };

static unsigned on_their_way; /* the loop's thread alone */

static void release(struct req *r)
{
	(void)r;
	on_their_way--;
}

static enum step too_large(struct req *r)
{
	server_counters(r->conn->server)->live_refused_frames++;
	return req_problem(r, 413, "too-large",
		"a picture takes at most %zu "
		"bytes (api.live_frame_max)",
		r->api->conf.api_live_frame_max);
}

static bool says_jpeg(const struct req *r)
{
	const struct slice *v = http_find(&r->head, "content-type");
	struct media m;

	return v && field_media(*v, &m) && media_is(&m, "image/jpeg");
}

enum step frames_begin(struct req *r)
{
	static const char *const known[] = {"camera"};
	const char *v;

	if ((v = query_unknown(&r->query, known, ARRAY_LEN(known))))
		return req_problem(r, 400, "unknown-parameter",
			"the parameter %.60s is not known", v);
	if (query_repeated(&r->query, NULL, 0) ||
		!(v = query_get(&r->query, "camera")))
		return req_problem(r, 400, "bad-parameter",
			"camera is missing, or there twice");
	if (!principal_covers(&r->who, v))
		return req_problem(r, 403, "forbidden",
			"the token is not for this camera");
	if (field_encoded(&r->head))
		return req_problem(r, 415, "unsupported-encoding",
			"a body with Content-Encoding is not accepted");
	if (!says_jpeg(r))
		return req_problem(r, 415, "unsupported-type",
			"Content-Type is not image/jpeg");
	if (r->head.has_length &&
		r->head.length > r->api->conf.api_live_frame_max)
		return too_large(r);
	if (on_their_way >= FRAMES_AT_ONCE) {
		server_counters(r->conn->server)->live_refused_frames++;
		return req_fail(r, E_FULL);
	}
	on_their_way++;
	r->release = release;
	body_open(r, r->api->conf.api_live_frame_max);
	return STEP_NEXT;
}

enum step frames_take(struct req *r, const char *at, size_t n)
{
	text_add(&r->body, at, n);
	return r->body.full ? too_large(r) : STEP_NEXT;
}

enum step frames_keep(struct req *r)
{
	struct server_counters *count = server_counters(r->conn->server);
	const char *code = query_get(&r->query, "camera"), *why;
	struct slice jpeg = {r->body.at ? r->body.at : "", r->body.n};
	struct relay *relay = live_relay(r->api->live);
	struct jpeg_size size;
	bool watched = relay_watched(relay, code);
	enum err e;

	if ((why = jpeg_fault(jpeg.at, jpeg.n, &size))) {
		count->live_refused_frames++;
		return body_invalid(r, "the picture", why);
	}
	count->live_frames++;
	if (!watched)
		count->live_unwanted++;
	else if ((e = relay_put(relay, code, jpeg)))
		return req_fail(r, e == E_IO ? E_FULL : e);
	json_open(&r->out, NULL, '{');
	json_str(&r->out, "camera", code);
	json_bool(&r->out, "watched", watched);
	json_close(&r->out, '}');
	return req_json(r, 200);
}
