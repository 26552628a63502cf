// SPDX-License-Identifier: MIT
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/conf.h"

static struct conf c;
static char path[] = "/tmp/tally-conf-XXXXXX";
static char err[512];

static void setup(void)
{
	int fd;

	strcpy(path, "/tmp/tally-conf-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	conf_init(&c);
	err[0] = '\0';
}

static void teardown(void)
{
	conf_free(&c);
	unlink(path);
}

static enum err read_text(const char *s, size_t n)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(s, 1, n, f), n);
	fclose(f);
	return conf_read(&c, path, err);
}

/* The file's text is refused with "PATH:" and why. */
static void refused(const char *s, size_t n, enum err e, const char *why)
{
	char want[600];

	ck_assert_int_eq(read_text(s, n), e);
	snprintf(want, sizeof(want), "%s:%s", path, why);
	ck_assert_str_eq(err, want);
}

#define REFUSED(s, e, why) refused(s, sizeof(s) - 1, e, why)

START_TEST(a_file_overrides_the_defaults)
{
	static const char s[] = "# a comment\r\n; another\n\n[api]\n"
				"port=9090\r\n  head_max =  32k \n"
				"auto_register = yes\n"
				"www_dir = a = b # c\n[ingest]\nthreshold=.5";

	ck_assert_int_eq(c.api_port, 8080);
	ck_assert_msg(!read_text(s, sizeof(s) - 1), "%s", err);
	ck_assert_int_eq(c.api_port, 9090);
	ck_assert_uint_eq(c.api_head_max, 32768);
	ck_assert(c.api_auto_register);
	ck_assert_str_eq(c.api_www_dir, "a = b # c");
	ck_assert(c.ingest_threshold == 0.5);
	ck_assert_str_eq(c.site_tz, "UTC");
}
END_TEST

START_TEST(a_fault_names_file_line_and_key)
{
	REFUSED("[api]\n\nprot = 1\n", E_NOT_FOUND,
		"3: unknown setting api.prot");
	REFUSED("[ap]\n", E_NOT_FOUND, "1: unknown section [ap]");
	REFUSED("[api\n", E_SYNTAX, "1: \"[api\" is not [section]");
	REFUSED("[]\n", E_SYNTAX, "1: \"[]\" is not [section]");
	REFUSED("[api]\nport\n", E_SYNTAX, "2: \"port\" is not key = value");
	REFUSED("port = 1\n", E_SYNTAX, "1: port stands before any [section]");
	REFUSED("[api]\nport = 1\0\n", E_SYNTAX, "2: holds a NUL byte");
	REFUSED("[api]\nport = 65536\n", E_INVALID,
		"2: api.port wants a number from 0 to 65535");
	REFUSED("[api]\nauto_register = maybe\n", E_INVALID,
		"2: api.auto_register wants yes or no");
	REFUSED("[api]\nlisten =\n", E_INVALID,
		"2: api.listen wants text from 1 to 64 bytes long");
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_named)
{
	ck_assert_int_eq(conf_read(&c, "/nowhere/tally.ini", err), E_IO);
	ck_assert_str_eq(err, "/nowhere/tally.ini: No such file or directory");
	ck_assert_int_eq(conf_read(&c, "/", err), E_IO);
	ck_assert_str_eq(err, "/: cannot be read");
}
END_TEST

START_TEST(numbers_and_sizes_are_decimal)
{
	static const char *const bad[] = {"api.port=", "api.port=80x",
		"api.port=0x50", "api.port= 80", "api.port=nan",
		"api.port=80.5", "api.port=-1", "api.head_max=-1",
		"api.head_max=16K", "api.head_max=16kk", "api.head_max=k",
		"api.head_max=99999999999999999999", "api.head_max=1",
		"api.body_max=18446744073709551615G", "ingest.threshold=inf",
		"ingest.threshold=1.01", "ingest.threshold=0x1p-1"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(
			conf_set(&c, bad[i], err) == E_INVALID, "%s", bad[i]);
	ck_assert(!conf_set(&c, "api.body_max=1G", err));
	ck_assert_uint_eq(c.api_body_max, 1u << 30);
	ck_assert(!conf_set(&c, "ingest.threshold=1", err));
}
END_TEST

START_TEST(an_assignment_is_section_key_and_value)
{
	ck_assert_int_eq(conf_set(&c, "api.port", err), E_SYNTAX);
	ck_assert_str_eq(err, "\"api.port\" is not section.key=value");
	ck_assert_int_eq(conf_set(&c, "port=1", err), E_SYNTAX);
	ck_assert_int_eq(conf_set(&c, "port=1.5", err), E_SYNTAX);
	ck_assert_int_eq(conf_set(&c, "api.prot=1", err), E_NOT_FOUND);
	ck_assert(!conf_set(&c, "site.name=a=b.c", err));
	ck_assert_str_eq(c.site_name, "a=b.c");
}
END_TEST

START_TEST(the_printed_defaults_are_the_defaults)
{
	FILE *f = fopen(path, "w");
	struct conf other;

	ck_assert_ptr_nonnull(f);
	conf_print_defaults(f);
	fclose(f);
	conf_init(&other);
	ck_assert_msg(!conf_read(&other, path, err), "%s", err);
	ck_assert_str_eq(other.ingest_classes, c.ingest_classes);
	ck_assert_uint_eq(other.api_body_max, c.api_body_max);
	ck_assert_int_eq(other.api_port, c.api_port);
	conf_free(&other);
}
END_TEST

START_TEST(a_cameras_section_stands_over_ingest)
{
	static const char s[] = "[camera \"gate-1\"]\nthreshold = 0.7\n"
				"source = /a b\n[ingest]\nthreshold = 0.2\n"
				"fps = 3\n[camera \"b\"]\n";
	struct conf one, two;
	char where[300], want[300];

	ck_assert_msg(!read_text(s, sizeof(s) - 1), "%s", err);
	ck_assert_uint_eq(c.cameras, 2);
	ck_assert(!conf_camera(&c, 0, &one));
	ck_assert(!conf_camera(&c, 1, &two));
	ck_assert_str_eq(one.ingest_camera, "gate-1");
	ck_assert_str_eq(one.ingest_source, "/a b");
	ck_assert(one.ingest_threshold == 0.7 && one.ingest_fps == 3);
	ck_assert_str_eq(two.ingest_camera, "b");
	ck_assert_str_eq(two.ingest_source, "");
	ck_assert(two.ingest_threshold == 0.2 && two.ingest_fps == 3);
	ck_assert(!conf_same_camera(&one, &two));
	ck_assert(conf_same_camera(&one, &one));
	conf_where(&c, "gate-1", "ingest", "threshold", where);
	snprintf(want, sizeof(want), "%s:2: ", path);
	ck_assert_str_eq(where, want);
	conf_where(&c, "b", "ingest", "threshold", where);
	snprintf(want, sizeof(want), "%s:5: ", path);
	ck_assert_str_eq(where, want);
	conf_where(&c, "b", "ingest", "engine", where);
	ck_assert_str_eq(where, "");
	conf_free(&one);
	conf_free(&two);
}
END_TEST

START_TEST(a_cameras_section_is_checked_where_it_stands)
{
	REFUSED("[camera \"a\"]\nurl = x\n", E_INVALID,
		"2: url is for all cameras: it belongs to [ingest]");
	REFUSED("[camera \"x\"]\nfsp = 1\n", E_NOT_FOUND,
		"2: unknown setting camera.fsp");
	REFUSED("[camera \"y\"]\nfps = -1\n", E_INVALID,
		"2: camera.fps wants a number from 0 to 1000");
	REFUSED("[camera gate]\n", E_SYNTAX,
		"1: a camera is [camera \"CODE\"], of 1 to 64 bytes");
	REFUSED("[camera \"\"]\n", E_SYNTAX,
		"1: a camera is [camera \"CODE\"], of 1 to 64 bytes");
	REFUSED("[camera \"z\"]\n\n[camera \"z\"]\n", E_INVALID,
		"3: [camera \"z\"] stands twice");
}
END_TEST

START_TEST(a_check_tells_each_fault)
{
	static const char s[] = "[api]\nprot = 1\nport = x\n[ap]\nport = 1\n"
				"[camera \"a\"]\nfps = y\n";
	char got[2000], want[2000];
	FILE *f = tmpfile();

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(read_text(s, sizeof(s) - 1), E_NOT_FOUND);
	conf_free(&c);
	conf_init(&c);
	ck_assert_uint_eq(conf_faults(&c, path, f), 4);
	rewind(f);
	got[fread(got, 1, sizeof(got) - 1, f)] = '\0';
	fclose(f);
	snprintf(want, sizeof(want),
		"%s:2: unknown setting api.prot\n"
		"%s:3: api.port wants a number from 0 to 65535\n"
		"%s:4: unknown section [ap]\n"
		"%s:7: camera.fps wants a number from 0 to 1000\n",
		path, path, path, path);
	ck_assert_str_eq(got, want);
}
END_TEST

/* What a program given these arguments prints on standard error, and its exit
 * status. */
static int run(char *const argv[], int argc, char *out, size_t size)
{
	static const struct conf_alias aliases[] = {
		{"--port", "api.port", NULL},
		{"--register", "api.auto_register", "yes"}};
	int fd[2], status;
	size_t got = 0;
	ssize_t n;
	pid_t pid;

	ck_assert(!pipe(fd));
	if (!(pid = fork())) {
		struct conf mine;

		dup2(fd[1], 2);
		ck_assert_ptr_nonnull(freopen("/dev/null", "w", stdout));
		conf_main(&mine, argc, (char **)argv, "usage\n", aliases, 2);
		fprintf(stderr, "%d %d", mine.api_port, mine.api_auto_register);
		_exit(0);
	}
	close(fd[1]);
	while ((n = read(fd[0], out + got, size - 1 - got)) > 0)
		got += (size_t)n;
	out[got] = '\0';
	close(fd[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

START_TEST(the_command_line_names_the_option_it_refuses)
{
	static const struct {
		int status;
		char *argv[4];
		const char *err;
	} row[] = {
		{0, {"x", "--port", "9", NULL}, "9 0"},
		{0, {"x", "--port=9", "--register", NULL}, "9 1"},
		{0, {"x", "--set", "api.port=7", NULL}, "7 0"},
		{0, {"x", "--set=api.port=7", "--", NULL}, "7 0"},
		{0, {"x", "--help", NULL}, ""},
		{0, {"x", "--version", NULL}, ""},
		{0, {"x", "--check", NULL}, ""},
		{2, {"x", "--prot", "9", NULL},
			"unknown option --prot; --help lists the options\n"},
		{2, {"x", "--port", NULL},
			"--port wants a value; --help lists the options\n"},
		{2, {"x", "--register=1", NULL},
			"--register=1 takes no value; --help lists the "
			"options\n"},
		{2, {"x", "--port", "x", NULL},
			"api.port wants a number from 0 to 65535\n"},
		{2, {"x", "--check", "--set=api.prot=1", NULL},
			"unknown setting api.prot\n"},
		{2, {"x", "--config", "/nowhere.ini", NULL},
			"/nowhere.ini: No such file or directory\n"},
	};
	char out[600];

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		int argc = 0;

		while (row[i].argv[argc])
			argc++;
		ck_assert_int_eq(run(row[i].argv, argc, out, sizeof(out)),
			row[i].status);
		ck_assert_str_eq(out, row[i].err);
	}
}
END_TEST

Suite *test_common_conf(void);
Suite *test_common_conf(void)
{
	Suite *s = suite_create("common/conf");
	TCase *t = tcase_create("conf");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_cameras_section_stands_over_ingest);
	tcase_add_test(t, a_cameras_section_is_checked_where_it_stands);
	tcase_add_test(t, a_check_tells_each_fault);
	tcase_add_test(t, a_file_overrides_the_defaults);
	tcase_add_test(t, a_fault_names_file_line_and_key);
	tcase_add_test(t, a_file_that_cannot_be_read_is_named);
	tcase_add_test(t, numbers_and_sizes_are_decimal);
	tcase_add_test(t, an_assignment_is_section_key_and_value);
	tcase_add_test(t, the_printed_defaults_are_the_defaults);
	tcase_add_test(t, the_command_line_names_the_option_it_refuses);
	suite_add_tcase(s, t);
	return s;
}
