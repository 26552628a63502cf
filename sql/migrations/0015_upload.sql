-- SPDX-License-Identifier: MIT
-- 0015: files that were uploaded: who, when, what became of the rows, and the
-- bad ones as CSV, in pieces in their order.  Kept for upload_days.

CREATE TABLE IF NOT EXISTS upload (
	upload_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP()),
	actor_kind ENUM('token', 'user') NOT NULL,
	actor_id INT UNSIGNED NOT NULL,
	actor VARCHAR(100) NOT NULL,
	address VARCHAR(45) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	file VARCHAR(200) NULL,
	format ENUM('csv', 'ndjson', 'form') NOT NULL,
	bytes BIGINT UNSIGNED NOT NULL,
	received INT UNSIGNED NOT NULL,
	inserted INT UNSIGNED NOT NULL,
	duplicate INT UNSIGNED NOT NULL,
	replaced INT UNSIGNED NOT NULL,
	rejected INT UNSIGNED NOT NULL,
	rejected_kept INT UNSIGNED NOT NULL,
	unread_line INT UNSIGNED NULL,
	unread_why VARCHAR(300) NULL,
	errors MEDIUMTEXT NOT NULL CHECK (JSON_VALID(errors)),
	KEY at (at),
	KEY actor (actor_kind, actor_id, upload_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS upload_rejected (
	upload_id BIGINT UNSIGNED NOT NULL,
	piece SMALLINT UNSIGNED NOT NULL,
	csv MEDIUMBLOB NOT NULL,
	PRIMARY KEY (upload_id, piece),
	FOREIGN KEY (upload_id) REFERENCES upload (upload_id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO setting (name, value) VALUES ('upload_days', '90');
