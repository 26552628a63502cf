// SPDX-License-Identifier: MIT
/*
 * opencv: Darknet networks run by OpenCV's DNN module.  Its file is the only
 * C++ of Tally; no exception leaves it.
 */
#ifndef TALLY_INGEST_DETECT_OPENCV_H
#define TALLY_INGEST_DETECT_OPENCV_H

#include "ingest/detect/detect.h"
#include "ingest/detect/netfile.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Takes copies.  threshold: 0 to 1; the networks themselves drop all below
 * 0.2.  Logs OpenCV's words on failure: E_CORRUPT, E_NOMEM. */
MUST enum err opencv_open(struct engine **e, const struct net_files *nets,
	size_t n, double threshold, int threads);

#ifdef __cplusplus
}
#endif

#endif
