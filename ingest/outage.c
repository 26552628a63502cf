// SPDX-License-Identifier: MIT
#include "ingest/outage.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "common/log.h"

enum { LEAST_US = 1000000 };

/* libav counts in some of its words, so digits do not make a cause. */
static void reduce(char to[OUTAGE_WHY], const char *why)
{
	size_t n = 0;

	for (; *why && n < OUTAGE_WHY - 1; why++)
		if (*why < '0' || *why > '9')
			to[n++] = *why;
	to[n] = '\0';
}

/* Past the causes that are remembered, the outage is known well enough. */
static bool is_new(struct outage *o, const char *why)
{
	char cause[OUTAGE_WHY];

	reduce(cause, why);
	for (size_t i = 0; i < o->causes; i++)
		if (!strcmp(o->cause[i], cause))
			return false;
	if (o->causes == OUTAGE_CAUSES)
		return false;
	memcpy(o->cause[o->causes++], cause, sizeof(cause));
	return true;
}

int64_t outage_try(struct outage *o, const char *why, int64_t now_us)
{
	uint32_t random = 0;

	if (!o->tries)
		o->since_us = now_us;
	o->tries++;
	if (is_new(o, why))
		log_warn("camera %s: no pictures from %s: %s; trying again",
			o->code, o->shown, why);
	o->wait_us = o->wait_us ? o->wait_us * 2 : LEAST_US;
	if (o->wait_us > o->retry_most_us)
		o->wait_us = o->retry_most_us;
	/* Many cameras behind one switch must not come back at once. */
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)now_us;
	return o->wait_us / 2 + (int64_t)(random % 1024) * o->wait_us / 2048;
}

bool outage_end(struct outage *o, int64_t now_us)
{
	if (!o->tries)
		return false;
	log_info("camera %s: pictures from %s again, after %lld s and %u %s",
		o->code, o->shown,
		(long long)((now_us - o->since_us) / 1000000), o->tries,
		o->tries == 1 ? "try" : "tries");
	o->tries = 0;
	o->causes = 0;
	return true;
}

void outage_steady(struct outage *o)
{
	o->wait_us = 0;
}
