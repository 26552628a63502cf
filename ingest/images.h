// SPDX-License-Identifier: MIT
/*
 * images: the images of a folder as pictures, in the order of their names.
 * The list is made once; what is not an image by its name is left out.
 */
#ifndef TALLY_INGEST_IMAGES_H
#define TALLY_INGEST_IMAGES_H

#include "ingest/source.h"

enum { IMAGES_MAX = 1000000, IMAGE_BYTES_MAX = 64 << 20 };

struct images;

/* fps of them are a second, 0: one.  Fills the facts.  Logs one line:
 * E_NOT_FOUND (no folder, no image in it), E_TOO_BIG, E_CORRUPT (the first
 * one is damaged), E_NOMEM. */
MUST enum err images_open(struct images **i, const char *path, double fps,
	struct source_facts *facts);
void images_close(struct images *i);

/* As source_next; a damaged image is left out and counted. */
MUST enum err images_next(struct images *i, struct picture *p);
MUST enum err images_rewind(struct images *i);
unsigned long images_damaged(const struct images *i);

#endif
