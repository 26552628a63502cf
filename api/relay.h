// SPDX-License-Identifier: MIT
/*
 * relay: where the API's processes meet for the live view: a folder that holds,
 * for each camera somebody watches, a file CODE.want that each process with a
 * viewer touches once a second, and its newest picture, CODE.jpg.  (CODE is in
 * hexadecimal digits.)  Who watches and who gets the pictures may so be two
 * processes; inotify tells each of what the others did.  What nobody touches
 * any more is removed by whoever sees it, so a process that dies leaves
 * nothing behind.  The loop's thread only.
 */
#ifndef TALLY_API_RELAY_H
#define TALLY_API_RELAY_H

#include "common/base.h"

struct api;
struct relay;

/* Each may be called from relay_tick and from the loop. */
struct relay_events {
	void (*picture)(void *ctx, const char *code);
	void (*watched)(void *ctx); /* other cameras than before */
	void *ctx;
};

/* A folder that cannot be used is logged, and is no failure. */
MUST enum err relay_open(
	struct relay **r, struct api *api, const struct relay_events *on);
void relay_close(struct relay *r);
bool relay_works(const struct relay *r);

/* Somebody watches the camera, for some seconds more. */
void relay_want(struct relay *r, const char *code);
bool relay_watched(const struct relay *r, const char *code);
/* Number i of those that are watched, in the order of codes; NULL: no more. */
const char *relay_each(const struct relay *r, size_t i);
/* Changes when these do. */
uint64_t relay_version(const struct relay *r);
/* Once a second: lets go of what is old. */
void relay_tick(struct relay *r);

/* The newest picture; the older one is gone.  E_FULL, E_IO. */
MUST enum err relay_put(struct relay *r, const char *code, struct slice jpeg);
/* The picture, if it is not older than some seconds.  Into at, malloc'ed, with
 * before and after bytes of room around it.  E_NOT_FOUND, E_NOMEM, E_IO. */
MUST enum err relay_get(struct relay *r, const char *code, size_t before,
	size_t after, char **at, size_t *n);

#endif
