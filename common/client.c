// SPDX-License-Identifier: MIT
#include "common/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/json.h"
#include "common/text.h"
#include "common/token.h"

enum {
	REPLY_MAX = 8 << 20, /* bytes; what is longer is no answer of ours */
	URL_MAX = 4096,
	TOKEN_FILE_MAX = 65536,
	TOKEN_BYTES = 512,
	RETRY_AFTER_MAX_S = 3600,
	CONNECT_MS = 5000
};

struct client {
	struct client_settings set;
	char *origin; /* without a slash at its end */
	CURL *curl;
	struct curl_slist *headers;
	struct text reply;
	char error[CURL_ERROR_SIZE];
};

/* --- the token --- */

static bool visible(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] <= 0x20 || s[i] >= 0x7f)
			return false;
	return n > 0;
}

static enum err keep(const char *s, size_t n, char *token, size_t size)
{
	if (!visible(s, n) || n >= size)
		return E_INVALID;
	memcpy(token, s, n);
	token[n] = '\0';
	return E_OK;
}

enum err client_token_in(
	struct slice file, const char *member, char *token, size_t size)
{
	const char *s = file.at;
	size_t n = file.n;
	struct json *root;
	enum err e;

	while (n && strchr(" \t\r\n", s[n - 1]) && s[n - 1])
		n--;
	while (n && strchr(" \t\r\n", *s) && *s) {
		s++;
		n--;
	}
	if (!n || *s != '{')
		return keep(s, n, token, size);
	if (json_parse(s, n, &root, NULL))
		return E_INVALID;
	s = json_string(json_member(root, member));
	e = keep(s, strlen(s), token, size);
	token_wipe((void *)(uintptr_t)s, strlen(s));
	json_free(root);
	return e;
}

static enum err read_token(const char *path, const char *member,
	char token[TOKEN_BYTES], char why[CLIENT_WHY])
{
	char *bytes = malloc(TOKEN_FILE_MAX);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 || !bytes ? -1 : read(fd, bytes, TOKEN_FILE_MAX);
	enum err e = E_INVALID;

	if (n < 0) {
		snprintf(why, CLIENT_WHY, "%s", strerror(errno));
	} else {
		e = client_token_in((struct slice){bytes, (size_t)n}, member,
			token, TOKEN_BYTES);
		snprintf(why, CLIENT_WHY,
			"holds neither a token nor a JSON object with %s",
			member);
		token_wipe(bytes, (size_t)n);
	}
	if (fd >= 0)
		close(fd);
	free(bytes);
	return e;
}

static enum err add_header(struct client *c, const char *line)
{
	struct curl_slist *more = curl_slist_append(c->headers, line);

	if (!more)
		return E_NOMEM;
	c->headers = more;
	return E_OK;
}

static void forget_headers(struct client *c)
{
	for (struct curl_slist *h = c->headers; h; h = h->next)
		token_wipe(h->data, strlen(h->data));
	curl_slist_free_all(c->headers);
	c->headers = NULL;
}

enum err client_token(struct client *c, const char *path, const char *member,
	char why[CLIENT_WHY])
{
	char token[TOKEN_BYTES], line[TOKEN_BYTES + 32], type[128];
	enum err e = read_token(path, member, token, why);

	if (e)
		return e;
	forget_headers(c);
	snprintf(line, sizeof(line), "Authorization: Bearer %s", token);
	e = add_header(c, line);
	token_wipe(token, sizeof(token));
	token_wipe(line, sizeof(line));
	snprintf(type, sizeof(type), "Content-Type: %s",
		c->set.type ? c->set.type : "application/json");
	if (!e)
		e = add_header(c, type);
	/* Without this libcurl asks before it sends a larger body. */
	if (!e)
		e = add_header(c, "Expect:");
	if (e)
		snprintf(why, CLIENT_WHY, "%s", err_text(e));
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, c->headers);
	return e;
}

/* --- libcurl --- */

static size_t on_reply(char *at, size_t size, size_t n, void *arg)
{
	struct client *c = arg;

	text_add(&c->reply, at, size * n);
	return c->reply.full ? 0 : size * n;
}

/* libcurl asks about once a second, and more often while bytes flow. */
static int on_progress(
	void *arg, curl_off_t a, curl_off_t b, curl_off_t d, curl_off_t e)
{
	struct client *c = arg;

	(void)a, (void)b, (void)d, (void)e;
	return c->set.ended && c->set.ended(c->set.arg);
}

static enum err check_url(const char *url, char why[CLIENT_WHY])
{
	const char *host = strstr(url, "://");
	size_t n;

	if (!host ||
		(strncmp(url, "http://", 7) && strncmp(url, "https://", 8))) {
		snprintf(why, CLIENT_WHY, "is not http://HOST or https://HOST");
		return E_INVALID;
	}
	host += 3;
	n = strcspn(host, "/?#");
	if (n == 0 || host[n + strspn(host + n, "/")] || memchr(host, '@', n)) {
		snprintf(why, CLIENT_WHY,
			"must be an origin alone, without path or "
			"credentials");
		return E_INVALID;
	}
	return E_OK;
}

/* A missing file would else be a failure of each question alone. */
static enum err check_ca(const char *ca, char why[CLIENT_WHY])
{
	if (!ca || !*ca || !access(ca, R_OK))
		return E_OK;
	snprintf(why, CLIENT_WHY, "%.120s: %s", ca, strerror(errno));
	return E_IO;
}

/* The system's authorities would otherwise be trusted besides. */
static void trust(CURL *h, const char *ca)
{
	if (!ca || !*ca)
		return;
	curl_easy_setopt(h, CURLOPT_CAINFO, ca);
	curl_easy_setopt(h, CURLOPT_CAPATH, NULL);
}

static enum err set_up(struct client *c)
{
	long ms = (long)(c->set.answer_us / 1000);
	size_t n = strlen(c->set.url);
	CURL *h = curl_easy_init();

	c->curl = h;
	while (n && c->set.url[n - 1] == '/')
		n--;
	if (!h || !(c->origin = strndup(c->set.url, n)))
		return E_NOMEM;
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(h, CURLOPT_PROXY, "");
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(h, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS,
		ms < CONNECT_MS ? ms : (long)CONNECT_MS);
	curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, ms);
	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, c->error);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_reply);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(h, CURLOPT_XFERINFODATA, c);
	curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
	trust(h, c->set.ca);
	return E_OK;
}

enum err client_open(struct client **out, const struct client_settings *s,
	char why[CLIENT_WHY])
{
	enum err e = check_url(s->url, why);
	struct client *c;

	*out = NULL;
	if (e || (e = check_ca(s->ca, why)))
		return e;
	snprintf(why, CLIENT_WHY, "%s", err_text(E_NOMEM));
	if (curl_global_init(CURL_GLOBAL_DEFAULT) ||
		!(c = calloc(1, sizeof(*c))))
		return E_NOMEM;
	c->set = *s;
	text_init(&c->reply, REPLY_MAX);
	if ((e = set_up(c))) {
		client_close(c);
		return e;
	}
	*out = c;
	return E_OK;
}

void client_close(struct client *c)
{
	if (!c)
		return;
	curl_easy_cleanup(c->curl);
	forget_headers(c);
	text_free(&c->reply);
	free(c->origin);
	free(c);
}

/* --- one question --- */

static void take_tag(struct client *c, char tag[CLIENT_TAG])
{
	struct curl_header *h;

	if (!curl_easy_header(c->curl, "ETag", 0, CURLH_HEADER, -1, &h) &&
		strlen(h->value) < CLIENT_TAG)
		snprintf(tag, CLIENT_TAG, "%s", h->value);
}

static enum err ask(struct client *c, const char *path, struct client_answer *a,
	char why[CLIENT_WHY])
{
	char url[URL_MAX];
	curl_off_t after = 0;
	CURLcode r;

	*a = (struct client_answer){.body = {"", 0}};
	text_clear(&c->reply);
	c->error[0] = '\0';
	if ((size_t)snprintf(url, sizeof(url), "%s%s", c->origin, path) >=
		sizeof(url)) {
		snprintf(why, CLIENT_WHY, "the address is too long");
		return E_NETWORK;
	}
	curl_easy_setopt(c->curl, CURLOPT_URL, url);
	if ((r = curl_easy_perform(c->curl))) {
		snprintf(why, CLIENT_WHY, "%.190s",
			*c->error ? c->error : curl_easy_strerror(r));
		return E_NETWORK;
	}
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &a->status);
	curl_easy_getinfo(c->curl, CURLINFO_RETRY_AFTER, &after);
	if (after > RETRY_AFTER_MAX_S)
		after = RETRY_AFTER_MAX_S;
	if (after > 0)
		a->retry_after_us = after * INT64_C(1000000);
	take_tag(c, a->tag);
	if (c->reply.at)
		a->body = (struct slice){c->reply.at, c->reply.n};
	return E_OK;
}

enum err client_get(struct client *c, const char *path, struct client_answer *a,
	char why[CLIENT_WHY])
{
	curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
	return ask(c, path, a, why);
}

enum err client_get_unless(struct client *c, const char *path, const char *tag,
	struct client_answer *a, char why[CLIENT_WHY])
{
	struct curl_slist *condition;
	char line[CLIENT_TAG + 32];
	enum err e;

	if (!*tag)
		return client_get(c, path, a, why);
	/* In front of what every request has, for this one. */
	snprintf(line, sizeof(line), "If-None-Match: %s", tag);
	if (!(condition = curl_slist_append(NULL, line))) {
		snprintf(why, CLIENT_WHY, "%s", err_text(E_NOMEM));
		return E_NOMEM;
	}
	condition->next = c->headers;
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, condition);
	e = client_get(c, path, a, why);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, c->headers);
	condition->next = NULL;
	curl_slist_free_all(condition);
	return e;
}

enum err client_post(struct client *c, const char *path, struct slice body,
	struct client_answer *a, char why[CLIENT_WHY])
{
	curl_easy_setopt(c->curl, CURLOPT_POST, 1L);
	curl_easy_setopt(
		c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
	curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body.at);
	return ask(c, path, a, why);
}
