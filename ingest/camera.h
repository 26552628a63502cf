// SPDX-License-Identifier: MIT
/*
 * camera: one camera's way from pictures to rows: source, engine, tracker,
 * intervals, spool.  Belongs to one thread from camera_run to its end; another,
 * of its feed, decodes.
 */
#ifndef TALLY_INGEST_CAMERA_H
#define TALLY_INGEST_CAMERA_H

#include <stdatomic.h>

#include "ingest/detect/detect.h"
#include "ingest/drawings.h"
#include "ingest/gate.h"
#include "ingest/halt.h"
#include "ingest/marks.h"
#include "ingest/records.h"
#include "ingest/row.h"
#include "ingest/source.h"
#include "ingest/spool.h"
#include "ingest/status.h"
#include "ingest/view.h"

struct camera_run;

/* For whoever asks while it runs. */
struct camera_facts {
	_Atomic uint64_t looked, dropped; /* pictures */
	_Atomic int64_t find_us;	  /* of the engine, for the last */
	_Atomic int64_t last_us;	  /* when that was, monotonic; 0 */
};

/* What an operator chose, and what the camera works with: all the caller's. */
struct camera {
	const char *code;
	int interval_s;
	bool max;	  /* as fast as possible, on the clip's own clock */
	int64_t start_us; /* with max: the time of the first picture */
	int loops;	  /* passes of the clip; 0: without end */
	double fps;	  /* pictures to look at in a second; 0: all */
	int64_t stall_us, retry_most_us; /* of a live camera */
	FILE *report;			 /* CSV of the rows, or NULL */
	int record_frames; /* a detection record each so many pictures, 0: … */
	int64_t record_us; /* … or in so long a time, 0: none */

	struct source *source;	       /* a clip; NULL: a live camera at */
	const struct address *address; /* this one */
	struct engine *engine;
	struct spool *spool;
	struct marks *marks;
	struct drawings *drawings;	/* NULL: no lines, no zones */
	struct records *records;	/* NULL: none are made */
	struct view *view;		/* NULL: nobody can watch */
	struct gate *gate;		/* detection passes through */
	int64_t (*wall_clock_us)(void); /* UTC */
	struct halt *halt;		/* of this camera alone */
	struct camera_facts facts;
	struct totals totals; /* out: of the rows that the spool took */
	struct camera_run *run;
};

/* The system's clock, µs. */
int64_t camera_wall_clock_us(void);

/*
 * Counts until the halt, or with loops until the last pass ends.  Each status
 * but STATUS_OK was logged; it may have said the halt then.
 */
enum status camera_run(struct camera *c);

#endif
