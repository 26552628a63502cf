// SPDX-License-Identifier: MIT
/*
 * backlog: the parts of backlog.py that want to be fast.
 *
 *	backlog fill DIR NAME CAMERAS INTERVALS START
 *		puts INTERVALS rows of 10 s of each camera NAME-0 … into a
 *		spool, oldest first, without a sync; and the same rows into
 *		DIR.csv, the cameras by number, as LOAD DATA takes them
 *	backlog drain DIR URL TOKEN_FILE
 *		posts them as tally-ingest does; prints how many
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/log.h"
#include "common/when.h"
#include "ingest/post.h"
#include "ingest/record.h"

enum { SEGMENT_BYTES = 1000000, STEP_S = 10 };

static const int64_t drain_us = INT64_C(7200000000);

static FILE *open_in(const char *dir, const char *name)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s%s", dir, name);
	f = fopen(path, "we");
	if (!f) {
		perror(path);
		exit(1);
	}
	return f;
}

struct fill {
	const char *dir, *name;
	FILE *segment, *csv;
	unsigned segments;
	long bytes;
	uint64_t sequence;
};

static void add(struct fill *f, int camera, int64_t i, int64_t at)
{
	char start[WHEN_TEXT], end[WHEN_TEXT], row[512], bytes[RECORD_MAX];
	int people = (int)((i * 7 + camera) % 23), cars = (int)(i % 5);
	struct record r = {.sequence = ++f->sequence, .mark = at + STEP_S};

	when_format(start, at, 0, true);
	when_format(end, at + STEP_S, 0, true);
	r.content = (struct slice){row,
		(size_t)snprintf(row, sizeof(row),
			"{\"camera\":\"%s-%d\",\"start_at\":\"%s\","
			"\"end_at\":\"%s\",\"people\":%d,\"people_new\":%d,"
			"\"vehicle\":%d,\"vehicle_new\":0,\"classes\":"
			"{\"car\":%d,\"bus\":0,\"truck\":0,\"motorcycle\":0,"
			"\"bicycle\":0},\"observed_s\":%d}",
			f->name, camera, start, end, people, people / 4, cars,
			cars, STEP_S)};
	if (!f->segment || f->bytes > SEGMENT_BYTES) {
		char name[32];

		if (f->segment)
			fclose(f->segment);
		snprintf(name, sizeof(name), "/rows-%010u", ++f->segments);
		f->segment = open_in(f->dir, name);
		f->bytes = 0;
	}
	f->bytes += (long)fwrite(bytes, 1, record_write(bytes, &r), f->segment);
	start[10] = end[10] = ' ';
	fprintf(f->csv, "%d,%.19s,%.19s,%d,%d,%d,0,%d,0,0,0,0,%d\n", camera,
		start, end, people, people / 4, cars, cars, STEP_S);
}

static int fill(
	const char *dir, const char *name, int cameras, int64_t n, int64_t from)
{
	struct fill f = {.dir = dir, .name = name};

	mkdir(dir, 0700);
	f.csv = open_in(dir, ".csv");
	for (int64_t i = 0; i < n; i++)
		for (int c = 0; c < cameras; c++)
			add(&f, c, i, from + i * STEP_S);
	fclose(f.csv);
	return f.segment ? fclose(f.segment) : 1;
}

static bool ours(void *arg, const char *camera)
{
	(void)arg;
	(void)camera;
	return true;
}

static int drain(const char *dir, const char *url, const char *token)
{
	struct post_settings set = {.url = url,
		.token_file = token,
		.ours = ours,
		.wait_least_us = 250000,
		.wait_most_us = 1000000,
		.answer_us = 60000000};
	struct spool_facts facts;
	struct spool *spool;
	struct post *post;
	int failed;

	if (spool_open(&spool, dir, (size_t)1 << 40))
		return 1;
	if (post_open(&post, &set, spool)) {
		spool_close(spool);
		return 1;
	}
	post_end(post, drain_us, false);
	failed = post_run(post) != E_OK;
	facts = spool_facts_now(spool);
	printf("%" PRIu64 "\n", post_facts_now(post).stored);
	failed = failed || facts.waiting || facts.refused || facts.quarantined;
	post_close(post);
	spool_close(spool);
	return failed;
}

int main(int argc, char **argv)
{
	log_open("bench", LOG_WARN);
	if (argc == 7 && !strcmp(argv[1], "fill"))
		return fill(argv[2], argv[3], atoi(argv[4]), atoll(argv[5]),
			atoll(argv[6]));
	if (argc == 5 && !strcmp(argv[1], "drain"))
		return drain(argv[2], argv[3], argv[4]);
	fputs("backlog: backlog.py runs this\n", stderr);
	return 2;
}
