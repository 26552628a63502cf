-- SPDX-License-Identifier: MIT
-- roll_up_years: the weekdays in work_weekday_year equal the sum of their
-- months' weekdays, and the years in work_year that of their weekdays.
-- A step of roll_up_claimed.
CREATE OR REPLACE PROCEDURE roll_up_years()
MODIFIES SQL DATA
BEGIN
	DELETE s FROM work_weekday_year t STRAIGHT_JOIN stats_weekday_year s
		ON s.camera_id = t.camera_id
		AND s.year_start = t.year_start
		AND s.weekday = t.weekday;
	INSERT INTO stats_weekday_year
		(camera_id, year_start, weekday, start_at, end_at, row_n,
		observed_s, people_n, people_sum, people_sq, people_min,
		people_max, people_new, vehicle_n, vehicle_sum, vehicle_sq,
		vehicle_min, vehicle_max, vehicle_new, face_n, face_sum,
		face_sq, face_min, face_max, face_new, car, bus, truck,
		motorcycle, bicycle, scooter)
	SELECT t.camera_id, t.year_start, t.weekday, t.start_at, t.end_at,
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
	FROM work_weekday_year t STRAIGHT_JOIN seq_0_to_11 k
	STRAIGHT_JOIN stats_weekday_month s
		ON s.camera_id = t.camera_id
		AND s.month_start = t.year_start + INTERVAL k.seq MONTH
		AND s.weekday = t.weekday
	GROUP BY t.camera_id, t.year_start, t.weekday;

	DELETE s FROM work_year t STRAIGHT_JOIN stats_year s
		ON s.camera_id = t.camera_id
		AND s.year_start = t.year_start;
	INSERT INTO stats_year
		(camera_id, year_start, start_at, end_at, row_n, observed_s,
		people_n, people_sum, people_sq, people_min, people_max,
		people_new, vehicle_n, vehicle_sum, vehicle_sq, vehicle_min,
		vehicle_max, vehicle_new, face_n, face_sum, face_sq, face_min,
		face_max, face_new, car, bus, truck, motorcycle, bicycle,
		scooter)
	SELECT t.camera_id, t.year_start, t.start_at, t.end_at,
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
	FROM work_year t STRAIGHT_JOIN stats_weekday_year s
		ON s.camera_id = t.camera_id
		AND s.year_start = t.year_start
	GROUP BY t.camera_id, t.year_start;
END
