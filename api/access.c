// SPDX-License-Identifier: MIT
#include "api/access.h"

#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "api/conn.h"
#include "common/log.h"
#include "common/token.h"
#include "common/when.h"

enum { PREFIX = 8 };

static bool take_id(struct req *r)
{
	const struct slice *v = http_find(&r->head, "x-request-id");

	if (!v || !v->n || v->n > LOG_REQUEST_MAX)
		return false;
	for (size_t i = 0; i < v->n; i++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx"
			    "yz0123456789._-",
			    v->at[i]) ||
			!v->at[i])
			return false;
	memcpy(r->id, v->at, v->n);
	r->id[v->n] = '\0';
	return true;
}

/* Like no other process's, then counted on.  The loop's thread alone. */
static void make_id(struct req *r)
{
	static char prefix[PREFIX + 1];
	static uint64_t n;
	char text[TOKEN_TEXT];

	if (!*prefix) {
		token_make(text);
		memcpy(prefix, text + 4, PREFIX);
	}
	memcpy(r->id, prefix, PREFIX);
	r->id[PREFIX] = '-';
	*text_hex_number(r->id + PREFIX + 1, ++n) = '\0';
}

void access_id(struct req *r)
{
	if (!take_id(r))
		make_id(r);
}

void access_told(const struct req *r, int status, size_t bytes)
{
	char code[16], length[24], ms[32], who[24];
	bool known = r->who.known;
	const struct log_field f[] = {
		{"method", http_method_name(r->head.method), false},
		{"route", r->route ? r->route->path : NULL, false},
		{"status", code, true},
		{"bytes", length, true},
		{"ms", ms, true},
		{r->who.by_cookie ? "user" : "token", known ? who : NULL, true},
		{"address", r->conn->addr, false},
	};

	if (!r->api->conf.log_access)
		return;
	snprintf(code, sizeof(code), "%d", status);
	snprintf(length, sizeof(length), "%zu", bytes);
	snprintf(ms, sizeof(ms), "%.3f",
		(double)(when_clock_us() - r->begun_us) / 1000);
	snprintf(who, sizeof(who), "%lld", (long long)r->who.id);
	log_fields("request", f, ARRAY_LEN(f));
}
