// SPDX-License-Identifier: MIT
/*
 * motion: moving shapes, found without a model.  The picture is shrunk and
 * compared with a running average of what was there before; what differs is
 * joined into shapes.  It cannot tell what moves: each shape is of the one
 * kind that the setting ingest.classes gives to "motion".
 */
#ifndef TALLY_INGEST_DETECT_MOTION_H
#define TALLY_INGEST_DETECT_MOTION_H

#include "ingest/detect/detect.h"

MUST enum err motion_open(struct engine **e, enum kind kind);

#endif
