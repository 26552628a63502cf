-- SPDX-License-Identifier: MIT
-- roll_up_days: the days in work_day equal the sum of their hours.
-- A step of roll_up_claimed.
CREATE OR REPLACE PROCEDURE roll_up_days()
MODIFIES SQL DATA
BEGIN
	DELETE s FROM work_day t STRAIGHT_JOIN stats_day s
		ON s.camera_id = t.camera_id AND s.local_date = t.local_date;
	INSERT INTO stats_day
		(camera_id, local_date, start_at, end_at, row_n, observed_s,
		people_n, people_sum, people_sq, people_min, people_max,
		people_new, vehicle_n, vehicle_sum, vehicle_sq, vehicle_min,
		vehicle_max, vehicle_new, face_n, face_sum, face_sq, face_min,
		face_max, face_new, car, bus, truck, motorcycle, bicycle,
		scooter)
	SELECT t.camera_id, t.local_date, t.start_at, t.end_at,
	       SUM(s.row_n), SUM(s.observed_s),
	       SUM(s.people_n), SUM(s.people_sum), SUM(s.people_sq),
	       MIN(s.people_min), MAX(s.people_max), SUM(s.people_new),
	       SUM(s.vehicle_n), SUM(s.vehicle_sum), SUM(s.vehicle_sq),
	       MIN(s.vehicle_min), MAX(s.vehicle_max), SUM(s.vehicle_new),
	       SUM(s.face_n), SUM(s.face_sum), SUM(s.face_sq),
	       MIN(s.face_min), MAX(s.face_max), SUM(s.face_new),
	       SUM(s.car), SUM(s.bus), SUM(s.truck),
	       SUM(s.motorcycle), SUM(s.bicycle), SUM(s.scooter)
	FROM work_day t STRAIGHT_JOIN stats_hour s
		ON s.camera_id = t.camera_id AND s.local_date = t.local_date
	GROUP BY t.camera_id, t.local_date;
END
