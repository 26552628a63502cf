-- SPDX-License-Identifier: MIT
-- roll_up_hours: the hours in work_hour equal the sum of their quarters.
-- A step of roll_up_claimed.  An hour's quarters are its own start (step 0)
-- and the full quarters after it (steps 1 to 4) before its end.  Sums are taken
-- as DOUBLE, as in sum_quarters, exact for the 3600 rows that an hour can have.
CREATE OR REPLACE PROCEDURE roll_up_hours()
MODIFIES SQL DATA
BEGIN
	DELETE s FROM work_hour t STRAIGHT_JOIN stats_hour s
		ON s.camera_id = t.camera_id AND s.local_date = t.local_date
		AND s.start_at = t.start_at;
	INSERT INTO stats_hour
		(camera_id, local_date, start_at, end_at, local_hour, fold,
		weekday, row_n, observed_s, people_n, people_sum, people_sq, people_min,
		people_max, people_new, vehicle_n, vehicle_sum, vehicle_sq,
		vehicle_min, vehicle_max, vehicle_new, face_n, face_sum,
		face_sq, face_min, face_max, face_new, car, bus, truck,
		motorcycle, bicycle, scooter)
	SELECT t.camera_id, t.local_date, t.start_at, t.end_at,
	       t.local_hour, t.fold, WEEKDAY(t.local_date) + 1,
	       SUM(s.row_n * 1e0), SUM(s.observed_s * 1e0),
	       SUM(s.people_n * 1e0), SUM(s.people_sum * 1e0),
	       SUM(s.people_sq * 1e0),
	       MIN(s.people_min), MAX(s.people_max), SUM(s.people_new * 1e0),
	       SUM(s.vehicle_n * 1e0), SUM(s.vehicle_sum * 1e0),
	       SUM(s.vehicle_sq * 1e0),
	       MIN(s.vehicle_min), MAX(s.vehicle_max), SUM(s.vehicle_new * 1e0),
	       SUM(s.face_n * 1e0), SUM(s.face_sum * 1e0),
	       SUM(s.face_sq * 1e0),
	       MIN(s.face_min), MAX(s.face_max), SUM(s.face_new * 1e0),
	       SUM(s.car * 1e0), SUM(s.bus * 1e0), SUM(s.truck * 1e0),
	       SUM(s.motorcycle * 1e0), SUM(s.bicycle * 1e0), SUM(s.scooter * 1e0)
	FROM work_hour t STRAIGHT_JOIN seq_0_to_4 k STRAIGHT_JOIN stats_quarter s
		ON s.camera_id = t.camera_id
		AND s.start_at = IF(k.seq = 0, t.start_at,
			t.start_at + INTERVAL (900 * k.seq
			- TO_SECONDS(t.start_at) MOD 900) SECOND)
	WHERE t.start_at + INTERVAL (900 * k.seq
		- IF(k.seq = 0, 0, TO_SECONDS(t.start_at) MOD 900)) SECOND
		< t.end_at
	GROUP BY t.camera_id, t.local_date, t.start_at;

	DELETE s FROM work_hour t STRAIGHT_JOIN stats_hour_partial s
		ON s.camera_id = t.camera_id AND s.local_date = t.local_date
		AND s.start_at = t.start_at;
	INSERT INTO stats_hour_partial
		(camera_id, local_date, start_at, people_n, people_sum,
		people_sq, vehicle_n, vehicle_sum, vehicle_sq, face_n, face_sum,
		face_sq)
	SELECT t.camera_id, t.local_date, t.start_at,
	       SUM(s.people_n), SUM(s.people_sum), SUM(s.people_sq),
	       SUM(s.vehicle_n), SUM(s.vehicle_sum), SUM(s.vehicle_sq),
	       SUM(s.face_n), SUM(s.face_sum), SUM(s.face_sq)
	FROM work_hour t STRAIGHT_JOIN seq_0_to_4 k STRAIGHT_JOIN stats_quarter_partial s
		ON s.camera_id = t.camera_id
		AND s.start_at = IF(k.seq = 0, t.start_at,
			t.start_at + INTERVAL (900 * k.seq
			- TO_SECONDS(t.start_at) MOD 900) SECOND)
	WHERE t.start_at + INTERVAL (900 * k.seq
		- IF(k.seq = 0, 0, TO_SECONDS(t.start_at) MOD 900)) SECOND
		< t.end_at
	GROUP BY t.camera_id, t.local_date, t.start_at;
END
