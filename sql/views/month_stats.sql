-- SPDX-License-Identifier: MIT
-- month_stats: the table of 2021, a row per month that is over.  See day_stats.
CREATE OR REPLACE VIEW month_stats AS
SELECT TO_DAYS(s.month_start) AS _id, s.month_start AS start_date,
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
FROM averaged_camera c JOIN stats_month s ON s.camera_id = c.camera_id
WHERE LAST_DAY(s.month_start) < (SELECT today FROM averaged_today)
GROUP BY s.month_start
