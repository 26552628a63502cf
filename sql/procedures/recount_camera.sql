-- SPDX-License-Identifier: MIT
-- recount_camera: marks all quarters of a camera and drops what depends on its
-- zone: hours, days and what is wider, references, and the quarters that began at a change of the
-- old zone's offset (roll_up_claimed says when).  The roll-up holds a share
-- lock on the cameras it works for, so it never writes for the old zone after
-- this.
CREATE OR REPLACE PROCEDURE recount_camera(p_camera_id INT UNSIGNED)
MODIFIES SQL DATA
BEGIN
	INSERT IGNORE INTO dirty_quarter (start_at, camera_id)
	SELECT start_at - INTERVAL (TO_SECONDS(start_at) MOD 900) SECOND,
	       camera_id
	FROM stats_quarter WHERE camera_id = p_camera_id;
	DELETE FROM stats_quarter
	WHERE camera_id = p_camera_id AND TO_SECONDS(start_at) MOD 900 <> 0;
	DELETE FROM stats_quarter_partial
	WHERE camera_id = p_camera_id AND TO_SECONDS(start_at) MOD 900 <> 0;
	DELETE FROM stats_hour WHERE camera_id = p_camera_id;
	DELETE FROM stats_hour_partial WHERE camera_id = p_camera_id;
	DELETE FROM stats_day WHERE camera_id = p_camera_id;
	DELETE FROM stats_week WHERE camera_id = p_camera_id;
	DELETE FROM stats_month WHERE camera_id = p_camera_id;
	DELETE FROM stats_year WHERE camera_id = p_camera_id;
	DELETE FROM stats_weekday_month WHERE camera_id = p_camera_id;
	DELETE FROM stats_weekday_year WHERE camera_id = p_camera_id;
	DELETE FROM stats_profile_month WHERE camera_id = p_camera_id;
	DELETE FROM reference_value WHERE camera_id = p_camera_id;
	DELETE FROM reference_camera WHERE camera_id = p_camera_id;
	UPDATE stats_version SET version = version + 1;
	UPDATE reference_version SET version = version + 1;
END
