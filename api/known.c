// SPDX-License-Identifier: MIT
#include "api/known.h"

#include <string.h>

#include "common/text.h"

static size_t place_of(const char *code)
{
	return text_hash(TEXT_HASH, code) % KNOWN_MAX;
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
