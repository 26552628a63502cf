-- SPDX-License-Identifier: MIT
-- roll_up_days: the days in work_day equal the sum of their hours.
-- A step of roll_up_claimed.  From here on squares may pass 2^53 and are summed
-- as they are, in DECIMAL; all else as DOUBLE, which is exact and faster: a year
-- of 1 000 000 a second is 2^45.
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
	       SUM(s.row_n * 1e0), SUM(s.observed_s * 1e0),
	       SUM(s.people_n * 1e0), SUM(s.people_sum * 1e0), SUM(s.people_sq),
	       MIN(s.people_min), MAX(s.people_max), SUM(s.people_new * 1e0),
	       SUM(s.vehicle_n * 1e0), SUM(s.vehicle_sum * 1e0),
	       SUM(s.vehicle_sq),
	       MIN(s.vehicle_min), MAX(s.vehicle_max), SUM(s.vehicle_new * 1e0),
	       SUM(s.face_n * 1e0), SUM(s.face_sum * 1e0), SUM(s.face_sq),
	       MIN(s.face_min), MAX(s.face_max), SUM(s.face_new * 1e0),
	       SUM(s.car * 1e0), SUM(s.bus * 1e0), SUM(s.truck * 1e0),
	       SUM(s.motorcycle * 1e0), SUM(s.bicycle * 1e0), SUM(s.scooter * 1e0)
	FROM work_day t STRAIGHT_JOIN stats_hour s
		ON s.camera_id = t.camera_id AND s.local_date = t.local_date
	GROUP BY t.camera_id, t.local_date;
END
