// SPDX-License-Identifier: MIT
/*
 * jpeg: is it a picture that a browser shows?  Pure.
 */
#ifndef TALLY_API_JPEG_H
#define TALLY_API_JPEG_H

#include "common/base.h"

struct jpeg_size {
	unsigned w, h;
};

/* Reads the segments up to the picture's data: a start, one frame of 8 bits in
 * one or three components, a scan, and an end.  What is wrong, or NULL; then
 * *s is the size. */
const char *jpeg_fault(const char *at, size_t n, struct jpeg_size *s);

#endif
