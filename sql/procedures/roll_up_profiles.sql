-- SPDX-License-Identifier: MIT
-- roll_up_profiles: the cells in work_profile, an hour of a weekday within a
-- month, equal the sum of their hours.  A step of roll_up_claimed.
CREATE OR REPLACE PROCEDURE roll_up_profiles()
MODIFIES SQL DATA
BEGIN
	DELETE s FROM work_profile t STRAIGHT_JOIN stats_profile_month s
		ON s.camera_id = t.camera_id
		AND s.month_start = t.month_start
		AND s.weekday = t.weekday
		AND s.local_hour = t.local_hour;
	INSERT INTO stats_profile_month
		(camera_id, month_start, weekday, local_hour, start_at, end_at,
		row_n, observed_s, people_n, people_sum, people_sq, people_min,
		people_max, people_new, vehicle_n, vehicle_sum, vehicle_sq,
		vehicle_min, vehicle_max, vehicle_new, face_n, face_sum,
		face_sq, face_min, face_max, face_new, car, bus, truck,
		motorcycle, bicycle, scooter)
	SELECT t.camera_id, t.month_start, t.weekday, t.local_hour, t.start_at, t.end_at,
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
	FROM work_weekday_month w STRAIGHT_JOIN seq_0_to_4 k
	STRAIGHT_JOIN stats_hour s
		ON s.camera_id = w.camera_id
		AND s.local_date = w.first_date + INTERVAL 7 * k.seq DAY
	STRAIGHT_JOIN work_profile t
		ON t.camera_id = w.camera_id AND t.month_start = w.month_start
		AND t.weekday = w.weekday AND t.local_hour = s.local_hour
	WHERE w.first_date + INTERVAL 7 * k.seq DAY <= LAST_DAY(w.month_start)
	GROUP BY t.camera_id, t.month_start, t.weekday, t.local_hour;
END
