// SPDX-License-Identifier: MIT
#include "api/known.h"

#include <string.h>

/* FNV-1a */
static size_t place_of(const char *code)
{
	uint32_t h = 2166136261u;

	while (*code)
		h = (h ^ (unsigned char)*code++) * 16777619u;
	return h % KNOWN_MAX;
}

const struct known_camera *known_find(
	const struct known *k, struct memo_mark mark, const char *code)
{
	const struct known_camera *c = &k->camera[place_of(code)];

	return c->mark.version == mark.version && c->mark.era == mark.era &&
			!strcmp(c->code, code)
		? c
		: NULL;
}

void known_put(struct known *k, const struct known_camera *camera)
{
	k->camera[place_of(camera->code)] = *camera;
}
