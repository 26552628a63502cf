// SPDX-License-Identifier: MIT
#include "ingest/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/client.h"
#include "common/log.h"

enum {
	SECOND = 1000000,
	LOOK_US = SECOND,
	PERIOD_US = 10 * SECOND,
	ANSWER_US = 10 * SECOND,
	LAST_US = 2 * SECOND
};

static const char path[] = "/api/v1/ingest/status";

struct report {
	const char *token_file;
	struct tell *tell;
	struct client *client;
	struct halt halt;
	pthread_t thread;
	struct text text;
	char told[TELL_SIGN]; /* the sign of the last report */
	int64_t next_us;      /* one is due, whatever the sign */
	int64_t last_us;      /* the deadline of the last one; 0: not yet */
	int refused;	      /* the status that was logged; 0: none */
};

static bool ended(void *arg)
{
	struct report *r = arg;

	return r->last_us ? halt_clock_us() > r->last_us : halt_said(&r->halt);
}

/* That the API cannot be reached is said where rows are posted. */
static void send(struct report *r)
{
	struct client_answer a;
	char why[CLIENT_WHY];

	if (r->text.full ||
		client_post(r->client, path,
			(struct slice){r->text.at, r->text.n}, &a, why))
		return;
	if (a.status == 204) {
		r->refused = 0;
		return;
	}
	if (a.status != r->refused)
		log_warn("the API does not take how this ingest fares: HTTP "
			 "%ld: %.*s",
			a.status, a.body.n < 300 ? (int)a.body.n : 300,
			a.body.n ? a.body.at : "");
	r->refused = (int)a.status;
	if ((a.status == 401 || a.status == 403) &&
		client_token(r->client, r->token_file, "ingest_token", why))
		log_warn("ingest.token_file %s: %s", r->token_file, why);
}

static void *report_thread(void *arg)
{
	struct report *r = arg;
	char sign[TELL_SIGN];

	while (!halt_wait(&r->halt, LOOK_US)) {
		int64_t now = halt_clock_us();

		if (!tell_copy(r->tell, &r->text, sign) ||
			(now < r->next_us && !strcmp(sign, r->told)))
			continue;
		memcpy(r->told, sign, sizeof(r->told));
		r->next_us = now + PERIOD_US;
		send(r);
	}
	return NULL;
}

static void report_free(struct report *r)
{
	client_close(r->client);
	text_free(&r->text);
	halt_fini(&r->halt);
	free(r);
}

struct report *report_start(
	const char *url, const char *ca, const char *token_file, struct tell *t)
{
	struct report *r = calloc(1, sizeof(*r));
	struct client_settings c = {.url = url,
		.ca = ca,
		.answer_us = ANSWER_US,
		.ended = ended,
		.arg = r};
	char why[CLIENT_WHY] = "out of memory, or of threads";

	if (!r)
		return NULL;
	r->token_file = token_file;
	r->tell = t;
	halt_init(&r->halt);
	text_init(&r->text, TELL_MAX);
	if (client_open(&r->client, &c, why) ||
		client_token(r->client, token_file, "ingest_token", why) ||
		pthread_create(&r->thread, NULL, report_thread, r)) {
		log_warn("the API is not told how this ingest fares: %s", why);
		report_free(r);
		return NULL;
	}
	return r;
}

void report_stop(struct report *r)
{
	if (!r)
		return;
	halt_say(&r->halt);
	pthread_join(r->thread, NULL);
	r->last_us = halt_clock_us() + LAST_US;
	tell_last(r->tell, &r->text);
	send(r);
	report_free(r);
}
