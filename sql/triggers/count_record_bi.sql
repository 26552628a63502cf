-- SPDX-License-Identifier: MIT
-- count_record_bi: a row that names no camera, as those of 2021, is the default
-- camera's.  4294967295 is what camera_id is by default.
CREATE OR REPLACE TRIGGER count_record_bi BEFORE INSERT ON count_record
FOR EACH ROW
IF NEW.camera_id = 4294967295 THEN
	SET NEW.camera_id = default_camera();
END IF
