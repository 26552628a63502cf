-- SPDX-License-Identifier: MIT
-- count_record_ad: a deleted row leaves the statistics with the next roll-up,
-- and its outlier is withdrawn.  remove_camera sees to its many rows by itself.
CREATE OR REPLACE TRIGGER count_record_ad AFTER DELETE ON count_record
FOR EACH ROW
IF NOT OLD.camera_id <=> @tally_removed THEN
	CALL refuse_unkept(OLD.start_at);
	INSERT IGNORE INTO dirty_quarter (start_at, camera_id)
	VALUES (OLD.start_at
		- INTERVAL (TO_SECONDS(OLD.start_at) MOD 900) SECOND,
		OLD.camera_id);
	CALL withdraw_outlier(OLD.camera_id, OLD.start_at);
END IF
