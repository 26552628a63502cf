// SPDX-License-Identifier: MIT
#include "common/multipart.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum state {
	CONTENT,    /* of a part; or before the first boundary */
	BOUNDARY,   /* right behind one */
	DASH,	    /* behind its first dash */
	PADDING,    /* blanks, then CRLF, then a part's head */
	PADDING_LF, /* behind that CR */
	HEAD,	    /* in a line of a part's head */
	HEAD_LF,    /* behind the CR that ends it */
	CLOSED,	    /* behind the last boundary */
	CLOSED_LF,  /* behind the CR there */
	ENDED	    /* behind CRLF there */
};

/* ---- words ---- */

/* RFC 9110, section 5.6.2. */
static bool is_token(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		(c >= 'a' && c <= 'z') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void skip_blanks(struct slice *s)
{
	while (s->n && is_blank(*s->at)) {
		s->at++;
		s->n--;
	}
}

static struct slice take_token(struct slice *s)
{
	struct slice t = {s->at, 0};

	while (s->n && is_token(*s->at)) {
		s->at++;
		s->n--;
		t.n++;
	}
	return t;
}

static bool is(struct slice s, const char *lower)
{
	return s.n == strlen(lower) && !strncasecmp(s.at, lower, s.n);
}

/* A quoted text into to, of which n bytes are used; false where it does not
 * end.  A backslash that stands before neither quote nor backslash is one:
 * there are senders that give whole paths of Windows. */
static bool take_quoted(struct slice *s, char *to, size_t *n)
{
	size_t i = 1;

	for (*n = 0; i < s->n && s->at[i] != '"'; i++) {
		if (s->at[i] == '\\' && i + 1 < s->n &&
			(s->at[i + 1] == '"' || s->at[i + 1] == '\\'))
			i++;
		to[(*n)++] = s->at[i];
	}
	if (i >= s->n)
		return false;
	s->at += i + 1;
	s->n -= i + 1;
	return true;
}

enum param { PARAM_END, PARAM_TAKEN, PARAM_MALFORMED };

/* "; name=value" off s.  The value goes to to, of *n bytes. */
static enum param take_param(
	struct slice *s, struct slice *name, char *to, size_t *n)
{
	struct slice value;

	skip_blanks(s);
	if (!s->n)
		return PARAM_END;
	if (*s->at != ';')
		return PARAM_MALFORMED;
	s->at++;
	s->n--;
	skip_blanks(s);
	*name = take_token(s);
	if (!name->n || s->n < 2 || *s->at != '=')
		return PARAM_MALFORMED;
	s->at++;
	s->n--;
	if (*s->at == '"')
		return take_quoted(s, to, n) ? PARAM_TAKEN : PARAM_MALFORMED;
	value = take_token(s);
	memcpy(to, value.at, value.n);
	*n = value.n;
	return value.n ? PARAM_TAKEN : PARAM_MALFORMED;
}

/* ---- the boundary ---- */

static bool boundary_ok(const char *s, size_t n)
{
	if (!n || n > MULTIPART_BOUNDARY_MAX || s[n - 1] == ' ')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!(s[i] >= '0' && s[i] <= '9') &&
			!(s[i] >= 'A' && s[i] <= 'Z') &&
			!(s[i] >= 'a' && s[i] <= 'z') &&
			!(s[i] && strchr("'()+_,-./:=? ", s[i])))
			return false;
	return true;
}

enum err multipart_init(struct multipart *m, struct slice type)
{
	static const char wanted[] = "multipart/form-data";
	size_t n = sizeof(wanted) - 1;
	struct slice name;
	enum param p;

	memset(m, 0, sizeof(*m));
	skip_blanks(&type);
	if (type.n < n || strncasecmp(type.at, wanted, n) != 0 ||
		(type.n > n && type.at[n] != ';' && !is_blank(type.at[n])))
		return E_NOT_FOUND;
	type.at += n;
	type.n -= n;
	if (type.n >= sizeof(m->text))
		return E_INVALID;
	memcpy(m->delimiter, "\r\n--", 4);
	while ((p = take_param(&type, &name, m->text, &n)) == PARAM_TAKEN) {
		if (!is(name, "boundary"))
			continue;
		if (m->delimiter_n || !boundary_ok(m->text, n))
			return E_INVALID;
		memcpy(m->delimiter + 4, m->text, n);
		m->delimiter_n = 4 + n;
	}
	/* The first boundary needs no line end before it. */
	m->matched = 2;
	return p == PARAM_END && m->delimiter_n ? E_OK : E_INVALID;
}

/* ---- a part's head ---- */

static enum multipart_step refuse(struct multipart *m, const char *why)
{
	m->refused = true;
	snprintf(m->why, sizeof(m->why), "%s", why);
	return MULTIPART_REFUSED;
}

/* Keeps a decoded value of n bytes, which lies at the end of m->text.  Browsers
 * write what must not stand between quotes as %22 (HTML, section 4.10.21.8);
 * of %0D and %0A nothing good comes. */
static struct slice keep(struct multipart *m, size_t n)
{
	char *at = m->text + m->text_n;
	size_t to = 0;

	for (size_t i = 0; i < n; i++)
		if (n - i >= 3 && !memcmp(at + i, "%22", 3)) {
			at[to++] = '"';
			i += 2;
		} else {
			at[to++] = at[i];
		}
	at[to] = '\0';
	m->text_n += to + 1;
	return (struct slice){at, to};
}

static enum multipart_step disposition(struct multipart *m, struct slice v)
{
	struct slice name;
	enum param p;
	size_t n;

	if (m->name.at)
		return refuse(m, "a part has two fields Content-Disposition");
	if (!is(take_token(&v), "form-data"))
		return refuse(
			m, "a part's Content-Disposition is not form-data");
	while ((p = take_param(&v, &name, m->text + m->text_n, &n)) ==
		PARAM_TAKEN) {
		struct slice *to = is(name, "name") ? &m->name
			: is(name, "filename")	    ? &m->file
						    : NULL;

		/* RFC 7578, section 4.2: it must not be used. */
		if (is(name, "filename*"))
			return refuse(m, "a part has a filename*");
		if (!to)
			continue;
		if (to->at)
			return refuse(m, "a part has two names");
		*to = keep(m, n);
	}
	if (p == PARAM_MALFORMED)
		return refuse(m, "a part's Content-Disposition is malformed");
	return m->name.at ? MULTIPART_MORE : refuse(m, "a part has no name");
}

static enum multipart_step field(
	struct multipart *m, struct slice name, struct slice v)
{
	if (is(name, "content-disposition"))
		return disposition(m, v);
	if (is(name, "content-type")) {
		if (m->type.at)
			return refuse(m, "a part has two fields Content-Type");
		memcpy(m->text + m->text_n, v.at, v.n);
		m->text[m->text_n + v.n] = '\0';
		m->type = (struct slice){m->text + m->text_n, v.n};
		m->text_n += v.n + 1;
	}
	if (is(name, "content-transfer-encoding") && !is(v, "7bit") &&
		!is(v, "8bit") && !is(v, "binary"))
		return refuse(m, "a part is encoded for transfer");
	return MULTIPART_MORE;
}

/* The line from line_at on is whole. */
static enum multipart_step head_line(struct multipart *m)
{
	struct slice v = {m->head + m->line_at, m->head_n - m->line_at}, name;

	m->line_at = m->head_n;
	if (!v.n) {
		m->state = CONTENT;
		m->matched = 0;
		if (!m->name.at)
			return refuse(m, "a part has no Content-Disposition");
		return MULTIPART_HEAD;
	}
	m->state = HEAD;
	name = take_token(&v);
	if (!name.n || !v.n || *v.at != ':')
		return refuse(m, "a line of a part's head is malformed");
	v.at++;
	v.n--;
	skip_blanks(&v);
	while (v.n && is_blank(v.at[v.n - 1]))
		v.n--;
	return field(m, name, v);
}

static enum multipart_step part_begins(struct multipart *m)
{
	if (++m->parts > MULTIPART_PARTS_MAX)
		return refuse(m, "there are too many parts");
	m->state = HEAD;
	m->head_n = m->line_at = m->text_n = 0;
	m->name = m->file = m->type = (struct slice){NULL, 0};
	return MULTIPART_MORE;
}

static enum multipart_step head_byte(struct multipart *m, char c)
{
	if (c == '\r') {
		m->state = HEAD_LF;
		return MULTIPART_MORE;
	}
	if ((unsigned char)c < ' ' && c != '\t')
		return refuse(m, "a part's head holds a control character");
	if (m->head_n == MULTIPART_HEAD_MAX)
		return refuse(m, "a part's head is too long");
	m->head[m->head_n++] = c;
	return MULTIPART_MORE;
}

/* ---- the whole ---- */

/* One byte outside of a part's content. */
static enum multipart_step frame_byte(struct multipart *m, char c)
{
	switch ((enum state)m->state) {
	case BOUNDARY:
		m->state = c == '-' ? DASH : PADDING;
		return c == '-' ? MULTIPART_MORE : frame_byte(m, c);
	case DASH:
		m->state = CLOSED;
		return c == '-' ? MULTIPART_MORE
				: refuse(m, "text stands behind a boundary");
	case PADDING:
		if (c == '\r')
			m->state = PADDING_LF;
		else if (!is_blank(c))
			return refuse(m, "text stands behind a boundary");
		return MULTIPART_MORE;
	case PADDING_LF:
		return c == '\n' ? part_begins(m)
				 : refuse(m, "a CR stands alone");
	case HEAD:
		return head_byte(m, c);
	case HEAD_LF:
		return c == '\n' ? head_line(m)
				 : refuse(m, "a CR stands alone");
	case CLOSED:
		if (c == '\r')
			m->state = CLOSED_LF;
		else if (!is_blank(c))
			return refuse(
				m, "text stands behind the last boundary");
		return MULTIPART_MORE;
	case CLOSED_LF:
		m->state = ENDED;
		return c == '\n' ? MULTIPART_MORE
				 : refuse(m, "a CR stands alone");
	case ENDED:
		return refuse(m, "text stands behind the last boundary");
	case CONTENT:
		break;
	}
	return refuse(m, "the reader lost its way");
}

/* What looked like a delimiter is content: it lies in m, for it was that. */
static enum multipart_step give_back(struct multipart *m, struct slice *piece)
{
	*piece = (struct slice){m->delimiter, m->matched};
	m->matched = 0;
	return MULTIPART_DATA;
}

/* The delimiter begins with its only CR: what breaks it off can begin the next
 * one, and nothing before that can. */
static enum multipart_step content(struct multipart *m, const char *buf,
	size_t n, size_t *used, struct slice *piece)
{
	size_t i = 0;
	const char *cr;

	while (m->matched && i < n) {
		if (buf[i] != m->delimiter[m->matched]) {
			*used = i;
			return m->parts ? give_back(m, piece)
					: refuse(m,
						  "the body does not begin "
						  "with its boundary");
		}
		i++;
		if (++m->matched < m->delimiter_n)
			continue;
		m->state = BOUNDARY;
		*used = i;
		return m->parts ? MULTIPART_TAIL : MULTIPART_MORE;
	}
	*used = n;
	if (i == n)
		return MULTIPART_MORE;
	cr = memchr(buf, '\r', n);
	*used = cr ? (size_t)(cr - buf) + 1 : n;
	m->matched = cr != NULL;
	*piece = (struct slice){buf, *used - m->matched};
	return piece->n ? MULTIPART_DATA : MULTIPART_MORE;
}

enum multipart_step multipart_next(struct multipart *m, const char *buf,
	size_t n, size_t *used, struct slice *piece)
{
	enum multipart_step step = MULTIPART_MORE;
	size_t i = 0, k;

	*used = 0;
	if (m->refused)
		return MULTIPART_REFUSED;
	while (step == MULTIPART_MORE && i < n) {
		k = 1;
		if (m->state == CONTENT)
			step = content(m, buf + i, n - i, &k, piece);
		else
			step = frame_byte(m, buf[i]);
		i += k;
	}
	*used = i;
	return step;
}

bool multipart_ended(const struct multipart *m)
{
	return !m->refused && (m->state == CLOSED || m->state == ENDED);
}
