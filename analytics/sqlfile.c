// SPDX-License-Identifier: MIT
#include "analytics/sqlfile.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/text.h"

/* Not alphasort: that follows the locale. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_sql(const struct dirent *entry)
{
	const char *name = entry->d_name;
	size_t n = strlen(name);

	return n > 4 && n <= SQLFILE_NAME_MAX && *name != '.' &&
		!strcmp(name + n - 4, ".sql");
}

enum err sqlfile_list(
	struct arena *a, const char *folder, const char ***names, size_t *n)
{
	struct dirent **entries;
	int found = scandir(folder, &entries, is_sql, by_bytes);
	enum err e = E_OK;

	*n = 0;
	if (found < 0 && errno == ENOENT)
		return E_OK;
	if (found < 0) {
		log_error("%s: %s", folder, strerror(errno));
		return E_IO;
	}
	*names = arena_alloc(a, ((size_t)found + 1) * sizeof(**names));
	for (int i = 0; i < found; i++) {
		const char *name = entries[i]->d_name;

		if (*names && ((*names)[i] = arena_copy(a, name, strlen(name))))
			++*n;
		else
			e = E_TOO_BIG;
		free(entries[i]);
	}
	free(entries);
	return e;
}

enum err sqlfile_read(struct arena *a, const char *path, struct slice *text)
{
	FILE *f = fopen(path, "re");
	char *buf = f ? malloc(SQLFILE_MAX) : NULL;
	enum err e = E_OK;
	size_t n = 0;

	if (f && !buf)
		e = E_NOMEM;
	if (buf)
		n = fread(buf, 1, SQLFILE_MAX, f);
	if (!f || ferror(f)) {
		log_error("%s: %s", path, strerror(errno));
		e = E_IO;
	} else if (!e && n == SQLFILE_MAX) {
		log_error("%s: over %d bytes", path, SQLFILE_MAX);
		e = E_TOO_BIG;
	}
	*text = (struct slice){e ? NULL : arena_copy(a, buf, n), n};
	if (!e && !text->at)
		e = E_TOO_BIG;
	if (f)
		fclose(f);
	free(buf);
	return e;
}

static const struct sqlfile_word *word_at(
	struct slice t, const struct sqlfile_word *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t k = strlen(words[i].key);

		if (t.n >= k + 2 && t.at[0] == '{' && t.at[k + 1] == '}' &&
			!memcmp(t.at + 1, words[i].key, k))
			return &words[i];
	}
	return NULL;
}

enum err sqlfile_fill(struct arena *a, struct slice text,
	const struct sqlfile_word *words, size_t n, struct slice *filled)
{
	struct text t;
	enum err e = E_OK;

	text_init(&t, 2 * SQLFILE_MAX);
	while (text.n) {
		const struct sqlfile_word *w = word_at(text, words, n);
		size_t k = w ? strlen(w->key) + 2 : 1;

		if (w)
			text_str(&t, w->value);
		else
			text_add(&t, text.at, 1);
		text.at += k;
		text.n -= k;
	}
	*filled = (struct slice){
		t.full ? NULL : arena_copy(a, t.at ? t.at : "", t.n), t.n};
	if (!filled->at)
		e = E_TOO_BIG;
	text_free(&t);
	return e;
}

/* The length of the comment or quoted text that t begins with; else 0. */
static size_t opaque(struct slice t)
{
	char c = t.at[0], d = t.n > 1 ? t.at[1] : '\0';
	size_t i = 1;

	if (c == '#' || (c == '-' && d == '-')) {
		while (i < t.n && t.at[i] != '\n')
			i++;
		return i;
	}
	if (c == '/' && d == '*') {
		for (i = 2; i < t.n; i++)
			if (t.at[i] == '/' && t.at[i - 1] == '*' && i > 2)
				return i + 1;
		return t.n;
	}
	if (c != '\'' && c != '"' && c != '`')
		return 0;
	for (; i < t.n && t.at[i] != c; i++)
		if (t.at[i] == '\\' && c != '`')
			i++;
	return i < t.n ? i + 1 : t.n;
}

static bool is_comment(char c)
{
	return c == '#' || c == '-' || c == '/';
}

bool sqlfile_next(struct slice *rest, struct slice *statement)
{
	struct slice t = *rest;
	const char *begin = NULL;

	while (t.n && !(begin && *t.at == ';')) {
		size_t n = opaque(t);

		if (!begin && !(n && is_comment(*t.at)) &&
			!strchr(" \t\r\n;", *t.at))
			begin = t.at;
		n = n ? n : 1;
		t.at += n;
		t.n -= n;
	}
	*rest = t;
	if (!begin)
		return false;
	*statement = (struct slice){begin, (size_t)(t.at - begin)};
	return true;
}

int sqlfile_line(struct slice text, const char *at)
{
	int line = 1;

	for (const char *p = text.at; p < at; p++)
		line += *p == '\n';
	return line;
}
