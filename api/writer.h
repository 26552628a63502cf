// SPDX-License-Identifier: MIT
/*
 * writer: what the committer's thread does with rows.  It judges those of each
 * job (api/judge.c), then writes them in a transaction (api/writer.c): the
 * rows, the marks for the next roll-up, what /stream will tell of them, and the
 * outliers among them (by lists of numbers: api/lists.c).
 * The committer's thread only.
 */
#ifndef TALLY_API_WRITER_H
#define TALLY_API_WRITER_H

#include "analytics/batch.h"
#include "api/commit.h"
#include "api/directory.h"
#include "common/zones.h"

enum {
	WRITER_COLUMNS = COUNT_CELLS + 1, /* of Q_COUNT_INSERT */
	WRITER_BULK_ROWS = 2000,
	WRITER_ROWS_MAX = COMMIT_TURN_ROWS + COUNT_ROWS_MAX
};

struct writer {
	struct db *db;
	struct directory *cameras;
	struct zones zones;
	int64_t kept_from; /* as it was asked for last: no row before it */
	/* Rows to write; with a second half for writer_write_judged. */
	struct count *todo[WRITER_ROWS_MAX];
	struct db_cell cell[WRITER_BULK_ROWS * WRITER_COLUMNS];
	/* Of the transaction: what is not sent yet, and the rows it adds. */
	struct text lists;
	struct count *const *fresh;
	size_t fresh_n;
};

/* For qsort over pointers to rows: by camera, then time, then arrival. */
int count_by_key(const void *a, const void *b);

/* Could the row be an outlier?  SQL alone knows the rule. */
enum count_suspect writer_suspect(
	const struct directory_camera *camera, const struct count *row);

/*
 * Gives each row of the job its camera and instants, refuses those that break
 * a rule, and puts the rest into todo[0..*n) in the order of their keys; none
 * when a refusal refuses all.  A second time forgets what the first one found.
 * E_BUSY: it depends on a row that is not committed yet; do it alone.
 */
MUST enum err writer_judge(struct writer *w, struct commit_job *job,
	struct count **todo, size_t *n);

/* What the job did not write must not count as a newest row. */
void writer_doubt(struct writer *w, const struct commit_job *job);

/*
 * Statements by lists of numbers, each with its ";", of rows in the order of
 * their keys, n > 0: marks and what /stream will tell; rows without detail; the
 * end of the transaction, with those that are suspects, by what was known of
 * the references at a version.
 */
void writer_list_marks(struct text *t, struct count *const *row, size_t n);
void writer_list_rows(struct text *t, struct count *const *row, size_t n);
void writer_list_end(
	struct text *t, int64_t version, struct count *const *row, size_t n);

/*
 * Begins a transaction that writes w->todo[0..n), inserted then.  others: not
 * the writer's rows alone, so what is said is to be sent now; what stays for
 * writer_commit's exchange can fail there as here.  E_EXISTS when some key is
 * stored already: roll back, as after any error.
 */
MUST enum err writer_begin(struct writer *w, size_t n, bool others);

/* Inside a transaction: compares w->todo[0..n) of one job with what is stored,
 * then writes what is to be written.  E_CONFLICT: a refusal refused all, or the
 * job only checks. */
MUST enum err writer_write_judged(
	struct writer *w, struct commit_job *job, size_t n);

/* Judges what the transaction has inserted, and ends it.  E_BUSY when rows as
 * old as one of these are not kept since it was judged.  A rule that fails
 * leaves its trace in trigger_failure and is no error. */
MUST enum err writer_commit(struct writer *w);

#endif
