// SPDX-License-Identifier: MIT
/*
 * From the top: the cfg's text (lines, values), the shapes that run through
 * the layers, the two entry points.
 */
#include "ingest/detect/netfile.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/log.h"

/* One [section] while it is read. */
struct section {
	char name[32];
	int line;
	int filters, size, groups, classes, w, h, channels, from;
	int layers[16], n_layers; /* of a route */
	int route_groups;
	bool normalized, has_layers;
};

struct reader {
	const char *path;
	struct netfile *net;
	int line;
	int channels[NETFILE_LAYERS_MAX]; /* that each layer hands on */
	bool has_net;
	struct section now;
};

static enum err say(const struct reader *r, int line, const char *what)
{
	log_error("model %s:%d: %s", r->path, line, what);
	return E_INVALID;
}

static bool whole(const char *s, int least, int most, int *v)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(s, &end, 10);
	if (end == s || *end || errno || n < least || n > most)
		return false;
	*v = (int)n;
	return true;
}

/* Remembers the first thing that Darknet's sources of 2018, which Debian has,
 * do not know: they go on with a default. */
static void find_foreign(struct reader *r, const char *name, const char *value)
{
	char *to = r->net->foreign;

	if (*to)
		return;
	if (*value)
		snprintf(to, sizeof(r->net->foreign), "%.24s=%.24s", name,
			value);
	else
		snprintf(to, sizeof(r->net->foreign), "[%.24s]", name);
}

static bool knows_activation(const char *name)
{
	static const char *const known[] = {"logistic", "loggy", "relu", "elu",
		"selu", "relie", "plse", "hardtan", "lhtan", "linear", "ramp",
		"leaky", "tanh", "stair"};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (!strcmp(name, known[i]))
			return true;
	return false;
}

static bool is_foreign(
	const struct section *s, const char *key, const char *value)
{
	if (!strcmp(key, "activation"))
		return !knows_activation(value);
	if (!strcmp(key, "scale_x_y"))
		return strtod(value, NULL) != 1;
	if (!strcmp(key, "groups"))
		return strcmp(s->name, "convolutional") != 0;
	return !strcmp(key, "dilation") || !strcmp(key, "stride_x") ||
		!strcmp(key, "stride_y") || !strcmp(key, "antialiasing") ||
		!strcmp(key, "new_coords") || !strcmp(key, "group_id") ||
		!strcmp(key, "weights_type");
}

/* "layers = -1, 29" */
static bool whole_list(struct section *s, char *value)
{
	char *rest = NULL;

	s->n_layers = 0;
	for (char *v = strtok_r(value, ", ", &rest); v;
		v = strtok_r(NULL, ", ", &rest)) {
		if (s->n_layers == (int)ARRAY_LEN(s->layers) ||
			!whole(v, -NETFILE_LAYERS_MAX, NETFILE_LAYERS_MAX,
				&s->layers[s->n_layers]))
			return false;
		s->n_layers++;
	}
	s->has_layers = true;
	return s->n_layers > 0;
}

static enum err take_value(struct reader *r, const char *key, char *value)
{
	struct section *s = &r->now;
	char what[128];
	int normalized = 0;
	bool ok = true;

	if (is_foreign(s, key, value))
		find_foreign(r, key, value);
	if (!strcmp(key, "width"))
		ok = whole(value, 1, NETFILE_INPUT_MAX, &s->w);
	else if (!strcmp(key, "height"))
		ok = whole(value, 1, NETFILE_INPUT_MAX, &s->h);
	else if (!strcmp(key, "channels"))
		ok = whole(value, 1, 4, &s->channels);
	else if (!strcmp(key, "filters"))
		ok = whole(value, 1, 65536, &s->filters);
	else if (!strcmp(key, "size"))
		ok = whole(value, 1, 64, &s->size);
	else if (!strcmp(key, "groups"))
		ok = whole(value, 1, 65536, &s->groups);
	else if (!strcmp(key, "classes"))
		ok = whole(value, 1, 10000, &s->classes);
	else if (!strcmp(key, "from"))
		ok = whole(value, -NETFILE_LAYERS_MAX, NETFILE_LAYERS_MAX,
			&s->from);
	else if (!strcmp(key, "layers"))
		ok = whole_list(s, value);
	else if (!strcmp(key, "batch_normalize")) {
		ok = whole(value, 0, 1, &normalized);
		s->normalized = normalized;
	}
	if (ok)
		return E_OK;
	snprintf(what, sizeof(what), "%.40s does not fit", key);
	return say(r, r->line, what);
}

/* The index that Darknet means: negative counts back from here. */
static bool layer_at(const struct reader *r, int said, int *index)
{
	*index = said < 0 ? r->net->layers + said : said;
	return *index >= 0 && *index < r->net->layers;
}

static enum err end_net(struct reader *r)
{
	struct section *s = &r->now;

	if (!s->w || !s->h || s->channels != 3)
		return say(r, s->line,
			"[net] lacks width, height or three channels");
	r->net->w = s->w;
	r->net->h = s->h;
	r->has_net = true;
	return E_OK;
}

static enum err end_convolution(struct reader *r, int in, int *out)
{
	struct section *s = &r->now;
	struct netfile_layer *l = &r->net->layer[r->net->layers];
	uint64_t n;

	if (!s->filters || !s->size)
		return say(r, s->line, "[convolutional] lacks filters or size");
	if (in % s->groups || s->filters % s->groups)
		return say(r, s->line, "groups do not divide the channels");
	l->filters = s->filters;
	l->channels = in / s->groups;
	l->size = s->size;
	l->normalized = s->normalized;
	n = (uint64_t)l->filters *
		(uint64_t)(l->channels * l->size * l->size +
			(l->normalized ? 4 : 1));
	r->net->weights += n;
	if (r->net->weights > NETFILE_WEIGHTS_MAX / sizeof(float))
		return say(r, s->line, "a network that is too large");
	*out = s->filters;
	return E_OK;
}

static enum err end_route(struct reader *r, int *out)
{
	struct section *s = &r->now;
	int sum = 0, at;

	if (!s->has_layers)
		return say(r, s->line, "[route] lacks layers");
	for (int i = 0; i < s->n_layers; i++) {
		if (!layer_at(r, s->layers[i], &at))
			return say(r, s->line, "[route] to no layer");
		sum += r->channels[at];
	}
	*out = s->groups > 1 ? sum / s->groups : sum;
	return E_OK;
}

static enum err end_yolo(struct reader *r)
{
	struct section *s = &r->now;

	if (!s->classes)
		return say(r, s->line, "[yolo] lacks classes");
	if (r->net->classes && r->net->classes != s->classes)
		return say(r, s->line, "[yolo] with other classes than before");
	r->net->classes = s->classes;
	return E_OK;
}

/* What the section that ends here adds to the network. */
static enum err end_section(struct reader *r)
{
	static const char *const plain[] = {"dropout", "maxpool", "upsample",
		"avgpool", "local_avgpool", "softmax"};
	struct section *s = &r->now;
	const char *name = s->name;
	int n = r->net->layers, at;
	int in = n ? r->channels[n - 1] : 3, out = in;
	enum err e = E_OK;
	size_t i;

	if (!*name)
		return E_OK;
	if (!strcmp(name, "net") || !strcmp(name, "network"))
		return r->has_net ? say(r, s->line, "[net] a second time")
				  : end_net(r);
	if (!r->has_net)
		return say(r, s->line, "the first section must be [net]");
	if (n == NETFILE_LAYERS_MAX)
		return say(r, s->line, "too many layers");
	for (i = 0; i < ARRAY_LEN(plain) && strcmp(plain[i], name); i++)
		;
	if (!strcmp(name, "convolutional"))
		e = end_convolution(r, in, &out);
	else if (!strcmp(name, "route"))
		e = end_route(r, &out);
	else if (!strcmp(name, "yolo"))
		e = end_yolo(r);
	else if (!strcmp(name, "shortcut") || !strcmp(name, "scale_channels")) {
		if (!layer_at(r, s->from, &at))
			return say(r, s->line, "from no layer");
		if (name[1] == 'c')
			out = r->channels[at];
	} else if (i == ARRAY_LEN(plain)) {
		return say(r, s->line, "a layer that Tally does not know");
	}
	if (!strcmp(name, "scale_channels") || !strcmp(name, "local_avgpool"))
		find_foreign(r, name, "");
	r->channels[n] = out;
	r->net->layers++;
	return e;
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

static enum err take_line(struct reader *r, char *line)
{
	char *s = trim(line), *eq;
	size_t n = strlen(s);
	enum err e;

	if (!n || *s == '#' || *s == ';')
		return E_OK;
	if (*s == '[') {
		if ((e = end_section(r)))
			return e;
		if (s[n - 1] != ']' || n < 3 || n - 2 >= sizeof(r->now.name))
			return say(r, r->line, "is not [section]");
		r->now = (struct section){
			.line = r->line, .groups = 1, .channels = 3};
		memcpy(r->now.name, s + 1, n - 2);
		return E_OK;
	}
	eq = strchr(s, '=');
	if (!eq || !*r->now.name || eq == s)
		return say(r, r->line, "is not key=value in a [section]");
	*eq = '\0';
	return take_value(r, trim(s), trim(eq + 1));
}

static enum err take_lines(struct reader *r, FILE *f)
{
	char *line = NULL;
	size_t cap = 0, total = 0;
	enum err e = E_OK;
	ssize_t n;

	while (!e && (n = getline(&line, &cap, f)) >= 0) {
		r->line++;
		total += (size_t)n;
		if (total > NETFILE_CFG_MAX)
			e = say(r, r->line, "a file that is too large");
		else if (memchr(line, '\0', (size_t)n))
			e = say(r, r->line, "is no text");
		else
			e = take_line(r, line);
	}
	free(line);
	if (!e && ferror(f)) {
		log_error("model %s: %s", r->path, strerror(errno));
		return E_IO;
	}
	return e ? e : end_section(r);
}

enum err netfile_read_cfg(struct netfile *n, const char *path)
{
	struct reader r = {.path = path, .net = n};
	FILE *f = fopen(path, "re");
	enum err e;

	memset(n, 0, sizeof(*n));
	if (!f) {
		log_error("model %s: %s", path, strerror(errno));
		return E_IO;
	}
	e = take_lines(&r, f);
	fclose(f);
	if (!e && (!r.has_net || !n->classes || !n->weights))
		e = say(&r, r.line, "ends before a [yolo] layer: truncated?");
	return e;
}

/* Floats that no training leaves behind; var: a variance. */
static bool absurd(float v, bool var)
{
	return !isfinite(v) || fabsf(v) > 1e9F || (var && v < 0);
}

/* The floats of one layer; false once one is absurd or missing, its place in
 * *at. */
static bool check_layer(FILE *f, const struct netfile_layer *l, uint64_t *at)
{
	uint64_t filters = (uint64_t)l->filters;
	uint64_t head = l->normalized ? filters * 4 : filters;
	uint64_t n =
		head + filters * (uint64_t)(l->channels * l->size * l->size);
	float v;

	for (uint64_t i = 0; i < n; i++, (*at)++)
		if (fread(&v, sizeof(v), 1, f) != 1 ||
			absurd(v,
				l->normalized && i >= filters * 3 && i < head))
			return false;
	return true;
}

static enum err check_open(const struct netfile *n, const char *path, FILE *f)
{
	int32_t version[3];
	uint64_t head, want, at = 0;
	struct stat st;

	if (fstat(fileno(f), &st)) {
		log_error("model %s: %s", path, strerror(errno));
		return E_IO;
	}
	if (fread(version, sizeof(version), 1, f) != 1) {
		log_error("model %s: truncated: no header", path);
		return E_CORRUPT;
	}
	if (version[0] < 0 || version[0] > 10 || version[1] < 0 ||
		version[1] > 1000) {
		log_error("model %s: damaged: not the header of weights", path);
		return E_CORRUPT;
	}
	head = version[0] * 10 + version[1] >= 2 ? 20 : 16;
	want = head + n->weights * sizeof(float);
	if ((uint64_t)st.st_size != want) {
		log_error("model %s: %s: %lld bytes, its cfg asks for %llu",
			path,
			(uint64_t)st.st_size < want ? "truncated" : "too long",
			(long long)st.st_size, (unsigned long long)want);
		return E_CORRUPT;
	}
	if (fseek(f, (long)head, SEEK_SET)) {
		log_error("model %s: %s", path, strerror(errno));
		return E_IO;
	}
	for (int i = 0; i < n->layers; i++)
		if (n->layer[i].size && !check_layer(f, &n->layer[i], &at)) {
			log_error("model %s: damaged at byte %llu", path,
				(unsigned long long)(head + at * 4));
			return E_CORRUPT;
		}
	return E_OK;
}

enum err netfile_check_weights(const struct netfile *n, const char *path)
{
	FILE *f = fopen(path, "re");
	enum err e;

	if (!f) {
		log_error("model %s: %s", path, strerror(errno));
		return E_IO;
	}
	e = check_open(n, path, f);
	fclose(f);
	return e;
}
