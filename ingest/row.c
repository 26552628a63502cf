// SPDX-License-Identifier: MIT
#include "ingest/row.h"

#include <inttypes.h>

#include "common/when.h"

static const char *const fresh_name[GROUP_COUNT] = {
	"people_new", "vehicle_new", "face_new"};

static bool measures(unsigned kinds, enum group g)
{
	for (int k = 0; k < KIND_COUNT; k++)
		if ((kinds & 1U << k) && kind_group((enum kind)k) == g)
			return true;
	return false;
}

bool row_measures(const struct row *r, enum group g)
{
	return measures(r->kinds, g);
}

const char *row_code(
	char code[ROW_CODE_MAX], const char *camera, const struct row *r)
{
	snprintf(code, ROW_CODE_MAX, "%s%s%s", camera, *r->name ? "/" : "",
		r->name);
	return code;
}

/* Who left, how many there were at one time, how long they stayed; whose speed
 * was measured.  What POST /counts calls detail. */
static void detail_json(struct text *t, const struct row *r)
{
	if (r->series == SERIES_LINE && !r->speeds)
		return;
	json_open(t, "detail", '{');
	for (int g = 0; g < GROUP_COUNT; g++) {
		if (r->series == SERIES_LINE || !row_measures(r, (enum group)g))
			continue;
		json_open(t, group_name((enum group)g), '{');
		json_int(t, "left", r->left[g]);
		json_int(t, "peak", r->peak[g]);
		json_int(t, "stay_s", (r->stay_us[g] + 500000) / 1000000);
		json_close(t, '}');
	}
	if (r->speeds) {
		json_open(t, "speed", '{');
		json_int(t, "n", r->speed_n);
		json_int(t, "sum_cm_s", r->speed_sum);
		json_int(t, "max_cm_s", r->speed_max);
		json_close(t, '}');
	}
	json_close(t, '}');
}

void row_json(struct text *t, const char *camera, const struct row *r)
{
	char at[WHEN_TEXT], code[ROW_CODE_MAX];
	bool any = false;

	json_open(t, NULL, '{');
	json_str(t, "camera", row_code(code, camera, r));
	json_str(t, "start_at", when_format(at, r->start_at, 0, true));
	json_str(t, "end_at", when_format(at, r->end_at, 0, true));
	for (int g = 0; g < GROUP_COUNT; g++) {
		if (!row_measures(r, (enum group)g))
			continue;
		json_int(t, group_name((enum group)g), r->present[g]);
		json_int(t, fresh_name[g], r->fresh[g]);
	}
	for (int k = 0; k < KIND_COUNT; k++) {
		if (!(r->kinds & 1U << k) || !kind_class((enum kind)k))
			continue;
		if (!any)
			json_open(t, "classes", '{');
		any = true;
		json_int(t, kind_class((enum kind)k), r->of_kind[k]);
	}
	if (any)
		json_close(t, '}');
	detail_json(t, r);
	json_int(t, "observed_s", r->observed_s);
	json_close(t, '}');
}

void row_csv_header(FILE *f)
{
	fputs("camera,start_at,end_at", f);
	for (int g = 0; g < GROUP_COUNT; g++)
		fprintf(f, ",%s,%s", group_name((enum group)g), fresh_name[g]);
	for (int k = 0; k < KIND_COUNT; k++)
		if (kind_class((enum kind)k))
			fprintf(f, ",%s", kind_class((enum kind)k));
	fputs(",observed_s\n", f);
}

static void csv_text(FILE *f, const char *s)
{
	putc('"', f);
	for (; *s; s++) {
		if (*s == '"')
			putc('"', f);
		putc(*s, f);
	}
	putc('"', f);
}

void row_csv(FILE *f, const char *camera, const struct row *r)
{
	char start[WHEN_TEXT], end[WHEN_TEXT], code[ROW_CODE_MAX];

	csv_text(f, row_code(code, camera, r));
	fprintf(f, ",%s,%s", when_format(start, r->start_at, 0, true),
		when_format(end, r->end_at, 0, true));
	for (int g = 0; g < GROUP_COUNT; g++) {
		if (row_measures(r, (enum group)g))
			fprintf(f, ",%d,%d", r->present[g], r->fresh[g]);
		else
			fputs(",,", f);
	}
	for (int k = 0; k < KIND_COUNT; k++) {
		if (!kind_class((enum kind)k))
			continue;
		if (r->kinds & 1U << k)
			fprintf(f, ",%d", r->of_kind[k]);
		else
			putc(',', f);
	}
	fprintf(f, ",%d\n", r->observed_s);
}

void totals_add(struct totals *t, const struct row *r)
{
	if (r->series != SERIES_FRAME)
		return;
	t->kinds = r->kinds;
	if (!t->rows || r->start_at < t->first_at)
		t->first_at = r->start_at;
	if (!t->rows || r->end_at > t->last_at)
		t->last_at = r->end_at;
	t->rows++;
	t->observed_s += r->observed_s;
	for (int g = 0; g < GROUP_COUNT; g++) {
		t->present[g] += r->present[g];
		t->fresh[g] += r->fresh[g];
	}
	for (int k = 0; k < KIND_COUNT; k++)
		t->of_kind[k] += r->of_kind[k];
}

void totals_json(struct text *t, const struct totals *s)
{
	char at[WHEN_TEXT];

	json_int(t, "intervals", (int64_t)s->rows);
	json_int(t, "observed_s", s->observed_s);
	json_str(t, "first_at",
		s->rows ? when_format(at, s->first_at, 0, true) : NULL);
	json_str(t, "last_at",
		s->rows ? when_format(at, s->last_at, 0, true) : NULL);
	for (int g = 0; g < GROUP_COUNT; g++) {
		if (measures(s->kinds, (enum group)g)) {
			json_int(t, group_name((enum group)g), s->present[g]);
			json_int(t, fresh_name[g], s->fresh[g]);
		} else {
			json_null(t, group_name((enum group)g));
			json_null(t, fresh_name[g]);
		}
	}
	json_open(t, "classes", '{');
	for (int k = 0; k < KIND_COUNT; k++)
		if ((s->kinds & 1U << k) && kind_class((enum kind)k))
			json_int(t, kind_class((enum kind)k), s->of_kind[k]);
	json_close(t, '}');
	json_int(t, "pictures", (int64_t)s->pictures);
	json_int(t, "skipped", (int64_t)s->skipped);
	json_int(t, "damaged", (int64_t)s->damaged);
	json_int(t, "passes", (int64_t)s->passes);
	json_int(t, "records", (int64_t)s->records);
}
