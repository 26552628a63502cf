// SPDX-License-Identifier: MIT
/*
 * clip: the shared clips and models, found beside the repository.
 */
#ifndef TALLY_TESTS_INGEST_CLIP_H
#define TALLY_TESTS_INGEST_CLIP_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base.h"

/* 35 pictures, two people who walk towards the camera. */
#define CLIP_FACES  "../shared/data/videos/face-demographics-walking-preview.mp4"
#define CLIP_MODELS "../shared/models"

/* Whether the file is there; says on standard error which test is skipped. */
static inline bool clip_there(const char *path, const char *test)
{
	if (access(path, R_OK) == 0)
		return true;
	fprintf(stderr, "SKIP %s: %s is absent\n", test, path);
	return false;
}

/* A copy of the file's first bytes, n of them or all but -n; remove it. */
static inline void clip_cut(const char *path, const char *to, long n)
{
	FILE *in = fopen(path, "rb"), *out = fopen(to, "wb");
	char *bytes;
	long size;

	ck_assert(in && out);
	fseek(in, 0, SEEK_END);
	size = ftell(in);
	rewind(in);
	bytes = malloc((size_t)size);
	ck_assert_ptr_nonnull(bytes);
	ck_assert_uint_eq(fread(bytes, 1, (size_t)size, in), (size_t)size);
	if (n <= 0)
		n += size;
	ck_assert_uint_eq(fwrite(bytes, 1, (size_t)n, out), (size_t)n);
	free(bytes);
	fclose(in);
	fclose(out);
}

/* Other values in n bytes. */
static inline void clip_spoil(const char *path, long at, long n)
{
	FILE *f = fopen(path, "r+b");

	ck_assert_ptr_nonnull(f);
	fseek(f, at, SEEK_SET);
	for (long i = 0; i < n; i++)
		putc((int)(i * 37 + 11) & 0xff, f);
	fclose(f);
}

#endif
