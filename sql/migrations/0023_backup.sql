-- SPDX-License-Identifier: MIT
-- 0023: since when backups are wanted, and the last good one.

CREATE TABLE IF NOT EXISTS backup_state (
	only_row TINYINT UNSIGNED NOT NULL PRIMARY KEY CHECK (only_row = 1),
	wanted_at DATETIME NULL,
	taken_at DATETIME NULL,
	file VARCHAR(255) NULL,
	bytes BIGINT UNSIGNED NULL,
	tables_n INT UNSIGNED NULL,
	rows_n BIGINT UNSIGNED NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO job_state (job) VALUES ('backup');
