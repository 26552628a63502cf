-- SPDX-License-Identifier: MIT
-- 0004: statistics.  A bucket keeps n, sum, and sum of squares as exact
-- integers, so that buckets add up to wider ones without any loss; mean and
-- (population) standard deviation follow from them as virtual columns.  The
-- casts matter: without them n * sq overflows, and a quotient of integers is
-- cut to a few digits.  `_n` counts the rows that measured the metric, `_new`
-- and the vehicle classes are sums, NULL where no row measured them.
-- The `_partial` tables are sparse: they hold the share of rows watched for
-- less than half of their interval, which references leave out.

CREATE TABLE IF NOT EXISTS stats_quarter (
	camera_id INT UNSIGNED NOT NULL,
	start_at DATETIME NOT NULL,
	row_n INT UNSIGNED NOT NULL,
	observed_s BIGINT UNSIGNED NOT NULL,
	people_n INT UNSIGNED NOT NULL,
	people_sum BIGINT UNSIGNED NOT NULL,
	people_sq BIGINT UNSIGNED NOT NULL,
	people_min MEDIUMINT UNSIGNED NULL,
	people_max MEDIUMINT UNSIGNED NULL,
	people_new BIGINT UNSIGNED NULL,
	vehicle_n INT UNSIGNED NOT NULL,
	vehicle_sum BIGINT UNSIGNED NOT NULL,
	vehicle_sq BIGINT UNSIGNED NOT NULL,
	vehicle_min MEDIUMINT UNSIGNED NULL,
	vehicle_max MEDIUMINT UNSIGNED NULL,
	vehicle_new BIGINT UNSIGNED NULL,
	face_n INT UNSIGNED NOT NULL,
	face_sum BIGINT UNSIGNED NOT NULL,
	face_sq BIGINT UNSIGNED NOT NULL,
	face_min MEDIUMINT UNSIGNED NULL,
	face_max MEDIUMINT UNSIGNED NULL,
	face_new BIGINT UNSIGNED NULL,
	car BIGINT UNSIGNED NULL,
	bus BIGINT UNSIGNED NULL,
	truck BIGINT UNSIGNED NULL,
	motorcycle BIGINT UNSIGNED NULL,
	bicycle BIGINT UNSIGNED NULL,
	scooter BIGINT UNSIGNED NULL,
	people_mean DOUBLE AS (people_sum * 1e0 / NULLIF(people_n, 0)) VIRTUAL,
	people_std DOUBLE AS
		(SQRT(CAST(people_n AS DECIMAL(30,0)) * people_sq
		      - CAST(people_sum AS DECIMAL(30,0)) * people_sum)
		 / NULLIF(people_n, 0)) VIRTUAL,
	vehicle_mean DOUBLE AS (vehicle_sum * 1e0 / NULLIF(vehicle_n, 0)) VIRTUAL,
	vehicle_std DOUBLE AS
		(SQRT(CAST(vehicle_n AS DECIMAL(30,0)) * vehicle_sq
		      - CAST(vehicle_sum AS DECIMAL(30,0)) * vehicle_sum)
		 / NULLIF(vehicle_n, 0)) VIRTUAL,
	face_mean DOUBLE AS (face_sum * 1e0 / NULLIF(face_n, 0)) VIRTUAL,
	face_std DOUBLE AS
		(SQRT(CAST(face_n AS DECIMAL(30,0)) * face_sq
		      - CAST(face_sum AS DECIMAL(30,0)) * face_sum)
		 / NULLIF(face_n, 0)) VIRTUAL,
	PRIMARY KEY (camera_id, start_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS stats_quarter_partial (
	camera_id INT UNSIGNED NOT NULL,
	start_at DATETIME NOT NULL,
	people_n INT UNSIGNED NOT NULL,
	people_sum BIGINT UNSIGNED NOT NULL,
	people_sq BIGINT UNSIGNED NOT NULL,
	vehicle_n INT UNSIGNED NOT NULL,
	vehicle_sum BIGINT UNSIGNED NOT NULL,
	vehicle_sq BIGINT UNSIGNED NOT NULL,
	face_n INT UNSIGNED NOT NULL,
	face_sum BIGINT UNSIGNED NOT NULL,
	face_sq BIGINT UNSIGNED NOT NULL,
	PRIMARY KEY (camera_id, start_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- One local hour at one offset from UTC: where the clock is put back an
-- hour of the day is there twice, and no hour crosses a local midnight.
CREATE TABLE IF NOT EXISTS stats_hour (
	camera_id INT UNSIGNED NOT NULL,
	local_date DATE NOT NULL,
	start_at DATETIME NOT NULL,
	end_at DATETIME NOT NULL,
	local_hour TINYINT UNSIGNED NOT NULL,
	weekday TINYINT UNSIGNED NOT NULL,
	row_n INT UNSIGNED NOT NULL,
	observed_s BIGINT UNSIGNED NOT NULL,
	people_n INT UNSIGNED NOT NULL,
	people_sum BIGINT UNSIGNED NOT NULL,
	people_sq BIGINT UNSIGNED NOT NULL,
	people_min MEDIUMINT UNSIGNED NULL,
	people_max MEDIUMINT UNSIGNED NULL,
	people_new BIGINT UNSIGNED NULL,
	vehicle_n INT UNSIGNED NOT NULL,
	vehicle_sum BIGINT UNSIGNED NOT NULL,
	vehicle_sq BIGINT UNSIGNED NOT NULL,
	vehicle_min MEDIUMINT UNSIGNED NULL,
	vehicle_max MEDIUMINT UNSIGNED NULL,
	vehicle_new BIGINT UNSIGNED NULL,
	face_n INT UNSIGNED NOT NULL,
	face_sum BIGINT UNSIGNED NOT NULL,
	face_sq BIGINT UNSIGNED NOT NULL,
	face_min MEDIUMINT UNSIGNED NULL,
	face_max MEDIUMINT UNSIGNED NULL,
	face_new BIGINT UNSIGNED NULL,
	car BIGINT UNSIGNED NULL,
	bus BIGINT UNSIGNED NULL,
	truck BIGINT UNSIGNED NULL,
	motorcycle BIGINT UNSIGNED NULL,
	bicycle BIGINT UNSIGNED NULL,
	scooter BIGINT UNSIGNED NULL,
	people_mean DOUBLE AS (people_sum * 1e0 / NULLIF(people_n, 0)) VIRTUAL,
	people_std DOUBLE AS
		(SQRT(CAST(people_n AS DECIMAL(30,0)) * people_sq
		      - CAST(people_sum AS DECIMAL(30,0)) * people_sum)
		 / NULLIF(people_n, 0)) VIRTUAL,
	vehicle_mean DOUBLE AS (vehicle_sum * 1e0 / NULLIF(vehicle_n, 0)) VIRTUAL,
	vehicle_std DOUBLE AS
		(SQRT(CAST(vehicle_n AS DECIMAL(30,0)) * vehicle_sq
		      - CAST(vehicle_sum AS DECIMAL(30,0)) * vehicle_sum)
		 / NULLIF(vehicle_n, 0)) VIRTUAL,
	face_mean DOUBLE AS (face_sum * 1e0 / NULLIF(face_n, 0)) VIRTUAL,
	face_std DOUBLE AS
		(SQRT(CAST(face_n AS DECIMAL(30,0)) * face_sq
		      - CAST(face_sum AS DECIMAL(30,0)) * face_sum)
		 / NULLIF(face_n, 0)) VIRTUAL,
	PRIMARY KEY (camera_id, local_date, start_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS stats_hour_partial (
	camera_id INT UNSIGNED NOT NULL,
	local_date DATE NOT NULL,
	start_at DATETIME NOT NULL,
	people_n INT UNSIGNED NOT NULL,
	people_sum BIGINT UNSIGNED NOT NULL,
	people_sq BIGINT UNSIGNED NOT NULL,
	vehicle_n INT UNSIGNED NOT NULL,
	vehicle_sum BIGINT UNSIGNED NOT NULL,
	vehicle_sq BIGINT UNSIGNED NOT NULL,
	face_n INT UNSIGNED NOT NULL,
	face_sum BIGINT UNSIGNED NOT NULL,
	face_sq BIGINT UNSIGNED NOT NULL,
	PRIMARY KEY (camera_id, local_date, start_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS stats_day (
	camera_id INT UNSIGNED NOT NULL,
	local_date DATE NOT NULL,
	start_at DATETIME NOT NULL,
	end_at DATETIME NOT NULL,
	row_n INT UNSIGNED NOT NULL,
	observed_s BIGINT UNSIGNED NOT NULL,
	people_n INT UNSIGNED NOT NULL,
	people_sum BIGINT UNSIGNED NOT NULL,
	people_sq BIGINT UNSIGNED NOT NULL,
	people_min MEDIUMINT UNSIGNED NULL,
	people_max MEDIUMINT UNSIGNED NULL,
	people_new BIGINT UNSIGNED NULL,
	vehicle_n INT UNSIGNED NOT NULL,
	vehicle_sum BIGINT UNSIGNED NOT NULL,
	vehicle_sq BIGINT UNSIGNED NOT NULL,
	vehicle_min MEDIUMINT UNSIGNED NULL,
	vehicle_max MEDIUMINT UNSIGNED NULL,
	vehicle_new BIGINT UNSIGNED NULL,
	face_n INT UNSIGNED NOT NULL,
	face_sum BIGINT UNSIGNED NOT NULL,
	face_sq BIGINT UNSIGNED NOT NULL,
	face_min MEDIUMINT UNSIGNED NULL,
	face_max MEDIUMINT UNSIGNED NULL,
	face_new BIGINT UNSIGNED NULL,
	car BIGINT UNSIGNED NULL,
	bus BIGINT UNSIGNED NULL,
	truck BIGINT UNSIGNED NULL,
	motorcycle BIGINT UNSIGNED NULL,
	bicycle BIGINT UNSIGNED NULL,
	scooter BIGINT UNSIGNED NULL,
	people_mean DOUBLE AS (people_sum * 1e0 / NULLIF(people_n, 0)) VIRTUAL,
	people_std DOUBLE AS
		(SQRT(CAST(people_n AS DECIMAL(30,0)) * people_sq
		      - CAST(people_sum AS DECIMAL(30,0)) * people_sum)
		 / NULLIF(people_n, 0)) VIRTUAL,
	vehicle_mean DOUBLE AS (vehicle_sum * 1e0 / NULLIF(vehicle_n, 0)) VIRTUAL,
	vehicle_std DOUBLE AS
		(SQRT(CAST(vehicle_n AS DECIMAL(30,0)) * vehicle_sq
		      - CAST(vehicle_sum AS DECIMAL(30,0)) * vehicle_sum)
		 / NULLIF(vehicle_n, 0)) VIRTUAL,
	face_mean DOUBLE AS (face_sum * 1e0 / NULLIF(face_n, 0)) VIRTUAL,
	face_std DOUBLE AS
		(SQRT(CAST(face_n AS DECIMAL(30,0)) * face_sq
		      - CAST(face_sum AS DECIMAL(30,0)) * face_sum)
		 / NULLIF(face_n, 0)) VIRTUAL,
	PRIMARY KEY (camera_id, local_date)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
