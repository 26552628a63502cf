// SPDX-License-Identifier: MIT
/*
 * shapes: the JSON of a camera's lines and zones.
 */
#ifndef TALLY_API_SHAPES_H
#define TALLY_API_SHAPES_H

#include "common/db/pool.h"
#include "common/text.h"

/* The camera whose rows of Q_CONFIG begin at from, as an object; where the next
 * one's begin. */
size_t shapes_write(struct text *t, const struct db_rows *rows, size_t from);

#endif
