-- SPDX-License-Identifier: MIT
-- 0010: how long each level is kept, by setting, and from when on it is there.

-- What begins before kept_from is not kept, or not for long.  For raw rows and
-- quarter hours that is an instant in UTC, compared with start_at; for the
-- others a date at 00:00:00, compared with the date in their key.  It only
-- moves forward, and before anything goes.
CREATE TABLE IF NOT EXISTS retention (
	level ENUM('raw', 'quarter', 'hour', 'day', 'week', 'month', 'year',
		   'weekday_month', 'weekday_year', 'profile_month')
		NOT NULL PRIMARY KEY,
	kept_from DATETIME NOT NULL DEFAULT '1000-01-01'
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

INSERT IGNORE INTO retention (level) VALUES
	('raw'), ('quarter'), ('hour'), ('day'), ('week'), ('month'), ('year'),
	('weekday_month'), ('weekday_year'), ('profile_month');

INSERT IGNORE INTO setting (name, value) VALUES
	('keep_raw_days', 'off'),
	('keep_quarter_days', 'off'),
	('keep_hour_days', 'off'),
	('keep_day_days', 'off'),
	('keep_week_days', 'off'),
	('keep_month_days', 'off'),
	('keep_year_days', 'off'),
	('keep_profile_days', 'off'),
	('keep_outlier_days', 'off'),
	('page_compression', 'auto');

INSERT IGNORE INTO job_state (job) VALUES ('retention');
