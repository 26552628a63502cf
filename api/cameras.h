// SPDX-License-Identifier: MIT
/*
 * cameras: what the routes of cameras share.
 */
#ifndef TALLY_API_CAMERAS_H
#define TALLY_API_CAMERAS_H

#include "api/req.h"

/* The code that stands in the path, decoded.  STEP_NEXT, or a 400. */
enum step camera_code(struct req *r, const char **code);
/* 404: there is none, or none for this token. */
enum step camera_unknown(struct req *r, const char *code);

#endif
