// SPDX-License-Identifier: MIT
/*
 * view: pictures for who watches a camera: POST /api/v1/ingest/frames.  Only
 * what somebody watches is copied, drawn on and sent, and at most some pictures
 * a second.  That is done by one thread for all cameras, which a camera never
 * waits for: where it is busy with a camera's last picture the next is left
 * out.
 */
#ifndef TALLY_INGEST_VIEW_H
#define TALLY_INGEST_VIEW_H

#include "ingest/counter.h"
#include "ingest/drawings.h"

struct view;
struct eye; /* of one camera */

struct view_settings {
	const char *url;	   /* origin */
	const char *ca;		   /* as struct client_settings has it */
	const char *token_file;	   /* as struct post_settings has it */
	struct drawings *drawings; /* who tells what is watched */
};

/* Keeps the settings by reference; starts the thread.  NULL, logged: out of
 * memory, no thread, a token file that is none. */
struct view *view_start(const struct view_settings *s);
/* Its eyes are closed.  NULL is fine. */
void view_stop(struct view *v);

/* Of the camera with this code, which is kept by reference.  NULL where v is,
 * or out of memory. */
struct eye *view_eye(struct view *v, const char *code);
void eye_close(struct eye *e);

/* A picture that was looked at, after counter_look; from the camera's thread.
 * at_us: its time in UTC. */
void eye_look(struct eye *e, const struct frame *f, int64_t at_us,
	const struct detections *found, const struct counter *c);

#endif
