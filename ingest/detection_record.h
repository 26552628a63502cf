// SPDX-License-Identifier: MIT
/*
 * detection_record: what was found in one picture, as POST /api/v1/records
 * takes it, and when a picture is due for one.  Pure.
 */
#ifndef TALLY_INGEST_DETECTION_RECORD_H
#define TALLY_INGEST_DETECTION_RECORD_H

#include "common/text.h"
#include "ingest/track.h"

enum { DETECTION_RECORD_MAX = 65536 /* bytes; more than any has */ };

/* How often: each so many pictures, or once in so long a time, whatever comes
 * first; 0: not by that.  Zeroed but for these two: as at the start. */
struct record_pace {
	int every_frames;
	int64_t every_us;

	bool begun;
	int frames;	/* since the last record */
	int64_t due_us; /* by the time */
};

/* Once for each picture; true: make a record of it. */
bool record_due(struct record_pace *p, int64_t at_us);

struct picture_facts {
	const char *camera;
	int64_t at_us; /* UTC */
	uint64_t number;
	int64_t decode_us, detect_us;
	int w, h;	/* pixels that boxes are told in */
	unsigned kinds; /* 1 << kind for each that is measured */
};

/*
 * The object, without line ends: the boxes that the tracker has just been
 * given. Those that it may not begin an object with, and that carry none on,
 * are left out.  Counts are of these boxes.
 */
void detection_record_json(struct text *t, const struct picture_facts *f,
	const struct detections *d, const struct tracker *tracker);

#endif
