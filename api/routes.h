// SPDX-License-Identifier: MIT
/*
 * routes: every route of the API, a row each.  Start reading here.
 */
#ifndef TALLY_API_ROUTES_H
#define TALLY_API_ROUTES_H

#include "api/req.h"

extern const struct route routes[];
extern const size_t routes_n;

/* Sets r->route and r->param.  STEP_NEXT, or STEP_DONE after a 404, a 405 with
 * Allow, or the answer to OPTIONS. */
enum step route_find(struct req *r);
/* Known before: how what this path answers tells of a problem. */
explain_fn route_explain(const struct req *r);

#endif
