// SPDX-License-Identifier: MIT
/*
 * Single fields, by the first byte which: what is accepted reads the same when
 * it is written again, and lists do not hang on how they are split into fields.
 * Two values are parted by LF.
 */
#include "api/field.h"

#include <arpa/inet.h>

#include "api/accept.h"
#include "api/proxy.h"
#include "common/conf.h"
#include "common/text.h"
#include "tests/fuzz/fuzz.h"

enum { MOST = 1 << 14 };

static bool same(struct slice a, struct slice b)
{
	return a.n == b.n && (!a.n || !memcmp(a.at, b.at, a.n));
}

static struct slice text_slice(const struct text *t)
{
	return (struct slice){t->at, t->n};
}

static void add(struct text *t, struct slice s)
{
	text_add(t, s.at, s.n);
}

static void bearer(struct slice v)
{
	struct slice token, again;
	struct text t;

	if (!field_bearer(v, &token))
		return;
	HOLD(token.n && token.at + token.n == v.at + v.n);
	for (size_t i = 0; i < token.n; i++)
		HOLD(token.at[i] > ' ' && token.at[i] < 0x7f &&
			!strchr("\"(),:;<>?@[]\\{}", token.at[i]));
	text_init(&t, MOST);
	text_str(&t, "bearer ");
	add(&t, token);
	HOLD(field_bearer(text_slice(&t), &again) && same(token, again));
	text_add(&t, " x", 2);
	HOLD(!field_bearer(text_slice(&t), &again));
	text_free(&t);
}

static void cookie(struct slice v)
{
	struct slice value, again;
	bool is = field_cookie(v, "tally_session", &value);
	struct text t;

	/* No field's value begins with a blank. */
	if (v.n && *v.at == ' ')
		return;
	text_init(&t, MOST);
	text_str(&t, "a=tally_session=b; ");
	add(&t, v);
	HOLD(field_cookie(text_slice(&t), "tally_session", &again) == is);
	HOLD(!is || same(value, again));
	if (is) {
		HOLD(!value.n || !memchr(value.at, ';', value.n));
		text_clear(&t);
		text_str(&t, "tally_session=");
		add(&t, value);
		HOLD(field_cookie(text_slice(&t), "tally_session", &again));
		HOLD(same(value, again));
	}
	text_free(&t);
}

static void key(struct slice v)
{
	char one[FIELD_KEY_MAX + 1], two[FIELD_KEY_MAX + 1];
	size_t n = field_key(v, one);
	struct text t;

	HOLD(n <= FIELD_KEY_MAX && strlen(one) == n);
	if (!n)
		return;
	text_init(&t, MOST);
	text_str(&t, "\"");
	for (size_t i = 0; i < n; i++) {
		HOLD(one[i] >= ' ' && one[i] < 0x7f);
		if (strchr("\"\\", one[i]))
			text_str(&t, "\\");
		text_add(&t, &one[i], 1);
	}
	text_str(&t, "\"");
	HOLD(field_key(text_slice(&t), two) == n && !strcmp(one, two));
	text_free(&t);
}

static void media(struct slice v)
{
	struct media m, again;
	struct text t;

	if (!field_media(v, &m))
		return;
	HOLD(memchr(m.type.at, '/', m.type.n) &&
		memchr(m.type.at, '/', m.type.n) ==
			memrchr(m.type.at, '/', m.type.n));
	text_init(&t, MOST);
	add(&t, v);
	text_str(&t, " ; ;a=\"b;c\\\"\"");
	HOLD(field_media(text_slice(&t), &again));
	HOLD(same(m.type, again.type) && same(m.charset, again.charset));
	text_clear(&t);
	add(&t, m.type);
	text_str(&t, ";CHARSET=\"");
	add(&t, m.charset);
	text_str(&t, "\"");
	HOLD(field_media(text_slice(&t), &again));
	HOLD(same(m.type, again.type) && same(m.charset, again.charset));
	text_str(&t, ";charset=a");
	HOLD(!field_media(text_slice(&t), &again));
	text_free(&t);
}

/* ---- lists ---- */

static struct http_head head_of(
	const char *name, struct slice a, struct slice b)
{
	struct http_head h = {.headers_n = 2};

	h.header[0] = (struct http_header){{name, strlen(name)}, a};
	h.header[1] = (struct http_header){{name, strlen(name)}, b};
	return h;
}

static void tags(struct slice a, struct slice b)
{
	static const char tag[] = "\"0a1b\"";
	struct http_head h = head_of("if-none-match", a, b);
	struct http_head turned = head_of("If-None-Match", b, a);
	bool is = field_none_match(&h, tag, false);
	struct text t;

	HOLD(is == field_none_match(&turned, tag, false));
	HOLD(!is || field_none_match(&h, tag, true));
	HOLD(!is || memmem(a.at, a.n, tag, 6) || memmem(b.at, b.n, tag, 6));
	h.headers_n = 1;
	is = field_none_match(&h, tag, false);
	text_init(&t, MOST);
	text_str(&t, "W/\"x,\" ,, \"\",");
	add(&t, a);
	h.header[0].value = text_slice(&t);
	HOLD(field_none_match(&h, tag, false) == is);
	text_free(&t);
	h.header[0] = (struct http_header){{"if-match", 8}, a};
	is = a.n == 1 && *a.at == '*';
	HOLD(field_match(&h, NULL) == is);
	HOLD(!is || field_match(&h, tag));
	HOLD(is || !field_match(&h, tag) || memmem(a.at, a.n, tag, 6));
}

typedef int (*accept_fn)(const struct http_head *h, const char *value);

static void ranges(struct slice a, struct slice b, const char *field,
	accept_fn accept, const char *value)
{
	struct http_head h = head_of(field, a, b);
	struct http_head turned = head_of(field, b, a);
	int q = accept(&h, value);
	struct text t;

	HOLD(q >= -1 && q <= ACCEPT_MOST);
	HOLD(accept(&turned, value) == q);
	h.header[1].value = h.header[0].value;
	q = accept(&h, value);
	h.headers_n = 1;
	HOLD(accept(&h, value) == q);
	/* Quotes may run over the comma. */
	if (a.n && memchr(a.at, '"', a.n))
		return;
	text_init(&t, MOST);
	add(&t, a);
	text_str(&t, ", ");
	add(&t, b);
	h.header[0].value = text_slice(&t);
	q = accept(&turned, value);
	HOLD(q < 0 || accept(&h, value) == q);
	text_free(&t);
}

/* ---- who is behind a proxy ---- */

static struct proxy_client behind(
	const char *header, struct http_head *h, const char *peer)
{
	struct conf c = {.api_trusted_proxies = "10.0.0.0/8 2001:db8::/32",
		.api_proxy_header = header};
	struct proxy_client client = {.https = true};

	snprintf(client.addr, sizeof(client.addr), "%s", peer);
	proxy_client(&c, h, &client);
	return client;
}

static bool is_shortest(const char *addr)
{
	char again[PROXY_ADDRESS];
	unsigned char bytes[16];
	int family = strchr(addr, ':') ? AF_INET6 : AF_INET;

	return inet_pton(family, addr, bytes) == 1 &&
		inet_ntop(family, bytes, again, sizeof(again)) &&
		!strcmp(addr, again);
}

/* An address; the same in one field as in two; and whoever is found who is not
 * trusted stays so, whatever stands to the left of him. */
static void proxies(struct slice a, struct slice b, const char *header,
	const char *invented)
{
	struct http_head h = head_of(header, a, b);
	struct proxy_client is = behind(header, &h, "10.0.0.1"), other;
	struct text t;

	HOLD(is_shortest(is.addr));
	HOLD(!strcmp(behind(header, &h, "192.0.2.9").addr, "192.0.2.9"));
	HOLD(behind(header, &h, "192.0.2.9").https);
	text_init(&t, MOST);
	add(&t, a);
	text_str(&t, ",");
	add(&t, b);
	h.header[0].value = text_slice(&t);
	h.headers_n = 1;
	other = behind(header, &h, "10.0.0.1");
	HOLD(!strcmp(is.addr, other.addr) && is.https == other.https);
	text_clear(&t);
	text_str(&t, invented);
	add(&t, b);
	h.header[0].value = text_slice(&t);
	other = behind(header, &h, "10.0.0.1");
	h = head_of(header, b, b);
	h.headers_n = 1;
	is = behind(header, &h, "10.0.0.1");
	if (strncmp(is.addr, "10.", 3) && strncmp(is.addr, "2001:db8:", 9) &&
		strncmp(is.addr, "::ffff:10.", 10))
		HOLD(!strcmp(is.addr, other.addr));
	text_free(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice a, b = {"", 0};
	const char *lf;
	char *copy;

	if (n < 1 || n > MOST / 4)
		return 0;
	copy = fuzz_copy(data + 1, n - 1);
	a = (struct slice){copy, n - 1};
	if ((lf = memchr(copy, '\n', a.n))) {
		b = (struct slice){lf + 1, a.n - (size_t)(lf + 1 - copy)};
		a.n = (size_t)(lf - copy);
	}
	switch (data[0]) {
	case 'b':
		bearer(a);
		break;
	case 'c':
		cookie(a);
		break;
	case 'k':
		key(a);
		break;
	case 'm':
		media(a);
		break;
	case 't':
		tags(a, b);
		break;
	case 'p':
		proxies(a, b, "X-Forwarded-For", "198.51.100.1, ");
		break;
	case 'f':
		proxies(a, b, "Forwarded", "for=\"198.51.100.1;a=\", ");
		break;
	case 'e':
		ranges(a, b, "Accept-Encoding", accept_coding, "gzip");
		break;
	default:
		ranges(a, b, "Accept", accept_type, "text/csv");
	}
	free(copy);
	return 0;
}
