// SPDX-License-Identifier: MIT
#include "ingest/classes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/utf8.h"

static const char *const metric[KIND_COUNT] = {
	[KIND_PEOPLE] = "people",
	[KIND_FACE] = "face",
	[KIND_VEHICLE] = "vehicle",
	[KIND_CAR] = "vehicle.car",
	[KIND_BUS] = "vehicle.bus",
	[KIND_TRUCK] = "vehicle.truck",
	[KIND_MOTORCYCLE] = "vehicle.motorcycle",
	[KIND_BICYCLE] = "vehicle.bicycle",
	[KIND_SCOOTER] = "vehicle.scooter",
};

enum group kind_group(enum kind k)
{
	if (k == KIND_PEOPLE)
		return GROUP_PEOPLE;
	return k == KIND_FACE ? GROUP_FACE : GROUP_VEHICLE;
}

const char *group_name(enum group g)
{
	static const char *const name[GROUP_COUNT] = {
		"people", "vehicle", "face"};

	return name[g];
}

const char *kind_class(enum kind k)
{
	return k > KIND_VEHICLE && k < KIND_COUNT
		? metric[k] + strlen("vehicle.")
		: NULL;
}

static enum kind kind_by_metric(const char *s, size_t n)
{
	for (int k = 0; k < KIND_COUNT; k++)
		if (strlen(metric[k]) == n && !memcmp(metric[k], s, n))
			return (enum kind)k;
	return KIND_NONE;
}

/* A class of several words is written with _ for the blank, and networks
 * write "Face" as well as "face". */
static char folded(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

static bool same_name(const char *a, const char *b, size_t n)
{
	size_t i;

	for (i = 0; i < n && b[i]; i++) {
		char x = a[i] == '_' ? ' ' : folded(a[i]);
		char y = b[i] == '_' ? ' ' : folded(b[i]);

		if (x != y)
			return false;
	}
	return i == n && !b[i];
}

static enum err parse_entry(
	struct class_map *m, const char *s, size_t n, char err[512])
{
	const char *eq = memchr(s, '=', n);
	size_t name = eq ? (size_t)(eq - s) : 0;
	int shown = n > 100 ? 100 : (int)n;
	enum kind kind;

	if (name == 0 || name >= CLASS_NAME_MAX) {
		snprintf(err, 512, "\"%.*s\" is not class=metric", shown, s);
		return E_SYNTAX;
	}
	kind = kind_by_metric(eq + 1, n - name - 1);
	if (kind == KIND_NONE) {
		snprintf(err, 512, "\"%.*s\": unknown metric", shown, s);
		return E_NOT_FOUND;
	}
	for (size_t i = 0; i < m->n; i++)
		if (same_name(s, m->entry[i].name, name)) {
			snprintf(err, 512, "\"%.*s\" stands there twice",
				(int)name, s);
			return E_EXISTS;
		}
	if (m->n == CLASSES_MAX) {
		snprintf(err, 512, "more than %d entries", CLASSES_MAX);
		return E_TOO_BIG;
	}
	memcpy(m->entry[m->n].name, s, name);
	m->entry[m->n].name[name] = '\0';
	m->entry[m->n++].kind = kind;
	return E_OK;
}

enum err class_map_parse(
	struct class_map *m, const char *setting, char err[512])
{
	const char *s = setting;

	memset(m, 0, sizeof(*m));
	for (;;) {
		size_t n;
		enum err e;

		s += strspn(s, " \t");
		if (!(n = strcspn(s, " \t")))
			break;
		if ((e = parse_entry(m, s, n, err)))
			return e;
		s += n;
	}
	if (m->n)
		return E_OK;
	snprintf(err, 512, "names no class");
	return E_SYNTAX;
}

enum kind class_map_find(struct class_map *m, const char *name)
{
	for (size_t i = 0; i < m->n; i++)
		if (same_name(name, m->entry[i].name, strlen(name))) {
			m->entry[i].used = true;
			return m->entry[i].kind;
		}
	return KIND_NONE;
}

/* NULL, or what is wrong with the name. */
static const char *check_name(const char *s, size_t n)
{
	if (n == 0)
		return "an empty line";
	if (n >= CLASS_NAME_MAX)
		return "a name that is too long";
	if (utf8_check(s, n) != n)
		return "not UTF-8";
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return "a control byte";
	return NULL;
}

static enum err read_names(
	FILE *f, const char *path, char (*names)[CLASS_NAME_MAX], int *n)
{
	char line[CLASS_NAME_MAX + 64];
	int c, i;

	for (*n = 0; (c = getc(f)) != EOF; (*n)++) {
		size_t used = 0;
		const char *wrong;

		for (; c != EOF && c != '\n'; c = getc(f))
			if (used < sizeof(line) - 1)
				line[used++] = (char)c;
		while (used && strchr(" \t\r", line[used - 1]) &&
			line[used - 1])
			used--;
		wrong = *n == CLASSES_MAX ? "too many names"
					  : check_name(line, used);
		if (wrong) {
			log_error("names %s:%d: %s", path, *n + 1, wrong);
			return *n == CLASSES_MAX ? E_TOO_BIG : E_CORRUPT;
		}
		memcpy(names[*n], line, used);
		names[*n][used] = '\0';
		for (i = 0; i < *n && strcmp(names[i], names[*n]); i++)
			;
		if (i < *n) {
			log_error("names %s:%d: \"%s\" stands in line %d too",
				path, *n + 1, names[i], i + 1);
			return E_INVALID;
		}
	}
	if (ferror(f)) {
		log_error("names %s: %s", path, strerror(errno));
		return E_IO;
	}
	return E_OK;
}

enum err class_list_read(
	struct class_list *l, const char *path, int want, struct class_map *m)
{
	char names[CLASSES_MAX][CLASS_NAME_MAX];
	FILE *f = fopen(path, "re");
	enum err e;

	if (!f) {
		log_error("names %s: %s", path, strerror(errno));
		return E_IO;
	}
	e = read_names(f, path, names, &l->n);
	fclose(f);
	if (e)
		return e;
	if (l->n != want) {
		log_error("names %s: %d names, but the network has %d classes",
			path, l->n, want);
		return E_INVALID;
	}
	for (int i = 0; i < l->n; i++)
		l->kind[i] = class_map_find(m, names[i]);
	return E_OK;
}
