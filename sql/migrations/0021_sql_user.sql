-- SPDX-License-Identifier: MIT
-- 0021: accounts on the database for people who work in SQL, as
-- `tally db-user` made them; their passwords are the server's alone.

CREATE TABLE IF NOT EXISTS sql_user (
	sql_user_id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	name VARCHAR(80) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	host VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	network VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	rights SET('read', 'write') NOT NULL,
	created_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP()),
	UNIQUE KEY account (name, host)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
