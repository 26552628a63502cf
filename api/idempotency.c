// SPDX-License-Identifier: MIT
#include "api/idempotency.h"

#include <string.h>

#include "api/api.h"
#include "api/field.h"

/* Columns of Q_KEY_FIND. */
enum { K_FINGERPRINT, K_REPLY };

static enum step in_flight(struct req *r)
{
	text_str(&r->headers, "Retry-After: 1\r\n");
	return req_problem(r, 409, "idempotency-key-in-flight",
		"a request with this Idempotency-Key is on its way");
}

static void enter(struct idempotency *i, struct idempotency **list)
{
	i->back = list;
	i->next = *list;
	if (i->next)
		i->next->back = &i->next;
	*list = i;
}

void idempotency_leave(struct idempotency *i)
{
	if (!i->back)
		return;
	*i->back = i->next;
	if (i->next)
		i->next->back = i->back;
	i->back = NULL;
}

static enum step ask(struct req *r, const struct idempotency *i)
{
	return req_query(r, Q_KEY_FIND,
		DB_ARGS(DB_I(i->key.token_id), DB_S(i->key.text)), 2);
}

enum step idempotency_begin(struct req *r, struct idempotency *i)
{
	const struct slice *v = http_find(&r->head, "idempotency-key");
	const struct slice *type = http_find(&r->head, "content-type");
	char key[FIELD_KEY_MAX + 1];
	size_t n;

	if (!v)
		return STEP_NEXT;
	if (!(n = field_key(*v, key)))
		return req_problem(r, 400, "bad-idempotency-key",
			"Idempotency-Key is not 1 to %d visible characters, "
			"best between quotes",
			FIELD_KEY_MAX);
	if (!(i->key.text = arena_copy(&r->arena, key, n)))
		return req_fail(r, E_NOMEM);
	i->on = true;
	i->key.token_id = r->who.id;
	for (struct idempotency *o = r->api->keys; o; o = o->next)
		if (o->key.token_id == i->key.token_id &&
			!strcmp(o->key.text, i->key.text))
			return in_flight(r);
	enter(i, &r->api->keys);
	/* What was asked, besides the body. */
	digest_init(&i->digest);
	digest_add(&i->digest, r->head.target.at, r->head.target.n);
	digest_add(&i->digest, "\n", 1);
	if (type)
		digest_add(&i->digest, type->at, type->n);
	digest_add(&i->digest, "\n", 1);
	return ask(r, i);
}

enum step idempotency_found(struct req *r, struct idempotency *i)
{
	i->known = r->rows.n;
	return STEP_NEXT;
}

bool idempotency_body(struct idempotency *i, const char *at, size_t n)
{
	if (i->on && n)
		digest_add(&i->digest, at, n);
	return i->known;
}

enum step idempotency_end(struct req *r, struct idempotency *i)
{
	if (!i->on || i->ended)
		return STEP_NEXT;
	i->ended = true;
	digest_end(&i->digest, i->key.fingerprint);
	return i->known ? idempotency_answer(r, i) : STEP_NEXT;
}

enum step idempotency_ask(struct req *r, const struct idempotency *i)
{
	return ask(r, i);
}

enum step idempotency_answer(struct req *r, struct idempotency *i)
{
	const struct db_cell *c = r->rows.cell;

	if (!r->rows.n)
		return req_fail(r, E_BUSY);
	if (c[K_FINGERPRINT].s.n != DIGEST_SIZE ||
		memcmp(c[K_FINGERPRINT].s.at, i->key.fingerprint, DIGEST_SIZE))
		return req_problem(r, 422, "idempotency-key-reused",
			"another request has had this Idempotency-Key");
	text_add(&r->out, c[K_REPLY].s.at, c[K_REPLY].s.n);
	return req_json(r, 200);
}
