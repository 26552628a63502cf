-- SPDX-License-Identifier: MIT
-- 0022: what /stream tells, in an order that holds for every process.

-- What a transaction stored, written in that transaction: a row for each commit
-- of the API or batch, one for each row of any other writer.  runs: a run a
-- line, "camera_id start_at step_s rows": so many rows, each step_s seconds
-- behind the one before.
CREATE TABLE IF NOT EXISTS stream_inbox (
	stream_inbox_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	row_n INT UNSIGNED NOT NULL,
	runs MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The same in the order they were taken out of the inbox, which no commit can
-- change any more.  A row of counts has three numbers: its own, and one for an
-- outlier on either side; seq is the entry's last.  An entry is about rows, or
-- about the state of a camera.
CREATE TABLE IF NOT EXISTS stream_log (
	seq BIGINT UNSIGNED NOT NULL PRIMARY KEY,
	stream_inbox_id BIGINT UNSIGNED NULL,
	row_n INT UNSIGNED NOT NULL,
	runs MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NULL,
	camera_id INT UNSIGNED NULL,
	state ENUM('new', 'live', 'silent', 'retired') NULL,
	logged_at DATETIME NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What was told last of each camera.
CREATE TABLE IF NOT EXISTS stream_camera (
	camera_id INT UNSIGNED NOT NULL PRIMARY KEY,
	state ENUM('new', 'live', 'silent', 'retired') NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- last_seq: the last number given; lost_seq: the last one that is not in
-- stream_log any more.  Whoever gives numbers holds this row.
CREATE TABLE IF NOT EXISTS stream_state (
	only_row TINYINT UNSIGNED NOT NULL PRIMARY KEY DEFAULT 1
		CHECK (only_row = 1),
	last_seq BIGINT UNSIGNED NOT NULL,
	lost_seq BIGINT UNSIGNED NOT NULL,
	looked_at DATETIME(3) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO stream_state (last_seq, lost_seq, looked_at)
VALUES (0, 0, '2000-01-01');
