// SPDX-License-Identifier: MIT
#include "ingest/halt.h"

#include <time.h>

void halt_init(struct halt *h)
{
	pthread_condattr_t a;

	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->cond, &a);
	pthread_condattr_destroy(&a);
	h->said = false;
}

void halt_fini(struct halt *h)
{
	pthread_cond_destroy(&h->cond);
	pthread_mutex_destroy(&h->lock);
}

void halt_say(struct halt *h)
{
	pthread_mutex_lock(&h->lock);
	h->said = true;
	pthread_cond_broadcast(&h->cond);
	pthread_mutex_unlock(&h->lock);
}

bool halt_said(struct halt *h)
{
	return halt_wait(h, 0);
}

bool halt_wait(struct halt *h, int64_t us)
{
	int64_t until = halt_clock_us() + us;
	struct timespec at = {until / 1000000, until % 1000000 * 1000};
	bool said;

	pthread_mutex_lock(&h->lock);
	while (!h->said && us > 0 &&
		pthread_cond_timedwait(&h->cond, &h->lock, &at) == 0)
		;
	said = h->said;
	pthread_mutex_unlock(&h->lock);
	return said;
}

int64_t halt_clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}
