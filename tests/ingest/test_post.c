// SPDX-License-Identifier: MIT
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ingest/drawings.h"
#include "ingest/post.h"
#include "tests/ingest/disk.h"
#include "tests/ingest/peer.h"

#define STORED(n) \
	"{\"received\":" #n ",\"inserted\":" #n \
	",\"duplicate\":0,\"replaced\":0,\"rejected\":0,\"errors\":[]}"
#define REFUSED(field) \
	"{\"type\":\"t\",\"status\":422,\"detail\":\"no\",\"received\":1," \
	"\"inserted\":0,\"duplicate\":0,\"replaced\":0,\"rejected\":1," \
	"\"errors\":[{\"line\":1,\"field\":\"" field "\",\"detail\":\"d\"}]}"

static char dir[64], token_path[80], url[64];
static struct spool *spool;
static struct post *post;
static struct post_settings set;

static void write_token(const char *token)
{
	FILE *f = fopen(token_path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(token, f);
	fclose(f);
}

static void start(void)
{
	snprintf(dir, sizeof(dir), "/tmp/tally-post-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(token_path, sizeof(token_path), "%s/token", dir);
	write_token("secret-1\n");
	ck_assert(!spool_open(&spool, dir, 1 << 20));
}

static void stop(void)
{
	char command[128];

	disk_is_careless = false;
	post_close(post);
	spool_close(spool);
	for (size_t i = 0; i < peer.n && i < REQUESTS; i++)
		free(peer.request[i]);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static void put(int n)
{
	for (int i = 0; i < n; i++) {
		char row[64];
		int k = snprintf(row, sizeof(row),
			"{\"camera\":\"a\",\"people\":%d}", i);

		ck_assert(!spool_put(spool, row, (size_t)k, i));
	}
}

static bool is_a(void *arg, const char *camera)
{
	(void)arg;
	return !strcmp(camera, "a");
}

/* Posts what waits, to the peer with these replies, for at most some time. */
static void run(const struct reply *replies, size_t n, int64_t us, bool once)
{
	peer_start(replies, n);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", peer.port);
	set = (struct post_settings){.url = url,
		.token_file = token_path,
		.ours = is_a,
		.wait_least_us = 1000,
		.wait_most_us = 20000,
		.answer_us = 2000000};
	ck_assert(!post_open(&post, &set, spool));
	post_end(post, us, once);
	ck_assert_int_eq(post_run(post), E_OK);
	post_close(post);
	post = NULL;
	peer_stop();
}

static uint64_t waiting(void)
{
	return spool_facts_now(spool).waiting;
}

START_TEST(rows_leave_in_one_request_when_they_are_stored)
{
	static const struct reply r[] = {{200, NULL, STORED(3)}};

	put(3);
	run(r, 1, 5000000, false);
	ck_assert_uint_eq(waiting(), 0);
	ck_assert_uint_eq(peer.n, 1);
	ck_assert(has(0, "POST /api/v1/counts HTTP/1.1\r\n"));
	ck_assert(has(0, "Authorization: Bearer secret-1\r\n"));
	ck_assert(has(0, "Content-Type: application/json\r\n"));
	ck_assert(has(0,
		"\r\n\r\n[{\"camera\":\"a\",\"people\":0},"
		"{\"camera\":\"a\",\"people\":1},"
		"{\"camera\":\"a\",\"people\":2}]"));
}
END_TEST

START_TEST(one_row_is_an_object_and_the_connection_is_kept)
{
	static const struct reply r[] = {
		{503, NULL, ""}, {500, NULL, "<html>"}, {200, NULL, STORED(1)}};

	put(1);
	run(r, 3, 5000000, false);
	ck_assert_uint_eq(waiting(), 0);
	ck_assert_uint_eq(peer.n, 3);
	ck_assert_uint_eq(peer.connections, 1);
	ck_assert(has(2, "\r\n\r\n{\"camera\":\"a\",\"people\":0}"));
}
END_TEST

START_TEST(a_row_stays_without_the_answer_that_it_is_stored)
{
	static const struct reply bad[] = {{200, NULL, ""},
		{200, NULL, "{\"ok\":true}"}, {200, NULL, STORED(2)},
		{200, NULL,
			"{\"received\":1,\"inserted\":0,\"duplicate\":0,"
			"\"replaced\":0,\"rejected\":1,\"errors\":[]}"},
		{302, "Location: http://127.0.0.1/\r\n", ""}, {404, NULL, ""},
		{400, NULL, "{}"}, {422, NULL, "{}"}, {422, NULL, "no"},
		{0, NULL, NULL}};

	put(1);
	run(bad, ARRAY_LEN(bad), 1000000, false);
	ck_assert_uint_ge(peer.n, ARRAY_LEN(bad));
	ck_assert_uint_eq(waiting(), 1);
	ck_assert_uint_eq(spool_facts_now(spool).refused, 0);
}
END_TEST

START_TEST(one_bad_row_does_not_hold_up_the_others)
{
	/* All three, the first two, the first, the second, the third. */
	static const struct reply r[] = {{422, NULL, REFUSED("people")},
		{422, NULL, REFUSED("people")}, {200, NULL, STORED(1)},
		{422, NULL, REFUSED("people")}, {200, NULL, STORED(1)}};
	char line[300];
	char path[96];
	FILE *f;

	put(3);
	run(r, 5, 5000000, false);
	ck_assert_uint_eq(waiting(), 0);
	ck_assert_uint_eq(peer.n, 5);
	ck_assert_uint_eq(spool_facts_now(spool).refused, 1);
	snprintf(path, sizeof(path), "%s/refused.ndjson", dir);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	fclose(f);
	ck_assert_str_eq(line,
		"{\"why\":\"HTTP 422: people: d\","
		"\"row\":{\"camera\":\"a\",\"people\":1}}\n");
}
END_TEST

START_TEST(fresh_rows_get_every_other_request)
{
	static const struct reply r[] = {{200, NULL, STORED(1000)},
		{200, NULL, STORED(3)}, {200, NULL, STORED(500)}};

	disk_is_careless = true;
	put(1500);
	ck_assert(!spool_split(spool));
	put(3);
	ck_assert_uint_eq(spool_facts_now(spool).fresh, 3);
	run(r, 3, 60000000, false);
	ck_assert_uint_eq(waiting(), 0);
	ck_assert_uint_eq(peer.n, 3);
	ck_assert(has(0, "\"people\":999}"));
	ck_assert(has(1, "[{\"camera\":\"a\",\"people\":0}"));
	ck_assert(!has(1, "\"people\":3}"));
	ck_assert(has(2, "[{\"camera\":\"a\",\"people\":1000}"));
	ck_assert(has(2, "\"people\":1499}]"));
}
END_TEST

START_TEST(a_backlog_is_split_once_the_api_answers)
{
	static const struct reply r[] = {
		{200, NULL, STORED(1000)}, {503, NULL, ""}};

	disk_is_careless = true;
	put(3000);
	run(r, 2, 60000000, true);
	ck_assert_uint_eq(waiting(), 2000);
	put(1);
	ck_assert_uint_eq(spool_facts_now(spool).fresh, 1);
}
END_TEST

START_TEST(an_unknown_camera_is_waited_for)
{
	static const struct reply r[] = {{422, NULL, REFUSED("camera")},
		{422, NULL, REFUSED("camera")}, {200, NULL, STORED(1)}};

	put(1);
	run(r, 3, 5000000, false);
	ck_assert_uint_eq(waiting(), 0);
	ck_assert_uint_eq(spool_facts_now(spool).refused, 0);
}
END_TEST

START_TEST(rows_of_an_unknown_camera_do_not_hold_up_the_rest)
{
	/* Both; the first alone, which goes behind the second; the second;
	 * the first again, twice. */
	static const struct reply r[] = {{422, NULL, REFUSED("camera")},
		{422, NULL, REFUSED("camera")}, {200, NULL, STORED(1)},
		{422, NULL, REFUSED("camera")}, {200, NULL, STORED(1)}};

	put(2);
	run(r, 5, 60000000, false);
	ck_assert_uint_eq(waiting(), 0);
	ck_assert_uint_eq(peer.n, 5);
	ck_assert_uint_eq(spool_facts_now(spool).refused, 0);
	ck_assert(has(1, "\r\n\r\n{\"camera\":\"a\",\"people\":0}"));
	ck_assert(has(2, "\"people\":1}"));
	ck_assert(has(4, "\r\n\r\n{\"camera\":\"a\",\"people\":0}"));
}
END_TEST

START_TEST(rows_of_a_renamed_camera_do_not_hold_up_the_rest)
{
	static const struct reply r[] = {
		{422, NULL, REFUSED("camera")}, {200, NULL, STORED(1)}};

	ck_assert(!spool_put(spool, "{\"camera\":\"old\"}", 16, 1));
	run(r, 2, 5000000, false);
	ck_assert_uint_eq(waiting(), 0);
	ck_assert_uint_eq(spool_facts_now(spool).refused, 1);
}
END_TEST

/* Gives a new token while the poster is refused with the old one. */
static void *change_token(void *arg)
{
	(void)arg;
	usleep(200000);
	write_token("{\"url\":\"x\",\"ingest_token\":\"secret-2\"}");
	return NULL;
}

START_TEST(a_refused_token_keeps_the_rows_and_is_read_again)
{
	static struct reply r[REQUESTS];
	pthread_t t;
	size_t last;

	for (size_t i = 0; i < ARRAY_LEN(r); i++)
		r[i] = (struct reply){i % 2 ? 403 : 401, NULL, "{}"};
	put(1);
	ck_assert_int_eq(pthread_create(&t, NULL, change_token, NULL), 0);
	run(r, ARRAY_LEN(r), 600000, false);
	pthread_join(t, NULL);
	ck_assert_uint_eq(waiting(), 1);
	ck_assert(has(0, "Bearer secret-1\r\n"));
	last = peer.n < REQUESTS ? peer.n - 1 : REQUESTS - 1;
	ck_assert_uint_gt(last, 2);
	ck_assert(has(last, "Bearer secret-2\r\n"));
}
END_TEST

START_TEST(retry_after_is_honoured)
{
	static const struct reply r[] = {
		{429, "Retry-After: 1\r\n", ""}, {200, NULL, STORED(1)}};
	int64_t from = halt_clock_us();

	put(1);
	run(r, 2, 5000000, false);
	ck_assert_uint_eq(waiting(), 0);
	ck_assert_int_ge(halt_clock_us() - from, 1000000);
}
END_TEST

START_TEST(the_last_try_of_a_program_that_ends_is_one)
{
	static const struct reply r[] = {{503, NULL, ""}};
	int64_t from = halt_clock_us();

	put(1);
	run(r, 1, 5000000, true);
	ck_assert_uint_eq(waiting(), 1);
	ck_assert_uint_eq(peer.n, 1);
	ck_assert_int_lt(halt_clock_us() - from, 2000000);
}
END_TEST

START_TEST(a_url_with_credentials_or_a_path_is_refused)
{
	static const char *const bad[] = {"", "localhost", "ftp://a", "http://",
		"http://u:p@a", "http://a/b", "http://a?x",
		"file:///etc/passwd"};

	set = (struct post_settings){
		.token_file = token_path, .ours = is_a, .answer_us = 1000000};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		set.url = bad[i];
		ck_assert_msg(post_open(&post, &set, spool) == E_INVALID, "%s",
			bad[i]);
	}
	set.url = "http://a";
	set.token_file = "/nowhere/token";
	ck_assert_int_eq(post_open(&post, &set, spool), E_INVALID);
}
END_TEST

#define DRAWN(lines) "{\"cameras\":[{\"camera\":\"a\",\"lines\":[" lines "]}]}"

static void *follow(void *arg)
{
	drawings_run(arg);
	return NULL;
}

START_TEST(what_is_drawn_is_asked_for_unless_it_has_the_tag_that_is_known)
{
	static const struct reply r[] = {
		{200, "ETag: \"one\"\r\n",
			DRAWN("{\"line\":\"b\",\"points\":[[0,0],[1,1]]}")},
		{503, NULL, "{}"}, {200, "ETag: \"two\"\r\n", DRAWN("")},
		{304, NULL, ""}};
	struct drawings_settings s = {.url = url, .token_file = token_path};
	struct drawings *d;
	struct shapes shapes;
	uint64_t seen = 0;
	struct halt halt;
	pthread_t thread;

	peer_start(r, ARRAY_LEN(r));
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", peer.port);
	halt_init(&halt);
	s.halt = &halt;
	ck_assert_int_eq(drawings_open(&d, &s), E_OK);
	ck_assert(drawings_take(d, "a", &seen, &shapes));
	ck_assert_uint_eq(shapes.lines_n, 1);
	ck_assert(!drawings_take(d, "a", &seen, &shapes));
	ck_assert_int_eq(pthread_create(&thread, NULL, follow, d), 0);
	while (!drawings_take(d, "a", &seen, &shapes))
		usleep(10000);
	ck_assert_uint_eq(shapes.lines_n, 0);
	halt_say(&halt);
	pthread_join(thread, NULL);
	drawings_close(d);
	peer_stop();
	halt_fini(&halt);
	ck_assert(!has(0, "If-None-Match"));
	ck_assert(has(0, "GET /api/v1/ingest/config HTTP"));
	for (size_t i = 0; i < 3; i++)
		ck_assert(has(i, "Authorization: Bearer secret-1"));
	for (size_t i = 1; i < 3; i++) {
		ck_assert(has(i, "GET /api/v1/ingest/config?wait="));
		ck_assert(has(i, "If-None-Match: \"one\""));
	}
}
END_TEST

/* Opens with nobody at the address; how many lines camera a has, -1: none is
 * known. */
static int lines_kept(void)
{
	struct drawings_settings s = {
		.url = url, .token_file = token_path, .dir = dir};
	struct drawings *d;
	struct shapes shapes;
	uint64_t seen = 0;
	struct halt halt;
	int n;

	halt_init(&halt);
	s.halt = &halt;
	ck_assert_int_eq(drawings_open(&d, &s), E_OK);
	n = drawings_take(d, "a", &seen, &shapes) ? (int)shapes.lines_n : -1;
	drawings_close(d);
	halt_fini(&halt);
	return n;
}

START_TEST(what_was_drawn_holds_for_a_start_without_the_api)
{
	static const struct reply r[] = {{200, "ETag: \"one\"\r\n",
		DRAWN("{\"line\":\"b\",\"points\":[[0,0],[1,1]]}")}};
	char path[128], bytes[512];
	FILE *f;
	size_t n;

	peer_start(r, ARRAY_LEN(r));
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", peer.port);
	ck_assert_int_eq(lines_kept(), 1);
	peer_stop();
	snprintf(url, sizeof(url), "http://127.0.0.1:1");
	ck_assert_int_eq(lines_kept(), 1);
	snprintf(path, sizeof(path), "%s/drawings", dir);
	f = fopen(path, "r");
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	/* Torn anywhere, or with a bit that flipped, it is as none. */
	for (size_t cut = 0; cut < n; cut += 7) {
		f = fopen(path, "w");
		fwrite(bytes, 1, cut, f);
		fclose(f);
		ck_assert_int_eq(lines_kept(), -1);
	}
	bytes[n - 9] ^= 1;
	f = fopen(path, "w");
	fwrite(bytes, 1, n, f);
	fclose(f);
	ck_assert_int_eq(lines_kept(), -1);
}
END_TEST

Suite *test_ingest_post(void);
Suite *test_ingest_post(void)
{
	Suite *s = suite_create("ingest/post");
	TCase *t = tcase_create("post");

	tcase_add_checked_fixture(t, start, stop);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, rows_leave_in_one_request_when_they_are_stored);
	tcase_add_test(t, one_row_is_an_object_and_the_connection_is_kept);
	tcase_add_test(t, a_row_stays_without_the_answer_that_it_is_stored);
	tcase_add_test(t, one_bad_row_does_not_hold_up_the_others);
	tcase_add_test(t, fresh_rows_get_every_other_request);
	tcase_add_test(t, a_backlog_is_split_once_the_api_answers);
	tcase_add_test(t, an_unknown_camera_is_waited_for);
	tcase_add_test(t, rows_of_an_unknown_camera_do_not_hold_up_the_rest);
	tcase_add_test(t, rows_of_a_renamed_camera_do_not_hold_up_the_rest);
	tcase_add_test(t, a_refused_token_keeps_the_rows_and_is_read_again);
	tcase_add_test(t, retry_after_is_honoured);
	tcase_add_test(t, the_last_try_of_a_program_that_ends_is_one);
	tcase_add_test(t,
		what_is_drawn_is_asked_for_unless_it_has_the_tag_that_is_known);
	tcase_add_test(t, what_was_drawn_holds_for_a_start_without_the_api);
	tcase_add_test(t, a_url_with_credentials_or_a_path_is_refused);
	suite_add_tcase(s, t);
	return s;
}
