// SPDX-License-Identifier: MIT
/*
 * fleet: all cameras of the process, each with threads of its own.  They meet
 * at the spool, at the gate before detection, and nowhere else: what one does
 * wrong ends that one.
 *
 * The functions are the main thread's, but for fleet_has.
 */
#ifndef TALLY_INGEST_FLEET_H
#define TALLY_INGEST_FLEET_H

#include "common/conf.h"
#include "common/text.h"
#include "ingest/camera.h"
#include "ingest/detect/share.h"

/* Of ingest.name. */
#define FLEET_NAME_LETTERS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

struct member; /* a camera with its settings */

struct fleet {
	struct member *at[CONF_CAMERAS_MAX];
	size_t n;
	struct spool *spool;
	struct marks *marks;
	struct drawings *drawings;
	struct records *records;
	struct view *view;
	struct gate gate;
	struct share share;	  /* of engines */
	pthread_mutex_t lock;	  /* of at and n, for fleet_has */
	void (*ended)(void *arg); /* a camera has; from its thread */
	void *arg;
	enum status status; /* the first that was not STATUS_OK */
};

void fleet_init(struct fleet *f, const struct conf *c);
void fleet_fini(struct fleet *f);

/* Checks each camera's settings; a line on standard error or in the log for
 * each fault.  How many. */
unsigned fleet_check(const struct conf *c, bool in_log);

/* One camera's settings, faults in the log; and where its pictures are. */
unsigned fleet_look(const struct conf *own, struct address *a);

/* Opens a file or a folder, or an engine; what failed was logged. */
enum status fleet_open_clip(
	struct source **s, const struct address *a, const struct conf *own);
enum status fleet_open_engine(struct engine **e, const struct conf *own);

/* Opens sources and engines, all of them that are no cameras to connect to.
 * What cannot be opened was logged and is left out; with a single camera its
 * status comes back. */
enum status fleet_open(struct fleet *f, const struct conf *c);

/* Starts the threads of those that are open.  Needs spool, marks and
 * drawings. */
enum status fleet_start(struct fleet *f);

/* Goes over to new settings: what is the same runs on untouched, what is gone
 * or changed keeps its interval as a partial row, what is new or changed
 * starts. */
void fleet_change(struct fleet *f, const struct conf *c);

/* Says to all: stop. */
void fleet_halt(struct fleet *f);

/* Whether none runs any more; frees nothing. */
bool fleet_over(struct fleet *f);

/* Whether one has ended because the spool failed: then all must. */
bool fleet_failed(struct fleet *f);

/* Waits for all to end. */
void fleet_join(struct fleet *f);

/* Whether one of them has this code; also as the head of a line's or zone's
 * "CODE/…". */
bool fleet_has(struct fleet *f, const char *code);

/* The member "cameras": how each fares.  From one thread, any. */
void fleet_tell(struct fleet *f, struct text *t);

/* The members of camera number i's line of totals. */
void fleet_totals(struct fleet *f, size_t i, struct text *t);

#endif
