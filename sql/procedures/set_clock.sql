-- SPDX-License-Identifier: MIT
-- set_clock: camera_clock has a row for every camera: the offset from UTC that
-- holds now in its zone, and since when and until when it holds.  The trigger
-- of count_record reads it instead of the calendar.
CREATE OR REPLACE PROCEDURE set_clock(p_camera_id INT UNSIGNED,
				      p_time_zone_id SMALLINT UNSIGNED)
MODIFIES SQL DATA
BEGIN
	DECLARE v_now DATETIME DEFAULT UTC_TIMESTAMP();
	DECLARE v_offset MEDIUMINT;
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
	-- Before a change of the same day the offset is offset_s, after it
	-- offset2_s; a day that starts at another offset ends the span, too.
	REPLACE INTO camera_clock (camera_id, offset_s, valid_from, valid_to)
	SELECT p_camera_id, v_offset,
	       GREATEST(
		COALESCE(MAX(IF(change_at <= v_now, change_at, NULL)),
			 MIN(day_utc)),
		COALESCE(MAX(IF(day_utc <= v_now AND offset_s <> v_offset
				AND change_at IS NULL,
				day_utc + INTERVAL 1 DAY, NULL)),
			 MIN(day_utc))),
	       LEAST(
		COALESCE(MIN(IF(change_at > v_now, change_at, NULL)),
			 MAX(day_utc) + INTERVAL 1 DAY),
		COALESCE(MIN(IF(day_utc > v_now AND offset_s <> v_offset,
				day_utc, NULL)),
			 MAX(day_utc) + INTERVAL 1 DAY))
	FROM calendar_offset
	WHERE time_zone_id = p_time_zone_id;
END
