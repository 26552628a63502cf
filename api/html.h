// SPDX-License-Identifier: MIT
/*
 * html: text into a page.  Pure.
 */
#ifndef TALLY_API_HTML_H
#define TALLY_API_HTML_H

#include "common/text.h"

/* As text, in an element or a quoted attribute: never markup.  Bytes that are
 * no UTF-8 become U+FFFD.  NULL adds nothing. */
void html_text(struct text *t, const char *s);

#endif
