// SPDX-License-Identifier: MIT
/*
 * client: one origin of the HTTP API, asked over a connection that is kept
 * open, with a bearer token.  The only file that includes libcurl.  Waits for
 * its answers; one thread at a time.
 *
 * The token is sent in the Authorization header, to that one origin, never
 * through a proxy, never on a redirect.  A certificate is always verified.
 */
#ifndef TALLY_COMMON_CLIENT_H
#define TALLY_COMMON_CLIENT_H

#include "common/base.h"

enum { CLIENT_WHY = 200, CLIENT_TAG = 128 };

struct client;

struct client_settings {
	const char *url; /* origin, http:// or https:// */
	const char *ca; /* PEM file of the one authority to trust with https://;
			   NULL or "": the system's */
	const char *type;      /* of what is posted; NULL: application/json */
	int64_t answer_us;     /* for one answer */
	bool (*ended)(void *); /* asked while an answer is waited for: true
				  gives it up; NULL: never */
	void *arg;
};

/* body is good until the next question. */
struct client_answer {
	long status;
	struct slice body;
	int64_t retry_after_us; /* 0: it did not say */
	char tag[CLIENT_TAG];	/* ETag; "" none */
};

/* why, here and below: what is wrong, words for a person without the URL or the
 * token.  E_INVALID: the URL; E_IO: the CA file; E_NOMEM.  Takes a copy of the
 * settings. */
MUST enum err client_open(struct client **c, const struct client_settings *s,
	char why[CLIENT_WHY]);
void client_close(struct client *c);

/* From now on with the token that the file holds: alone, or as this member of
 * a JSON object.  Where that fails (E_INVALID, E_NOMEM) the old one stays. */
MUST enum err client_token(struct client *c, const char *path,
	const char *member, char why[CLIENT_WHY]);

/*
 * path: "/api/v1/…".  body: of the client's type, or nothing.  E_OK: an answer
 * came, of whatever status; E_NETWORK: none, and what was done is unknown.
 */
MUST enum err client_get(struct client *c, const char *path,
	struct client_answer *a, char why[CLIENT_WHY]);
/* The same, where the answer has not this tag any more; "": whatever it has. */
MUST enum err client_get_unless(struct client *c, const char *path,
	const char *tag, struct client_answer *a, char why[CLIENT_WHY]);
MUST enum err client_post(struct client *c, const char *path, struct slice body,
	struct client_answer *a, char why[CLIENT_WHY]);

/* The token in the bytes of such a file.  E_INVALID where there is none, or
 * more than visible ASCII. */
MUST enum err client_token_in(
	struct slice file, const char *member, char *token, size_t size);

#endif
