// SPDX-License-Identifier: MIT
/*
 * pages: the files of the dashboard, read once at start and kept in memory.
 */
#ifndef TALLY_API_PAGES_H
#define TALLY_API_PAGES_H

#include "common/base.h"

struct api;
struct pages;

enum { PAGES_MAX = 64, PAGE_BYTES_MAX = 4 << 20 };

/* Reads [api] www_dir and chart_js.  E_IO after naming the file. */
MUST enum err pages_open(struct pages **p, struct api *api);
void pages_close(struct pages *p);

#endif
