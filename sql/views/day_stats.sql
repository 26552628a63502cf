-- SPDX-License-Identifier: MIT
-- day_stats: the table of 2021, a row per date that is over, all cameras of the
-- default site together, each by its own date.  std_* is mean + 1.5 * std.
CREATE OR REPLACE VIEW day_stats AS
SELECT TO_DAYS(s.local_date) AS _id, s.local_date AS _date,
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
FROM averaged_camera c JOIN stats_day s ON s.camera_id = c.camera_id
WHERE s.local_date < (SELECT today FROM averaged_today)
GROUP BY s.local_date
