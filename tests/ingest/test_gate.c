// SPDX-License-Identifier: MIT
#include <check.h>
#include <sched.h>

#include "ingest/gate.h"

enum { THREADS = 8, TURNS = 200 };

static struct gate gate;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int order[THREADS], passed, inside, most;

static uint64_t tickets(void)
{
	uint64_t n;

	pthread_mutex_lock(&gate.lock);
	n = gate.next;
	pthread_mutex_unlock(&gate.lock);
	return n;
}

static void *pass_once(void *arg)
{
	gate_enter(&gate);
	pthread_mutex_lock(&lock);
	order[passed++] = (int)(intptr_t)arg;
	pthread_mutex_unlock(&lock);
	gate_leave(&gate);
	return NULL;
}

START_TEST(who_came_first_passes_first)
{
	pthread_t t[THREADS];

	passed = 0;
	gate_init(&gate, 1);
	gate_enter(&gate);
	for (int i = 0; i < THREADS; i++) {
		ck_assert(!pthread_create(
			&t[i], NULL, pass_once, (void *)(intptr_t)i));
		while (tickets() != (uint64_t)i + 2)
			sched_yield();
	}
	ck_assert_int_eq(passed, 0);
	gate_leave(&gate);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(order[i], i);
	gate_fini(&gate);
}
END_TEST

static void *pass_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < TURNS; i++) {
		gate_enter(&gate);
		pthread_mutex_lock(&lock);
		if (++inside > most)
			most = inside;
		pthread_mutex_unlock(&lock);
		sched_yield();
		pthread_mutex_lock(&lock);
		inside--;
		passed++;
		pthread_mutex_unlock(&lock);
		gate_leave(&gate);
	}
	return NULL;
}

START_TEST(never_more_than_there_is_room_for)
{
	pthread_t t[THREADS];

	passed = inside = most = 0;
	gate_init(&gate, 3);
	for (int i = 0; i < THREADS; i++)
		ck_assert(!pthread_create(&t[i], NULL, pass_often, NULL));
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	ck_assert_int_eq(passed, THREADS * TURNS);
	ck_assert_int_le(most, 3);
	gate_fini(&gate);
}
END_TEST

Suite *test_ingest_gate(void);
Suite *test_ingest_gate(void)
{
	Suite *s = suite_create("ingest/gate");
	TCase *t = tcase_create("gate");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, who_came_first_passes_first);
	tcase_add_test(t, never_more_than_there_is_room_for);
	suite_add_tcase(s, t);
	return s;
}
