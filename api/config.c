// SPDX-License-Identifier: MIT
/*
 * GET /api/v1/ingest/config: what ingest counts with, and which cameras
 * somebody watches.  Its tag is that of the text, so it moves with what the
 * caller may see alone.  With wait= a request whose tag is still right is
 * answered when it is not, or after so many seconds: config_version is looked
 * at once a second, so it does not matter which process took the change; who
 * watches is heard of at once.
 */
#include <event2/event.h>
#include <event2/event_struct.h>
#include <string.h>

#include "api/api.h"
#include "api/conn.h"
#include "api/field.h"
#include "api/live.h"
#include "api/relay.h"
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
	int64_t version;  /* that the tag was found right at; 0: not yet */
	uint64_t watched; /* likewise */
	char tag[TAG_TEXT];
	bool waits;
	struct event timer;
	struct config *next, **at; /* of those that wait */
};

/* The loop's thread alone. */
static unsigned waiters;
static struct config *waiting;

static void stop_waiting(struct req *r)
{
	struct config *c = r->state;

	if (!c->waits)
		return;
	event_del(&c->timer);
	c->waits = false;
	waiters--;
	*c->at = c->next;
	if (c->next)
		c->next->at = c->at;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct req *r = arg;

	(void)fd, (void)what;
	stop_waiting(r);
	req_resume(r, E_OK);
}

static void start_waiting(
	struct req *r, struct config *c, const struct timeval *until)
{
	waiters++;
	c->waits = true;
	c->next = waiting;
	c->at = &waiting;
	if (waiting)
		waiting->at = &c->next;
	waiting = c;
	evtimer_assign(&c->timer, r->api->base, on_timer, r);
	evtimer_add(&c->timer, until);
}

void config_wake(void)
{
	struct timeval now = {0, 0};

	for (struct config *c = waiting; c; c = c->next)
		evtimer_add(&c->timer, &now);
}

enum step config_begin(struct req *r)
{
	static const char *const known[] = {"camera", "wait"};
	static const char *const many[] = {"camera"};
	struct config *c = arena_alloc(&r->arena, sizeof(*c));
	int64_t wait = 0;
	const char *v;
	enum step s;

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
	if ((s = req_seconds(r, "wait", WAIT_MAX_S, &wait)) != STEP_NEXT)
		return s;
	c->until_ms = when_clock_ms() + 1000 * wait;
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
	start_waiting(r, c, &later);
	/* Then the question again. */
	req_back(r, 0);
	return STEP_WAIT;
}

enum step config_find(struct req *r)
{
	struct config *c = r->state;
	int64_t version = r->rows.n ? r->rows.cell[0].i : 0;
	uint64_t watched = relay_version(live_relay(r->api->live));

	if (version && version == c->version && watched == c->watched)
		return unchanged(r, c);
	c->version = version;
	c->watched = watched;
	return req_query(r, Q_CONFIG, NULL, 0);
}

static bool is_wanted(const struct req *r, const char *code)
{
	return principal_covers(&r->who, code) &&
		(!query_get(&r->query, "camera") ||
			query_has(&r->query, "camera", code));
}

static void write_watched(struct req *r)
{
	const struct relay *relay = live_relay(r->api->live);
	const char *code;

	json_open(&r->out, "watched", '[');
	for (size_t i = 0; (code = relay_each(relay, i)); i++)
		if (is_wanted(r, code))
			json_str(&r->out, NULL, code);
	json_close(&r->out, ']');
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
	write_watched(r);
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
	if (!field_match(&r->head, c->tag))
		return req_changed(r);
	if (field_none_match(&r->head, c->tag, true)) {
		text_clear(&r->out);
		return unchanged(r, c);
	}
	text_printf(&r->headers,
		"Cache-Control: private, no-cache\r\nETag: %s\r\n", c->tag);
	return req_json(r, 200);
}
