// SPDX-License-Identifier: MIT
#include <check.h>
#include <string.h>

#include "ingest/address.h"

static struct address a;
static char why[200];

START_TEST(what_is_shown_holds_no_name_and_no_password)
{
	static const struct {
		const char *source, *user, *password, *shown, *url;
		enum address_kind kind;
	} row[] = {
		{"rtsp://cam/s", "", "", "rtsp://cam/s", "rtsp://cam/s",
			ADDRESS_RTSP},
		{"RTSP://u:p@cam:554/s", "", "", "RTSP://cam:554/s",
			"RTSP://u:p@cam:554/s", ADDRESS_RTSP},
		{"rtsps://u:p@ss@cam", "", "", "rtsps://cam",
			"rtsps://u:p%40ss@cam", ADDRESS_RTSP},
		{"rtsp://u:p%2Fq@cam/", "", "", "rtsp://cam/",
			"rtsp://u:p%2Fq@cam/", ADDRESS_RTSP},
		{"http://cam/v?user=a&pwd=b", "", "", "http://cam/v?...",
			"http://cam/v?user=a&pwd=b", ADDRESS_HTTP},
		{"https://cam/v", "ad min", "s e/c@t%", "https://cam/v",
			"https://ad%20min:s%20e%2Fc%40t%25@cam/v",
			ADDRESS_HTTP},
		{"http://[::1]:80/a@b", "u", "", "http://[::1]:80/a@b",
			"http://u@[::1]:80/a@b", ADDRESS_HTTP},
		{"/dev/video0", "", "", "/dev/video0", "/dev/video0",
			ADDRESS_V4L2},
		{"a b/c:d", "", "", "a b/c:d", "a b/c:d", ADDRESS_PATH},
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		ck_assert_msg(!address_parse(&a, row[i].source, row[i].user,
				      row[i].password, why),
			"%s: %s", row[i].source, why);
		ck_assert_int_eq(a.kind, row[i].kind);
		ck_assert_str_eq(a.shown, row[i].shown);
		ck_assert_str_eq(a.url, row[i].url);
	}
}
END_TEST

START_TEST(what_is_refused_is_not_repeated)
{
	static const struct {
		const char *source, *user, *password;
	} row[] = {{"", "", ""}, {"file:///s3cret", "", ""},
		{"concat://s3cret", "", ""}, {"rtsp://", "", ""},
		{"rtsp://u:s3cret@", "", ""}, {"rtsp://u:s3cret@/x", "", ""},
		{"rtsp://u:s3cret@c/ x", "", ""},
		{"rtsp://u:s3cret@c\n/", "", ""},
		{"rtsp://u:s3cret@c/", "v", "s3cret"},
		{"rtsp://c/", "u:v", "s3cret"}, {"rtsp://c/", "", "s3cret"},
		{"/clip.mp4", "u", "s3cret"},
		{"rtsp://c/", "u",
			"s3cret@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"},
		{"rtmp://u:s3cret@c/", "", ""}};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		ck_assert_msg(address_parse(&a, row[i].source, row[i].user,
				      row[i].password, why) == E_INVALID,
			"%s", row[i].source);
		ck_assert_ptr_null(strstr(why, "s3cret"));
		ck_assert_uint_gt(strlen(why), 0);
	}
}
END_TEST

START_TEST(a_librarys_words_are_veiled)
{
	static const char *const row[][2] = {
		{"open 'rtsp://u:p@h/x?y=z' failed",
			"open 'rtsp://h/x' failed"},
		{"rtsp://u:p@h and http://v:q@w:q@i/j#k",
			"rtsp://h and http://i/j"},
		{"http://h/a@b", "http://h/a@b"}, {"://@", "://"}, {"", ""}};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		char text[100];

		strcpy(text, row[i][0]);
		address_veil(text);
		ck_assert_str_eq(text, row[i][1]);
	}
	ck_assert(address_tells("--source=rtsp://u:p@h/"));
	ck_assert(address_tells("http://h/ rtsp://u@h"));
	ck_assert(!address_tells("rtsp://h/a@b"));
}
END_TEST

Suite *test_ingest_address(void);
Suite *test_ingest_address(void)
{
	Suite *s = suite_create("ingest/address");
	TCase *t = tcase_create("address");

	tcase_add_test(t, what_is_shown_holds_no_name_and_no_password);
	tcase_add_test(t, what_is_refused_is_not_repeated);
	tcase_add_test(t, a_librarys_words_are_veiled);
	suite_add_tcase(s, t);
	return s;
}
