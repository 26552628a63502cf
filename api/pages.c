// SPDX-License-Identifier: MIT
#include "api/pages.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/field.h"
#include "api/resources.h"
#include "common/log.h"
#include "common/token.h"

/* What a page may load and do: nothing from elsewhere, nothing inline. */
#define POLICY \
	"Content-Security-Policy: default-src 'self'; img-src 'self' data:; " \
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'\r\n" \
	"Referrer-Policy: same-origin\r\n"

struct page {
	char name[64];
	const char *type;
	char *bytes;
	size_t n;
	char etag[20];
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

static enum err read_page(struct pages *p, const char *path, const char *name)
{
	struct page *page = &p->page[p->n];
	unsigned char hash[TOKEN_HASH];
	enum err e = E_OK;
	FILE *f = fopen(path, "re");

	if (!f || p->n == PAGES_MAX) {
		log_error("page %s: %s", path,
			f ? "there are too many" : strerror(errno));
		if (f)
			fclose(f);
		return E_IO;
	}
	page->bytes = malloc(PAGE_BYTES_MAX);
	page->n = page->bytes ? fread(page->bytes, 1, PAGE_BYTES_MAX, f) : 0;
	if (!page->bytes || ferror(f) || page->n == PAGE_BYTES_MAX) {
		log_error("page %s: cannot be read, or is too large", path);
		free(page->bytes);
		e = E_IO;
	} else {
		char *fit = realloc(page->bytes, page->n + 1);

		if (fit)
			page->bytes = fit;
		snprintf(page->name, sizeof(page->name), "%s", name);
		page->type = type_of(name);
		token_hash(page->bytes, page->n, hash);
		snprintf(page->etag, sizeof(page->etag),
			"\"%02x%02x%02x%02x%02x%02x%02x%02x\"", hash[0],
			hash[1], hash[2], hash[3], hash[4], hash[5], hash[6],
			hash[7]);
		p->n++;
	}
	fclose(f);
	return e;
}

static const struct page *find(const struct pages *p, struct slice name)
{
	for (size_t i = 0; i < p->n; i++)
		if (strlen(p->page[i].name) == name.n &&
			!memcmp(p->page[i].name, name.at, name.n))
			return &p->page[i];
	return NULL;
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
	if (!e &&
		(!find(p, (struct slice){"index.html", 10}) ||
			!find(p, (struct slice){"login.html", 10}))) {
		log_error(
			"api.www_dir: %s: index.html or login.html is missing",
			dir);
		e = E_IO;
	}
	return e;
}

void pages_close(struct pages *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		free(p->page[i].bytes);
	free(p);
}

static enum step send_page(struct req *r, const struct page *page)
{
	text_printf(&r->headers,
		POLICY "ETag: %s\r\nCache-Control: no-cache\r\n", page->etag);
	if (field_none_match(&r->head, page->etag, true))
		return req_reply(r, 304, NULL);
	text_add(&r->out, page->bytes, page->n);
	return req_reply(r, 200, page->type);
}

enum step page_home(struct req *r)
{
	struct slice name = {"login.html", 10};

	/* Which page it is depends on who asks. */
	if (r->who.known)
		name = (struct slice){"index.html", 10};
	text_str(&r->headers, "Vary: Cookie\r\n");
	return send_page(r, find(r->api->pages, name));
}

enum step page_static(struct req *r)
{
	const struct page *page = find(r->api->pages, r->param[0]);

	if (!page)
		return req_problem(
			r, 404, "not-found", "there is no such file");
	return send_page(r, page);
}
