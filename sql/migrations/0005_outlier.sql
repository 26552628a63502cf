-- SPDX-License-Identifier: MIT
-- 0005: references and the rows above them.

-- When a camera's references were computed: for which local day (they know
-- rows of the days before it), and which metrics have one.
CREATE TABLE IF NOT EXISTS reference_camera (
	camera_id INT UNSIGNED NOT NULL PRIMARY KEY,
	local_date DATE NOT NULL,
	found SET('people', 'vehicle', 'face') NOT NULL,
	again BOOLEAN NOT NULL DEFAULT FALSE,
	computed_at DATETIME NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- slot: hour of the camera's week, 0 = Monday 00h to 167 = Sunday 23h.  All
-- 168 are there for a camera that has a reference, so that the trigger asks
-- for one row.  reference = mean + k * std; low = mean - alert_z * std, NULL
-- where std is 0.
CREATE TABLE IF NOT EXISTS reference_value (
	camera_id INT UNSIGNED NOT NULL,
	slot TINYINT UNSIGNED NOT NULL CHECK (slot < 168),
	k DOUBLE NOT NULL,
	people_basis ENUM('hour_of_week', 'year', 'month', 'week', 'day') NULL,
	people_n INT UNSIGNED NULL,
	people_mean DOUBLE NULL,
	people_std DOUBLE NULL,
	people_reference DOUBLE NULL,
	people_low DOUBLE NULL,
	vehicle_basis ENUM('hour_of_week', 'year', 'month', 'week', 'day') NULL,
	vehicle_n INT UNSIGNED NULL,
	vehicle_mean DOUBLE NULL,
	vehicle_std DOUBLE NULL,
	vehicle_reference DOUBLE NULL,
	vehicle_low DOUBLE NULL,
	face_basis ENUM('hour_of_week', 'year', 'month', 'week', 'day') NULL,
	face_n INT UNSIGNED NULL,
	face_mean DOUBLE NULL,
	face_std DOUBLE NULL,
	face_reference DOUBLE NULL,
	face_low DOUBLE NULL,
	PRIMARY KEY (camera_id, slot)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- A row with a metric above its reference, as it was when it was judged.
-- z is the greatest of the metrics in `exceeded`.
CREATE TABLE IF NOT EXISTS outlier_backup (
	outlier_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT UNIQUE,
	camera_id INT UNSIGNED NOT NULL,
	start_at DATETIME NOT NULL,
	end_at DATETIME NOT NULL,
	people MEDIUMINT UNSIGNED NULL,
	vehicle MEDIUMINT UNSIGNED NULL,
	face MEDIUMINT UNSIGNED NULL,
	people_new MEDIUMINT UNSIGNED NULL,
	vehicle_new MEDIUMINT UNSIGNED NULL,
	face_new MEDIUMINT UNSIGNED NULL,
	car MEDIUMINT UNSIGNED NULL,
	bus MEDIUMINT UNSIGNED NULL,
	truck MEDIUMINT UNSIGNED NULL,
	motorcycle MEDIUMINT UNSIGNED NULL,
	bicycle MEDIUMINT UNSIGNED NULL,
	scooter MEDIUMINT UNSIGNED NULL,
	observed_s MEDIUMINT UNSIGNED NOT NULL,
	exceeded SET('people', 'vehicle', 'face') NOT NULL CHECK (exceeded <> ''),
	k DOUBLE NOT NULL,
	z DOUBLE NULL,
	people_reference DOUBLE NULL,
	people_basis ENUM('hour_of_week', 'year', 'month', 'week', 'day') NULL,
	people_n INT UNSIGNED NULL,
	people_mean DOUBLE NULL,
	people_std DOUBLE NULL,
	people_z DOUBLE NULL,
	vehicle_reference DOUBLE NULL,
	vehicle_basis ENUM('hour_of_week', 'year', 'month', 'week', 'day') NULL,
	vehicle_n INT UNSIGNED NULL,
	vehicle_mean DOUBLE NULL,
	vehicle_std DOUBLE NULL,
	vehicle_z DOUBLE NULL,
	face_reference DOUBLE NULL,
	face_basis ENUM('hour_of_week', 'year', 'month', 'week', 'day') NULL,
	face_n INT UNSIGNED NULL,
	face_mean DOUBLE NULL,
	face_std DOUBLE NULL,
	face_z DOUBLE NULL,
	state ENUM('open', 'confirmed', 'dismissed', 'withdrawn') NOT NULL DEFAULT 'open',
	detected_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP()),
	note VARCHAR(1000) NULL,
	PRIMARY KEY (camera_id, start_at),
	KEY start_at (start_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- A row with a metric so far below its mean that z <= -alert_z.  Apart from
-- outlier_backup, which holds rows above their reference and nothing else.
-- z is the least of the metrics in `below`.
CREATE TABLE IF NOT EXISTS outlier_low (
	outlier_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT UNIQUE,
	camera_id INT UNSIGNED NOT NULL,
	start_at DATETIME NOT NULL,
	end_at DATETIME NOT NULL,
	people MEDIUMINT UNSIGNED NULL,
	vehicle MEDIUMINT UNSIGNED NULL,
	face MEDIUMINT UNSIGNED NULL,
	people_new MEDIUMINT UNSIGNED NULL,
	vehicle_new MEDIUMINT UNSIGNED NULL,
	face_new MEDIUMINT UNSIGNED NULL,
	car MEDIUMINT UNSIGNED NULL,
	bus MEDIUMINT UNSIGNED NULL,
	truck MEDIUMINT UNSIGNED NULL,
	motorcycle MEDIUMINT UNSIGNED NULL,
	bicycle MEDIUMINT UNSIGNED NULL,
	scooter MEDIUMINT UNSIGNED NULL,
	observed_s MEDIUMINT UNSIGNED NOT NULL,
	below SET('people', 'vehicle', 'face') NOT NULL CHECK (below <> ''),
	k DOUBLE NOT NULL,
	z DOUBLE NULL,
	people_reference DOUBLE NULL,
	people_basis ENUM('hour_of_week', 'year', 'month', 'week', 'day') NULL,
	people_n INT UNSIGNED NULL,
	people_mean DOUBLE NULL,
	people_std DOUBLE NULL,
	people_z DOUBLE NULL,
	vehicle_reference DOUBLE NULL,
	vehicle_basis ENUM('hour_of_week', 'year', 'month', 'week', 'day') NULL,
	vehicle_n INT UNSIGNED NULL,
	vehicle_mean DOUBLE NULL,
	vehicle_std DOUBLE NULL,
	vehicle_z DOUBLE NULL,
	face_reference DOUBLE NULL,
	face_basis ENUM('hour_of_week', 'year', 'month', 'week', 'day') NULL,
	face_n INT UNSIGNED NULL,
	face_mean DOUBLE NULL,
	face_std DOUBLE NULL,
	face_z DOUBLE NULL,
	state ENUM('open', 'confirmed', 'dismissed', 'withdrawn') NOT NULL DEFAULT 'open',
	detected_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP()),
	note VARCHAR(1000) NULL,
	PRIMARY KEY (camera_id, start_at),
	KEY start_at (start_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What the outlier rule could not do with a row that was stored all the same.
CREATE TABLE IF NOT EXISTS trigger_failure (
	trigger_failure_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	failed_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP()),
	camera_id INT UNSIGNED NOT NULL,
	start_at DATETIME NOT NULL,
	error_no INT NOT NULL,
	message VARCHAR(500) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
