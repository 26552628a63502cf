-- SPDX-License-Identifier: MIT
-- week_stats: the table of 2021, a row per week that is over, Monday to Sunday.
-- See day_stats.
CREATE OR REPLACE VIEW week_stats AS
SELECT TO_DAYS(s.week_start) AS _id, s.week_start AS start_date,
       s.week_start + INTERVAL 6 DAY AS end_date,
       SUM(s.people_sum) * 1e0 / NULLIF(SUM(s.people_n), 0) AS avg_people,
       (SUM(s.people_sum)
	+ 1.5 * SQRT(SUM(s.people_n) * SUM(s.people_sq)
		     - SUM(s.people_sum) * SUM(s.people_sum)))
	/ NULLIF(SUM(s.people_n), 0) AS std_people,
       SUM(s.vehicle_sum) * 1e0 / NULLIF(SUM(s.vehicle_n), 0) AS avg_vehicle,
       (SUM(s.vehicle_sum)
	+ 1.5 * SQRT(SUM(s.vehicle_n) * SUM(s.vehicle_sq)
		     - SUM(s.vehicle_sum) * SUM(s.vehicle_sum)))
	/ NULLIF(SUM(s.vehicle_n), 0) AS std_vehicle
FROM averaged_camera c JOIN stats_week s ON s.camera_id = c.camera_id
WHERE s.week_start + INTERVAL 6 DAY < (SELECT today FROM averaged_today)
GROUP BY s.week_start
