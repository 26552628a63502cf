// SPDX-License-Identifier: MIT
/*
 * The page at /upload, which works without a script: api/www/upload.html, where
 *
 *	{{=tz}}		is what the field held
 *	{{?fold first}}	chooses an option that it held
 *	{{@people}}	marks the field whose value was refused
 *	{{!people}}	says why
 *	{{>report}}	is made by the function of that name
 */
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "api/auth.h"
#include "api/html.h"
#include "api/pages.h"
#include "api/resources.h"
#include "api/upload.h"

struct page_of {
	struct req *r;
	struct text *t;
	const struct upload *u; /* NULL: none yet */
	int status;		/* of the reply */
	const char *problem;	/* NULL, or what to say instead of a report */
};

/* ---- what is there ---- */

static const char *held(const struct page_of *p, const char *name, size_t n)
{
	const char *now = NULL;

	for (int i = 0; p->u && i < UPLOAD_token; i++)
		if (strlen(upload_field_name[i]) == n &&
			!memcmp(upload_field_name[i], name, n))
			now = p->u->field[i];
	/* A row that is stored need not be typed again. */
	for (int i = UPLOAD_start_at; p->u && i < UPLOAD_FIELDS_N; i++)
		if (strlen(upload_field_name[i]) == n &&
			!memcmp(upload_field_name[i], name, n) &&
			(p->problem || p->u->shown_n))
			now = p->u->field[i];
	if (!now && n == 2 && !memcmp(name, "tz", 2))
		return "camera";
	return now;
}

/* What was wrong with this field of a row by hand, or NULL. */
static const char *fault_of(const struct page_of *p, const char *name, size_t n)
{
	const struct count_error *e;

	if (!p->u || !p->u->manual || !p->u->shown_n)
		return NULL;
	e = &p->u->shown[0];
	return strlen(e->field) == n && !memcmp(e->field, name, n) ? e->detail
								   : NULL;
}

/* ---- who ---- */

static void token(const struct page_of *p, const char *id)
{
	char csrf[TOKEN_DERIVED];

	if (p->r->who.known) {
		text_str(p->t, "<p class=\"quiet\">As <bdi>");
		html_text(p->t, p->r->who.name);
		text_str(p->t, "</bdi>.</p>");
	}
	/* Known by what the browser sends by itself, and may. */
	if (p->r->who.by_cookie && p->r->who.scopes & SCOPE_ADMIN &&
		auth_csrf(p->r, csrf)) {
		text_printf(p->t,
			"<input type=\"hidden\" name=\"csrf\" value=\"%s\">",
			csrf);
		return;
	}
	text_printf(p->t,
		"<p class=\"field\"><label for=\"%s\">Token</label>"
		"<input id=\"%s\" name=\"token\" type=\"password\" "
		"autocomplete=\"off\" maxlength=\"200\" required "
		"aria-describedby=\"%s-hint\"><span class=\"quiet\" "
		"id=\"%s-hint\">With the scope ingest; or "
		"<a href=\"/\">log in</a> %s.</span></p>",
		id, id, id, id, p->r->who.by_cookie ? "as an admin" : "first");
}

static void zones(const struct page_of *p)
{
	const char *at = p->r->api->uploads->zones;

	for (size_t n = strcspn(at, "\n"); *at; n = strcspn(at, "\n")) {
		text_str(p->t, "<option value=\"");
		text_add(p->t, at, n);
		text_str(p->t, "\">");
		at += n + (at[n] != '\0');
	}
}

/* ---- the report ---- */

static void count_item(struct text *t, const char *what, int64_t n)
{
	text_printf(t, "<li><strong>%lld</strong> %s</li>", (long long)n, what);
}

static void bad_rows(const struct page_of *p)
{
	const struct upload *u = p->u;

	text_str(p->t,
		"<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
		"aria-label=\"Bad rows\"><table class=\"wraps\">"
		"<caption class=\"hidden\">Bad rows</caption><thead><tr>"
		"<th scope=\"col\" class=\"number\">Line</th>"
		"<th scope=\"col\">Column</th><th scope=\"col\">Reason</th>"
		"</tr></thead><tbody>");
	for (size_t i = 0; i < u->shown_n; i++) {
		text_printf(p->t, "<tr><td class=\"number\">%u</td><td>",
			u->shown[i].line);
		html_text(p->t,
			*u->shown[i].field ? u->shown[i].field : "the row");
		text_str(p->t, "</td><td>");
		html_text(p->t, u->shown[i].detail);
		text_str(p->t, "</td></tr>");
	}
	text_str(p->t, "</tbody></table></div>");
	if (u->n[COUNT_REJECTED] > (int64_t)u->shown_n)
		text_printf(p->t, "<p>And %lld more.</p>",
			(long long)(u->n[COUNT_REJECTED] -
				(int64_t)u->shown_n));
}

/* The link, or, where no session opens it, a form that asks for the token. */
static void bad_rows_as_csv(const struct page_of *p)
{
	long long id = p->u->id;
	size_t rows = upload_rejected_rows(p->u->rejected);

	text_str(p->t,
		"<p>The bad rows come as CSV, each with its reason: mend them "
		"and send that file here again.</p>");
	if ((int64_t)rows < p->u->n[COUNT_REJECTED])
		text_printf(p->t, "<p>It has the first %zu of them.</p>", rows);
	if (p->r->who.by_cookie) {
		text_printf(p->t,
			"<p><a id=\"rejected\" href=\"/api/v1/uploads/%lld/"
			"rejected.csv\" download>Bad rows as CSV</a></p>",
			id);
		return;
	}
	text_printf(p->t,
		"<form method=\"post\" action=\"/upload/%lld/rejected.csv\">",
		id);
	text_str(p->t,
		"<p class=\"field\"><label for=\"again\">The token again"
		"</label><input id=\"again\" name=\"token\" type=\"password\" "
		"autocomplete=\"off\" maxlength=\"200\" required></p>"
		"<button id=\"rejected\" type=\"submit\">Bad rows as CSV"
		"</button></form>");
}

static const char *headline(const struct upload *u)
{
	int64_t stored = u->n[COUNT_INSERTED] + u->n[COUNT_REPLACED];
	bool bad = u->n[COUNT_REJECTED] || u->unread_line;

	if (bad && stored)
		return "Stored in part";
	if (bad)
		return u->n[COUNT_DUPLICATE] ? "Nothing new was stored"
					     : "Nothing was stored";
	if (stored)
		return u->manual ? "The count is stored" : "Stored";
	return u->received ? "All of it was there already"
			   : "The file has no rows";
}

static void card(
	const struct page_of *p, bool bad, const char *title, const char *file)
{
	text_printf(p->t,
		"<section id=\"report\" class=\"card%s\" role=\"%s\">"
		"<h2>%s</h2>",
		bad ? " bad" : "", p->status < 400 ? "status" : "alert", title);
	if (!file)
		return;
	text_str(p->t, "<p>File: <bdi id=\"file-name\">");
	html_text(p->t, file);
	text_str(p->t, "</bdi></p>");
}

static void became(const struct page_of *p, const struct upload *u)
{
	struct text *t = p->t;

	card(p, u->n[COUNT_REJECTED] || u->unread_line, headline(u), u->file);
	text_str(t, "<ul class=\"counts\">");
	count_item(t, "rows received", u->received);
	count_item(t, "stored", u->n[COUNT_INSERTED]);
	count_item(t, "there already", u->n[COUNT_DUPLICATE]);
	count_item(t, "replaced", u->n[COUNT_REPLACED]);
	count_item(t, "bad", u->n[COUNT_REJECTED]);
	text_str(t, "</ul>");
	if (u->unread_line) {
		text_printf(t,
			"<p id=\"unread\">From line %u on the file cannot be "
			"read: ",
			u->unread_line);
		html_text(t, u->unread_why);
		text_str(t,
			". Mend that and send the file again: what is stored "
			"stays as it is.</p>");
	}
	if (u->shown_n)
		bad_rows(p);
	if (upload_rejected_rows(u->rejected) && !u->manual)
		bad_rows_as_csv(p);
	text_str(t, "</section>");
}

static void report(const struct page_of *p)
{
	if (p->problem) {
		card(p, true, "Nothing was stored", p->u ? p->u->file : NULL);
		text_str(p->t, "<p id=\"problem\">");
		html_text(p->t, p->problem);
		text_str(p->t, "</p></section>");
	} else if (p->u) {
		became(p, p->u);
	}
}

/* ---- the page ---- */

static void made(const struct page_of *p, const char *name, size_t n)
{
	static const struct {
		const char *name;
		void (*make)(const struct page_of *p);
	} parts[] = {{"report", report}, {"zones", zones}};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (strlen(parts[i].name) == n &&
			!memcmp(parts[i].name, name, n))
			parts[i].make(p);
	if (n == 5 && !memcmp(name, "token", n))
		token(p, "token");
	if (n == 10 && !memcmp(name, "hand-token", n))
		token(p, "hand-token");
}

static void marker(const struct page_of *p, const char *s, size_t n)
{
	const char *blank = memchr(s, ' ', n);
	size_t word = blank ? (size_t)(blank - s) : n;
	const char *is;

	switch (*s) {
	case '>':
		made(p, s + 1, n - 1);
		break;
	case '=':
		html_text(p->t, held(p, s + 1, n - 1));
		break;
	case '?':
		is = held(p, s + 1, word - 1);
		if (is && strlen(is) == n - word - 1 &&
			!memcmp(is, s + word + 1, n - word - 1))
			text_str(p->t, " selected");
		break;
	case '@':
		if (fault_of(p, s + 1, n - 1))
			text_printf(p->t,
				" aria-invalid=\"true\" "
				"aria-describedby=\"hand-%.*s-fault\"",
				(int)n - 1, s + 1);
		break;
	case '!':
		if (!fault_of(p, s + 1, n - 1))
			break;
		text_printf(p->t,
			"<span class=\"fault\" id=\"hand-%.*s-fault\">",
			(int)n - 1, s + 1);
		html_text(p->t, fault_of(p, s + 1, n - 1));
		text_str(p->t, "</span>");
		break;
	}
}

static enum step send_page(const struct page_of *p)
{
	struct slice s = pages_text(p->r->api->pages, "upload.html");
	const char *end = s.at + s.n, *from, *to;

	text_clear(p->t);
	while ((from = memmem(s.at, (size_t)(end - s.at), "{{", 2)) &&
		(to = memmem(from, (size_t)(end - from), "}}", 2))) {
		text_add(p->t, s.at, (size_t)(from - s.at));
		marker(p, from + 2, (size_t)(to - from) - 2);
		s.at = to + 2;
	}
	text_add(p->t, s.at, (size_t)(end - s.at));
	return page_reply(p->r, p->status);
}

enum step upload_page(struct req *r)
{
	struct page_of p = {.r = r, .t = &r->out, .status = 200};
	enum step s = req_no_params(r);

	return s == STEP_NEXT ? send_page(&p) : s;
}

enum step upload_report(struct req *r, const struct upload *u, int status)
{
	struct page_of p = {.r = r, .t = &r->out, .u = u, .status = status};

	return send_page(&p);
}

enum step upload_explain(struct req *r, int status, const char *detail)
{
	struct page_of p = {.r = r,
		.t = &r->out,
		.u = upload_of(r),
		.status = status,
		.problem = detail};

	return send_page(&p);
}
