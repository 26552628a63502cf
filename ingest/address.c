// SPDX-License-Identifier: MIT
#include "ingest/address.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *scheme;
	enum address_kind kind;
} schemes[] = {{"rtsp", ADDRESS_RTSP}, {"rtsps", ADDRESS_RTSP},
	{"http", ADDRESS_HTTP}, {"https", ADDRESS_HTTP}};

/* The parts of SCHEME://[USER[:PASSWORD]@]HOST[/REST]; each a slice of it. */
struct parts {
	struct slice scheme, login, host, rest;
};

static bool split(const char *s, struct parts *p)
{
	const char *mark = strstr(s, "://"), *from, *end, *at = NULL;

	if (!mark || mark == s)
		return false;
	for (const char *c = s; c < mark; c++)
		if (!isalnum((unsigned char)*c) && *c != '+')
			return false;
	from = mark + 3;
	/* A password may hold an @ that nobody encoded: the last one counts. */
	end = from + strcspn(from, "/?#");
	for (const char *c = from; c < end; c++)
		if (*c == '@')
			at = c;
	p->scheme = (struct slice){s, (size_t)(mark - s)};
	p->login = (struct slice){from, at ? (size_t)(at - from) : 0};
	if (at)
		from = at + 1;
	p->host = (struct slice){from, (size_t)(end - from)};
	p->rest = (struct slice){end, strlen(end)};
	return true;
}

static bool clean(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= 0x20 || *s == 0x7f)
			return false;
	return true;
}

/* Appends; what an address may not hold as it is becomes %XX.  In a slice of
 * an address %XX stays. */
static size_t encode(char *to, size_t room, struct slice s, const char *keep)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n && n + 4 < room; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if (isalnum(c) || (c && strchr(keep, c)))
			to[n++] = (char)c;
		else
			n += (size_t)snprintf(to + n, 4, "%%%02X", c);
	}
	to[n] = '\0';
	return n;
}

static enum err fail(char why[200], const char *what)
{
	snprintf(why, 200, "%s", what);
	return E_INVALID;
}

/* "user:password" as an address carries it. */
static enum err write_login(char login[400], const struct parts *p,
	const char *user, const char *password, char why[200])
{
	size_t n;

	if (p->login.n && (*user || *password))
		return fail(why,
			"holds a name, and user or password_file is set too");
	if (p->login.n > ADDRESS_LOGIN_MAX ||
		strlen(user) + strlen(password) > ADDRESS_LOGIN_MAX)
		return fail(why, "name and password are over 120 bytes long");
	/* HTTP and RTSP end the name at the first one. */
	if (strchr(user, ':'))
		return fail(why, "user holds a colon");
	if (!*user && *password)
		return fail(why, "password_file is set, and user is not");
	login[0] = '\0';
	if (p->login.n)
		n = encode(login, 400, p->login, "-._~%:");
	else
		n = encode(
			login, 400, (struct slice){user, strlen(user)}, "-._~");
	if (*password) {
		login[n++] = ':';
		n += encode(login + n, 400 - n,
			(struct slice){password, strlen(password)}, "-._~");
	}
	/* What libavformat keeps of it. */
	return n < 127 ? E_OK
		       : fail(why, "name and password are too long, encoded");
}

static enum err parse_url(struct address *a, const struct parts *p,
	const char *user, const char *password, char why[200])
{
	size_t shown = strcspn(p->rest.at, "?#");
	char login[400];
	enum err e;

	if (!p->host.n || *p->host.at == ':')
		return fail(why, "names no host");
	if ((e = write_login(login, p, user, password, why)))
		return e;
	snprintf(a->url, sizeof(a->url), "%.*s://%s%s%.*s%s", (int)p->scheme.n,
		p->scheme.at, login, *login ? "@" : "", (int)p->host.n,
		p->host.at, p->rest.at);
	/* Some cameras take the password in the query. */
	snprintf(a->shown, sizeof(a->shown), "%.*s://%.*s%.*s%s",
		(int)p->scheme.n, p->scheme.at, (int)p->host.n, p->host.at,
		(int)shown, p->rest.at, p->rest.at[shown] ? "?..." : "");
	return E_OK;
}

enum err address_parse(struct address *a, const char *source, const char *user,
	const char *password, char why[200])
{
	struct parts p;

	memset(a, 0, sizeof(*a));
	if (!*source)
		return fail(why, "none is named");
	if (strlen(source) > ADDRESS_MAX)
		return fail(why, "is too long");
	if (split(source, &p)) {
		if (!clean(source))
			return fail(why, "holds a blank or a control byte");
		for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
			if (strlen(schemes[i].scheme) == p.scheme.n &&
				!strncasecmp(schemes[i].scheme, source,
					p.scheme.n)) {
				a->kind = schemes[i].kind;
				return parse_url(a, &p, user, password, why);
			}
		return fail(why,
			"is none of a path, rtsp://, rtsps://, "
			"http:// and https://");
	}
	if (*user || *password)
		return fail(
			why, "is a path and takes no user or password_file");
	a->kind = !strncmp(source, "/dev/video", 10) ? ADDRESS_V4L2
						     : ADDRESS_PATH;
	snprintf(a->shown, sizeof(a->shown), "%s", source);
	snprintf(a->url, sizeof(a->url), "%s", source);
	return E_OK;
}

bool address_live(const struct address *a)
{
	return a->kind != ADDRESS_PATH;
}

bool address_tells(const char *text)
{
	for (; (text = strstr(text, "://")); text += 3)
		if (text[3 + strcspn(text + 3, "@/?# ")] == '@')
			return true;
	return false;
}

void address_veil(char *text)
{
	char *s = text;

	while ((s = strstr(s, "://"))) {
		char *end, *at = NULL;

		s += 3;
		end = s + strcspn(s, " \t'\"/?#");
		for (char *c = s; c < end; c++)
			if (*c == '@')
				at = c;
		if (at)
			memmove(s, at + 1, strlen(at + 1) + 1);
		s += strcspn(s, " \t'\"?#");
		/* A query may hold a password too. */
		if (*s == '?' || *s == '#')
			memmove(s, s + strcspn(s, " \t'\""),
				strlen(s + strcspn(s, " \t'\"")) + 1);
	}
}
