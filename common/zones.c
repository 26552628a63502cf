// SPDX-License-Identifier: MIT
#include "common/zones.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void zones_free(struct zones *z)
{
	for (unsigned i = 0; i < z->n; i++)
		tz_free(z->zone[i].tz);
	free(z->zone);
	*z = (struct zones){0};
}

enum err zones_find(struct zones *z, const char *name, const struct tz **tz)
{
	struct tz *loaded;
	enum err e;

	for (unsigned i = 0; i < z->n; i++)
		if (!strcmp(z->zone[i].name, name)) {
			*tz = z->zone[i].tz;
			return E_OK;
		}
	if (z->n == ZONES_MAX)
		return E_FULL;
	if (!z->zone && !(z->zone = calloc(ZONES_MAX, sizeof(*z->zone))))
		return E_NOMEM;
	if ((e = tz_load(name, &loaded)))
		return e;
	snprintf(z->zone[z->n].name, sizeof(z->zone[0].name), "%s", name);
	z->zone[z->n++].tz = loaded;
	*tz = loaded;
	return E_OK;
}
