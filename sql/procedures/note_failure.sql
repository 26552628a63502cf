-- SPDX-License-Identifier: MIT
-- note_failure: what the outlier rule could not do with a row, in trigger_failure
-- where that works; nowhere else: the row itself comes first.
CREATE OR REPLACE PROCEDURE note_failure(
	p_camera_id INT UNSIGNED, p_start_at DATETIME,
	p_errno INT, p_text TEXT)
MODIFIES SQL DATA
BEGIN
	DECLARE EXIT HANDLER FOR 1205, 1206, 1213, 1467 RESIGNAL;
	DECLARE CONTINUE HANDLER FOR SQLEXCEPTION
	BEGIN
	END;
	INSERT INTO trigger_failure (camera_id, start_at, error_no, message)
	VALUES (p_camera_id, p_start_at, p_errno, LEFT(p_text, 500));
END
