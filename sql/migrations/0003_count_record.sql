-- SPDX-License-Identifier: MIT
-- 0003: the raw rows, and the marks that say which quarter hours to recount.
-- Partitions are made by make_partitions: until it has run there is one.

CREATE TABLE IF NOT EXISTS count_record (
	camera_id INT UNSIGNED NOT NULL,
	start_at DATETIME NOT NULL,
	end_at DATETIME NOT NULL,
	people MEDIUMINT UNSIGNED NULL CHECK (people <= 1000000),
	vehicle MEDIUMINT UNSIGNED NULL CHECK (vehicle <= 1000000),
	face MEDIUMINT UNSIGNED NULL CHECK (face <= 1000000),
	people_new MEDIUMINT UNSIGNED NULL CHECK (people_new <= 1000000),
	vehicle_new MEDIUMINT UNSIGNED NULL CHECK (vehicle_new <= 1000000),
	face_new MEDIUMINT UNSIGNED NULL CHECK (face_new <= 1000000),
	car MEDIUMINT UNSIGNED NULL CHECK (car <= 1000000),
	bus MEDIUMINT UNSIGNED NULL CHECK (bus <= 1000000),
	truck MEDIUMINT UNSIGNED NULL CHECK (truck <= 1000000),
	motorcycle MEDIUMINT UNSIGNED NULL CHECK (motorcycle <= 1000000),
	bicycle MEDIUMINT UNSIGNED NULL CHECK (bicycle <= 1000000),
	scooter MEDIUMINT UNSIGNED NULL CHECK (scooter <= 1000000),
	observed_s MEDIUMINT UNSIGNED NOT NULL
		DEFAULT (GREATEST(0, LEAST(86400,
			TIMESTAMPDIFF(SECOND, start_at, end_at)))),
	PRIMARY KEY (camera_id, start_at),
	CONSTRAINT start_at_from_2000 CHECK (start_at >= '2000-01-01'),
	CONSTRAINT end_at_after_start_at CHECK (end_at > start_at),
	CONSTRAINT interval_at_most_a_day CHECK
		(end_at <= start_at + INTERVAL 86400 SECOND),
	CONSTRAINT observed_s_within_interval CHECK
		(observed_s <= TIMESTAMPDIFF(SECOND, start_at, end_at)),
	CONSTRAINT one_count_at_least CHECK
		(COALESCE(people, vehicle, face, people_new, vehicle_new,
			  face_new, car, bus, truck, motorcycle, bicycle,
			  scooter) IS NOT NULL)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
PARTITION BY RANGE COLUMNS (start_at)
	(PARTITION pmax VALUES LESS THAN (MAXVALUE));

-- The newest quarter is claimed first, hence the order of the key.
CREATE TABLE IF NOT EXISTS dirty_quarter (
	start_at DATETIME NOT NULL,
	camera_id INT UNSIGNED NOT NULL,
	marked_at DATETIME(3) NOT NULL DEFAULT (UTC_TIMESTAMP(3)),
	PRIMARY KEY (start_at, camera_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS claimed_quarter (
	camera_id INT UNSIGNED NOT NULL,
	start_at DATETIME NOT NULL,
	marked_at DATETIME(3) NOT NULL,
	PRIMARY KEY (camera_id, start_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
