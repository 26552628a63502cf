// SPDX-License-Identifier: MIT
/*
 * darknet_wire: what the engine darknet and its child share.  Darknet ends the
 * process on an error, so it runs in a program of its own, tally-darknet:
 *
 *	tally-darknet THRESHOLD CFG WEIGHTS WIDTH HEIGHT [CFG WEIGHTS ...]
 *
 * Its descriptors: 0 brings one byte for each picture, 1 takes one byte back
 * when the networks are loaded and after each picture, 2 takes Darknet's
 * words, 3 is the memory below.  The end of 0 ends it.
 */
#ifndef TALLY_INGEST_DETECT_DARKNET_WIRE_H
#define TALLY_INGEST_DETECT_DARKNET_WIRE_H

#include "common/base.h"

enum {
	WIRE_MEMORY = 3, /* descriptor */
	WIRE_NETWORKS = 2,
	WIRE_BOXES = 1024 /* of one network; more are left out */
};

struct wire_box {
	float x, y, w, h; /* centre and size, as shares of the picture */
	float score;
	int32_t class;
};

struct wire {
	uint32_t n[WIRE_NETWORKS];
	struct wire_box box[WIRE_NETWORKS][WIRE_BOXES];
	/* The picture as each network takes it: planes of red, green, blue,
	 * 0 to 1; one behind the other. */
	float input[];
};

#endif
