// SPDX-License-Identifier: MIT
/*
 * pages: the files of the dashboard, read once at start and kept in memory.
 */
#ifndef TALLY_API_PAGES_H
#define TALLY_API_PAGES_H

#include "api/req.h"

struct api;
struct pages;

enum { PAGES_MAX = 64, PAGE_BYTES_MAX = 4 << 20 };

/* Reads [api] www_dir and chart_js.  E_IO after naming the file. */
MUST enum err pages_open(struct pages **p, struct api *api);
void pages_close(struct pages *p);

/* The bytes of a file; n 0 where it is not there. */
struct slice pages_text(const struct pages *p, const char *name);
/* r->out as a page of HTML, for now only, under the same rules as the others.
 * Returns STEP_DONE. */
enum step page_reply(struct req *r, int status);

#endif
