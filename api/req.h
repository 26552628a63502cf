// SPDX-License-Identifier: MIT
/*
 * req: the life of one request.  A route is a row of a table (api/routes.c):
 * who may call it, and its steps in the order they run.
 *
 *	begin   once the head is there and the token is known, before the body
 *	body    for each piece of the body, as it comes; where it returned WAIT
 *		no piece comes until req_resume, then it is called with none
 *	step[]  once the body is there
 *
 * A step returns NEXT, WAIT (something will call req_resume, then the next
 * step runs), AGAIN (the same, then this step runs again) or DONE (a reply was
 * made).  Steps run on the loop's
 * thread; memory is r->arena and dies with the reply.  A completion always
 * comes from the loop, never from inside the call that asked for it, so a step
 * may use r until it returns.  A failed query never reaches the next step.
 */
#ifndef TALLY_API_REQ_H
#define TALLY_API_REQ_H

#include "api/http.h"
#include "api/query.h"
#include "common/arena.h"
#include "common/db/pool.h"
#include "common/log.h"
#include "common/text.h"
#include "common/token.h"

struct api;
struct blob;
struct conn;
struct json;
struct list;
struct memo_use;
struct req;

enum step { STEP_NEXT, STEP_WAIT, STEP_AGAIN, STEP_DONE };

typedef enum step (*step_fn)(struct req *r);
typedef enum step (*explain_fn)(struct req *r, int status, const char *detail);

/* What a step returns that takes the rows of this question as well. */
static inline enum step step_again(enum step s)
{
	return s == STEP_WAIT ? STEP_AGAIN : s;
}

/* Beside the bits of enum scope: what concerns every camera is not for a token
 * that is bound to some; api.metrics_from says who needs none; what is a
 * session's own is not for a token.  ANY: for whoever is known. */
enum {
	SCOPE_UNBOUND = 16,
	SCOPE_OR_LISTED = 32,
	SCOPE_SESSION = 64,
	SCOPE_ANY = 15
};

enum req_phase { REQ_AUTH, REQ_BEGIN, REQ_BODY, REQ_STEPS_RUN };

enum { REQ_STEPS = 8, REQ_PARAMS = 2, REQ_ARENA = 24 << 20 };

struct route {
	enum http_method method;
	const char *path; /* "/api/v1/stats/{period}" */
	unsigned scope;	  /* one of enum scope, perhaps with SCOPE_UNBOUND;
			     0: anybody */
	bool known;	  /* though anybody may call it: who has a session? */
	step_fn begin;
	enum step (*body)(struct req *r, const char *at, size_t n);
	step_fn step[REQ_STEPS];
};

/* Who asks. */
struct principal {
	bool known;
	bool by_cookie; /* a person's session: to write, auth_own_page */
	int role;	/* its enum role */
	unsigned scopes;
	int64_t id;	     /* the session's user's, or the token's */
	int64_t expires_at;  /* of a session */
	const char *name;    /* likewise */
	const char *cameras; /* codes with '\n' between, NULL: all */
};

struct req {
	struct conn *conn;
	struct api *api;
	char id[LOG_REQUEST_MAX + 1];
	struct http_head head; /* its slices live in the connection's buffer */
	const struct route *route;
	struct slice param[REQ_PARAMS]; /* what stood for {…} */
	struct query query;
	struct principal who;
	struct arena arena;
	struct arena rows_arena; /* the rows of the last query */
	enum req_phase phase;
	int64_t begun_us; /* when its head was there */
	unsigned at;	  /* the step to run */
	bool replied;
	void *state;			/* the route's own, from the arena */
	void (*release)(struct req *r); /* for what the arena cannot hold */
	/* Of a reply that goes on: there is room to send, or it is to end. */
	void (*flow)(struct req *r, bool stop);
	size_t held;	       /* its bytes in server_counters */
	size_t body_room;      /* among them, for a small body */
	struct text body;      /* what api/body.h took … */
	struct json *json;     /* … and read */
	struct memo_use *memo; /* api/memo's, from the arena */
	struct list *listed;   /* api/list's, which it is to send */
	/* How a person is told what a problem says; NULL: problem+json. */
	explain_fn explain;

	struct pool_job job; /* the query that was asked last */
	enum err err;	     /* its outcome, or that of req_resume's caller */
	struct db_rows rows;

	struct text out;     /* the reply's body */
	struct text headers; /* extra header lines, each ended by CRLF */
};

/* An empty request on its connection. */
void req_init(struct req *r);
/* The head is complete: find the route, know the caller, run begin. */
void req_begin(struct req *r);
/* A piece of body; the body's end. */
void req_body(struct req *r, const char *at, size_t n);
void req_body_end(struct req *r);
/* What the last step waited for is there, or failed: then the reply is made
 * from e and no further step runs. */
void req_resume(struct req *r, enum err e);
/* Counts what it holds now; not while a thread works on it. */
void req_weigh(struct req *r);
/* Frees everything. */
void req_end(struct req *r);
/* A refusal from below (framing, bounds, deadlines). */
void req_refuse(struct req *r, int status, const char *why);

/* Asks the database; the rows are in r->rows when the next step runs, and are
 * forgotten by the next query.
 * Returns STEP_WAIT, or STEP_DONE with a 503 where the queue is full. */
enum step req_query(
	struct req *r, enum stmt q, const struct db_cell *args, size_t n);
/* The same over other connections than r->api->pool. */
enum step req_query_over(struct req *r, struct pool *pool, enum stmt q,
	const struct db_cell *args, size_t n);
/* Goes back to a step, by its place in the route; return what it returns. */
enum step req_back(struct req *r, unsigned step);
/* Replies; all return STEP_DONE.  r->out is the body. */
enum step req_json(struct req *r, int status);
enum step req_reply(struct req *r, int status, const char *type);
/* Takes r->out as a body.  NULL where it is empty, or where memory is short;
 * then the connection ends without a reply. */
struct blob *req_body_of(struct req *r);
/* As req_reply with that body, or one that is kept elsewhere, too; takes the
 * reference. */
enum step req_reply_blob(
	struct req *r, int status, const char *type, struct blob *body);
/* A 200 without an end, for conn_live_put: its head and the first bytes of its
 * body, at most 79.  STEP_WAIT, or STEP_DONE for a HEAD: that was all. */
enum step req_live(struct req *r, const char *type, const char *first);
/* The head of one that leaves nothing out, chunked where the client knows
 * chunks: then api/conn.h's conn_flow_send.  r->flow and r->release are set. */
enum step req_flow(struct req *r, const char *type);
enum step req_redirect(struct req *r, const char *to);
/* problem+json (RFC 9457); slug is the last part of its stable type. */
enum step req_problem(struct req *r, int status, const char *slug,
	const char *fmt, ...) PRINTF(4, 5);
/* The same, left open in r->out for more members: end with req_problem_end. */
void req_problem_open(
	struct req *r, int status, const char *slug, const char *detail);
enum step req_problem_end(struct req *r, int status);
/* 412 in place of what was made ready: If-Match does not name its tag. */
enum step req_changed(struct req *r);
/* STEP_NEXT, or a 400: this route takes no parameters. */
enum step req_no_params(struct req *r);
/* Sets *s, from 0 to most, where there is such a parameter.  STEP_NEXT, or a
 * 400. */
enum step req_seconds(struct req *r, const char *name, int most, int64_t *s);
/* What an outcome of the layers below means over HTTP. */
enum step req_fail(struct req *r, enum err e);

/* May this caller see the camera with this code?  A token bound to "gate-1"
 * covers "gate-1/door/in". */
bool principal_covers(const struct principal *p, const char *code);

#endif
