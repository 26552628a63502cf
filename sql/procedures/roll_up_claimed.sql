-- SPDX-License-Identifier: MIT
-- roll_up_claimed: recomputes every bucket above the next p_batch claimed
-- quarters, camera by camera, in one transaction: readers never see two levels
-- disagree.  READ COMMITTED, because INSERT ... SELECT would otherwise lock the
-- raw rows against their writers.
--
-- A camera's zone is read with a share lock, so that it cannot move to another
-- one before this commits.  Marks of a camera that is gone count for nothing.
--
-- work_part holds these quarters, each with its offset from UTC.  Where
-- the clock changes inside of a quarter (St John's, 00:01, until 2011), it is
-- two parts, and so two rows of stats_quarter, the second from the change on.
-- A change at midnight UTC is not in the calendar as one: the day before ends
-- with another offset.  It matters to the hours that are there twice.
CREATE OR REPLACE PROCEDURE roll_up_claimed(p_batch INT UNSIGNED,
	OUT p_rows BIGINT UNSIGNED, OUT p_quarters INT UNSIGNED,
	OUT p_buckets INT UNSIGNED)
MODIFIES SQL DATA
BEGIN
	DECLARE v_text VARCHAR(128);

	DELETE FROM work_camera;
	DELETE FROM work_part;
	DELETE FROM work_run;
	DELETE FROM work_quarter;
	DELETE FROM work_hour;
	DELETE FROM work_day;
	DELETE FROM work_edge;
	DELETE FROM work_week;
	DELETE FROM work_month;
	DELETE FROM work_weekday_month;
	DELETE FROM work_profile;
	DELETE FROM work_year;
	DELETE FROM work_weekday_year;

	SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
	START TRANSACTION;
	INSERT INTO work_camera (camera_id, time_zone_id)
	SELECT c.camera_id, c.time_zone_id
	FROM (SELECT DISTINCT camera_id
	      FROM (SELECT camera_id FROM claimed_quarter
		    ORDER BY camera_id, start_at LIMIT p_batch) b) q
	STRAIGHT_JOIN camera c ON c.camera_id = q.camera_id
	LOCK IN SHARE MODE;

	INSERT INTO work_part (camera_id, start_at, time_zone_id, offset_s,
			       change_at, fold_to)
	SELECT q.camera_id, q.start_at, w.time_zone_id,
	       IF(o.change_at IS NULL OR q.start_at < o.change_at,
		  o.offset_s, o.offset2_s),
	       COALESCE(o.change_at, CAST(y.day_utc + INTERVAL 1 DAY AS DATETIME)),
	       IF(o.change_at IS NULL,
		  CAST(y.day_utc + INTERVAL 1 DAY AS DATETIME)
			+ INTERVAL (COALESCE(y.offset2_s, y.offset_s)
				    - o.offset_s) SECOND,
		  o.change_at + INTERVAL (o.offset_s - o.offset2_s) SECOND)
	FROM (SELECT camera_id, start_at FROM claimed_quarter
	      ORDER BY camera_id, start_at LIMIT p_batch) q
	STRAIGHT_JOIN work_camera w ON w.camera_id = q.camera_id
	LEFT JOIN calendar_offset o ON o.time_zone_id = w.time_zone_id
		AND o.day_utc = CAST(q.start_at AS DATE)
	LEFT JOIN calendar_offset y ON CAST(q.start_at AS TIME) < '03:00:00'
		AND y.time_zone_id = w.time_zone_id
		AND y.day_utc = CAST(q.start_at AS DATE) - INTERVAL 1 DAY
		AND COALESCE(y.offset2_s, y.offset_s) <> o.offset_s;
	SET v_text = (SELECT CONCAT('no calendar for camera ', camera_id,
				    ' at ', start_at)
		      FROM work_part WHERE offset_s IS NULL LIMIT 1);
	IF v_text IS NOT NULL THEN
		SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_text;
	END IF;
	INSERT INTO work_part (camera_id, start_at, time_zone_id, offset_s,
			       change_at, fold_to)
	SELECT p.camera_id, p.change_at, p.time_zone_id, o.offset2_s,
	       p.change_at, p.fold_to
	FROM work_part p JOIN calendar_offset o
		ON o.time_zone_id = p.time_zone_id
		AND o.day_utc = CAST(p.start_at AS DATE)
	WHERE p.change_at > p.start_at
	  AND p.change_at < p.start_at + INTERVAL 900 SECOND;
	CALL roll_up_quarters();

	-- An hour is a local one at one offset: it ends, or begins, at a change.
	INSERT IGNORE INTO work_hour (camera_id, local_date, start_at, end_at,
				      local_hour, fold)
	SELECT DISTINCT camera_id, CAST(local_at AS DATE),
	       IF(change_at <= start_at AND change_at > full_at,
		  change_at, full_at),
	       IF(change_at > start_at
		  AND change_at < full_at + INTERVAL 3600 SECOND,
		  change_at, full_at + INTERVAL 3600 SECOND),
	       HOUR(local_at),
	       COALESCE(change_at <= start_at
			AND GREATEST(change_at, full_at) < fold_to, FALSE)
	FROM (SELECT camera_id, start_at, change_at, fold_to,
		     start_at + INTERVAL offset_s SECOND AS local_at,
		     start_at - INTERVAL ((TO_SECONDS(start_at) + offset_s)
					  MOD 3600) SECOND AS full_at
	      FROM work_part) p;
	CALL roll_up_hours();

	INSERT IGNORE INTO work_day (camera_id, local_date, start_at, end_at)
	SELECT h.camera_id, h.local_date, d.start_utc, d.end_utc
	FROM (SELECT DISTINCT camera_id, local_date FROM work_hour) h
	STRAIGHT_JOIN work_camera w ON w.camera_id = h.camera_id
	STRAIGHT_JOIN calendar_day d ON d.time_zone_id = w.time_zone_id
		AND d.local_date = h.local_date;
	SET v_text = (SELECT CONCAT('no calendar day for camera ', h.camera_id,
				    ' on ', h.local_date)
		      FROM work_hour h
		      LEFT JOIN work_day d ON d.camera_id = h.camera_id
			AND d.local_date = h.local_date
		      WHERE d.camera_id IS NULL LIMIT 1);
	IF v_text IS NOT NULL THEN
		SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_text;
	END IF;
	CALL roll_up_days();
	CALL roll_up_wider();

	-- A camera without any reference may now have enough for one.
	UPDATE work_day d STRAIGHT_JOIN reference_camera r
		ON r.camera_id = d.camera_id
	SET r.again = TRUE
	WHERE r.found = '' AND d.local_date < r.local_date;

	DELETE FROM claimed_quarter ORDER BY camera_id, start_at LIMIT p_batch;
	SET p_quarters = ROW_COUNT();
	UPDATE stats_version SET version = version + 1;
	COMMIT;
	SET p_rows = (SELECT COALESCE(SUM(q.row_n), 0)
		      FROM work_part p JOIN work_quarter q
			ON q.camera_id = p.camera_id
			AND q.start_at = p.start_at);
	SET p_buckets = (SELECT COUNT(*) FROM work_part)
		+ (SELECT COUNT(*) FROM work_hour)
		+ (SELECT COUNT(*) FROM work_day)
		+ (SELECT COUNT(*) FROM work_week)
		+ (SELECT COUNT(*) FROM work_month)
		+ (SELECT COUNT(*) FROM work_weekday_month)
		+ (SELECT COUNT(*) FROM work_profile)
		+ (SELECT COUNT(*) FROM work_year)
		+ (SELECT COUNT(*) FROM work_weekday_year);
END
