-- SPDX-License-Identifier: MIT
-- withdraw_outlier: an outlier whose row is gone stays on record as withdrawn.
-- It is looked for first, because an UPDATE that finds nothing locks the gap.
CREATE OR REPLACE PROCEDURE withdraw_outlier(p_camera_id INT UNSIGNED,
					     p_start_at DATETIME)
MODIFIES SQL DATA
BEGIN
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
	BEGIN
		DECLARE v_errno INT;
		DECLARE v_text TEXT;
		GET DIAGNOSTICS CONDITION 1
			v_errno = MYSQL_ERRNO, v_text = MESSAGE_TEXT;
		CALL note_failure(p_camera_id, p_start_at, v_errno, v_text);
	END;

	IF EXISTS (SELECT 1 FROM outlier_backup
		   WHERE camera_id = p_camera_id AND start_at = p_start_at
		     AND state <> 'withdrawn') THEN
		UPDATE outlier_backup SET state = 'withdrawn'
		WHERE camera_id = p_camera_id AND start_at = p_start_at;
	END IF;
	IF EXISTS (SELECT 1 FROM outlier_low
		   WHERE camera_id = p_camera_id AND start_at = p_start_at
		     AND state <> 'withdrawn') THEN
		UPDATE outlier_low SET state = 'withdrawn'
		WHERE camera_id = p_camera_id AND start_at = p_start_at;
	END IF;
END
