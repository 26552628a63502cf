// SPDX-License-Identifier: MIT
/*
 * A time that is accepted is the one that timegm makes of its digits, and reads
 * the same when it is written again; what a zone says of it holds together.
 * The first byte chooses the zone; 'n' takes the text for the name of one.
 */
#include <time.h>

#include "common/tz.h"
#include "common/when.h"
#include "tests/fuzz/fuzz.h"

enum { YEAR_MOST = 9998 };

static const char *const names[] = {"UTC", "Asia/Seoul", "Europe/Berlin",
	"Europe/Dublin", "America/New_York", "America/St_Johns",
	"Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia",
	"Africa/Casablanca", "Antarctica/Troll", "America/Nuuk"};

static struct tz *zone(unsigned which)
{
	static struct tz *loaded[ARRAY_LEN(names)];
	struct tz **tz = &loaded[which % ARRAY_LEN(names)];

	if (!*tz)
		HOLD(!tz_load(names[which % ARRAY_LEN(names)], tz));
	return *tz;
}

/* ---- the text ---- */

static int number(const char *s, size_t n)
{
	int v = 0;

	for (size_t i = 0; i < n; i++) {
		HOLD(s[i] >= '0' && s[i] <= '9');
		v = v * 10 + (s[i] - '0');
	}
	return v;
}

static void check_text(const char *s, size_t n, const struct when *w)
{
	struct tm tm = {.tm_year = number(s, 4) - 1900,
		.tm_mon = number(s + 5, 2) - 1,
		.tm_mday = number(s + 8, 2)};
	struct tm normal;
	size_t at = 16;
	int64_t want;

	HOLD(n >= 10 && w->date_only == (n == 10));
	if (!w->date_only) {
		tm.tm_hour = number(s + 11, 2);
		tm.tm_min = number(s + 14, 2);
		if (n > 16 && s[16] == ':') {
			tm.tm_sec = number(s + 17, 2);
			at = 19;
		}
		if (at < n && s[at] == '.')
			for (at++; at < n && strchr("0123456789", s[at]);)
				at++;
	}
	normal = tm;
	want = timegm(&normal);
	/* No day that the month lacks, no second 60. */
	HOLD(normal.tm_mday == tm.tm_mday && normal.tm_sec == tm.tm_sec);
	HOLD(w->has_offset == (!w->date_only && at < n));
	if (w->has_offset && s[at] != 'Z' && s[at] != 'z') {
		int offset = number(s + at + 1, 2) * 3600 +
			number(s + at + 4, 2) * 60;

		HOLD(at + 6 == n);
		want -= s[at] == '-' ? -offset : offset;
	}
	HOLD(w->at == want);
}

static void check_round(const struct when *w)
{
	struct civil c = when_to_civil(w->at);
	char text[WHEN_TEXT];
	struct when again;

	HOLD(when_from_civil(&c) == w->at);
	HOLD(when_weekday(w->at) >= 1 && when_weekday(w->at) <= 7);
	if (c.year < 2 || c.year > YEAR_MOST)
		return;
	HOLD(when_from_number(when_number(w->at)) == w->at);
	when_format(text, w->at, 0, true);
	HOLD(!when_parse(text, strlen(text), &again));
	HOLD(again.at == w->at && again.has_offset && again.whole);
	when_format(text, w->at, -34200, false);
	HOLD(!when_parse(text, strlen(text), &again));
	HOLD(again.at == w->at);
}

/* ---- the zone ---- */

static void check_local(const struct tz *tz, int64_t local)
{
	int64_t out[2] = {0};
	int n = tz_local(tz, local, out);

	HOLD(n >= 0 && n <= 2);
	for (int i = 0; i < n; i++)
		HOLD(out[i] + tz_offset(tz, out[i]) == local);
	HOLD(n < 2 || out[0] < out[1]);
}

static void check_zone(const struct tz *tz, int64_t at)
{
	int64_t local = at + tz_offset(tz, at), out[2] = {0};
	int64_t next = tz_next_change(tz, at), begin;
	struct civil c = when_to_civil(local), day = {0};
	int n = tz_local(tz, local, out);

	/* What shows a local time is among those that show it. */
	HOLD(n >= 1 && (out[0] == at || (n == 2 && out[1] == at)));
	HOLD(next > at);
	if (next != TZ_NEVER) {
		HOLD(tz_offset(tz, next - 1) == tz_offset(tz, at));
		HOLD(tz_offset(tz, next) != tz_offset(tz, at));
		check_local(tz, next + tz_offset(tz, at));
		check_local(tz, next + tz_offset(tz, next));
	}
	begin = tz_day_start(tz, c.year, c.month, c.day);
	day = (struct civil){c.year, c.month, c.day, 0, 0, 0};
	local = when_from_civil(&day);
	HOLD(begin <= at && begin + tz_offset(tz, begin) >= local);
	HOLD(begin - 1 + tz_offset(tz, begin - 1) < local);
}

static void check_name(const char *s, size_t n)
{
	char name[TZ_NAME_MAX * 2] = "";

	memcpy(name, s, n < sizeof(name) - 1 ? n : sizeof(name) - 1);
	if (!tz_name_ok(name)) {
		struct tz *tz;

		HOLD(tz_load(name, &tz));
		return;
	}
	HOLD(*name && *name != '/' && !strstr(name, ".."));
	HOLD(strlen(name) <= TZ_NAME_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct tz *tz;
	struct when w;
	struct civil c;
	char *copy;

	if (n-- < 1)
		return 0;
	copy = fuzz_copy(data + 1, n);
	if (data[0] == 'n') {
		check_name(copy, n);
	} else if (!when_parse(copy, n, &w)) {
		tz = zone(data[0]);
		check_text(copy, n, &w);
		check_round(&w);
		c = when_to_civil(w.at);
		if (c.year > 1 && c.year < YEAR_MOST) {
			check_local(tz, w.at);
			check_zone(tz, w.at);
		}
	}
	free(copy);
	return 0;
}
