// SPDX-License-Identifier: MIT
/*
 * ingests: what each tally-ingest last said of itself (POST
 * /api/v1/ingest/status keeps it): the columns of Q_INGESTS, one row for each,
 * and of Q_INGEST_CAMERAS, one for each camera that one of them watches.
 */
#ifndef TALLY_API_INGESTS_H
#define TALLY_API_INGESTS_H

enum { INGESTS_MAX = 256 };

/* Q_INGESTS: no arguments, at most INGESTS_MAX rows.  Figures are since the
 * ingest's start, those of what waits as of AGE seconds ago. */
enum ingests_column {
	INGESTS_REPORTER, /* the name of its token */
	INGESTS_NAME,	  /* its own */
	INGESTS_STATE,	  /* running, stopped, late */
	INGESTS_AGE,	  /* of the report, seconds */
	INGESTS_VERSION,
	INGESTS_UP_S,
	INGESTS_WAITING,   /* rows in the spool */
	INGESTS_OLDEST_S,  /* age of the next in line; NULL: none waits */
	INGESTS_BYTES,	   /* of the spool's files */
	INGESTS_BYTES_MAX, /* the bound of these */
	INGESTS_FULL,	   /* the last row found no room */
	INGESTS_REFUSED,   /* rows, by the API for good */
	INGESTS_DAMAGED,   /* records set aside */
	INGESTS_GIVEN_UP,  /* rows, for want of room or too old */
	INGESTS_STORED,	   /* rows */
	INGESTS_FAILING,   /* the last try to post failed */
	INGESTS_CAMERAS,   /* that it watches */
	INGESTS_PICTURES,  /* of these, looked at */
	INGESTS_DROPPED,   /* and those there was no time for */
	INGESTS_COLUMNS
};

/* Q_INGEST_CAMERAS: no arguments. */
enum ingest_camera_column {
	INGEST_CAMERA_CODE,
	INGEST_CAMERA_REPORTER,
	INGEST_CAMERA_NAME, /* of its ingest */
	INGEST_CAMERA_PICTURES,
	INGEST_CAMERA_DROPPED,
	INGEST_CAMERA_FPS,
	INGEST_CAMERA_DETECT_MS,
	INGEST_CAMERA_AGE, /* of the report, seconds */
	INGEST_CAMERA_COLUMNS
};

#endif
