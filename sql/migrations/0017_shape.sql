-- SPDX-License-Identifier: MIT
-- 0017: lines and zones as they are drawn, and what is counted beside the
-- figures that statistics are made of.

CREATE TABLE IF NOT EXISTS shape (
	camera_id INT UNSIGNED NOT NULL,
	name VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	kind ENUM('line', 'zone') NOT NULL,
	definition TEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL
		CHECK (JSON_VALID(definition)),
	changed_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP()),
	PRIMARY KEY (camera_id, name),
	CONSTRAINT shape_camera FOREIGN KEY (camera_id)
		REFERENCES camera (camera_id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS config_version (
	only_row TINYINT UNSIGNED NOT NULL PRIMARY KEY CHECK (only_row = 1),
	version BIGINT UNSIGNED NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO config_version (only_row, version) VALUES (1, 1);

-- Not among the columns of SELECT * and INSERT without a list.
ALTER TABLE count_record ADD COLUMN IF NOT EXISTS detail VARCHAR(1000)
	CHARACTER SET ascii COLLATE ascii_bin INVISIBLE NULL DEFAULT NULL;
