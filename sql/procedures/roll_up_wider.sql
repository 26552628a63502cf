-- SPDX-License-Identifier: MIT
-- roll_up_wider: the weeks, months, years, weekdays and profile cells that hold
-- a day in work_day equal the sum of what they are made of.  A step of
-- roll_up_claimed.  Edges come from the calendar: those of the first two and
-- the last two dates, of which one may be missing where a zone left it out
-- (Samoa, 2011-12-30).  Each is asked for by its whole key: for the first date
-- from here on the server would read a zone's calendar from its beginning.  No
-- edges at all are NULL and refused.
CREATE OR REPLACE PROCEDURE roll_up_wider()
MODIFIES SQL DATA
BEGIN
	INSERT INTO work_edge (time_zone_id, first_date, last_date, start_at,
			       end_at)
	WITH d AS (SELECT DISTINCT w.time_zone_id, d.local_date
		   FROM work_day d STRAIGHT_JOIN work_camera w
			ON w.camera_id = d.camera_id)
	SELECT p.time_zone_id, p.first_date, p.last_date, MIN(c.start_utc),
	       MAX(c.end_utc)
	FROM (SELECT time_zone_id,
		     local_date - INTERVAL WEEKDAY(local_date) DAY
			AS first_date,
		     local_date + INTERVAL 6 - WEEKDAY(local_date) DAY
			AS last_date
	      FROM d
	      UNION
	      SELECT time_zone_id,
		     local_date - INTERVAL DAY(local_date) - 1 DAY,
		     LAST_DAY(local_date)
	      FROM d
	      UNION
	      SELECT time_zone_id, MAKEDATE(YEAR(local_date), 1),
		     MAKEDATE(YEAR(local_date) + 1, 1) - INTERVAL 1 DAY
	      FROM d) p
	STRAIGHT_JOIN seq_0_to_3 k
	STRAIGHT_JOIN calendar_day c ON c.time_zone_id = p.time_zone_id
		AND c.local_date = IF(k.seq < 2,
			p.first_date + INTERVAL k.seq DAY,
			p.last_date - INTERVAL 3 - k.seq DAY)
	GROUP BY p.time_zone_id, p.first_date, p.last_date;

	INSERT INTO work_week (camera_id, week_start, start_at, end_at)
	SELECT p.camera_id, p.week_start, e.start_at, e.end_at
	FROM (SELECT DISTINCT camera_id,
		     local_date - INTERVAL WEEKDAY(local_date) DAY AS week_start
	      FROM work_day) p
	STRAIGHT_JOIN work_camera w ON w.camera_id = p.camera_id
	LEFT JOIN work_edge e ON e.time_zone_id = w.time_zone_id
		AND e.first_date = p.week_start
		AND e.last_date = p.week_start + INTERVAL 6 DAY;
	INSERT INTO work_month (camera_id, month_start, start_at, end_at)
	SELECT p.camera_id, p.month_start, e.start_at, e.end_at
	FROM (SELECT DISTINCT camera_id, local_date
		     - INTERVAL DAY(local_date) - 1 DAY AS month_start
	      FROM work_day) p
	STRAIGHT_JOIN work_camera w ON w.camera_id = p.camera_id
	LEFT JOIN work_edge e ON e.time_zone_id = w.time_zone_id
		AND e.first_date = p.month_start
		AND e.last_date = LAST_DAY(p.month_start);
	INSERT INTO work_year (camera_id, year_start, start_at, end_at)
	SELECT p.camera_id, p.year_start, e.start_at, e.end_at
	FROM (SELECT DISTINCT camera_id,
		     MAKEDATE(YEAR(month_start), 1) AS year_start
	      FROM work_month) p
	STRAIGHT_JOIN work_camera w ON w.camera_id = p.camera_id
	LEFT JOIN work_edge e ON e.time_zone_id = w.time_zone_id
		AND e.first_date = p.year_start
		AND e.last_date = p.year_start + INTERVAL 1 YEAR
			- INTERVAL 1 DAY;

	INSERT INTO work_weekday_month (camera_id, month_start, weekday,
					first_date, start_at, end_at)
	SELECT m.camera_id, m.month_start, p.weekday,
	       m.month_start + INTERVAL
			(p.weekday + 6 - WEEKDAY(m.month_start)) MOD 7 DAY,
	       m.start_at, m.end_at
	FROM (SELECT DISTINCT camera_id, WEEKDAY(local_date) + 1 AS weekday,
		     local_date - INTERVAL DAY(local_date) - 1 DAY
			AS month_start
	      FROM work_day) p
	STRAIGHT_JOIN work_month m ON m.camera_id = p.camera_id
		AND m.month_start = p.month_start;
	INSERT INTO work_profile (camera_id, month_start, weekday, local_hour,
				  start_at, end_at)
	SELECT m.camera_id, m.month_start, p.weekday, p.local_hour,
	       m.start_at, m.end_at
	FROM (SELECT DISTINCT camera_id, WEEKDAY(local_date) + 1 AS weekday,
		     local_hour, local_date - INTERVAL DAY(local_date) - 1 DAY
			AS month_start
	      FROM work_hour) p
	STRAIGHT_JOIN work_month m ON m.camera_id = p.camera_id
		AND m.month_start = p.month_start;
	INSERT INTO work_weekday_year (camera_id, year_start, weekday,
				       start_at, end_at)
	SELECT y.camera_id, y.year_start, p.weekday, y.start_at, y.end_at
	FROM (SELECT DISTINCT camera_id, weekday,
		     MAKEDATE(YEAR(month_start), 1) AS year_start
	      FROM work_weekday_month) p
	STRAIGHT_JOIN work_year y ON y.camera_id = p.camera_id
		AND y.year_start = p.year_start;

	CALL roll_up_weeks();
	CALL roll_up_months();
	CALL roll_up_profiles();
	CALL roll_up_years();
END
