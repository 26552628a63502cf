// SPDX-License-Identifier: MIT
#include "analytics/watch.h"

void watch_init(struct watch *w, int64_t period_ms, int64_t now_ms)
{
	*w = (struct watch){.period_ms = period_ms,
		.since_ms = now_ms,
		.ran_ms = now_ms - period_ms};
}

void watch_back(struct watch *w, int64_t now_ms)
{
	w->since_ms = now_ms;
}

enum watch_change watch_look(
	struct watch *w, const struct watch_seen *seen, int64_t now_ms)
{
	int64_t patience_ms = WATCH_PERIODS * w->period_ms;
	/* An age below 0 beyond one period says that the clock went back; the
	 * event may rest until its time has come again. */
	bool able = seen->scheduler_on && seen->event_enabled;
	bool works = !seen->fails ||
		(seen->worked && seen->worked_s * 1000 < patience_ms);
	bool runs = able && works && seen->ran &&
		seen->age_s * 1000 < patience_ms &&
		seen->age_s * 1000 > -w->period_ms;
	bool early = now_ms - w->since_ms < patience_ms;

	if (w->in_charge && runs) {
		w->in_charge = false;
		return WATCH_GIVEN_BACK;
	}
	if (!w->in_charge && !runs && !(able && early)) {
		w->in_charge = true;
		return WATCH_TAKEN_OVER;
	}
	return WATCH_SAME;
}

bool watch_due(const struct watch *w, int64_t now_ms)
{
	return w->in_charge && now_ms - w->ran_ms >= w->period_ms;
}

void watch_ran(struct watch *w, int64_t now_ms)
{
	w->ran_ms = now_ms;
}
