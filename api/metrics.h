// SPDX-License-Identifier: MIT
/*
 * metrics: what is counted for GET /metrics, in the text format 0.0.4 of
 * Prometheus, and for the check `server` of GET /healthz.
 *
 * It lies in memory that all processes on the port share, so that any of them
 * answers for all.  Requests are counted together, by their route's pattern,
 * never by a path; a process's own figures (api/figures.def) have its number.
 * A process shows the others its own once a second.
 */
#ifndef TALLY_API_METRICS_H
#define TALLY_API_METRICS_H

#include "api/histogram.h"
#include "api/req.h"

struct metrics;

enum figure {
#define FIGURE(name, family, type, label, member, help) FIGURE_##name,
#include "api/figures.def"
#undef FIGURE
	FIGURES
};

/* Of one committer: any thread adds. */
struct metrics_commit {
	struct histogram rows, us; /* of each transaction */
};

enum metrics_committer { METRICS_ROWS, METRICS_BULK, METRICS_COMMITTERS };

/* For `processes` of them, before they are forked.  E_INVALID after saying
 * why. */
MUST enum err metrics_open(
	struct metrics **m, const struct api *api, unsigned processes);
void metrics_close(struct metrics *m);
/* A process begins, perhaps in another's place. */
void metrics_begin(struct metrics *m, unsigned process);
/* Shows the others how this process stands.  Loop thread. */
void metrics_publish(struct api *api);

/* The reply was made; the loop's thread. */
void metrics_count(const struct req *r, int status);
struct metrics_commit *metrics_commit_of(
	struct api *api, enum metrics_committer which);

/* The members of the check `server`: sums over all processes. */
void metrics_health(struct text *t, struct api *api);

#endif
