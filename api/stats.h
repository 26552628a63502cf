// SPDX-License-Identifier: MIT
/*
 * stats: what the ways to read statistics share: of cameras (stats.c), or of a
 * site's cameras pooled (stats_site.c).
 */
#ifndef TALLY_API_STATS_H
#define TALLY_API_STATS_H

#include "api/buckets.h"
#include "api/gather.h"
#include "api/list.h"
#include "api/series.h"

/* Columns of the statements.  Those of a site have dates for start and end, or
 * the months of the profile, and the pass of an hour in place of C_AT. */
enum {
	C_AT,
	C_FOLD = C_AT,
	C_START,
	C_END,
	C_WEEKDAY,
	C_HOUR,
	C_N /* and all other figures */
};

/* What tells two buckets of one date apart. */
enum part { PART_NONE, PART_START, PART_WEEKDAY, PART_CELL };

struct period {
	const char *name;
	enum stmt of_cameras, of_one, of_site;
	enum part part;
	enum bucket_unit unit; /* of its date */
	int64_t least_s; /* the shortest; 0: a profile has no such thing */
	int64_t each;	 /* buckets of that time */
};

enum { METRIC_ALL = 3 };

struct stats {
	struct series series;
	struct list list;
	const struct period *period;
	struct series_place after, last;
	size_t metric; /* the one that was asked for, or METRIC_ALL */
	int64_t left;  /* items this page still has room for */
	bool more, done;
	bool rendered; /* by a thread: the rows are in the body */
	/* of cameras */
	struct gather_ask hours; /* of the one that was named */
	bool gathered;
	size_t batch;	 /* cameras asked for at once, from series.at on */
	int64_t buckets; /* of a camera of the last batch; -1 at first */
	/* of a site */
	const char *site, *zone; /* site: NULL where cameras were asked for */
	const struct tz *tz;
	int64_t zone_id;
	const char *ids;  /* its cameras, as JSON */
	int64_t from, to; /* the range in its zone */
	int64_t first, behind,
		days; /* dates: of the range, asked for at once */
};

/* When all that is stored can have begun. */
void stats_bounds(int64_t *from, int64_t *to);

/* One item, a row of the statement: of a camera, or of the site. */
void stats_item(struct req *r, struct stats *s,
	const struct series_camera *camera, int64_t start, int64_t end,
	const struct db_cell *row);

/* The site's way: each step's part. */
enum step site_ask(struct req *r, struct stats *s);
enum step site_found(struct req *r, struct stats *s);
void site_take(struct req *r, struct stats *s);
/* STEP_NEXT: there is nothing more to ask for. */
enum step site_ask_on(struct req *r, struct stats *s);

#endif
