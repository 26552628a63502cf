// SPDX-License-Identifier: MIT
#include "ingest/probe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/when.h"
#include "ingest/fleet.h"
#include "ingest/png.h"

/* What motion needs to know the background by. */
enum { PICTURES = 25 };

struct probe {
	struct conf own;
	struct address address;
	struct halt halt;
	struct source *source;
	struct engine *engine;
	struct frame frame;
	struct detections found;
	int pictures;
	int64_t first_us, last_us; /* of their times */
	int64_t began_us, ended_us;
};

static enum err choose(struct probe *p, const struct conf *c, const char *what)
{
	char set[ADDRESS_MAX + 32], err[512];
	size_t i;
	enum err e;

	for (i = 0; i < c->cameras && strcmp(c->camera[i], what); i++)
		;
	if ((e = conf_camera(c, i, &p->own)) || i < c->cameras)
		return e;
	snprintf(set, sizeof(set), "ingest.source=%s", what);
	if (!(e = conf_set(&p->own, set, err)))
		return E_OK;
	log_error("%s", err);
	return e;
}

static enum status open_source(struct probe *p)
{
	char why[SOURCE_WHY];

	if (!address_live(&p->address))
		return fleet_open_clip(&p->source, &p->address, &p->own);
	if (!source_connect(&p->source, &p->address, &p->halt,
		    p->own.ingest_stall_s * INT64_C(1000000), why))
		return STATUS_OK;
	log_error("source %s: %s", p->address.shown, why);
	return STATUS_SOURCE_MISSING;
}

/* Some pictures, each looked at; the last one stays. */
static enum status look(struct probe *p)
{
	enum err e = E_OK;

	p->began_us = halt_clock_us();
	while (p->pictures < PICTURES &&
		!(e = source_read(p->source, &p->frame))) {
		if (!p->pictures++)
			p->first_us = p->frame.pts_us;
		p->last_us = p->frame.pts_us;
		p->ended_us = halt_clock_us();
		e = p->engine->find(p->engine, &p->frame, &p->found);
		if (e && e != E_BUSY)
			return STATUS_MODEL_CORRUPT;
	}
	if (p->pictures)
		return STATUS_OK;
	log_error("source %s: %s", p->address.shown,
		*source_why(p->source) ? source_why(p->source) : err_text(e));
	return STATUS_SOURCE_CORRUPT;
}

static void tell_times(const struct probe *p, const struct source_facts *f)
{
	char at[WHEN_TEXT];
	bool live = address_live(&p->address);

	if (f->timed && p->last_us > p->first_us)
		printf("times      of the stream, %.2f pictures/s in %d "
		       "pictures\n",
			(p->pictures - 1) * 1e6 /
				(double)(p->last_us - p->first_us),
			p->pictures);
	else if (live && p->pictures > 1)
		printf("times      none: a picture is of when it comes, %.2f a "
		       "second\n",
			(p->pictures - 1) * 1e6 /
				(double)(p->ended_us - p->began_us));
	else
		puts("times      none");
	if (!live)
		printf("length     %lu pictures, %.2f s\n", f->pictures,
			(double)f->length_us / 1e6);
	if (!live && f->recorded_us != INT64_MIN)
		printf("recorded   %s\n",
			when_format(at, f->recorded_us / 1000000, 0, true));
	else if (!live)
		puts("recorded   not told");
}

static void tell(const struct probe *p)
{
	struct source_facts f = source_about(p->source);
	int of[GROUP_COUNT] = {0};

	printf("source     %s\n", p->address.shown);
	printf("container  %s\n", f.container);
	printf("codec      %s\n", f.codec);
	printf("size       %d x %d, looked at as %d x %d\n", f.own_w, f.own_h,
		p->frame.w, p->frame.h);
	printf("rate       %.2f pictures/s as announced\n",
		1e6 / (double)f.period_us);
	tell_times(p, &f);
	for (size_t i = 0; i < p->found.n; i++)
		of[kind_group(p->found.at[i].kind)]++;
	printf("engine     %s:", p->engine->name);
	for (int g = 0; g < GROUP_COUNT; g++)
		printf("%s %d %s", g ? "," : "", of[g],
			group_name((enum group)g));
	puts("");
}

static enum status work(struct probe *p, const struct conf *c, const char *what,
	const char *png)
{
	enum status s;

	if (choose(p, c, what) || fleet_look(&p->own, &p->address))
		return STATUS_USAGE;
	if ((s = open_source(p)) ||
		(s = fleet_open_engine(&p->engine, &p->own)) || (s = look(p)))
		return s;
	tell(p);
	if (png_write(png, &p->frame, &p->found))
		return STATUS_FAILED;
	printf("picture    %s\n", png);
	return STATUS_OK;
}

enum status probe_run(const struct conf *c, const char *what, const char *png)
{
	struct probe *p = calloc(1, sizeof(*p));
	enum status s;

	if (!p)
		return STATUS_FAILED;
	halt_init(&p->halt);
	s = work(p, c, what, png);
	if (p->engine)
		p->engine->free(p->engine);
	source_close(p->source);
	halt_fini(&p->halt);
	conf_free(&p->own);
	explicit_bzero(&p->address, sizeof(p->address));
	free(p);
	return s;
}
