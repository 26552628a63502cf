// SPDX-License-Identifier: MIT
/*
 * detect: what the way from a clip to the spool costs beside detection itself.
 * In turns, on one clip: a bare loop (decode, detect), and ingest as it runs
 * (decode, detect, track, count, spool).  Exits 1 below the ratio of 0.9, or
 * where a picture takes 5 % more of a processor's time.
 *
 * The clip is $TALLY_CLIP, else a shared one; the models are in $TALLY_MODELS.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/conf.h"
#include "common/log.h"
#include "ingest/camera.h"

enum { ROUNDS = 3, PICTURES = 300 };

static const double ratio_least = 0.9;
static const double added_most = 0.05;

struct sums {
	double pictures;
	double s;	 /* of the whole loop */
	double engine_s; /* inside the engine */
	double cpu_s;	 /* of all threads */
};

static double seconds(void)
{
	return (double)halt_clock_us() / 1e6;
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Resident memory of this process, MiB. */
static double rss(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long size, pages = 0;

	if (f && fscanf(f, "%lu %lu", &size, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

static enum err bare(struct camera *c, struct sums *sum)
{
	static struct detections d;
	double from = seconds(), cpu = cpu_seconds();
	struct frame f;
	enum err e = E_OK;

	for (int i = 0; i < PICTURES; i++) {
		double at;

		if ((e = source_read(c->source, &f)))
			break;
		at = seconds();
		if ((e = c->engine->find(c->engine, &f, &d)))
			break;
		sum->engine_s += seconds() - at;
		sum->pictures++;
	}
	sum->s += seconds() - from;
	sum->cpu_s += cpu_seconds() - cpu;
	if (e && e != E_NOT_FOUND)
		return e;
	return source_rewind(c->source);
}

/* Ends ingest after as many pictures as the bare loop looked at. */
struct bounded {
	struct engine base;
	struct engine *inner;
	struct halt *halt;
	int left;
};

static enum err find_bounded(
	struct engine *e, const struct frame *f, struct detections *d)
{
	struct bounded *b = (struct bounded *)(void *)e;

	if (--b->left <= 0)
		halt_say(b->halt);
	return b->inner->find(b->inner, f, d);
}

static enum err whole(struct camera *c, struct sums *sum)
{
	struct engine *inner = c->engine;
	struct bounded b = {.base = *inner,
		.inner = inner,
		.halt = c->halt,
		.left = PICTURES};
	double from = seconds(), cpu = cpu_seconds();
	enum status s;

	b.base.find = find_bounded;
	c->engine = &b.base;
	c->halt->said = false;
	s = camera_run(c);
	c->engine = inner;
	sum->s += seconds() - from;
	sum->cpu_s += cpu_seconds() - cpu;
	sum->pictures += (double)c->totals.pictures;
	return s == STATUS_OK ? source_rewind(c->source) : E_IO;
}

static int report(const struct engine *e, const struct sums *bare_sum,
	const struct sums *whole_sum, double rss_before)
{
	double fps_bare = bare_sum->pictures / bare_sum->s;
	double fps_engine = bare_sum->pictures / bare_sum->engine_s;
	double fps_whole = whole_sum->pictures / whole_sum->s;
	double cpu_bare = bare_sum->cpu_s / bare_sum->pictures;
	double cpu_whole = whole_sum->cpu_s / whole_sum->pictures;
	double added = cpu_whole / cpu_bare - 1;

	printf("engine %s, %d rounds in turns of %.0f pictures\n", e->name,
		ROUNDS, bare_sum->pictures / ROUNDS);
	printf("%-40s %10s %8s\n", "", "pictures/s", "ratio");
	printf("%-40s %10.1f\n", "engine alone", fps_engine);
	printf("%-40s %10.1f %8s\n", "bare loop: decode, detect", fps_bare,
		"1.00");
	printf("%-40s %10.1f %8.2f\n", "ingest: decode, detect, track, spool",
		fps_whole, fps_whole / fps_bare);
	printf("%-40s %10s %8.2f\n", "ingest against the engine alone", "",
		fps_whole / fps_engine);
	printf("CPU added to decode and detect, %%: %.1f (%.2f ms a picture to "
	       "%.2f ms; under %.0f)\n",
		100 * added, 1e3 * cpu_bare, 1e3 * cpu_whole, 100 * added_most);
	printf("RSS: %.0f MiB before a model, %.0f MiB at work\n", rss_before,
		rss());
	return fps_whole / fps_bare >= ratio_least && added < added_most ? 0
									 : 1;
}

static int run(struct camera *c, double rss_before)
{
	struct sums bare_sum = {0}, whole_sum = {0}, warm = {0};

	if (bare(c, &warm))
		return 1;
	for (int i = 0; i < ROUNDS; i++)
		if (bare(c, &bare_sum) || whole(c, &whole_sum))
			return 1;
	return report(c->engine, &bare_sum, &whole_sum, rss_before);
}

int main(void)
{
	const char *clip = getenv("TALLY_CLIP"),
		   *models = getenv("TALLY_MODELS");
	char dir[] = "/tmp/tally-bench-XXXXXX", command[64], setting[4200];
	char err[512];
	double rss_before = rss();
	struct halt halt;
	struct gate gate;
	struct conf conf;
	struct camera c = {.code = "bench",
		.interval_s = 10,
		.max = true,
		.start_us = INT64_C(1763683200000000),
		.loops = 1000000,
		.gate = &gate,
		.wall_clock_us = camera_wall_clock_us,
		.halt = &halt};
	int failed = 1;

	log_open("bench", LOG_WARN);
	conf_init(&conf);
	halt_init(&halt);
	gate_init(&gate, 1);
	snprintf(setting, sizeof(setting), "ingest.models_dir=%s",
		models && *models ? models : "../shared/models");
	if (!clip || !*clip)
		clip = "../shared/data/videos/one-by-one-person-detection.mp4";
	if (conf_set(&conf, setting, err) || !mkdtemp(dir))
		return 1;
	if (!engine_open(&c.engine, &conf) && !source_open(&c.source, clip) &&
		!spool_open(&c.spool, dir, 1 << 20) &&
		(c.marks = marks_open(dir)))
		failed = run(&c, rss_before);
	marks_close(c.marks);
	spool_close(c.spool);
	source_close(c.source);
	if (c.engine)
		c.engine->free(c.engine);
	gate_fini(&gate);
	halt_fini(&halt);
	conf_free(&conf);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) || failed;
}
