-- SPDX-License-Identifier: MIT
-- 0001: where cameras stand, and the calendar of their time zones.
-- Every `_at` is UTC; every date named local_date is the camera's own.

CREATE TABLE IF NOT EXISTS setting (
	name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
	value VARCHAR(255) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO setting (name, value) VALUES
	('outlier_k', '1.5'),
	('alert_z', '4'),
	('job_run_days', '90');

CREATE TABLE IF NOT EXISTS time_zone (
	time_zone_id SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL UNIQUE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS calendar_day (
	time_zone_id SMALLINT UNSIGNED NOT NULL,
	local_date DATE NOT NULL,
	start_utc DATETIME NOT NULL,
	end_utc DATETIME NOT NULL,
	week_start DATE NOT NULL,
	month_start DATE NOT NULL,
	year_start DATE NOT NULL,
	weekday TINYINT UNSIGNED NOT NULL,
	PRIMARY KEY (time_zone_id, local_date),
	KEY week (time_zone_id, week_start),
	KEY month (time_zone_id, month_start, weekday),
	CONSTRAINT calendar_day_zone FOREIGN KEY (time_zone_id)
		REFERENCES time_zone (time_zone_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS calendar_offset (
	time_zone_id SMALLINT UNSIGNED NOT NULL,
	day_utc DATE NOT NULL,
	offset_s MEDIUMINT NOT NULL CHECK (offset_s MOD 900 = 0),
	change_at DATETIME NULL,
	offset2_s MEDIUMINT NULL CHECK (offset2_s MOD 900 = 0),
	PRIMARY KEY (time_zone_id, day_utc),
	CONSTRAINT calendar_offset_zone FOREIGN KEY (time_zone_id)
		REFERENCES time_zone (time_zone_id),
	CONSTRAINT change_and_offset CHECK
		((change_at IS NULL) = (offset2_s IS NULL)
		 AND (change_at IS NULL OR CAST(change_at AS DATE) = day_utc))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS site (
	site_id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	name VARCHAR(100) NOT NULL UNIQUE,
	tz VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	is_default TINYINT NULL UNIQUE CHECK (is_default = 1),
	created_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP()),
	CONSTRAINT site_tz FOREIGN KEY (tz) REFERENCES time_zone (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS camera (
	camera_id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	code VARCHAR(120) CHARACTER SET ascii COLLATE ascii_bin NOT NULL UNIQUE
		CHECK (code <> ''),
	name VARCHAR(200) NOT NULL DEFAULT (code),
	site_id INT UNSIGNED NOT NULL,
	parent_id INT UNSIGNED NULL,
	kind ENUM('camera', 'line', 'zone') NOT NULL DEFAULT 'camera',
	tz VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
	time_zone_id SMALLINT UNSIGNED NOT NULL DEFAULT 0,
	created_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP()),
	retired_at DATETIME NULL,
	CONSTRAINT camera_site FOREIGN KEY (site_id) REFERENCES site (site_id),
	CONSTRAINT camera_parent FOREIGN KEY (parent_id)
		REFERENCES camera (camera_id),
	CONSTRAINT camera_tz FOREIGN KEY (tz) REFERENCES time_zone (name),
	CONSTRAINT camera_zone FOREIGN KEY (time_zone_id)
		REFERENCES time_zone (time_zone_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
