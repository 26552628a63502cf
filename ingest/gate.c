// SPDX-License-Identifier: MIT
#include "ingest/gate.h"

void gate_init(struct gate *g, unsigned room)
{
	*g = (struct gate){.room = room};
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->moved, NULL);
}

void gate_fini(struct gate *g)
{
	pthread_cond_destroy(&g->moved);
	pthread_mutex_destroy(&g->lock);
}

void gate_enter(struct gate *g)
{
	uint64_t mine;

	pthread_mutex_lock(&g->lock);
	mine = g->next++;
	while (mine != g->serving || !g->room)
		pthread_cond_wait(&g->moved, &g->lock);
	g->serving++;
	g->room--;
	pthread_cond_broadcast(&g->moved);
	pthread_mutex_unlock(&g->lock);
}

void gate_leave(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->room++;
	pthread_cond_broadcast(&g->moved);
	pthread_mutex_unlock(&g->lock);
}
