-- SPDX-License-Identifier: MIT
-- camera_au: a camera that moves to another zone is counted anew in it, where
-- there is enough left to count from.  Who remembers that it may be written to
-- is told where it retires, or comes back, by the version of the references.
CREATE OR REPLACE TRIGGER camera_au AFTER UPDATE ON camera FOR EACH ROW
BEGIN
	IF NEW.time_zone_id <> OLD.time_zone_id THEN
		CALL refuse_zone(NEW.camera_id, NEW.time_zone_id);
		CALL recount_camera(NEW.camera_id);
	END IF;
	IF (NEW.retired_at IS NULL) <> (OLD.retired_at IS NULL) THEN
		UPDATE reference_version SET version = version + 1;
	END IF;
	UPDATE stats_version SET version = version + 1;
	UPDATE config_version SET version = version + 1;
END
