// SPDX-License-Identifier: MIT
#include "api/html.h"

#include <string.h>

#include "common/utf8.h"

void html_text(struct text *t, const char *s)
{
	size_t n = s ? strlen(s) : 0;

	while (n) {
		size_t k = utf8_len(s, n);

		if (!k)
			text_str(t, "\xef\xbf\xbd");
		else if (strchr("&<>\"'", *s))
			text_printf(t, "&#%d;", *s);
		else
			text_add(t, s, k);
		s += k ? k : 1;
		n -= k ? k : 1;
	}
}
