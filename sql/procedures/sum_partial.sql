-- SPDX-License-Identifier: MIT
-- sum_partial: what rows watched for less than half of their interval
-- contribute to one quarter (or part of one: see roll_up_claimed).
CREATE OR REPLACE PROCEDURE sum_partial(p_camera_id INT UNSIGNED,
					p_start_at DATETIME)
MODIFIES SQL DATA
BEGIN
	DECLARE v_end DATETIME DEFAULT p_start_at + INTERVAL
		(900 - TO_SECONDS(p_start_at) MOD 900) SECOND;

	SET v_end = COALESCE((SELECT MIN(change_at) FROM work_part
			      WHERE camera_id = p_camera_id
				AND start_at = p_start_at
				AND change_at > p_start_at
				AND change_at < v_end), v_end);
	INSERT INTO stats_quarter_partial
		(camera_id, start_at, people_n, people_sum, people_sq, vehicle_n,
		vehicle_sum, vehicle_sq, face_n, face_sum, face_sq)
	SELECT p_camera_id, p_start_at,
	       COUNT(people), COALESCE(SUM(people), 0), COALESCE(SUM(people * people), 0),
	       COUNT(vehicle), COALESCE(SUM(vehicle), 0), COALESCE(SUM(vehicle * vehicle), 0),
	       COUNT(face), COALESCE(SUM(face), 0), COALESCE(SUM(face * face), 0)
	FROM count_record
	WHERE camera_id = p_camera_id
	  AND start_at >= p_start_at AND start_at < v_end
	  AND observed_s * 2 < TIMESTAMPDIFF(SECOND, start_at, end_at);
END
