-- SPDX-License-Identifier: MIT
-- camera_zone: the zone a camera keeps: its own, else its site's.  One whose
-- calendar has not been filled for today is refused.
CREATE OR REPLACE FUNCTION camera_zone(p_tz VARCHAR(64), p_site_id INT UNSIGNED)
RETURNS SMALLINT UNSIGNED
READS SQL DATA
BEGIN
	DECLARE v_text VARCHAR(128);
	DECLARE v_tz VARCHAR(64) DEFAULT
		COALESCE(p_tz, (SELECT tz FROM site WHERE site_id = p_site_id));
	DECLARE v_zone SMALLINT UNSIGNED DEFAULT (
		SELECT z.time_zone_id
		FROM time_zone z JOIN calendar_offset o USING (time_zone_id)
		WHERE z.name = v_tz AND o.day_utc = UTC_DATE());

	IF v_zone IS NULL THEN
		SET v_text = IF(v_tz IS NULL,
			CONCAT('there is no site ', p_site_id),
			CONCAT('time zone ', v_tz, ' is not in the calendar'));
		SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_text;
	END IF;
	RETURN v_zone;
END
