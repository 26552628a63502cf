// SPDX-License-Identifier: MIT
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ingest/crc32c.h"
#include "ingest/record.h"
#include "ingest/spool.h"
#include "tests/ingest/disk.h"

static bool disk_fails;
bool disk_is_careless;

/* Stands before the C library's: a disk that fails when a test says so. */
int fsync(int fd)
{
	if (disk_fails) {
		errno = EIO;
		return -1;
	}
	return disk_is_careless ? 0 : (int)syscall(SYS_fsync, fd);
}

static char dir[64];
static struct spool *spool;

static void start(void)
{
	snprintf(dir, sizeof(dir), "/tmp/tally-spool-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert(!spool_open(&spool, dir, 1 << 20));
}

static void stop(void)
{
	char command[128];

	disk_is_careless = false;
	spool_close(spool);
	spool = NULL;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static void reopen(size_t max)
{
	spool_close(spool);
	ck_assert(!spool_open(&spool, dir, max));
}

static void put(int i)
{
	char row[64];
	int n = snprintf(row, sizeof(row), "row %d", i);

	ck_assert(!spool_put(spool, row, (size_t)n, i));
}

/* Takes everything out and writes the numbers of the rows into got. */
static size_t drain(int *got, size_t most)
{
	struct spool_batch b;
	size_t n = 0;

	for (;;) {
		ck_assert(!spool_take(spool, SPOOL_OLD, SPOOL_BATCH, &b));
		if (!b.n)
			return n;
		for (size_t i = 0; i < b.n; i++) {
			char row[64];

			snprintf(row, sizeof(row), "%.*s", (int)b.row[i].n,
				b.row[i].at);
			ck_assert_uint_lt(n, most);
			ck_assert_int_eq(sscanf(row, "row %d", &got[n++]), 1);
		}
		ck_assert(!spool_drop(spool, &b, b.n));
	}
}

static int open_file(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDWR);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static off_t size_of(const char *name)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return stat(path, &st) ? -1 : st.st_size;
}

START_TEST(the_checksum_is_crc32c)
{
	static const unsigned char zeros[32];

	/* RFC 3720, appendix B.4; and the usual check value. */
	ck_assert_uint_eq(crc32c(0, zeros, 32), 0x8a9136aa);
	ck_assert_uint_eq(crc32c(0, "123456789", 9), 0xe3069283);
	ck_assert_uint_eq(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}
END_TEST

START_TEST(every_flipped_bit_of_a_record_is_noticed)
{
	char bytes[RECORD_MAX];
	struct record r = {.sequence = 7, .mark = -3, .content = {"hello", 5}};
	size_t n = record_write(bytes, &r);
	struct record back;

	ck_assert(record_read(bytes, n, &back));
	ck_assert_uint_eq(back.bytes, n);
	ck_assert_int_eq(back.mark, -3);
	for (size_t bit = 0; bit < n * 8; bit++) {
		bytes[bit / 8] ^= (char)(1 << bit % 8);
		ck_assert_msg(!record_read(bytes, n, &back), "bit %zu", bit);
		bytes[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t cut = 0; cut < n; cut++)
		ck_assert(!record_read(bytes, cut, &back));
}
END_TEST

START_TEST(rows_come_out_in_order_and_once)
{
	int got[1000];

	for (int i = 0; i < 1000; i++)
		put(i);
	ck_assert_uint_eq(spool_facts_now(spool).waiting, 1000);
	ck_assert_uint_eq(drain(got, 1000), 1000);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(got[i], i);
	ck_assert_uint_eq(spool_facts_now(spool).waiting, 0);
	ck_assert_uint_eq(drain(got, 1000), 0);
}
END_TEST

START_TEST(what_was_not_dropped_comes_again_after_a_restart)
{
	struct spool_batch b;
	int got[10];

	for (int i = 0; i < 5; i++)
		put(i);
	ck_assert(!spool_take(spool, SPOOL_OLD, 4, &b));
	ck_assert(!spool_drop(spool, &b, 2));
	reopen(1 << 20);
	ck_assert_uint_eq(spool_facts_now(spool).waiting, 3);
	ck_assert_uint_eq(drain(got, 10), 3);
	ck_assert_int_eq(got[0], 2);
	put(9);
	reopen(1 << 20);
	ck_assert_uint_eq(drain(got, 10), 1);
	ck_assert_int_eq(got[0], 9);
}
END_TEST

START_TEST(the_highest_mark_outlives_the_rows)
{
	int got[10];

	ck_assert_int_eq(spool_facts_now(spool).mark, INT64_MIN);
	put(5);
	put(3);
	reopen(1 << 20);
	ck_assert_int_eq(spool_facts_now(spool).mark, 5);
	drain(got, 10);
	reopen(1 << 20);
	ck_assert_int_eq(spool_facts_now(spool).mark, 5);
}
END_TEST

START_TEST(a_torn_tail_is_cut_off_and_the_rest_delivered)
{
	off_t whole, torn;
	int got[10];

	for (int cut = 1; cut < RECORD_HEAD; cut += 7) {
		put(1);
		whole = size_of("rows-0000000001");
		put(2);
		torn = size_of("rows-0000000001") - cut;
		ck_assert_int_eq(
			ftruncate(open_file("rows-0000000001"), torn), 0);
		reopen(1 << 20);
		ck_assert_int_eq(size_of("rows-0000000001"), whole);
		put(3);
		ck_assert_uint_eq(drain(got, 10), 2);
		ck_assert_int_eq(got[0], 1);
		ck_assert_int_eq(got[1], 3);
		ck_assert_uint_eq(spool_facts_now(spool).quarantined, 0);
	}
}
END_TEST

/* Flips one bit in the record of row 5 of ten, at a byte of the record. */
static void flip(size_t byte, int bit)
{
	size_t record = RECORD_HEAD + strlen("row 0") + 1;
	int fd = open_file("rows-0000000001");
	char c;

	ck_assert_int_eq(pread(fd, &c, 1, (off_t)(5 * record + byte)), 1);
	c ^= (char)(1 << bit);
	ck_assert_int_eq(pwrite(fd, &c, 1, (off_t)(5 * record + byte)), 1);
	close(fd);
}

START_TEST(a_flipped_bit_costs_one_row_and_no_neighbour)
{
	size_t byte = (size_t)_i;
	int got[20];

	for (int i = 0; i < 10; i++)
		put(i);
	flip(byte, _i % 8);
	if (_i % 2)
		reopen(1 << 20);
	ck_assert_uint_eq(drain(got, 20), 9);
	for (int i = 0; i < 9; i++)
		ck_assert_int_eq(got[i], i < 5 ? i : i + 1);
	ck_assert_uint_eq(spool_facts_now(spool).quarantined, 1);
	ck_assert_uint_eq(spool_facts_now(spool).waiting, 0);
	ck_assert_int_eq(size_of("quarantine"), RECORD_HEAD + 6);
}
END_TEST

START_TEST(a_full_spool_refuses_and_has_room_again)
{
	int got[2000], n = 0;
	char row[64];

	reopen(SPOOL_LEAST);
	for (;; n++) {
		int k = snprintf(row, sizeof(row), "row %d", n);
		enum err e = spool_put(spool, row, (size_t)k, n);

		if (e == E_FULL)
			break;
		ck_assert_int_eq(e, E_OK);
	}
	ck_assert_uint_le(spool_facts_now(spool).bytes, SPOOL_LEAST);
	ck_assert_int_gt(n, 800);
	ck_assert_uint_eq(drain(got, 2000), (size_t)n);
	ck_assert_uint_lt(spool_facts_now(spool).bytes, SPOOL_LEAST / 4);
	put(1);
	ck_assert_uint_eq(drain(got, 2000), 1);
}
END_TEST

START_TEST(a_disk_that_is_full_keeps_the_rows_there_are)
{
	struct rlimit normal, small;
	int got[100], n = 0;
	enum err e, again;

	ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &normal), 0);
	small = (struct rlimit){4096, normal.rlim_max};
	/* The runner writes a file too: nothing is asserted in between. */
	setrlimit(RLIMIT_FSIZE, &small);
	while (!(e = spool_put(spool, "row 1", 5, 1)))
		n++;
	again = spool_put(spool, "row 1", 5, 1);
	setrlimit(RLIMIT_FSIZE, &normal);
	ck_assert_int_eq(e, E_FULL);
	ck_assert_int_eq(again, E_FULL);
	ck_assert_int_eq(size_of("rows-0000000001"), n * (RECORD_HEAD + 6));
	reopen(1 << 20);
	ck_assert_uint_eq(drain(got, 100), (size_t)n);
	ck_assert_uint_eq(spool_facts_now(spool).quarantined, 0);
}
END_TEST

/* Numbers of the rows of a lane, at most ten, dropped but for the last. */
static size_t take_lane(enum spool_lane lane, int first, size_t drop)
{
	struct spool_batch b;

	ck_assert(!spool_take(spool, lane, 10, &b));
	for (size_t i = 0; i < b.n; i++) {
		char row[64];

		snprintf(row, sizeof(row), "row %d", first + (int)i);
		ck_assert_uint_eq(b.row[i].n, strlen(row));
		ck_assert(!memcmp(b.row[i].at, row, b.row[i].n));
	}
	ck_assert(!spool_drop(spool, &b, drop < b.n ? drop : b.n));
	return b.n;
}

START_TEST(a_fresh_lane_goes_its_own_way_until_the_old_one_is_empty)
{
	int got[40];

	for (int i = 0; i < 15; i++)
		put(i);
	ck_assert_uint_eq(take_lane(SPOOL_FRESH, 0, 10), 0);
	ck_assert(!spool_split(spool));
	ck_assert(!spool_split(spool));
	for (int i = 15; i < 20; i++)
		put(i);
	ck_assert_uint_eq(spool_facts_now(spool).fresh, 5);
	ck_assert_uint_eq(take_lane(SPOOL_OLD, 0, 10), 10);
	ck_assert_uint_eq(take_lane(SPOOL_FRESH, 15, 3), 5);
	reopen(1 << 20);
	ck_assert_uint_eq(spool_facts_now(spool).waiting, 7);
	ck_assert_uint_eq(spool_facts_now(spool).fresh, 2);
	ck_assert_int_eq(spool_facts_now(spool).oldest, 10);
	ck_assert_uint_eq(take_lane(SPOOL_OLD, 10, 5), 5);
	/* The old lane is empty: what is left of the other is all there is. */
	ck_assert_uint_eq(take_lane(SPOOL_OLD, 18, 0), 2);
	ck_assert_uint_eq(take_lane(SPOOL_FRESH, 18, 0), 0);
	reopen(1 << 20);
	put(20);
	ck_assert_uint_eq(drain(got, 40), 3);
	ck_assert_int_eq(got[0], 18);
	ck_assert_int_eq(got[2], 20);
	ck_assert_uint_eq(spool_facts_now(spool).waiting, 0);
}
END_TEST

START_TEST(a_full_spool_gives_up_its_oldest_rows_where_it_may)
{
	static int got[4000];
	struct spool_facts f;
	size_t n;

	disk_is_careless = true;
	reopen(SPOOL_LEAST);
	spool_may_drop(spool, true, 0);
	for (int i = 0; i < 3000; i++)
		put(i);
	f = spool_facts_now(spool);
	ck_assert_uint_gt(f.lost, 0);
	ck_assert_uint_le(f.bytes, SPOOL_LEAST);
	ck_assert_uint_eq(f.lost + f.waiting, 3000);
	n = drain(got, ARRAY_LEN(got));
	ck_assert_uint_eq(n, f.waiting);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(got[i], 3000 - (int)n + (int)i);
}
END_TEST

START_TEST(a_batch_given_up_while_it_was_sent_is_not_dropped_twice)
{
	struct spool_batch b;
	uint64_t left;

	disk_is_careless = true;
	reopen(SPOOL_LEAST);
	spool_may_drop(spool, true, 0);
	put(0);
	ck_assert(!spool_take(spool, SPOOL_OLD, 10, &b));
	for (int i = 1; i < 3000; i++)
		put(i);
	left = spool_facts_now(spool).waiting;
	ck_assert(!spool_drop(spool, &b, b.n));
	ck_assert_uint_eq(spool_facts_now(spool).waiting, left);
}
END_TEST

START_TEST(rows_that_lie_too_long_leave_and_are_counted)
{
	const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	char path[128];
	int got[4];

	put(0);
	put(1);
	snprintf(path, sizeof(path), "%s/rows-0000000001", dir);
	ck_assert(!utimensat(AT_FDCWD, path, old, 0));
	spool_may_drop(spool, false, INT64_C(86400) * 1000000);
	ck_assert_uint_eq(drain(got, 4), 0);
	ck_assert_uint_eq(spool_facts_now(spool).expired, 2);
	ck_assert_uint_eq(spool_facts_now(spool).waiting, 0);
	put(2);
	ck_assert_uint_eq(drain(got, 4), 1);
	ck_assert_int_eq(got[0], 2);
}
END_TEST

START_TEST(a_failed_fsync_is_told_apart)
{
	disk_fails = true;
	ck_assert_int_eq(spool_put(spool, "row 1", 5, 1), E_CORRUPT);
	disk_fails = false;
}
END_TEST

START_TEST(one_process_at_a_time)
{
	struct spool *other;

	ck_assert_int_eq(spool_open(&other, dir, 1 << 20), E_BUSY);
	ck_assert_ptr_null(other);
}
END_TEST

START_TEST(a_damaged_state_sends_again_and_loses_nothing)
{
	struct spool_batch b;
	int got[10], fd;

	put(1);
	put(2);
	ck_assert(!spool_take(spool, SPOOL_OLD, 1, &b));
	ck_assert(!spool_drop(spool, &b, 1));
	fd = open_file("state");
	ck_assert_int_eq(pwrite(fd, "X", 1, 20), 1);
	close(fd);
	reopen(1 << 20);
	ck_assert_uint_eq(drain(got, 10), 2);
}
END_TEST

START_TEST(refused_rows_are_kept_within_the_bound)
{
	char line[1000];
	int n = 0;

	reopen(SPOOL_LEAST);
	memset(line, 'x', sizeof(line));
	while (!spool_refuse(spool, line, sizeof(line)))
		n++;
	ck_assert_int_eq(n, SPOOL_LEAST / 1000);
	ck_assert_uint_eq(spool_facts_now(spool).refused, (uint64_t)n);
	ck_assert_int_eq(size_of("refused.ndjson"), n * 1000);
}
END_TEST

/* Puts rows and tells each that is kept, until it is killed. */
static void put_for_ever(int told)
{
	for (int i = 0;; i++) {
		char row[64];
		int n = snprintf(row, sizeof(row), "row %d", i);

		if (spool_put(spool, row, (size_t)n, i) ||
			write(told, &i, sizeof(i)) != sizeof(i))
			_exit(1);
	}
}

START_TEST(a_kill_at_any_time_loses_no_row_that_was_kept)
{
	int pipes[2], last = -1, got[100000], i;
	size_t n;
	pid_t child;

	ck_assert_int_eq(pipe(pipes), 0);
	disk_is_careless = false;
	spool_close(spool);
	spool = NULL;
	child = fork();
	if (child == 0) {
		if (spool_open(&spool, dir, 1 << 24))
			_exit(1);
		put_for_ever(pipes[1]);
	}
	close(pipes[1]);
	for (int k = 0;
		k < 20 + _i * 13 && read(pipes[0], &i, sizeof(i)) == sizeof(i);
		k++)
		last = i;
	kill(child, SIGKILL);
	while (read(pipes[0], &i, sizeof(i)) == sizeof(i))
		last = i;
	waitpid(child, NULL, 0);
	close(pipes[0]);
	ck_assert(!spool_open(&spool, dir, 1 << 24));
	n = drain(got, ARRAY_LEN(got));
	ck_assert_int_ge((int)n, last + 1);
	for (int k = 0; k <= last; k++)
		ck_assert_int_eq(got[k], k);
	ck_assert_uint_eq(spool_facts_now(spool).quarantined, 0);
}
END_TEST

Suite *test_ingest_spool(void);
Suite *test_ingest_spool(void)
{
	Suite *s = suite_create("ingest/spool");
	TCase *t = tcase_create("spool");

	tcase_add_checked_fixture(t, start, stop);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, the_checksum_is_crc32c);
	tcase_add_test(t, every_flipped_bit_of_a_record_is_noticed);
	tcase_add_test(t, rows_come_out_in_order_and_once);
	tcase_add_test(t, what_was_not_dropped_comes_again_after_a_restart);
	tcase_add_test(t, the_highest_mark_outlives_the_rows);
	tcase_add_test(t, a_torn_tail_is_cut_off_and_the_rest_delivered);
	tcase_add_loop_test(t, a_flipped_bit_costs_one_row_and_no_neighbour, 0,
		RECORD_HEAD + 6);
	tcase_add_test(t, a_full_spool_refuses_and_has_room_again);
	tcase_add_test(t, a_disk_that_is_full_keeps_the_rows_there_are);
	tcase_add_test(
		t, a_fresh_lane_goes_its_own_way_until_the_old_one_is_empty);
	tcase_add_test(t, a_full_spool_gives_up_its_oldest_rows_where_it_may);
	tcase_add_test(
		t, a_batch_given_up_while_it_was_sent_is_not_dropped_twice);
	tcase_add_test(t, rows_that_lie_too_long_leave_and_are_counted);
	tcase_add_test(t, a_failed_fsync_is_told_apart);
	tcase_add_test(t, one_process_at_a_time);
	tcase_add_test(t, a_damaged_state_sends_again_and_loses_nothing);
	tcase_add_test(t, refused_rows_are_kept_within_the_bound);
	tcase_add_loop_test(
		t, a_kill_at_any_time_loses_no_row_that_was_kept, 0, 5);
	suite_add_tcase(s, t);
	return s;
}
