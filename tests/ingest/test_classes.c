// SPDX-License-Identifier: MIT
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ingest/classes.h"

static struct class_map map;
static char err[512];

/* The list read from a file with these bytes. */
static enum err read_list(const char *bytes, size_t n, int want)
{
	char path[] = "/tmp/tally-names-XXXXXX";
	int fd = mkstemp(path);
	struct class_list l;
	enum err e;

	ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
	close(fd);
	e = class_list_read(&l, path, want, &map);
	unlink(path);
	return e;
}

START_TEST(classes_map_to_metrics_whatever_their_case)
{
	ck_assert(!class_map_parse(&map,
		" person=people  traffic_light=vehicle\tcar=vehicle.car ",
		err));
	ck_assert_int_eq(class_map_find(&map, "Person"), KIND_PEOPLE);
	ck_assert_int_eq(class_map_find(&map, "traffic light"), KIND_VEHICLE);
	ck_assert_int_eq(class_map_find(&map, "car"), KIND_CAR);
	ck_assert_int_eq(class_map_find(&map, "cart"), KIND_NONE);
	ck_assert_int_eq(class_map_find(&map, "ca"), KIND_NONE);
	ck_assert_int_eq(kind_group(KIND_CAR), GROUP_VEHICLE);
	ck_assert_str_eq(kind_class(KIND_SCOOTER), "scooter");
	ck_assert_ptr_null(kind_class(KIND_VEHICLE));
}
END_TEST

START_TEST(a_wrong_setting_is_named)
{
	ck_assert_int_eq(class_map_parse(&map, "person", err), E_SYNTAX);
	ck_assert_ptr_nonnull(strstr(err, "\"person\""));
	ck_assert_int_eq(
		class_map_parse(&map, "a=people b=cars", err), E_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(err, "\"b=cars\""));
	ck_assert_int_eq(
		class_map_parse(&map, "a=people A=face", err), E_EXISTS);
	ck_assert_int_eq(class_map_parse(&map, "=people", err), E_SYNTAX);
	ck_assert_int_eq(class_map_parse(&map, "  ", err), E_SYNTAX);
}
END_TEST

START_TEST(a_names_list_is_taken_or_refused_whole)
{
	ck_assert(!class_map_parse(&map, "person=people", err));
	ck_assert_int_eq(read_list("car\nperson\n", 11, 2), E_OK);
	ck_assert(map.entry[0].used);
	ck_assert_int_eq(read_list("car\r\nperson", 11, 2), E_OK);
	ck_assert_int_eq(read_list("car\nperson\n", 11, 3), E_INVALID);
	ck_assert_int_eq(read_list("car\ncar\n", 8, 2), E_INVALID);
	ck_assert_int_eq(read_list("car\n\nbus\n", 9, 3), E_CORRUPT);
	ck_assert_int_eq(read_list("c\0r\n", 4, 1), E_CORRUPT);
	ck_assert_int_eq(read_list("c\xff\n", 3, 1), E_CORRUPT);
	ck_assert_int_eq(read_list("", 0, 1), E_INVALID);
}
END_TEST

START_TEST(a_missing_names_list_is_an_error)
{
	struct class_list l;

	ck_assert_int_eq(
		class_list_read(&l, "/nowhere/coco.names", 1, &map), E_IO);
}
END_TEST

Suite *test_ingest_classes(void);
Suite *test_ingest_classes(void)
{
	Suite *s = suite_create("ingest/classes");
	TCase *t = tcase_create("classes");

	tcase_add_test(t, classes_map_to_metrics_whatever_their_case);
	tcase_add_test(t, a_wrong_setting_is_named);
	tcase_add_test(t, a_names_list_is_taken_or_refused_whole);
	tcase_add_test(t, a_missing_names_list_is_an_error);
	suite_add_tcase(s, t);
	return s;
}
