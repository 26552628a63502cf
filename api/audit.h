// SPDX-License-Identifier: MIT
/*
 * audit: who asked for a change, for analytics/audit.h.
 */
#ifndef TALLY_API_AUDIT_H
#define TALLY_API_AUDIT_H

#include "analytics/audit.h"
#include "api/req.h"

/* The caller, as long as the request lives: on a work thread, in the
 * transaction of the change, audit_add(db, &by, …). */
struct audit_by audit_who(const struct req *r);

#endif
