// SPDX-License-Identifier: MIT
/*
 * count: a row of counts on its way in, checked, and what is wrong with it.
 * Pure but for the arena of its batch; one thread at a time.
 */
#ifndef TALLY_ANALYTICS_COUNT_H
#define TALLY_ANALYTICS_COUNT_H

#include "common/arena.h"
#include "common/when.h"

/* The figures of a row in the order of Q_COUNT_INSERT. */
#define COUNT_FIGURES(X) \
	X(people) \
	X(vehicle) \
	X(face) \
	X(people_new) \
	X(vehicle_new) \
	X(face_new) \
	X(car) \
	X(bus) \
	X(truck) \
	X(motorcycle) \
	X(bicycle) \
	X(scooter)

enum count_figure {
#define X(name) F_##name,
	COUNT_FIGURES(X)
#undef X
		COUNT_FIGURES_N
};

enum {
	COUNT_MAX = 1000000,
	COUNT_DETAIL_MAX = 1000000000,
	COUNT_ROWS_MAX = 5000,
	COUNT_AHEAD_S = 300,
	COUNT_NULL = -1 /* not measured */
};

extern const char *const count_name[COUNT_FIGURES_N];
/* F_car … F_scooter are members of "classes". */
bool count_is_class(unsigned figure);

enum count_verdict {
	COUNT_UNJUDGED,
	COUNT_INSERTED,
	COUNT_DUPLICATE,
	COUNT_REPLACED,
	COUNT_KEPT, /* the stored row, which has other values */
	COUNT_REJECTED
};

/* Of which side a row is perhaps an outlier, one or both. */
enum count_suspect {
	COUNT_NO_SUSPECT,
	COUNT_SUSPECT_HIGH = 1,
	COUNT_SUSPECT_LOW = 2
};

struct count {
	const char *camera; /* its code */
	const char *name;   /* what its camera is called, where a file says */
	int64_t start_at, end_at;
	bool start_local, end_local; /* still the camera's local time */
	bool repeated; /* the clock shows start_at twice: fold chose */
	int32_t figure[COUNT_FIGURES_N]; /* COUNT_NULL: not measured */
	int32_t observed_s;		 /* COUNT_NULL: the whole interval */
	const char *detail; /* JSON, written the same way every time; NULL: it
			       says nothing more */
	unsigned line;	    /* of the file, or 1 + place in the array */
	enum count_verdict verdict;
	bool refused_early;	  /* before it came to the committer */
	const struct count *same; /* an earlier row of the request repeated */
	int64_t camera_id;
	enum count_suspect suspect; /* for the rule in SQL to judge */
};

struct count_error {
	unsigned line;
	const char *field, *type, *detail;
};

/* What one request brought. */
struct count_batch {
	struct arena *arena;
	struct count *row;
	size_t n, cap;
	struct count_error *error;
	size_t errors_n, errors_cap;
	bool single; /* one object, not an array or a file */
};

/* How reading rows out of a text goes on. */
enum count_step {
	COUNT_MORE, /* all bytes were taken */
	COUNT_FULL, /* the batch is, and one more row waits: empty it, go on */
	COUNT_UNREADABLE /* for good; the reader says why */
};

/* A new row, all NULL; NULL past COUNT_ROWS_MAX or the arena's budget. */
struct count *count_add(struct count_batch *b, unsigned line);

/* The row is refused: field and type are static, the detail is copied. */
void count_refuse(struct count_batch *b, struct count *c, const char *field,
	const char *type, const char *fmt, ...) PRINTF(5, 6);

/* What is wrong with the request as a whole, at this line. */
void count_fault(struct count_batch *b, unsigned line, const char *field,
	const char *type, const char *detail);

/* Text to instant, where it carries an offset or tz says what it means. */
struct tz;
enum fold { FOLD_REFUSE, FOLD_FIRST, FOLD_SECOND };
struct count_times {
	bool camera_tz;	     /* times without offset are the camera's */
	const struct tz *tz; /* they are of this zone; else NULL */
	enum fold fold;
	const char *form; /* when_parse_as's; NULL: RFC 3339 */
};
/* Sets start_at or end_at of c from the text; refuses c otherwise. */
void count_set_time(struct count_batch *b, struct count *c, bool start,
	struct slice text, const struct count_times *t);
/* Local time to UTC, in a zone; refuses c in a gap, or a fold. */
void count_localize(struct count_batch *b, struct count *c, const struct tz *tz,
	enum fold fold);

/* The bounds of DESIGN that one row can break by itself. */
void count_check(struct count_batch *b, struct count *c, int64_t now);
/* Those of its interval: again once local times became UTC. */
void count_check_interval(struct count_batch *b, struct count *c, int64_t now);

/* From "detail": the canonical text in the arena, or NULL with the name of the
 * member that is wrong, "" for the whole. */
struct json;
const char *count_detail(
	struct arena *a, const struct json *v, const char **wrong);

/* Same values, the default of observed_s applied?  a is the row that came:
 * where it says nothing in detail, any will do. */
bool count_same(const struct count *a, const struct count *b);

/* Of all that count_same compares. */
uint64_t count_digest(const struct count *c);

/* A row from a JSON object; faults are refusals of the row. */
void count_from_json(struct count_batch *b, const struct json *v, unsigned line,
	const struct count_times *t);

#endif
