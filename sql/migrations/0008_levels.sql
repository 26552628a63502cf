-- SPDX-License-Identifier: MIT
-- 0008: week, month, year, the weekdays within a month and a year, and the
-- profile, weekday by hour, within a month.  The same columns as stats_day,
-- under their own keys; start_at and end_at are the edges of the week, month or
-- year in the camera's zone.  A year's squares need more than 64 bits.

CREATE TABLE IF NOT EXISTS stats_week LIKE stats_day;
ALTER TABLE stats_week CHANGE IF EXISTS local_date week_start DATE NOT NULL;

CREATE TABLE IF NOT EXISTS stats_month LIKE stats_day;
ALTER TABLE stats_month CHANGE IF EXISTS local_date month_start DATE NOT NULL;

CREATE TABLE IF NOT EXISTS stats_year LIKE stats_day;
ALTER TABLE stats_year CHANGE IF EXISTS local_date year_start DATE NOT NULL,
	MODIFY people_sq DECIMAL(24,0) NOT NULL,
	MODIFY vehicle_sq DECIMAL(24,0) NOT NULL,
	MODIFY face_sq DECIMAL(24,0) NOT NULL;

CREATE TABLE IF NOT EXISTS stats_weekday_month LIKE stats_month;
ALTER TABLE stats_weekday_month
	ADD COLUMN IF NOT EXISTS weekday TINYINT UNSIGNED NOT NULL
		AFTER month_start,
	DROP PRIMARY KEY, ADD PRIMARY KEY (camera_id, month_start, weekday);

CREATE TABLE IF NOT EXISTS stats_weekday_year LIKE stats_year;
ALTER TABLE stats_weekday_year
	ADD COLUMN IF NOT EXISTS weekday TINYINT UNSIGNED NOT NULL
		AFTER year_start,
	DROP PRIMARY KEY, ADD PRIMARY KEY (camera_id, year_start, weekday);

CREATE TABLE IF NOT EXISTS stats_profile_month LIKE stats_weekday_month;
ALTER TABLE stats_profile_month
	ADD COLUMN IF NOT EXISTS local_hour TINYINT UNSIGNED NOT NULL
		AFTER weekday,
	DROP PRIMARY KEY,
	ADD PRIMARY KEY (camera_id, month_start, weekday, local_hour);

-- fold, as Python's PEP 495 calls it: 1 for the second pass of an hour that is
-- there twice because the clock was put back, else 0.
ALTER TABLE stats_hour ADD COLUMN IF NOT EXISTS
	fold TINYINT UNSIGNED NOT NULL DEFAULT 0 AFTER local_hour;

-- A number that moves with everything that a reader of statistics can see, so
-- that whoever remembers an answer knows when to ask again.
CREATE TABLE IF NOT EXISTS stats_version (
	only_row TINYINT UNSIGNED NOT NULL PRIMARY KEY DEFAULT 1
		CHECK (only_row = 1),
	version BIGINT UNSIGNED NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO stats_version (version) VALUES (1);

-- What was rolled up before has none of these yet.
INSERT IGNORE INTO dirty_quarter (start_at, camera_id)
SELECT start_at - INTERVAL (TO_SECONDS(start_at) MOD 900) SECOND, camera_id
FROM stats_quarter;
