-- SPDX-License-Identifier: MIT
-- make_reference_tables: the temporary tables of compute_reference.
CREATE OR REPLACE PROCEDURE make_reference_tables()
MODIFIES SQL DATA
BEGIN
	-- By hour, what a sum over all rows has too much: see leave_out.
	CREATE OR REPLACE TEMPORARY TABLE work_left_out (
		local_date DATE NOT NULL,
		start_at DATETIME NOT NULL,
		local_hour TINYINT UNSIGNED NOT NULL,
		people_n BIGINT UNSIGNED NOT NULL,
		people_sum BIGINT UNSIGNED NOT NULL,
		people_sq BIGINT UNSIGNED NOT NULL,
		vehicle_n BIGINT UNSIGNED NOT NULL,
		vehicle_sum BIGINT UNSIGNED NOT NULL,
		vehicle_sq BIGINT UNSIGNED NOT NULL,
		face_n BIGINT UNSIGNED NOT NULL,
		face_sum BIGINT UNSIGNED NOT NULL,
		face_sq BIGINT UNSIGNED NOT NULL,
		PRIMARY KEY (local_date, start_at)
	) ENGINE=MEMORY;
	-- Slot 255 holds the wider levels.
	CREATE OR REPLACE TEMPORARY TABLE work_reference (
		basis ENUM('hour_of_week', 'year', 'month', 'week', 'day')
			NOT NULL,
		slot TINYINT UNSIGNED NOT NULL,
		people_days INT UNSIGNED NOT NULL,
		people_n BIGINT UNSIGNED NOT NULL,
		people_sum BIGINT UNSIGNED NOT NULL,
		people_sq DECIMAL(24,0) NOT NULL,
		vehicle_days INT UNSIGNED NOT NULL,
		vehicle_n BIGINT UNSIGNED NOT NULL,
		vehicle_sum BIGINT UNSIGNED NOT NULL,
		vehicle_sq DECIMAL(24,0) NOT NULL,
		face_days INT UNSIGNED NOT NULL,
		face_n BIGINT UNSIGNED NOT NULL,
		face_sum BIGINT UNSIGNED NOT NULL,
		face_sq DECIMAL(24,0) NOT NULL,
		PRIMARY KEY (slot, basis)
	) ENGINE=MEMORY;
	CREATE OR REPLACE TEMPORARY TABLE work_dates (
		slot TINYINT UNSIGNED NOT NULL PRIMARY KEY,
		people_days INT UNSIGNED NOT NULL,
		vehicle_days INT UNSIGNED NOT NULL,
		face_days INT UNSIGNED NOT NULL
	) ENGINE=MEMORY;
	CREATE OR REPLACE TEMPORARY TABLE work_value LIKE reference_value;
END
