-- SPDX-License-Identifier: MIT
-- set_clock: camera_clock says which offset from UTC holds now for a camera, and
-- since when and until when it holds.  The trigger of count_record reads it
-- instead of the calendar.  p_camera_id NULL: all cameras of the zone.
CREATE OR REPLACE PROCEDURE set_clock(p_time_zone_id SMALLINT UNSIGNED,
				      p_camera_id INT UNSIGNED)
MODIFIES SQL DATA
BEGIN
	DECLARE v_now DATETIME DEFAULT UTC_TIMESTAMP();
	DECLARE v_offset MEDIUMINT;
	DECLARE v_from, v_to DATETIME;
	DECLARE v_text VARCHAR(128);

	SET v_offset = (SELECT IF(change_at IS NULL OR v_now < change_at,
				  offset_s, offset2_s)
			FROM calendar_offset
			WHERE time_zone_id = p_time_zone_id
			  AND day_utc = CAST(v_now AS DATE));
	IF v_offset IS NULL THEN
		SET v_text = CONCAT('time zone ', p_time_zone_id,
				    ' has no calendar for today');
		SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_text;
	END IF;
	-- A change at 00:00 UTC may show only as a day that begins at another
	-- offset than the day before ended with.
	SELECT GREATEST(MIN(day_utc),
			COALESCE(MAX(IF(change_at <= v_now, change_at,
					IF(change_at IS NULL
					   AND day_utc <= v_now
					   AND offset_s <> v_offset,
					   day_utc + INTERVAL 1 DAY, NULL))),
				 MIN(day_utc))),
	       LEAST(MAX(day_utc) + INTERVAL 1 DAY,
		     COALESCE(MIN(IF(change_at > v_now, change_at,
				     IF(day_utc > v_now
					AND offset_s <> v_offset,
					day_utc, NULL))),
			      MAX(day_utc) + INTERVAL 1 DAY))
	INTO v_from, v_to
	FROM calendar_offset WHERE time_zone_id = p_time_zone_id;
	REPLACE INTO camera_clock (camera_id, offset_s, valid_from, valid_to)
	SELECT camera_id, v_offset, v_from, v_to FROM camera
	WHERE time_zone_id = p_time_zone_id
	  AND (p_camera_id IS NULL OR camera_id = p_camera_id);
END
