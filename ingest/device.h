// SPDX-License-Identifier: MIT
/*
 * device: a V4L2 camera, by memory-mapped streaming.  It is taken as it is set
 * (`v4l2-ctl` sets size and rate), in MJPEG or YUYV, whichever it is in or
 * takes.
 */
#ifndef TALLY_INGEST_DEVICE_H
#define TALLY_INGEST_DEVICE_H

#include "ingest/source.h"

struct device;

/* Fills the facts.  Logs nothing: why says what is wrong.  E_IO, E_INVALID (no
 * camera, no format that is known), E_NOMEM. */
MUST enum err device_open(struct device **d, const char *path,
	struct source_facts *facts, char why[SOURCE_WHY]);
void device_close(struct device *d);

/* As source_next; gives up at the deadline, or when the halt is said. */
MUST enum err device_next(struct device *d, struct picture *p,
	struct halt *halt, int64_t deadline_us, char why[SOURCE_WHY]);

/* Pictures that could not be decoded. */
unsigned long device_damaged(const struct device *d);

#endif
