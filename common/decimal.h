// SPDX-License-Identifier: MIT
/*
 * decimal: a double as the shortest decimal number that reads back the same,
 * in the form of printf's %g.  Pure.
 */
#ifndef TALLY_COMMON_DECIMAL_H
#define TALLY_COMMON_DECIMAL_H

#include "common/base.h"

enum { DECIMAL_TEXT = 32 };

/* v is finite.  Terminated; returns the length. */
size_t decimal(char text[DECIMAL_TEXT], double v);

#endif
