// SPDX-License-Identifier: MIT
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ingest/source.h"
#include "tests/ingest/clip.h"

static char cut[] = "/tmp/tally-clip-XXXXXX.mp4";

static void start(void)
{
	int fd;

	snprintf(cut, sizeof(cut), "/tmp/tally-clip-XXXXXX.mp4");
	fd = mkstemps(cut, 4);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void stop(void)
{
	unlink(cut);
}

static enum err open_only(const char *path)
{
	struct source *s;
	enum err e = source_open(&s, path);

	source_close(s);
	return e;
}

START_TEST(a_clip_gives_all_its_pictures_in_each_pass)
{
	struct source *s;
	struct frame f;

	if (!clip_there(CLIP_FACES, "ingest/source"))
		return;
	ck_assert(!source_open(&s, CLIP_FACES));
	ck_assert_uint_eq(source_about(s).pictures, 35);
	ck_assert_int_eq(source_about(s).w, 480);
	ck_assert_int_eq(source_about(s).h, 270);
	for (int pass = 0; pass < 3; pass++) {
		int64_t last = -1;
		int n = 0;
		enum err e;

		while (!(e = source_read(s, &f))) {
			ck_assert_int_gt(f.pts_us, last);
			last = f.pts_us;
			n++;
		}
		ck_assert_int_eq(e, E_NOT_FOUND);
		ck_assert_int_eq(n, 35);
		ck_assert(!source_rewind(s));
	}
	ck_assert_uint_eq(source_damaged(s), 0);
	source_close(s);
}
END_TEST

START_TEST(a_missing_clip_is_told_apart_from_a_bad_one)
{
	ck_assert_int_eq(open_only("/nowhere/clip.mp4"), E_NOT_FOUND);
	ck_assert_int_eq(open_only(""), E_NOT_FOUND);
	ck_assert_int_eq(open_only("/tmp"), E_NOT_FOUND);
	ck_assert_int_eq(open_only(cut), E_CORRUPT);
	clip_spoil(cut, 0, 5000);
	ck_assert_int_eq(open_only(cut), E_CORRUPT);
}
END_TEST

START_TEST(a_playlist_is_no_clip)
{
	FILE *f = fopen(cut, "w");

	fputs("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n/etc/passwd\n"
	      "#EXT-X-ENDLIST\n",
		f);
	fclose(f);
	ck_assert_int_eq(open_only(cut), E_CORRUPT);
	f = fopen(cut, "w");
	fprintf(f, "ffconcat version 1.0\nfile %s\n", "/etc/passwd");
	fclose(f);
	ck_assert_int_eq(open_only(cut), E_CORRUPT);
}
END_TEST

START_TEST(a_clip_without_its_end_is_truncated)
{
	static const long left_out[] = {1, 100, 5000, 50000};

	if (!clip_there(CLIP_FACES, "ingest/source"))
		return;
	for (size_t i = 0; i < ARRAY_LEN(left_out); i++) {
		clip_cut(CLIP_FACES, cut, -left_out[i]);
		ck_assert_msg(open_only(cut) == E_SYNTAX, "%ld", left_out[i]);
	}
	clip_cut(CLIP_FACES, cut, 40);
	ck_assert_int_eq(open_only(cut), E_CORRUPT);
}
END_TEST

START_TEST(damaged_pictures_are_counted_and_the_rest_given)
{
	struct source *s;
	struct frame f;
	char words[200];
	int n = 0;

	if (!clip_there(CLIP_FACES, "ingest/source"))
		return;
	clip_cut(CLIP_FACES, cut, 0);
	clip_spoil(cut, 60000, 400);
	ck_assert(!source_open(&s, cut));
	while (!source_read(s, &f))
		n++;
	ck_assert_int_gt(n, 15);
	ck_assert_uint_gt(source_damaged(s), 0);
	source_words(words);
	ck_assert_int_ne(words[0], '\0');
	source_close(s);
}
END_TEST

START_TEST(what_is_no_camera_is_told_apart)
{
	static const struct {
		const char *path, *why;
	} row[] = {{"/dev/video-nowhere",
			   "cannot be opened: No such file or directory"},
		{"/dev/null",
			"is no V4L2 device: Inappropriate ioctl for device"},
		{"/tmp", "cannot be opened: Is a directory"}};
	struct address a = {.kind = ADDRESS_V4L2};
	char why[SOURCE_WHY];
	struct source *s;
	struct halt halt;

	halt_init(&halt);
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		snprintf(a.url, sizeof(a.url), "%s", row[i].path);
		ck_assert(source_connect(&s, &a, &halt, 1000000, why));
		ck_assert_ptr_null(s);
		ck_assert_str_eq(why, row[i].why);
	}
	halt_fini(&halt);
}
END_TEST

START_TEST(a_folder_without_images_is_no_clip)
{
	char dir[] = "/tmp/tally-images-XXXXXX", path[64];
	struct source *s;
	FILE *f;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(source_open_folder(&s, dir, 1), E_NOT_FOUND);
	snprintf(path, sizeof(path), "%s/x.PNG", dir);
	ck_assert_ptr_nonnull(f = fopen(path, "w"));
	fputs("no image", f);
	fclose(f);
	ck_assert_int_eq(source_open_folder(&s, dir, 1), E_CORRUPT);
	unlink(path);
	rmdir(dir);
	ck_assert_int_eq(source_open_folder(&s, dir, 1), E_NOT_FOUND);
}
END_TEST

Suite *test_ingest_source(void);
Suite *test_ingest_source(void)
{
	Suite *s = suite_create("ingest/source");
	TCase *t = tcase_create("source");

	tcase_add_checked_fixture(t, start, stop);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, what_is_no_camera_is_told_apart);
	tcase_add_test(t, a_folder_without_images_is_no_clip);
	tcase_add_test(t, a_clip_gives_all_its_pictures_in_each_pass);
	tcase_add_test(t, a_missing_clip_is_told_apart_from_a_bad_one);
	tcase_add_test(t, a_playlist_is_no_clip);
	tcase_add_test(t, a_clip_without_its_end_is_truncated);
	tcase_add_test(t, damaged_pictures_are_counted_and_the_rest_given);
	suite_add_tcase(s, t);
	return s;
}
