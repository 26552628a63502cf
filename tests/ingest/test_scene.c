// SPDX-License-Identifier: MIT
/* Drawing on pictures, and the JPEG that it becomes. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/jpeg.h"
#include "ingest/scene.h"
#include "ingest/still.h"

enum { W = 64, H = 48, ROW = 3 * W, GREY = 100 };

static uint8_t bytes[ROW * H];
static const struct sheet sheet = {bytes, W, H, ROW};
static const struct colour red = {0, 0, 255};

static void setup(void)
{
	memset(bytes, GREY, sizeof(bytes));
}

static const uint8_t *at(int x, int y)
{
	return bytes + y * ROW + 3 * x;
}

static bool is_red(int x, int y)
{
	return at(x, y)[0] == 0 && at(x, y)[1] == 0 && at(x, y)[2] == 255;
}

static size_t changed(void)
{
	size_t n = 0;

	for (size_t i = 0; i < sizeof(bytes); i += 3)
		n += bytes[i] != GREY || bytes[i + 2] != GREY;
	return n;
}

START_TEST(a_box_is_its_edges)
{
	draw_box(&sheet, 10, 10, 20, 8, 2, red);
	ck_assert(is_red(10, 10) && is_red(29, 17) && is_red(11, 14));
	ck_assert(!is_red(12, 12) && !is_red(30, 10) && !is_red(10, 18));
	ck_assert_uint_eq(changed(), 20 * 8 - 16 * 4);
}
END_TEST

START_TEST(a_line_goes_from_end_to_end)
{
	draw_line(&sheet, 5, 5, 25, 15, 1, red);
	ck_assert(is_red(5, 5) && is_red(25, 15) && is_red(15, 10));
	ck_assert_uint_eq(changed(), 21);
}
END_TEST

/* The sanitizers see what lies outside. */
START_TEST(what_lies_outside_is_left_out)
{
	static const float far[] = {
		-1e9F, -70, 0, 63, 200, 1e30F, INFINITY, -INFINITY, NAN};

	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
		for (size_t k = 0; k < sizeof(far) / sizeof(far[0]); k++) {
			draw_box(
				&sheet, far[i], far[k], far[k], far[i], 2, red);
			draw_line(&sheet, far[i], far[k], far[k], 0, 3, red);
			draw_text(&sheet, far[i], far[k], 2, red,
				"longer than the picture is \xff\x7f\x01");
		}
}
END_TEST

START_TEST(letters_stand_on_a_plate_inside_of_the_picture)
{
	static uint8_t first[sizeof(bytes)];

	draw_text(&sheet, 1000, 1000, 1, red, "I7");
	/* In the lower right corner. */
	ck_assert_int_ne(at(W - 1, H - 1)[0], GREY);
	ck_assert_int_eq(at(W - 1 - draw_text_width(1, "I7"), H - 1)[0], GREY);
	ck_assert_uint_eq(changed(),
		(size_t)draw_text_width(1, "I7") * (size_t)draw_text_height(1));
	memcpy(first, bytes, sizeof(bytes));
	setup();
	draw_text(&sheet, 1000, 1000, 1, red, "I1");
	ck_assert(memcmp(first, bytes, sizeof(bytes)) != 0);
}
END_TEST

/* Three series of a line and a zone, with a person in view. */
static void fill_scene(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	s->w = 1920;
	s->h = 1080;
	s->found.n = 1;
	s->found.at[0] = (struct detection){
		.x = 600, .y = 300, .w = 300, .h = 600, .score = 0.9F};
	s->shapes.lines_n = s->shapes.zones_n = 1;
	s->shapes.line[0] = (struct shape){.kind = SHAPE_LINE,
		.name = "door",
		.n = 2,
		.x = {0, 1},
		.y = {0.5, 0.5},
		.in = "in",
		.out = "out"};
	s->shapes.zone[0] = (struct shape){.kind = SHAPE_ZONE,
		.name = "hall",
		.n = 3,
		.x = {0, 1, 0.5},
		.y = {0.9, 0.9, 1}};
	s->n = 4;
	s->row[0].kinds = 1 << KIND_PEOPLE;
}

START_TEST(a_scene_becomes_a_picture_that_can_be_shown)
{
	enum { BIG_W = 1920, BIG_H = 1080, BIG_ROW = BIG_W * 3 };
	uint8_t *big = calloc(BIG_ROW, BIG_H + 1);
	struct frame f = {
		.bgr = big, .w = BIG_W, .h = BIG_H, .row_bytes = BIG_ROW};
	struct still *still = still_new();
	struct scene *scene = malloc(sizeof(*scene));
	struct jpeg_size size;
	struct sheet to;
	struct slice plain, drawn;
	size_t n;

	ck_assert(big && still && scene);
	fill_scene(scene);
	ck_assert_int_eq(still_take(still, &f, &to), E_OK);
	ck_assert_int_eq(to.w, STILL_WIDTH);
	ck_assert_int_eq(to.h, 540);
	ck_assert_int_eq(still_jpeg(still, &plain), E_OK);
	n = plain.n;
	ck_assert_ptr_null(jpeg_fault(plain.at, plain.n, &size));
	ck_assert_int_eq(still_take(still, &f, &to), E_OK);
	scene_draw(&to, scene, "gate-1");
	/* The box's upper edge is green, at half the picture's scale. */
	ck_assert_int_eq(to.bgr[150 * to.row_bytes + 3 * 400 + 1], 255);
	ck_assert_int_eq(still_jpeg(still, &drawn), E_OK);
	ck_assert_uint_gt(drawn.n, n);
	/* Another size, and one that is odd and tiny. */
	f.w = 31;
	f.h = 7;
	ck_assert_int_eq(still_take(still, &f, &to), E_OK);
	scene_draw(&to, scene, "gate-1");
	ck_assert_int_eq(still_jpeg(still, &drawn), E_OK);
	ck_assert_ptr_null(jpeg_fault(drawn.at, drawn.n, &size));
	ck_assert_uint_eq(size.w, 30);
	still_free(still);
	free(scene);
	free(big);
}
END_TEST

Suite *test_ingest_scene(void);
Suite *test_ingest_scene(void)
{
	Suite *s = suite_create("ingest/scene");
	TCase *t = tcase_create("scene");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, a_box_is_its_edges);
	tcase_add_test(t, a_line_goes_from_end_to_end);
	tcase_add_test(t, what_lies_outside_is_left_out);
	tcase_add_test(t, letters_stand_on_a_plate_inside_of_the_picture);
	tcase_add_test(t, a_scene_becomes_a_picture_that_can_be_shown);
	suite_add_tcase(s, t);
	return s;
}
