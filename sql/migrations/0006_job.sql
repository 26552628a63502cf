-- SPDX-License-Identifier: MIT
-- 0006: what the scheduled work did.  A run that worked or failed leaves a
-- row in job_run, an idle one a heartbeat in job_state.

CREATE TABLE IF NOT EXISTS job_run (
	job_run_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	job VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	runner ENUM('event', 'worker', 'request') NOT NULL,
	started_at DATETIME(3) NOT NULL,
	ended_at DATETIME(3) NOT NULL,
	state ENUM('ok', 'failed') NOT NULL,
	rows_n BIGINT UNSIGNED NOT NULL DEFAULT 0,
	quarters INT UNSIGNED NOT NULL DEFAULT 0,
	buckets INT UNSIGNED NOT NULL DEFAULT 0,
	reference_cameras INT UNSIGNED NOT NULL DEFAULT 0,
	error_no INT NULL,
	message VARCHAR(500) NULL,
	KEY started_at (started_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS job_state (
	job VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
	run_at DATETIME(3) NULL,
	event_at DATETIME(3) NULL,
	runner ENUM('event', 'worker', 'request') NULL,
	ok_at DATETIME(3) NULL,
	error_at DATETIME(3) NULL,
	error VARCHAR(500) NULL,
	daily_on DATE NULL,
	partitions_to DATE NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO job_state (job) VALUES ('minute'), ('roll_up_now');
