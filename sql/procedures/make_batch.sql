-- SPDX-License-Identifier: MIT
-- make_batch: an empty batch_row, for a writer of many rows: it fills the table
-- and calls put_batch; or, of rows it has stored and marked by itself, puts those
-- in that may be outliers and calls judge_batch.  One row a key; line is the
-- writer's own number of it.
-- It stays in memory: at most some 100 000 rows (max_heap_table_size, 16 MB).
CREATE OR REPLACE PROCEDURE make_batch()
MODIFIES SQL DATA
BEGIN
	CREATE OR REPLACE TEMPORARY TABLE batch_row (
		line INT UNSIGNED NOT NULL,
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
		verdict ENUM('new', 'duplicate', 'conflict', 'replaced', 'kept',
			     'no_camera', 'no_calendar', 'too_old') NOT NULL DEFAULT 'new',
		suspect BOOLEAN NOT NULL DEFAULT FALSE,
		PRIMARY KEY (camera_id, start_at)
	) ENGINE=MEMORY;
END
