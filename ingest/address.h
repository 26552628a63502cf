// SPDX-License-Identifier: MIT
/*
 * address: where a camera's pictures come from, as the operator wrote it.
 * Keeps what may be shown apart from what must not: a name and a password are
 * only ever in url.  Pure.
 */
#ifndef TALLY_INGEST_ADDRESS_H
#define TALLY_INGEST_ADDRESS_H

#include "common/base.h"

enum address_kind {
	ADDRESS_PATH, /* a file or a folder */
	ADDRESS_RTSP,
	ADDRESS_HTTP,
	ADDRESS_V4L2
};

enum { ADDRESS_MAX = 4096, ADDRESS_LOGIN_MAX = 120 };

struct address {
	enum address_kind kind;
	char shown[ADDRESS_MAX + 16];	 /* for the log */
	char url[ADDRESS_MAX + 3 * 128]; /* with name and password */
};

/*
 * source: a path, /dev/videoN, rtsp://, rtsps://, http:// or https://; with
 * user and password "" where it holds them or needs none.  E_INVALID: why says
 * what is wrong, without repeating what was written.
 */
MUST enum err address_parse(struct address *a, const char *source,
	const char *user, const char *password, char why[200]);

/* Whether pictures come as they are taken: what stops is connected to anew. */
bool address_live(const struct address *a);

/* Whether the text holds an address with a name in it. */
bool address_tells(const char *text);

/* Takes names and passwords out of addresses in a text of someone else's. */
void address_veil(char *text);

#endif
