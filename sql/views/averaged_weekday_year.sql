-- SPDX-License-Identifier: MIT
-- averaged_weekday_year: a row per weekday of each year that is over; what
-- yearly_mon_stats to yearly_sun_stats show.  See day_stats.
CREATE OR REPLACE VIEW averaged_weekday_year AS
SELECT YEAR(s.year_start) * 8 + s.weekday AS _id, s.weekday,
       YEAR(s.year_start) AS _year,
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
FROM averaged_camera c JOIN stats_weekday_year s ON s.camera_id = c.camera_id
WHERE s.year_start + INTERVAL 1 YEAR <= (SELECT today FROM averaged_today)
GROUP BY s.year_start, s.weekday
