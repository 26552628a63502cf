// SPDX-License-Identifier: MIT
/*
 * png: a frame with boxes drawn in, as a file to look at.
 */
#ifndef TALLY_INGEST_PNG_H
#define TALLY_INGEST_PNG_H

#include "ingest/detect/detect.h"

/* Boxes are green for people, red for vehicles, blue for faces.  Logs one
 * line: E_IO, E_NOMEM. */
MUST enum err png_write(
	const char *path, const struct frame *f, const struct detections *d);

#endif
