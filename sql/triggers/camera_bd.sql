-- SPDX-License-Identifier: MIT
-- camera_bd: a camera with rows, or with statistics of rows that are not kept
-- any more, or with detection records, cannot go; it can retire.  All go with
-- remove_camera.
CREATE OR REPLACE TRIGGER camera_bd BEFORE DELETE ON camera FOR EACH ROW
IF EXISTS (SELECT 1 FROM count_record WHERE camera_id = OLD.camera_id) THEN
	SIGNAL SQLSTATE '45000'
		SET MESSAGE_TEXT = 'the camera has rows: set retired_at instead';
ELSEIF EXISTS (SELECT 1 FROM detection_record
	       WHERE camera_id = OLD.camera_id) THEN
	SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT =
		'the camera has detection records: set retired_at instead';
ELSEIF NOT OLD.camera_id <=> @tally_removed
	AND EXISTS (SELECT 1 FROM stats_year s JOIN retention k
		    ON k.level = 'raw' AND s.start_at < k.kept_from
		    WHERE s.camera_id = OLD.camera_id) THEN
	SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT =
		'the camera has statistics: set retired_at instead';
END IF
