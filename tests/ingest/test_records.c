// SPDX-License-Identifier: MIT
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ingest/halt.h"
#include "ingest/records.h"
#include "tests/ingest/peer.h"

#define STORED(n) "{\"inserted\":" #n ",\"duplicate\":0,\"rejected\":0}"

static char dir[64], token_path[80], url[64];
static struct records *records;
static struct records_settings set;

static void start(void)
{
	FILE *f;

	snprintf(dir, sizeof(dir), "/tmp/tally-records-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(token_path, sizeof(token_path), "%s/token", dir);
	f = fopen(token_path, "w");
	ck_assert_ptr_nonnull(f);
	fputs("secret-1\n", f);
	fclose(f);
}

static void stop(void)
{
	records_close(records);
	for (size_t i = 0; i < peer.n && i < REQUESTS; i++)
		free(peer.request[i]);
	unlink(token_path);
	rmdir(dir);
}

static void open_to(const struct reply *replies, size_t n)
{
	peer_start(replies, n);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d", peer.port);
	set = (struct records_settings){.url = url,
		.ca = "",
		.token_file = token_path,
		.max = 65536,
		.wait_least_us = 1000,
		.wait_most_us = 20000,
		.answer_us = 20000000,
		.gather_us = 1000};
	ck_assert(!records_open(&records, &set));
}

static void put(int from, int n)
{
	for (int i = from; i < from + n; i++) {
		char json[64];
		int k = snprintf(json, sizeof(json), "{\"frame\":%d}", i);

		records_put(records, json, (size_t)k);
	}
}

/* Sends what waits. */
static struct records_facts run(int64_t us, bool once)
{
	struct records_facts f;

	records_end(records, us, once);
	records_run(records);
	f = records_facts_now(records);
	records_close(records);
	records = NULL;
	peer_stop();
	return f;
}

START_TEST(they_leave_in_one_request)
{
	static const struct reply r[] = {{200, NULL, STORED(3)}};
	struct records_facts f;

	open_to(r, 1);
	put(0, 3);
	f = run(60000000, false);
	ck_assert_uint_eq(f.stored, 3);
	ck_assert_uint_eq(f.waiting + f.dropped + f.refused + f.bytes, 0);
	ck_assert_uint_eq(peer.n, 1);
	ck_assert(has(0, "POST /api/v1/records?partial=true HTTP/1.1\r\n"));
	ck_assert(has(0, "Authorization: Bearer secret-1\r\n"));
	ck_assert(
		has(0, "\r\n\r\n[{\"frame\":0},{\"frame\":1},{\"frame\":2}]"));
}
END_TEST

START_TEST(they_are_sent_until_the_api_accounts_for_them)
{
	static const struct reply r[] = {{503, NULL, ""}, {0, NULL, NULL},
		{200, NULL, "{}"}, {200, NULL, STORED(1)}, {401, NULL, ""},
		{429, NULL, ""}, {200, NULL, STORED(2)}};
	struct records_facts f;

	open_to(r, ARRAY_LEN(r));
	put(0, 2);
	f = run(60000000, false);
	ck_assert_uint_eq(peer.n, ARRAY_LEN(r));
	ck_assert_uint_eq(f.stored, 2);
	ck_assert_str_eq(f.error, "");
}
END_TEST

START_TEST(what_the_api_does_not_want_is_counted_and_leaves)
{
	static const struct reply r[] = {
		{200, NULL,
			"{\"inserted\":1,\"duplicate\":398,\"rejected\":101,"
			"\"errors\":[{\"detail\":\"no\"}]}"},
		{404, NULL, ""}, {200, NULL, STORED(1)}};
	struct records_facts f;

	open_to(r, ARRAY_LEN(r));
	put(0, 1001);
	f = run(60000000, false);
	ck_assert_uint_eq(f.refused, 101 + 500);
	ck_assert_uint_eq(f.stored, 399 + 1);
	ck_assert_uint_eq(f.waiting + f.dropped, 0);
	ck_assert(has(2, "[{\"frame\":1000}]"));
}
END_TEST

START_TEST(without_the_api_the_oldest_give_way_and_nobody_waits)
{
	static const struct reply r[] = {{503, NULL, ""}};
	struct records_facts f;

	open_to(r, 1);
	put(100000, 10000);
	f = records_facts_now(records);
	ck_assert_uint_le(f.bytes, 65536);
	ck_assert_uint_gt(f.bytes, 65536 - 100);
	ck_assert_uint_eq(f.waiting + f.dropped, 10000);
	ck_assert_uint_gt(f.dropped, 1000);
	/* At the end one try, and what is left is counted, too. */
	f = run(60000000, true);
	ck_assert_uint_eq(peer.n, 1);
	ck_assert(!has(0, "{\"frame\":100000}"));
	ck_assert_uint_eq(f.dropped, 10000);
	ck_assert_uint_eq(f.waiting + f.bytes + f.stored, 0);
	ck_assert_str_eq(f.error, "HTTP 503");
}
END_TEST

START_TEST(an_end_without_time_waits_for_nothing)
{
	static const struct reply r[] = {{200, NULL, STORED(1)}};

	struct records_facts f;

	open_to(r, 1);
	put(0, 1);
	f = run(0, true);
	ck_assert_uint_eq(f.dropped, 1);
	ck_assert_uint_eq(f.waiting + f.stored, 0);
}
END_TEST

Suite *test_ingest_records(void);

Suite *test_ingest_records(void)
{
	Suite *s = suite_create("ingest/records");
	TCase *t = tcase_create("records");

	tcase_add_checked_fixture(t, start, stop);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, they_leave_in_one_request);
	tcase_add_test(t, they_are_sent_until_the_api_accounts_for_them);
	tcase_add_test(t, what_the_api_does_not_want_is_counted_and_leaves);
	tcase_add_test(t, without_the_api_the_oldest_give_way_and_nobody_waits);
	tcase_add_test(t, an_end_without_time_waits_for_nothing);
	suite_add_tcase(s, t);
	return s;
}
