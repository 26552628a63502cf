-- SPDX-License-Identifier: MIT
-- sum_quarters: the raw rows of up to eight cameras (the rest is NULL) in
-- [from, to) as quarter hours in work_quarter; the first one begins at `from`.
-- Eight at a time, because a statement costs as much as a hundred rows.
-- Sums are taken as DOUBLE, which is exact here and nearly twice as fast as
-- DECIMAL: at most 900 rows of 1 000 000 squared stay below 2^53.
CREATE OR REPLACE PROCEDURE sum_quarters(p_from DATETIME, p_to DATETIME,
	p_camera_1 INT UNSIGNED, p_camera_2 INT UNSIGNED,
	p_camera_3 INT UNSIGNED, p_camera_4 INT UNSIGNED,
	p_camera_5 INT UNSIGNED, p_camera_6 INT UNSIGNED,
	p_camera_7 INT UNSIGNED, p_camera_8 INT UNSIGNED)
MODIFIES SQL DATA
INSERT INTO work_quarter
	(camera_id, start_at, row_n, observed_s, people_n, people_sum,
		people_sq, people_min, people_max, people_new, vehicle_n,
		vehicle_sum, vehicle_sq, vehicle_min, vehicle_max, vehicle_new,
		face_n, face_sum, face_sq, face_min, face_max, face_new, car,
		bus, truck, motorcycle, bicycle, scooter,
		partial)
	SELECT camera_id,
	       GREATEST(p_from, p_from + INTERVAL
			(TO_SECONDS(start_at) DIV 900 * 900
			 - TO_SECONDS(p_from)) SECOND),
	       COUNT(*), SUM(observed_s * 1e0),
	       COUNT(people), COALESCE(SUM(people * 1e0), 0),
	       COALESCE(SUM(people * 1e0 * people), 0),
	       MIN(people), MAX(people), SUM(people_new * 1e0),
	       COUNT(vehicle), COALESCE(SUM(vehicle * 1e0), 0),
	       COALESCE(SUM(vehicle * 1e0 * vehicle), 0),
	       MIN(vehicle), MAX(vehicle), SUM(vehicle_new * 1e0),
	       COUNT(face), COALESCE(SUM(face * 1e0), 0),
	       COALESCE(SUM(face * 1e0 * face), 0),
	       MIN(face), MAX(face), SUM(face_new * 1e0),
	       SUM(car * 1e0), SUM(bus * 1e0), SUM(truck * 1e0),
	       SUM(motorcycle * 1e0), SUM(bicycle * 1e0), SUM(scooter * 1e0),
	       MAX(TIMESTAMPDIFF(SECOND, start_at, end_at)
		   - observed_s * 2e0) > 0
	FROM count_record
	WHERE camera_id IN (p_camera_1, p_camera_2, p_camera_3, p_camera_4,
			    p_camera_5, p_camera_6, p_camera_7, p_camera_8)
	  AND start_at >= p_from AND start_at < p_to
	GROUP BY camera_id, TO_SECONDS(start_at) DIV 900
