// SPDX-License-Identifier: MIT
/*
 * detect: what an engine must do: find objects in one picture.  An engine
 * belongs to one thread at a time and keeps nothing that its caller must free.
 */
#ifndef TALLY_INGEST_DETECT_DETECT_H
#define TALLY_INGEST_DETECT_DETECT_H

#include "common/conf.h"
#include "common/text.h"
#include "ingest/classes.h"
#include "ingest/source.h"

enum { DETECT_MAX = 256 }; /* objects in a picture; the weakest are left out */

struct detection {
	float x, y, w, h; /* pixels of the picture; x, y: the upper left */
	float score;	  /* 0 to 1 */
	enum kind kind;	  /* never KIND_NONE */
};

struct detections {
	size_t n;
	struct detection at[DETECT_MAX];
	unsigned long refused; /* did not fit, since the engine was opened */
};

struct engine {
	const char *name;
	unsigned kinds; /* 1 << kind for each it can tell */
	float sure;	/* least score of a box that may begin an object */
	bool shareable; /* keeps nothing of a picture, and cannot hang */
	/* Sets d->n.  Logs its library's words: E_NOMEM, E_CORRUPT; E_BUSY:
	 * not this picture, maybe the next. */
	enum err (*find)(
		struct engine *e, const struct frame *f, struct detections *d);
	void (*free)(struct engine *e);
};

/* Tells each fault of the settings that choose an engine and its networks,
 * by the key in [ingest].  Opens no file. */
void engine_check(const struct conf *c,
	void (*told)(void *arg, const char *key, const char *what), void *arg);

/*
 * Opens the engine that the configuration names.  Logs one line on failure:
 * E_NOT_FOUND (a file of the model is missing), E_CORRUPT (a damaged model),
 * E_SYNTAX (a damaged names list), E_INVALID (the configuration).
 */
MUST enum err engine_open(struct engine **e, const struct conf *c);

/* All that engine_open goes by, and what its files are like now: engines of
 * the same key do the same. */
void engine_key(const struct conf *c, struct text *key);

/* Adds one, or takes the place of the weakest. */
void detections_add(struct detections *d, struct detection x);

/* Leaves of those that overlap (intersection over union above limit) and are
 * of one group the strongest alone; sorts by falling score. */
void detections_thin(struct detections *d, float limit);

/* Intersection over union of two boxes, 0 to 1. */
float detection_iou(const struct detection *a, const struct detection *b);

#endif
