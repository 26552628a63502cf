// SPDX-License-Identifier: MIT
/*
 * libav: what the files that decode and convert share; the only header that
 * knows libav's types.
 */
#ifndef TALLY_INGEST_LIBAV_H
#define TALLY_INGEST_LIBAV_H

#include <libavcodec/avcodec.h>

#include "ingest/picture.h"

struct picture {
	AVFrame *av;
	int64_t pts_us;
	uint64_t number;
	int64_t decode_us;
};

#endif
