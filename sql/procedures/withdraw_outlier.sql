-- SPDX-License-Identifier: MIT
-- withdraw_outlier: an outlier whose row is gone stays on record as withdrawn.
CREATE OR REPLACE PROCEDURE withdraw_outlier(p_camera_id INT UNSIGNED,
					     p_start_at DATETIME)
MODIFIES SQL DATA
BEGIN
	DECLARE EXIT HANDLER FOR 1205, 1206, 1213, 1467 RESIGNAL;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
	BEGIN
		DECLARE v_errno INT;
		DECLARE v_text TEXT;
		GET DIAGNOSTICS CONDITION 1
			v_errno = MYSQL_ERRNO, v_text = MESSAGE_TEXT;
		CALL note_failure(p_camera_id, p_start_at, v_errno, v_text);
	END;

	UPDATE outlier_backup SET state = 'withdrawn'
	WHERE camera_id = p_camera_id AND start_at = p_start_at
	  AND state <> 'withdrawn';
	UPDATE outlier_low SET state = 'withdrawn'
	WHERE camera_id = p_camera_id AND start_at = p_start_at
	  AND state <> 'withdrawn';
END
