-- SPDX-License-Identifier: MIT
-- refuse_zone: a camera cannot move to another zone where that would lose what
-- was counted.  Its hours and all above are computed anew from its quarter
-- hours, of which none may be gone; and one whose rows are gone cannot be cut
-- in two, or put together, for a change of offset inside of it.
CREATE OR REPLACE PROCEDURE refuse_zone(p_camera_id INT UNSIGNED,
					p_time_zone_id SMALLINT UNSIGNED)
READS SQL DATA
BEGIN
	DECLARE v_raw, v_quarter DATETIME;
	DECLARE v_lost BOOLEAN;
	DECLARE v_text VARCHAR(300);

	SELECT kept_from INTO v_raw FROM retention WHERE level = 'raw'
	LOCK IN SHARE MODE;
	SELECT kept_from + INTERVAL 1 DAY INTO v_quarter FROM retention
	WHERE level = 'quarter' LOCK IN SHARE MODE;
	IF v_raw > '1000-01-01' THEN
		SELECT COALESCE((SELECT SUM(row_n) FROM stats_year
				 WHERE camera_id = p_camera_id), 0)
		       > COALESCE((SELECT SUM(row_n) FROM stats_quarter
				   WHERE camera_id = p_camera_id
				     AND start_at >= v_quarter), 0)
		       OR EXISTS (SELECT 1 FROM stats_quarter
				  WHERE camera_id = p_camera_id
				    AND start_at < v_raw
				    AND TO_SECONDS(start_at) MOD 900 <> 0)
		       OR EXISTS (SELECT 1 FROM calendar_offset o
				  JOIN stats_quarter s
					ON s.camera_id = p_camera_id
					AND s.start_at = o.change_at - INTERVAL
					(TO_SECONDS(o.change_at) MOD 900) SECOND
				  WHERE o.time_zone_id = p_time_zone_id
				    AND o.change_at < v_raw
				    AND TO_SECONDS(o.change_at) MOD 900 <> 0)
		INTO v_lost;
		IF v_lost THEN
			SET v_text = CONCAT('camera ', (
				SELECT code FROM camera
				WHERE camera_id = p_camera_id),
				' cannot move to another time zone: what its ',
				'statistics were counted from is not kept; ',
				'register another camera');
			SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_text;
		END IF;
	END IF;
END
