-- SPDX-License-Identifier: MIT
-- 0018: what was found in single pictures.  Partitions are made by
-- make_partitions: until it has run there is one.

CREATE TABLE IF NOT EXISTS detection_record (
	camera_id INT UNSIGNED NOT NULL,
	at DATETIME(3) NOT NULL,
	frame BIGINT UNSIGNED NOT NULL,
	people MEDIUMINT UNSIGNED NULL CHECK (people <= 1000000),
	vehicle MEDIUMINT UNSIGNED NULL CHECK (vehicle <= 1000000),
	face MEDIUMINT UNSIGNED NULL CHECK (face <= 1000000),
	decode_ms DOUBLE NULL CHECK (decode_ms >= 0),
	detect_ms DOUBLE NULL CHECK (detect_ms >= 0),
	boxes TEXT CHARACTER SET ascii COLLATE ascii_bin NULL
		CHECK (JSON_VALID(boxes)),
	PRIMARY KEY (camera_id, at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
PARTITION BY RANGE COLUMNS (at)
	(PARTITION pmax VALUES LESS THAN (MAXVALUE));

INSERT IGNORE INTO setting (name, value) VALUES ('keep_record_days', 'off');
