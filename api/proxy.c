// SPDX-License-Identifier: MIT
#include "api/proxy.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "api/allow.h"
#include "api/field.h"
#include "common/conf.h"
#include "common/log.h"

static const char for_header[] = "X-Forwarded-For";
static const char rfc_header[] = "Forwarded";

enum err proxy_check(const struct conf *c)
{
	struct slice bad = allow_fault(c->api_trusted_proxies);

	if (bad.n) {
		log_error("api.trusted_proxies: \"%.*s\" is no address or "
			  "network",
			(int)bad.n, bad.at);
		return E_INVALID;
	}
	if (!strcasecmp(c->api_proxy_header, for_header) ||
		!strcasecmp(c->api_proxy_header, rfc_header))
		return E_OK;
	log_error("api.proxy_header: \"%s\" is neither %s nor %s",
		c->api_proxy_header, for_header, rfc_header);
	return E_INVALID;
}

/* Where in a list that is read from its end, over all fields of a name. */
struct place {
	const struct http_head *h;
	const char *name;
	size_t field;	   /* those below are still to come */
	struct slice rest; /* of the field at hand */
	bool inside;
};

static bool previous(struct place *p, struct slice *element)
{
	const char *comma;

	while (!p->inside) {
		if (!p->field)
			return false;
		p->field--;
		p->rest = p->h->header[p->field].value;
		p->inside = field_is(p->h->header[p->field].name, p->name);
	}
	comma = p->rest.n ? memrchr(p->rest.at, ',', p->rest.n) : NULL;
	p->inside = comma != NULL;
	*element = p->rest;
	if (comma) {
		element->at = comma + 1;
		element->n = (size_t)(p->rest.at + p->rest.n - comma - 1);
		p->rest.n = (size_t)(comma - p->rest.at);
	}
	*element = field_trimmed(*element);
	return true;
}

/* What one parameter of an element of Forwarded says, without its quotes; n is
 * 0 where it says nothing. */
static struct slice parameter(struct slice element, const char *name)
{
	while (element.n) {
		const char *end = memchr(element.at, ';', element.n);
		struct slice one = {element.at,
			end ? (size_t)(end - element.at) : element.n};
		const char *is = memchr(one.at, '=', one.n);

		element.at += one.n + (end != NULL);
		element.n -= one.n + (end != NULL);
		if (!is ||
			!field_is(field_trimmed((struct slice){
					  one.at, (size_t)(is - one.at)}),
				name))
			continue;
		one = field_trimmed((struct slice){
			is + 1, (size_t)(one.at + one.n - is - 1)});
		if (one.n >= 2 && *one.at == '"' && one.at[one.n - 1] == '"')
			one = (struct slice){one.at + 1, one.n - 2};
		return one;
	}
	return (struct slice){"", 0};
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80" in its
 * shortest form. */
static bool read_address(struct slice s, char addr[PROXY_ADDRESS])
{
	const char *colon = s.n ? memchr(s.at, ':', s.n) : NULL;
	const char *end = s.n ? memchr(s.at, ']', s.n) : NULL;
	unsigned char bytes[16];
	char text[PROXY_ADDRESS];

	if (s.n && *s.at == '[' && end)
		s = (struct slice){s.at + 1, (size_t)(end - s.at - 1)};
	else if (colon && colon == memrchr(s.at, ':', s.n))
		s.n = (size_t)(colon - s.at);
	if (!s.n || s.n >= sizeof(text))
		return false;
	memcpy(text, s.at, s.n);
	text[s.n] = '\0';
	if (inet_pton(AF_INET, text, bytes) == 1)
		return inet_ntop(AF_INET, bytes, addr, PROXY_ADDRESS);
	return inet_pton(AF_INET6, text, bytes) == 1 &&
		inet_ntop(AF_INET6, bytes, addr, PROXY_ADDRESS);
}

void proxy_client(const struct conf *c, const struct http_head *h,
	struct proxy_client *client)
{
	bool rfc = !strcasecmp(c->api_proxy_header, rfc_header);
	struct place p = {.h = h,
		.name = rfc ? rfc_header : for_header,
		.field = h->headers_n};
	struct place proto = {.h = h,
		.name = rfc ? rfc_header : "X-Forwarded-Proto",
		.field = h->headers_n};
	char addr[PROXY_ADDRESS];
	struct slice element;

	if (!allow_has(c->api_trusted_proxies, client->addr))
		return;
	if (previous(&proto, &element))
		client->https = field_is(
			rfc ? parameter(element, "proto") : element, "https");
	while (allow_has(c->api_trusted_proxies, client->addr) &&
		previous(&p, &element) &&
		read_address(rfc ? parameter(element, "for") : element, addr))
		memcpy(client->addr, addr, sizeof(addr));
}
