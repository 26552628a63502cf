// SPDX-License-Identifier: MIT
#include "common/conf.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum type { STR, INT, BOOL, REAL, SIZE };

static const size_t size_of[] = {sizeof(char *), sizeof(int), sizeof(bool),
	sizeof(double), sizeof(size_t)};

struct option {
	const char *section, *key;
	enum type type;
	const char *def;
	double least, most;
	size_t offset;
	const char *what;
	bool per_camera;
};

static const struct option options[] = {
#define ROW(section, key, type, def, least, most, what, per_camera) \
	{#section, #key, type, def, least, most, \
		offsetof(struct conf, section##_##key), what, per_camera},
#define OPT(section, key, type, def, least, most, what) \
	ROW(section, key, type, def, least, most, what, false)
#define CAM(section, key, type, def, least, most, what) \
	ROW(section, key, type, def, least, most, what, true)
#include "common/options.def"
#undef OPT
#undef ROW
};

static bool parse_size(const char *s, size_t *v)
{
	unsigned shift = 0;
	char *end;
	unsigned long long n;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	n = strtoull(s, &end, 10);
	if (*end == 'k')
		shift = 10;
	else if (*end == 'M')
		shift = 20;
	else if (*end == 'G')
		shift = 30;
	if (shift)
		end++;
	if (errno || *end || n > SIZE_MAX >> shift)
		return false;
	*v = (size_t)n << shift;
	return true;
}

static bool parse_bool(const char *s, bool *v)
{
	*v = !strcmp(s, "yes") || !strcmp(s, "on") || !strcmp(s, "true");
	return *v || !strcmp(s, "no") || !strcmp(s, "off") ||
		!strcmp(s, "false");
}

/* Stores the value; NULL, or what was expected instead. */
static const char *store(struct conf *c, const struct option *o, const char *s)
{
	void *at = (char *)c + o->offset;
	size_t size;
	char *end;
	double d;
	char *copy;

	switch (o->type) {
	case STR:
		if ((double)strlen(s) < o->least || (double)strlen(s) > o->most)
			return "text";
		if (!(copy = strdup(s)))
			return "memory";
		free(*(char **)at);
		*(char **)at = copy;
		return NULL;
	case BOOL:
		return parse_bool(s, at) ? NULL : "yes or no";
	case SIZE:
		if (!parse_size(s, &size) || (double)size < o->least ||
			(double)size > o->most)
			return "a size in bytes";
		*(size_t *)at = size;
		return NULL;
	case INT:
	case REAL:
		errno = 0;
		d = strtod(s, &end);
		/* strtod also takes blanks in front, 0x10 and infinity. */
		if (end == s || *end || errno || !(d >= o->least) ||
			!(d <= o->most) || s[strspn(s, "0123456789+-.eE")])
			return "a number";
		if (o->type == REAL) {
			*(double *)at = d;
			return NULL;
		}
		if (d != floor(d))
			return "a whole number";
		*(int *)at = (int)d;
		return NULL;
	}
	return "a known type";
}

void conf_init(struct conf *c)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (store(c, &options[i], options[i].def))
			abort(); /* a default outside its own range */
}

void conf_free(struct conf *c)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (options[i].type == STR)
			free(*(char **)((char *)c + options[i].offset));
	for (size_t i = 0; i < c->cameras; i++)
		free(c->camera[i]);
	for (size_t i = 0; i < c->said_n; i++) {
		free(c->said[i].camera);
		free(c->said[i].value);
		free(c->said[i].file);
	}
	free(c->said);
	memset(c, 0, sizeof(*c));
}

static bool section_known(const char *section)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (!strcmp(options[i].section, section))
			return true;
	return false;
}

static const struct option *find_option(const char *section, const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (!strcmp(options[i].section, section) &&
			!strcmp(options[i].key, key))
			return &options[i];
	return NULL;
}

/* Where a line stands: in a file, under a section, perhaps of a camera. */
struct place {
	const char *file; /* NULL: the command line */
	int line;
	char section[64];
	char *camera; /* code, or NULL */
	bool lost;    /* under a section that is wrong itself */
};

static char *copy_of(const char *s)
{
	return s ? strdup(s) : NULL;
}

/* Remembers where a setting was said, and of a camera what. */
static enum err note(struct conf *c, const struct place *at,
	const struct option *o, const char *value)
{
	struct conf_said *s;

	if (c->said_n == c->said_cap) {
		size_t cap = c->said_cap ? c->said_cap * 2 : 64;

		if (!(s = realloc(c->said, cap * sizeof(*s))))
			return E_NOMEM;
		c->said = s;
		c->said_cap = cap;
	}
	s = &c->said[c->said_n];
	*s = (struct conf_said){.camera = copy_of(at->camera),
		.section = o->section,
		.key = o->key,
		.value = at->camera ? strdup(value) : NULL,
		.file = copy_of(at->file),
		.line = at->line};
	c->said_n++;
	return (at->camera && (!s->camera || !s->value)) ||
			(at->file && !s->file)
		? E_NOMEM
		: E_OK;
}

static void explain(char err[512], const struct place *at,
	const struct option *o, const char *wanted)
{
	const char *name = at->camera ? "camera" : o->section;

	if (o->type == BOOL)
		snprintf(err, 512, "%s.%s wants %s", name, o->key, wanted);
	else
		snprintf(err, 512, "%s.%s wants %s from %.15g to %.15g%s", name,
			o->key, wanted, o->least, o->most,
			o->type == STR ? " bytes long" : "");
}

/* A camera's value is tried on settings of its own and kept as text:
 * conf_camera stores it. */
static enum err assign(struct conf *c, const struct place *at, const char *key,
	const char *value, char err[512])
{
	const struct option *o =
		find_option(at->camera ? "ingest" : at->section, key);
	const char *wanted;
	struct conf trial;

	if (!o) {
		snprintf(err, 512, "unknown setting %.100s.%.100s",
			at->camera ? "camera" : at->section, key);
		return E_NOT_FOUND;
	}
	if (at->camera && !o->per_camera) {
		snprintf(err, 512,
			"%s is for all cameras: it belongs to "
			"[ingest]",
			key);
		return E_INVALID;
	}
	if (at->camera) {
		memset(&trial, 0, sizeof(trial));
		wanted = store(&trial, o, value);
		conf_free(&trial);
	} else {
		wanted = store(c, o, value);
	}
	if (wanted) {
		explain(err, at, o, wanted);
		return E_INVALID;
	}
	if (note(c, at, o, value)) {
		snprintf(err, 512, "out of memory");
		return E_NOMEM;
	}
	return E_OK;
}

enum err conf_camera(const struct conf *c, size_t i, struct conf *own)
{
	const struct option *code = find_option("ingest", "camera");

	conf_init(own);
	for (size_t k = 0; k < ARRAY_LEN(options); k++) {
		const struct option *o = &options[k];
		const char *from = (const char *)c + o->offset;
		char *to = (char *)own + o->offset;

		if (o->type == STR) {
			if (store(own, o, *(char *const *)from))
				return E_NOMEM;
		} else {
			memcpy(to, from, size_of[o->type]);
		}
	}
	if (i >= c->cameras)
		return E_OK;
	if (store(own, code, c->camera[i]))
		return E_NOMEM;
	for (size_t k = 0; k < c->said_n; k++) {
		const struct conf_said *s = &c->said[k];

		if (s->camera && !strcmp(s->camera, c->camera[i]) &&
			store(own, find_option(s->section, s->key), s->value))
			return E_NOMEM;
	}
	return E_OK;
}

void conf_where(const struct conf *c, const char *camera, const char *section,
	const char *key, char where[300])
{
	const struct conf_said *found = NULL;

	for (size_t k = 0; k < c->said_n; k++) {
		const struct conf_said *s = &c->said[k];
		bool own = s->camera && camera && !strcmp(s->camera, camera);

		if (!strcmp(s->section, section) && !strcmp(s->key, key) &&
			(own || (!s->camera && !(found && found->camera))))
			found = s;
	}
	where[0] = '\0';
	if (found && found->file)
		snprintf(where, 300, "%.250s:%d: ", found->file, found->line);
}

static bool same(const struct option *o, const void *x, const void *y)
{
	return o->type == STR ? !strcmp(*(char *const *)x, *(char *const *)y)
			      : !memcmp(x, y, size_of[o->type]);
}

bool conf_same_camera(const struct conf *a, const struct conf *b)
{
	if (strcmp(a->ingest_camera, b->ingest_camera))
		return false;
	for (size_t k = 0; k < ARRAY_LEN(options); k++) {
		const struct option *o = &options[k];
		const char *x = (const char *)a + o->offset;
		const char *y = (const char *)b + o->offset;

		if (!o->per_camera)
			continue;
		if (!same(o, x, y))
			return false;
	}
	return true;
}

static bool named(const char *const *list, const char *name)
{
	while (*list && strcmp(*list, name) != 0)
		list++;
	return *list;
}

void conf_adopt(
	struct conf *c, struct conf *fresh, const struct conf_live *live)
{
	for (size_t k = 0; k < ARRAY_LEN(options); k++) {
		const struct option *o = &options[k];
		char *to = (char *)c + o->offset, old[sizeof(double)];
		char *from = (char *)fresh + o->offset, name[128];
		bool taken;

		if (!named(live->section, o->section) || same(o, to, from))
			continue;
		snprintf(name, sizeof(name), "%s.%s", o->section, o->key);
		taken = named(live->setting, name);
		if (taken) {
			memcpy(old, to, size_of[o->type]);
			memcpy(to, from, size_of[o->type]);
			memcpy(from, old, size_of[o->type]);
		}
		live->told(name, taken);
	}
}

enum err conf_set(struct conf *c, const char *assignment, char err[512])
{
	const char *eq = strchr(assignment, '='), *dot;
	struct place at = {0};
	char key[64];

	dot = strchr(assignment, '.');
	if (!eq || !dot || dot > eq || dot - assignment > 63 || eq - dot > 63) {
		snprintf(err, 512, "\"%.100s\" is not section.key=value",
			assignment);
		return E_SYNTAX;
	}
	snprintf(at.section, sizeof(at.section), "%.*s",
		(int)(dot - assignment), assignment);
	snprintf(key, sizeof(key), "%.*s", (int)(eq - dot - 1), dot + 1);
	return assign(c, &at, key, eq + 1, err);
}

static char *trim(char *s)
{
	char *end;

	s += strspn(s, " \t");
	end = s + strlen(s);
	while (end > s && strchr(" \t\r\n", end[-1]))
		*--end = '\0';
	return s;
}

/* [camera "CODE"]: one more camera.  s: what stands behind the word. */
static enum err begin_camera(
	struct conf *c, struct place *at, char *s, char err[512])
{
	const struct option *code = find_option("ingest", "camera");
	size_t n;

	s = trim(s);
	n = strlen(s);
	if (n < 3 || *s != '"' || s[n - 1] != '"' || strlen(s) != n ||
		(double)n - 2 > code->most) {
		snprintf(err, 512,
			"a camera is [camera \"CODE\"], of 1 to %g "
			"bytes",
			code->most);
		return E_SYNTAX;
	}
	s[n - 1] = '\0';
	s++;
	for (size_t i = 0; i < c->cameras; i++)
		if (!strcmp(c->camera[i], s)) {
			snprintf(err, 512, "[camera \"%s\"] stands twice", s);
			return E_INVALID;
		}
	if (c->cameras == CONF_CAMERAS_MAX) {
		snprintf(err, 512, "more than %d cameras", CONF_CAMERAS_MAX);
		return E_TOO_BIG;
	}
	if (!(c->camera[c->cameras] = strdup(s))) {
		snprintf(err, 512, "out of memory");
		return E_NOMEM;
	}
	at->camera = c->camera[c->cameras++];
	at->lost = false;
	return E_OK;
}

static enum err begin_section(
	struct conf *c, struct place *at, char *s, size_t n, char err[512])
{
	at->camera = NULL;
	at->section[0] = '\0';
	at->lost = true;
	if (s[n - 1] != ']' || n < 3 || n > 100) {
		snprintf(err, 512, "\"%.100s\" is not [section]", s);
		return E_SYNTAX;
	}
	s[n - 1] = '\0';
	if (!strncmp(s + 1, "camera", 6) && strchr(" \t\"", s[7]))
		return begin_camera(c, at, s + 7, err);
	snprintf(at->section, sizeof(at->section), "%.60s", s + 1);
	at->lost = !section_known(at->section);
	if (!at->lost)
		return E_OK;
	snprintf(err, 512, "unknown section [%s]", at->section);
	return E_NOT_FOUND;
}

/* One line; at says where. */
static enum err read_line(
	struct conf *c, char *line, struct place *at, char err[512])
{
	char *s = trim(line), *eq;
	size_t n = strlen(s);

	if (!n || *s == '#' || *s == ';')
		return E_OK;
	if (*s == '[')
		return begin_section(c, at, s, n, err);
	if (at->lost)
		return E_OK;
	if (!(eq = strchr(s, '='))) {
		snprintf(err, 512, "\"%.100s\" is not key = value", s);
		return E_SYNTAX;
	}
	*eq = '\0';
	if (!*at->section && !at->camera) {
		snprintf(err, 512, "%.100s stands before any [section]",
			trim(s));
		return E_SYNTAX;
	}
	return assign(c, at, trim(s), trim(eq + 1), err);
}

/* With told, reads on behind a fault, tells each there, and counts them. */
static enum err read_file(struct conf *c, const char *path, FILE *told,
	unsigned *faults, char err[512])
{
	FILE *f = fopen(path, "re");
	struct place at = {.file = path};
	char *line = NULL, why[512];
	enum err e = E_OK;
	size_t cap = 0;
	ssize_t n;

	if (!f) {
		snprintf(err, 512, "%.300s: %s", path, strerror(errno));
		return E_IO;
	}
	while ((!e || told) && (n = getline(&line, &cap, f)) >= 0) {
		at.line++;
		if (strlen(line) != (size_t)n) {
			snprintf(why, sizeof(why), "holds a NUL byte");
			e = E_SYNTAX;
		} else {
			e = read_line(c, line, &at, why);
		}
		if (!e)
			continue;
		snprintf(err, 512, "%.200s:%d: %.280s", path, at.line, why);
		if (told)
			fprintf(told, "%s\n", err);
		++*faults;
	}
	if (ferror(f) && !*faults) {
		snprintf(err, 512, "%.300s: cannot be read", path);
		e = E_IO;
	}
	free(line);
	fclose(f);
	return e;
}

enum err conf_read(struct conf *c, const char *path, char err[512])
{
	unsigned faults = 0;

	return read_file(c, path, NULL, &faults, err);
}

unsigned conf_faults(struct conf *c, const char *path, FILE *f)
{
	unsigned faults = 0;
	char err[512];

	if (read_file(c, path, f, &faults, err) && !faults) {
		fprintf(f, "%s\n", err);
		faults = 1;
	}
	return faults;
}

void conf_print_defaults(FILE *f)
{
	const char *section = "";

	fputs("# Tally's settings with their defaults; what is left out keeps "
	      "its default.\n"
	      "# Made by `tally config --defaults` from common/options.def.\n",
		f);
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		const struct option *o = &options[i];

		if (strcmp(section, o->section))
			fprintf(f, "\n[%s]\n", o->section);
		section = o->section;
		fprintf(f, "# %s\n%s =%s%s\n", o->what, o->key,
			*o->def ? " " : "", o->def);
	}
}
