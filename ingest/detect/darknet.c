// SPDX-License-Identifier: MIT
/*
 * From the top: the picture as the networks take it, the child (start, end,
 * talk), what it found, the engine.
 */
#include "ingest/detect/darknet.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "ingest/detect/darknet_wire.h"
#include "ingest/halt.h"

enum {
	SECOND = 1000000,      /* µs */
	LOAD_US = 60 * SECOND, /* for the networks to be loaded */
	LEAST_US = SECOND / 4, /* before a start after a failed one */
	MOST_US = 30 * SECOND, /* doubling up to this */
	FD_LEAST = 10,	       /* above those the child is given */
	ARGS = 4,	       /* of each network */
	WORDS = 200
};

/* Overlap from which two boxes are one object: Darknet's own value. */
static const float thin_limit = 0.45F;

struct darknet {
	struct engine base, *beside;
	int64_t find_us; /* for one picture */
	struct detections found_beside;
	struct net_files net[NETWORKS_MAX];
	size_t n;
	char *argv[2 + NETWORKS_MAX * ARGS + 1];
	struct wire *wire;
	size_t wire_bytes;
	int memory; /* descriptor of the wire */

	pid_t child;		/* 0: none */
	int to, from, words;	/* its descriptors 0, 1, 2; -1 */
	int64_t next_us;	/* no start before */
	int64_t wait_us;	/* after the next failure */
	char cause[WORDS + 64]; /* of the last failure; "" after a picture */
};

/* --- the picture --- */

/* Linear between the centres of pixels, as OpenCV does it for its networks. */
struct step {
	int a, b;    /* pixels */
	float share; /* of the second */
};

static struct step step_at(int i, int from, int to)
{
	float at = ((float)i + 0.5F) * (float)from / (float)to - 0.5F;
	struct step s;

	at = at < 0 ? 0 : at;
	s.a = (int)at;
	if (s.a > from - 1)
		s.a = from - 1;
	s.share = at - (float)s.a;
	s.b = s.a + 1 < from ? s.a + 1 : s.a;
	return s;
}

static float blend(const uint8_t *top, const uint8_t *bottom, struct step x,
	float share, int c)
{
	float t = (float)top[3 * x.a + c] +
		x.share * (float)(top[3 * x.b + c] - top[3 * x.a + c]);
	float b = (float)bottom[3 * x.a + c] +
		x.share * (float)(bottom[3 * x.b + c] - bottom[3 * x.a + c]);

	return (t + share * (b - t)) / 255;
}

static void scale(const struct frame *f, float *out, int w, int h)
{
	size_t plane = (size_t)w * (size_t)h;

	for (int j = 0; j < h; j++) {
		struct step y = step_at(j, f->h, h);
		const uint8_t *top = f->bgr + (ptrdiff_t)y.a * f->row_bytes;
		const uint8_t *bottom = f->bgr + (ptrdiff_t)y.b * f->row_bytes;
		float *to = out + (size_t)j * (size_t)w;

		for (int i = 0; i < w; i++, to++) {
			struct step x = step_at(i, f->w, w);

			for (int c = 0; c < 3; c++)
				to[(size_t)(2 - c) * plane] =
					blend(top, bottom, x, y.share, c);
		}
	}
}

static size_t floats_of(const struct net_files *n)
{
	return (size_t)n->w * (size_t)n->h * 3;
}

static void give_picture(struct darknet *d, const struct frame *f)
{
	float *to = d->wire->input;

	for (size_t i = 0; i < d->n; i++) {
		scale(f, to, d->net[i].w, d->net[i].h);
		to += floats_of(&d->net[i]);
	}
}

/* --- the child --- */

/* The last line that Darknet wrote. */
static void last_words(const struct darknet *d, char words[WORDS])
{
	off_t size = d->words < 0 ? 0 : lseek(d->words, 0, SEEK_END);
	off_t at = size > WORDS - 1 ? size - (WORDS - 1) : 0;
	ssize_t n =
		size > 0 ? pread(d->words, words, (size_t)(size - at), at) : 0;
	char *line;

	while (n > 0 && (words[n - 1] == '\n' || words[n - 1] == ' '))
		n--;
	words[n > 0 ? n : 0] = '\0';
	line = strrchr(words, '\n');
	if (line)
		memmove(words, line + 1, strlen(line));
}

static void close_all(int *fd, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

/* Takes the child away; how says how it ended. */
static void end_child(struct darknet *d, char *how, size_t n)
{
	int fd[3] = {d->to, d->from, d->words}, status = 0;
	char words[WORDS];

	last_words(d, words);
	if (d->child > 0) {
		/* One that ended keeps its own status. */
		kill(d->child, SIGKILL);
		while (waitpid(d->child, &status, 0) < 0 && errno == EINTR)
			;
	}
	if (WIFEXITED(status))
		snprintf(how, n, "ended with status %d: %s",
			WEXITSTATUS(status), words);
	else
		snprintf(how, n, "was ended by signal %d: %s", WTERMSIG(status),
			words);
	close_all(fd, ARRAY_LEN(fd));
	d->child = 0;
	d->to = d->from = d->words = -1;
}

/* Once per cause, until a picture is through again. */
static void child_failed(struct darknet *d, const char *what)
{
	char how[sizeof(d->cause)] = "does not start";

	if (d->child)
		end_child(d, how, sizeof(how));
	d->wait_us = d->wait_us ? d->wait_us * 2 : LEAST_US;
	if (d->wait_us > MOST_US)
		d->wait_us = MOST_US;
	/* After a long good life, at once. */
	d->next_us = halt_clock_us() + (*d->cause ? d->wait_us : 0);
	if (!strcmp(how, d->cause))
		return;
	log_warn("engine darknet: %s: tally-darknet %s", what, how);
	memcpy(d->cause, how, sizeof(how));
}

/* A byte from the child, in time. */
static bool hear(struct darknet *d, int64_t us)
{
	struct pollfd p = {.fd = d->from, .events = POLLIN};
	int64_t until = halt_clock_us() + us;
	char byte;

	for (;;) {
		int64_t left = (until - halt_clock_us()) / 1000;
		int n = poll(&p, 1, left > 0 ? (int)left : 0);

		if (n > 0)
			return read(d->from, &byte, 1) == 1;
		if (n == 0 || errno != EINTR)
			return false;
	}
}

/* A descriptor above those that the child is given, so that none of them is
 * overwritten while they are put in place. */
static int lift(int fd)
{
	int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, FD_LEAST);

	if (fd >= 0)
		close(fd);
	return high;
}

/* child: what it gets as 0, 1 and 2; ours: the other ends. */
static bool make_ends(int child[3], int ours[3])
{
	int in[2] = {-1, -1}, out[2] = {-1, -1};

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)) {
		close_all(in, 2);
		close_all(out, 2);
		return false;
	}
	child[0] = lift(in[0]);
	child[1] = lift(out[1]);
	child[2] = lift(memfd_create("words", MFD_CLOEXEC));
	ours[0] = in[1];
	ours[1] = out[0];
	ours[2] = child[2] < 0 ? -1 : fcntl(child[2], F_DUPFD_CLOEXEC, 0);
	return child[0] >= 0 && child[1] >= 0 && child[2] >= 0 && ours[2] >= 0;
}

/* In a process group of its own, so that Ctrl-C ends it after us, and with
 * no signal blocked. */
static int spawn(struct darknet *d, const int child[3])
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	sigset_t none;
	int e;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&how);
	posix_spawnattr_setsigmask(&how, &none);
	posix_spawnattr_setpgroup(&how, 0);
	posix_spawnattr_setflags(
		&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	for (int i = 0; i < 3; i++)
		posix_spawn_file_actions_adddup2(&files, child[i], i);
	posix_spawn_file_actions_adddup2(&files, d->memory, WIRE_MEMORY);
	e = posix_spawn(&d->child, d->argv[0], &files, &how, d->argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&how);
	return e;
}

static bool start_child(struct darknet *d)
{
	int child[3] = {-1, -1, -1}, ours[3] = {-1, -1, -1}, e;

	if (!make_ends(child, ours)) {
		close_all(child, 3);
		close_all(ours, 3);
		child_failed(d, "no descriptors");
		return false;
	}
	e = spawn(d, child);
	close_all(child, 3);
	if (e) {
		close_all(ours, 3);
		d->child = 0;
		child_failed(d, strerror(e));
		return false;
	}
	d->to = ours[0];
	d->from = ours[1];
	d->words = ours[2];
	if (hear(d, LOAD_US))
		return true;
	child_failed(d, "the networks are not loaded");
	return false;
}

/* --- what it found --- */

static void take_box(const struct net_files *net, const struct wire_box *b,
	const struct frame *f, struct detections *to)
{
	float left = fmaxf(b->x - b->w / 2, 0);
	float top = fmaxf(b->y - b->h / 2, 0);
	float right = fminf(b->x + b->w / 2, 1);
	float bottom = fminf(b->y + b->h / 2, 1);
	enum kind kind;

	if (b->class < 0 || b->class >= net->classes.n)
		return;
	kind = net->classes.kind[b->class];
	if (kind == KIND_NONE || !(right > left) || !(bottom > top) ||
		!isfinite(b->score))
		return;
	detections_add(to,
		(struct detection){.x = left * (float)f->w,
			.y = top * (float)f->h,
			.w = (right - left) * (float)f->w,
			.h = (bottom - top) * (float)f->h,
			.score = b->score > 1 ? 1 : b->score,
			.kind = kind});
}

static void take_boxes(
	struct darknet *d, const struct frame *f, struct detections *to)
{
	for (size_t i = 0; i < d->n; i++)
		for (uint32_t k = 0; k < d->wire->n[i] && k < WIRE_BOXES; k++)
			take_box(&d->net[i], &d->wire->box[i][k], f, to);
	for (size_t i = 0; d->beside && i < d->found_beside.n; i++)
		detections_add(to, d->found_beside.at[i]);
	detections_thin(to, thin_limit);
}

/* --- the engine --- */

static enum err darknet_find(
	struct engine *e, const struct frame *f, struct detections *to)
{
	struct darknet *d = (struct darknet *)(void *)e;
	enum err r = E_OK;
	char byte = 0;

	to->n = 0;
	if (!d->child && (halt_clock_us() < d->next_us || !start_child(d)))
		return E_BUSY;
	give_picture(d, f);
	if (write(d->to, &byte, 1) != 1) {
		child_failed(d, "a picture is lost");
		return E_BUSY;
	}
	if (d->beside)
		r = d->beside->find(d->beside, f, &d->found_beside);
	if (!hear(d, d->find_us)) {
		child_failed(d, "a picture is lost");
		return E_BUSY;
	}
	if (*d->cause)
		log_info("engine darknet: tally-darknet works again");
	d->cause[0] = '\0';
	d->wait_us = 0;
	if (!r)
		take_boxes(d, f, to);
	return r;
}

static void darknet_free(struct engine *e)
{
	struct darknet *d = (struct darknet *)(void *)e;
	char how[sizeof(d->cause)];

	if (d->child)
		end_child(d, how, sizeof(how));
	if (d->beside)
		d->beside->free(d->beside);
	for (size_t i = 0; i < ARRAY_LEN(d->argv); i++)
		free(d->argv[i]);
	if (d->wire)
		munmap(d->wire, d->wire_bytes);
	if (d->memory >= 0)
		close(d->memory);
	free(d);
}

/* tally-darknet lies beside the program that runs. */
static char *find_program(void)
{
	char path[4096], *name, *program = NULL;
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0)
		return NULL;
	path[n] = '\0';
	name = strrchr(path, '/');
	if (!name)
		return NULL;
	*name = '\0';
	if (asprintf(&program, "%s/tally-darknet", path) < 0)
		return NULL;
	return program;
}

static char *number(double v)
{
	char *s = NULL;

	return asprintf(&s, "%g", v) < 0 ? NULL : s;
}

static bool write_arguments(struct darknet *d, double threshold)
{
	char **a = d->argv;

	*a++ = find_program();
	*a++ = number(threshold);
	for (size_t i = 0; i < d->n; i++) {
		*a++ = strdup(d->net[i].cfg);
		*a++ = strdup(d->net[i].weights);
		*a++ = number(d->net[i].w);
		*a++ = number(d->net[i].h);
	}
	for (char **b = d->argv; b < a; b++)
		if (!*b)
			return false;
	return true;
}

static bool map_wire(struct darknet *d)
{
	d->wire_bytes = sizeof(*d->wire);
	for (size_t i = 0; i < d->n; i++)
		d->wire_bytes += floats_of(&d->net[i]) * sizeof(float);
	d->memory = lift(memfd_create("pictures", MFD_CLOEXEC));
	if (d->memory < 0 || ftruncate(d->memory, (off_t)d->wire_bytes))
		return false;
	d->wire = mmap(NULL, d->wire_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		d->memory, 0);
	if (d->wire != MAP_FAILED)
		return true;
	d->wire = NULL;
	return false;
}

static enum err open_child(struct darknet *d, double threshold)
{
	if (!write_arguments(d, threshold) || !map_wire(d)) {
		log_error("engine darknet: %s", strerror(errno));
		return E_NOMEM;
	}
	if (access(d->argv[0], X_OK)) {
		log_error("engine darknet: %s: %s; `./dev darknet` builds it",
			d->argv[0], strerror(errno));
		return E_NOT_FOUND;
	}
	return start_child(d) ? E_OK : E_CORRUPT;
}

enum err darknet_open(struct engine **e, const struct net_files *nets, size_t n,
	const struct darknet_settings *s)
{
	struct engine *beside = s->beside;
	struct darknet *d = calloc(1, sizeof(*d));
	enum err r;

	*e = NULL;
	assert(n <= NETWORKS_MAX);
	if (!d)
		return E_NOMEM;
	d->base = (struct engine){.name = "darknet",
		.kinds = beside ? beside->kinds : 0,
		.find = darknet_find,
		.free = darknet_free};
	d->memory = d->to = d->from = d->words = -1;
	d->n = n;
	d->find_us = s->find_us;
	for (size_t i = 0; i < n; i++) {
		d->net[i] = nets[i];
		for (int k = 0; k < nets[i].classes.n; k++)
			if (nets[i].classes.kind[k] != KIND_NONE)
				d->base.kinds |= 1U << nets[i].classes.kind[k];
	}
	r = open_child(d, s->threshold);
	if (r) {
		/* Still the caller's. */
		d->beside = NULL;
		darknet_free(&d->base);
		return r;
	}
	d->beside = beside;
	*e = &d->base;
	return E_OK;
}
