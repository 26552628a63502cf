-- SPDX-License-Identifier: MIT
-- judge_record: the outlier rule holds for one stored row, for a writer that has
-- the insert trigger stand back (@tally_bulk).
CREATE OR REPLACE PROCEDURE judge_record(
	p_camera_id INT UNSIGNED, p_start_at DATETIME, p_new BOOLEAN)
MODIFIES SQL DATA
BEGIN
	DECLARE v_row TEXT DEFAULT (
		SELECT JSON_ARRAY(JSON_ARRAY(
			camera_id, start_at, end_at, people, vehicle, face,
			people_new, vehicle_new, face_new, car, bus, truck,
			motorcycle, bicycle, scooter, observed_s))
		FROM count_record
		WHERE camera_id = p_camera_id AND start_at = p_start_at);

	CALL judge_written(p_camera_id, p_start_at, v_row, p_new);
END
