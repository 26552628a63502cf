-- SPDX-License-Identifier: MIT
-- camera_ad: nothing derived outlives its camera.
CREATE OR REPLACE TRIGGER camera_ad AFTER DELETE ON camera FOR EACH ROW
BEGIN
	CALL recount_camera(OLD.camera_id);
	UPDATE config_version SET version = version + 1;
	DELETE FROM stats_quarter WHERE camera_id = OLD.camera_id;
	DELETE FROM stats_quarter_partial WHERE camera_id = OLD.camera_id;
	DELETE FROM dirty_quarter WHERE camera_id = OLD.camera_id;
	DELETE FROM claimed_quarter WHERE camera_id = OLD.camera_id;
	DELETE FROM outlier_backup WHERE camera_id = OLD.camera_id;
	DELETE FROM outlier_low WHERE camera_id = OLD.camera_id;
	DELETE FROM trigger_failure WHERE camera_id = OLD.camera_id;
END
