// SPDX-License-Identifier: MIT
/*
 * GET /api/v1/ingest/config: what ingest counts with.  Its tag is that of the
 * text, so it moves with what the caller may see alone.  With wait= a request
 * whose tag is still right is answered when it is not, or after so many
 * seconds: config_version is looked at once a second, so it does not matter
 * which process took the change.
 */
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/conn.h"
#include "api/field.h"
#include "api/resources.h"
#include "api/server.h"
#include "api/shapes.h"
#include "common/token.h"
#include "common/when.h"

enum {
	WAIT_MAX_S = 60,
	WAITERS_MAX = 256, /* more are answered at once */
	LOOK_MS = 1000,
	TAG_TEXT = 2 + 2 * TOKEN_HASH + 1
};

struct config {
	int64_t until_ms;
	int64_t version; /* that the tag was found right at; 0: not yet */
	char tag[TAG_TEXT];
	bool waits;
	struct event timer;
};

static unsigned waiters; /* the loop's thread alone */

static void stop_waiting(struct req *r)
{
	struct config *c = r->state;

	if (!c->waits)
		return;
	event_del(&c->timer);
	c->waits = false;
	waiters--;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct req *r = arg;

	(void)fd, (void)what;
	stop_waiting(r);
	req_resume(r, E_OK);
}

enum step config_begin(struct req *r)
{
	static const char *const known[] = {"camera", "wait"};
	static const char *const many[] = {"camera"};
	struct config *c = arena_alloc(&r->arena, sizeof(*c));
	const char *v;
	long wait = 0;
	char *end;

	if (!c)
		return req_fail(r, E_NOMEM);
	r->state = c;
	r->release = stop_waiting;
	if ((v = query_unknown(&r->query, known, ARRAY_LEN(known))))
		return req_problem(r, 400, "unknown-parameter",
			"the parameter %.60s is not known", v);
	if ((v = query_repeated(&r->query, many, ARRAY_LEN(many))))
		return req_problem(
			r, 400, "bad-parameter", "%.60s is there twice", v);
	if ((v = query_get(&r->query, "wait"))) {
		wait = strtol(v, &end, 10);
		if (*v < '0' || *v > '9' || *end || wait > WAIT_MAX_S)
			return req_problem(r, 400, "bad-parameter",
				"wait is not from 0 to %d seconds", WAIT_MAX_S);
	}
	c->until_ms = when_clock_ms() + 1000 * (int64_t)wait;
	return STEP_NEXT;
}

enum step config_ask(struct req *r)
{
	return req_query(r, Q_CONFIG_VERSION, NULL, 0);
}

/* Nothing to tell.  Where the client still waits, another look later. */
static enum step unchanged(struct req *r, struct config *c)
{
	struct timeval later = {LOOK_MS / 1000, LOOK_MS % 1000 * 1000};
	int64_t left_ms = c->until_ms - when_clock_ms();

	if (left_ms <= 0 || r->conn->gone || waiters >= WAITERS_MAX ||
		server_stopping(r->api->server)) {
		text_printf(&r->headers,
			"Cache-Control: private, no-cache\r\nETag: %s\r\n",
			c->tag);
		return req_reply_blob(r, 304, NULL, NULL);
	}
	if (left_ms < LOOK_MS)
		later = (struct timeval){0, (suseconds_t)left_ms * 1000 + 1};
	waiters++;
	c->waits = true;
	evtimer_assign(&c->timer, r->api->base, on_timer, r);
	evtimer_add(&c->timer, &later);
	/* Then the question again. */
	req_back(r, 0);
	return STEP_WAIT;
}

enum step config_find(struct req *r)
{
	struct config *c = r->state;
	int64_t version = r->rows.n ? r->rows.cell[0].i : 0;

	if (version && version == c->version) {
		return unchanged(r, c);
	}
	c->version = version;
	return req_query(r, Q_CONFIG, NULL, 0);
}

static bool is_wanted(const struct req *r, const char *code)
{
	const char *v;
	size_t at = 0;

	if (!principal_covers(&r->who, code))
		return false;
	if (!query_get(&r->query, "camera"))
		return true;
	while ((v = query_each(&r->query, "camera", &at)))
		if (!strcmp(v, code))
			return true;
	return false;
}

static void write_config(struct req *r)
{
	struct text skipped;
	size_t i = 0;

	text_clear(&r->out);
	text_init(&skipped, 1 << 20);
	json_open(&r->out, NULL, '{');
	json_open(&r->out, "cameras", '[');
	while (i < r->rows.n) {
		const char *code = r->rows.cell[i * r->rows.cols].s.at;

		text_clear(&skipped);
		i = shapes_write(
			is_wanted(r, code) ? &r->out : &skipped, &r->rows, i);
	}
	json_close(&r->out, ']');
	json_close(&r->out, '}');
	text_free(&skipped);
}

static void make_tag(struct req *r, char tag[TAG_TEXT])
{
	static const char digit[] = "0123456789abcdef";
	unsigned char hash[TOKEN_HASH];
	char *at = tag;

	token_hash(r->out.at ? r->out.at : "", r->out.n, hash);
	*at++ = '"';
	for (size_t i = 0; i < sizeof(hash); i++) {
		*at++ = digit[hash[i] >> 4];
		*at++ = digit[hash[i] & 15];
	}
	memcpy(at, "\"", 2);
}

enum step config_answer(struct req *r)
{
	struct config *c = r->state;

	write_config(r);
	make_tag(r, c->tag);
	if (field_none_match(&r->head, c->tag, true)) {
		text_clear(&r->out);
		return unchanged(r, c);
	}
	text_printf(&r->headers,
		"Cache-Control: private, no-cache\r\nETag: %s\r\n", c->tag);
	return req_json(r, 200);
}
