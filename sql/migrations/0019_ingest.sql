-- SPDX-License-Identifier: MIT
-- 0019: what each tally-ingest last said of itself and of its cameras.  One is
-- known by the name of its token and a name of its own; a camera is of the
-- ingest that spoke of it last.  Figures are since that ingest's start.

CREATE TABLE IF NOT EXISTS ingest (
	ingest_id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	reporter VARCHAR(100) NOT NULL,
	name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP()),
	stopped BOOLEAN NOT NULL,
	version VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	up_s BIGINT UNSIGNED NOT NULL,
	waiting_n BIGINT UNSIGNED NOT NULL,
	fresh_n BIGINT UNSIGNED NOT NULL,
	oldest_at DATETIME NULL,
	bytes_n BIGINT UNSIGNED NOT NULL,
	bytes_max BIGINT UNSIGNED NOT NULL,
	is_full BOOLEAN NOT NULL,
	refused_n BIGINT UNSIGNED NOT NULL,
	quarantined_n BIGINT UNSIGNED NOT NULL,
	lost_n BIGINT UNSIGNED NOT NULL,
	expired_n BIGINT UNSIGNED NOT NULL,
	stored_n BIGINT UNSIGNED NOT NULL,
	error VARCHAR(400) NULL,
	UNIQUE KEY reporter_name (reporter, name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS ingest_camera (
	camera_id INT UNSIGNED NOT NULL PRIMARY KEY,
	ingest_id INT UNSIGNED NOT NULL,
	at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP()),
	engine VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	pictures_n BIGINT UNSIGNED NOT NULL,
	dropped_n BIGINT UNSIGNED NOT NULL,
	fps DOUBLE NOT NULL,
	detect_ms DOUBLE NOT NULL,
	last_picture_s BIGINT UNSIGNED NULL,
	CONSTRAINT ingest_camera_camera FOREIGN KEY (camera_id)
		REFERENCES camera (camera_id) ON DELETE CASCADE,
	CONSTRAINT ingest_camera_ingest FOREIGN KEY (ingest_id)
		REFERENCES ingest (ingest_id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
