-- SPDX-License-Identifier: MIT
-- refuse_unknown: a row of a camera that is not there, or of a day that its
-- zone's calendar does not have, cannot be counted.
CREATE OR REPLACE PROCEDURE refuse_unknown(
	p_camera_id INT UNSIGNED, p_start_at DATETIME)
READS SQL DATA
BEGIN
	DECLARE v_text TEXT;

	IF NOT EXISTS (
		SELECT 1 FROM camera c JOIN calendar_offset o
			ON o.time_zone_id = c.time_zone_id
		WHERE c.camera_id = p_camera_id
		  AND o.day_utc = CAST(p_start_at AS DATE))
	THEN
		SET v_text = IF(
			EXISTS (SELECT 1 FROM camera
				WHERE camera_id = p_camera_id),
			CONCAT('start_at ', p_start_at,
			       ' is outside the calendar of camera ',
			       p_camera_id),
			CONCAT('there is no camera ', p_camera_id));
		SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_text;
	END IF;
END
