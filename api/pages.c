// SPDX-License-Identifier: MIT
#include "api/pages.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/accept.h"
#include "api/api.h"
#include "api/auth.h"
#include "api/field.h"
#include "api/gzip.h"
#include "api/html.h"
#include "api/resources.h"
#include "common/log.h"
#include "common/token.h"

/* What a page may load and do: nothing from elsewhere, nothing inline. */
#define POLICY \
	"Content-Security-Policy: default-src 'self'; img-src 'self' data:; " \
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'\r\n" \
	"Referrer-Policy: same-origin\r\n"

/* The same in one coding: two tags, for to a cache it is not the same. */
struct form {
	char *bytes;
	size_t n;
	char etag[24];
};

struct page {
	char name[64];
	const char *type;
	struct form plain, packed; /* packed.bytes NULL: not worth it */
};

struct pages {
	struct page page[PAGES_MAX];
	size_t n;
};

static const char *type_of(const char *name)
{
	static const struct {
		const char *ending, *type;
	} types[] = {
		{".html", "text/html; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".json", "application/json"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".ico", "image/x-icon"},
	};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < ARRAY_LEN(types); i++)
		if (!strcmp(types[i].ending, dot))
			return types[i].type;
	return NULL;
}

static int is_page(const struct dirent *d)
{
	return type_of(d->d_name) != NULL;
}

static void tag(struct page *page)
{
	unsigned char hash[TOKEN_HASH];
	char text[17];

	token_hash(page->plain.bytes, page->plain.n, hash);
	for (int i = 0; i < 8; i++)
		snprintf(text + 2 * i, 3, "%02x", hash[i]);
	snprintf(page->plain.etag, sizeof(page->plain.etag), "\"%s\"", text);
	snprintf(page->packed.etag, sizeof(page->packed.etag), "\"%s-gz\"",
		text);
}

/* Where memory is short it goes as it is. */
static void pack(struct page *page)
{
	struct text t;

	text_init(&t, PAGE_BYTES_MAX);
	text_add(&t, page->plain.bytes, page->plain.n);
	if (page->plain.n < GZIP_LEAST || t.full || gzip(&t, GZIP_ONCE) ||
		t.n >= page->plain.n) {
		text_free(&t);
		return;
	}
	page->packed.bytes = t.at;
	page->packed.n = t.n;
}

static enum err read_page(struct pages *p, const char *path, const char *name)
{
	struct page *page = &p->page[p->n];
	struct form *f = &page->plain;
	enum err e = E_OK;
	FILE *file = fopen(path, "re");

	if (!file || p->n == PAGES_MAX) {
		log_error("page %s: %s", path,
			file ? "there are too many" : strerror(errno));
		if (file)
			fclose(file);
		return E_IO;
	}
	f->bytes = malloc(PAGE_BYTES_MAX);
	f->n = f->bytes ? fread(f->bytes, 1, PAGE_BYTES_MAX, file) : 0;
	if (!f->bytes || ferror(file) || f->n == PAGE_BYTES_MAX) {
		log_error("page %s: cannot be read, or is too large", path);
		free(f->bytes);
		e = E_IO;
	} else {
		char *fit = realloc(f->bytes, f->n + 1);

		if (fit)
			f->bytes = fit;
		snprintf(page->name, sizeof(page->name), "%s", name);
		page->type = type_of(name);
		tag(page);
		pack(page);
		p->n++;
	}
	fclose(file);
	return e;
}

static const struct page *find(
	const struct pages *p, const char *name, size_t n)
{
	for (size_t i = 0; i < p->n; i++)
		if (strlen(p->page[i].name) == n &&
			!memcmp(p->page[i].name, name, n))
			return &p->page[i];
	return NULL;
}

/* Those that a route sends whatever the folder holds. */
static enum err check(const struct pages *p, const char *dir)
{
	static const char *const wanted[] = {"index.html", "explore.html",
		"outliers.html", "cameras.html", "access.html", "login.html",
		"docs.html", "openapi.json"};

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		if (!find(p, wanted[i], strlen(wanted[i]))) {
			log_error("api.www_dir: %s: %s is missing", dir,
				wanted[i]);
			return E_IO;
		}
	return E_OK;
}

enum err pages_open(struct pages **out, struct api *api)
{
	struct pages *p = calloc(1, sizeof(*p));
	const char *dir = api->conf.api_www_dir;
	struct dirent **found = NULL;
	char path[4400];
	int n;
	enum err e = E_OK;

	*out = p;
	if (!p)
		return E_NOMEM;
	if ((n = scandir(dir, &found, is_page, alphasort)) < 0) {
		log_error("api.www_dir: %s: %s", dir, strerror(errno));
		return E_IO;
	}
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, found[i]->d_name);
		if (!e)
			e = read_page(p, path, found[i]->d_name);
		free(found[i]);
	}
	free(found);
	if (!e)
		e = read_page(p, api->conf.api_chart_js, "chart.js");
	return e ? e : check(p, dir);
}

void pages_close(struct pages *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++) {
		free(p->page[i].plain.bytes);
		free(p->page[i].packed.bytes);
	}
	free(p);
}

static enum step send_page(struct req *r, const struct page *page)
{
	bool packed = page->packed.bytes && accept_gzip(&r->head);
	const struct form *f = packed ? &page->packed : &page->plain;

	text_printf(&r->headers,
		POLICY "ETag: %s\r\nCache-Control: no-cache\r\n"
		       "Vary: Accept-Encoding\r\n",
		f->etag);
	if (!field_match(&r->head, f->etag))
		return req_changed(r);
	if (field_none_match(&r->head, f->etag, true))
		return req_reply(r, 304, NULL);
	if (packed)
		text_str(&r->headers, "Content-Encoding: gzip\r\n");
	text_add(&r->out, f->bytes, f->n);
	return req_reply(r, 200, page->type);
}

static enum step send_named(struct req *r, const char *name)
{
	return send_page(r, find(r->api->pages, name, strlen(name)));
}

struct slice pages_text(const struct pages *p, const char *name)
{
	const struct page *page = find(p, name, strlen(name));

	return page ? (struct slice){page->plain.bytes, page->plain.n}
		    : (struct slice){"", 0};
}

enum step page_reply(struct req *r, int status)
{
	text_str(&r->headers,
		POLICY "Vary: Cookie\r\nCache-Control: no-store\r\n");
	return req_reply(r, status, "text/html; charset=utf-8");
}

/* Why the form is shown, in words that the page translates. */
static const char *reason(const struct req *r)
{
	static const struct {
		const char *login, *why;
	} reasons[] = {{"failed", "User or password is wrong."},
		{"expired", "Your log-in has ended. Please log in again."}};
	const char *login = query_get(&r->query, "login");

	for (size_t i = 0; login && i < ARRAY_LEN(reasons); i++)
		if (!strcmp(reasons[i].login, login))
			return reasons[i].why;
	return "";
}

static const char *reason_of(int status, const char *detail)
{
	switch (status) {
	case 405: /* the form's own address, typed */
		return "";
	case 429:
		return "Too many log-ins failed. Please try again in a minute.";
	case 503:
		return "Tally is busy, or its database is away. Please try "
		       "again in a moment.";
	default:
		return detail;
	}
}

/* {{csrf}}, {{user}}, and {{reason}} with the end of its paragraph's tag. */
static void marker(struct req *r, struct slice name, const char *why)
{
	char csrf[TOKEN_DERIVED];

	if (name.n == 4 && !memcmp(name.at, "csrf", 4) && auth_csrf(r, csrf))
		text_str(&r->out, csrf);
	else if (name.n == 4 && !memcmp(name.at, "user", 4) && r->who.known)
		html_text(&r->out, r->who.name);
	else if (name.n == 6 && !memcmp(name.at, "reason", 6)) {
		text_str(&r->out, *why ? " data-t>" : " hidden>");
		html_text(&r->out, why);
	}
}

static void fill(struct req *r, const char *name, const char *why)
{
	struct slice s = pages_text(r->api->pages, name);
	const char *end = s.at + s.n, *from, *to;

	while ((from = memmem(s.at, (size_t)(end - s.at), "{{", 2)) &&
		(to = memmem(from, (size_t)(end - from), "}}", 2))) {
		text_add(&r->out, s.at, (size_t)(from - s.at));
		marker(r, (struct slice){from + 2, (size_t)(to - from) - 2},
			why);
		s.at = to + 2;
	}
	text_add(&r->out, s.at, (size_t)(end - s.at));
}

/* The page, or for who is not logged in the form, with what is theirs. */
static enum step send_own(struct req *r, const char *name)
{
	fill(r, r->who.known ? name : "login.html", reason(r));
	return page_reply(r, 200);
}

enum step login_explain(struct req *r, int status, const char *detail)
{
	text_clear(&r->out);
	fill(r, "login.html", reason_of(status, detail));
	return page_reply(r, status);
}

enum step page_home(struct req *r)
{
	return send_own(r, "index.html");
}

enum step page_own(struct req *r)
{
	char name[64];

	snprintf(name, sizeof(name), "%s.html", r->route->path + 1);
	return send_own(r, name);
}

enum step page_openapi(struct req *r)
{
	enum step s = req_no_params(r);

	return s == STEP_NEXT ? send_named(r, "openapi.json") : s;
}

enum step page_docs(struct req *r)
{
	return send_named(r, "docs.html");
}

enum step page_static(struct req *r)
{
	const struct page *page =
		find(r->api->pages, r->param[0].at, r->param[0].n);

	if (!page)
		return req_problem(
			r, 404, "not-found", "there is no such file");
	return send_page(r, page);
}
